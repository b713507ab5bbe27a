-- Grain: one quarantined fact about a decided family: the person that it names (null where only the card matched),
-- source and dataset. Empty where the setting quarantine.holds is no.
create temp table held as
with
set_aside as (
  select distinct
    dataset,
    cast(source as source_name) as source,
    id_number(nik) as nik,
    id_number(no_kk) as no_kk
  from input_quarantined
  where getvariable('quarantine_holds')
),

family_person as (
  select no_kk, nik from member where nik is not null
  union
  select p.no_kk, p.nik
  from memberless_person as p
  semi join family as f on f.no_kk = p.no_kk
  where p.nik is not null
),

by_person as (
  select p.no_kk, p.nik, s.source, s.dataset
  from set_aside as s
  inner join family_person as p on p.nik = s.nik
),

by_card as (
  select f.no_kk, cast(null as bigint) as nik, s.source, s.dataset
  from set_aside as s
  inner join family as f on f.no_kk = s.no_kk
  anti join family_person as p on p.no_kk = s.no_kk and p.nik = s.nik
)

select * from by_person
union
select * from by_card;
