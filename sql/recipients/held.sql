-- Grain: one quarantined fact about a decided family: the person that it names (null where only the card matched),
-- source and dataset. Empty where the setting quarantine.holds is no.
create temp table held as
with
set_aside as (
  select distinct
    dataset,
    cast(source as source_name) as source,
    id_number(nik, try_cast(nik as bigint)) as nik,
    id_number(no_kk, try_cast(no_kk as bigint)) as no_kk
  from input_quarantined
  where getvariable('quarantine_holds')
),

named_person as (
  select m.no_kk, m.nik
  from member as m
  semi join set_aside as s on s.nik = m.nik
  union
  select p.no_kk, p.nik
  from memberless_person as p
  semi join family as f on f.no_kk = p.no_kk
  semi join set_aside as s on s.nik = p.nik
),

by_person as (
  select p.no_kk, p.nik, s.source, s.dataset
  from set_aside as s
  inner join named_person as p on p.nik = s.nik
),

by_card as (
  select f.no_kk, cast(null as bigint) as nik, s.source, s.dataset
  from set_aside as s
  inner join family as f on f.no_kk = s.no_kk
  anti join named_person as p on p.no_kk = s.no_kk and p.nik = s.nik
)

select * from by_person
union
select * from by_card;
