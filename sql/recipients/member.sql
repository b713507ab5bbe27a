-- Grain: one member (active person) of a decided family, with what a component may ask of it (MEMBER_ATTRIBUTES).
-- Pregnancy and its number come from the signals where the person has any, even an old one; else from the welfare data.
create temp table member as
with
spoken as (
  select nik, code, level, number from signal_fact
  where code in ('ENROLLED'::signal_code, 'PREGNANT'::signal_code, 'RIGHTS_VICTIM'::signal_code)
  union all
  select nik, null, null, null from pregnancy_asked
),

signalled as (
  select
    nik,
    any_value(level) filter (where code = 'ENROLLED'::signal_code) as level,
    coalesce(bool_or(code = 'PREGNANT'::signal_code), false) as is_pregnant,
    any_value(number) filter (where code = 'PREGNANT'::signal_code) as pregnancy_number,
    coalesce(bool_or(code = 'RIGHTS_VICTIM'::signal_code), false) as is_rights_victim,
    bool_or(code is null) as is_asked
  from spoken
  group by nik
),

said as (
  select
    no_kk,
    nik,
    max(disability) as disability,
    bool_or(is_pregnant) as is_pregnant,
    max(pregnancy_number) filter (where is_pregnant) as pregnancy_number,
    max(school_level) as level
  from welfare_person_row
  where nik is not null and (disability = 'severe'::disability_word or is_pregnant or school_level is not null)
  group by no_kk, nik
),

born as (
  select
    p.no_kk,
    p.nik,
    p.is_valid,
    p.birth_date,
    p.sex,
    year(p.birth_date) * 10000 + month(p.birth_date) * 100 + day(p.birth_date) as birth_number
  from person as p
  anti join family_not_decided as f on f.no_kk = p.no_kk  -- a card with members is there or in `family`
  where p.status = 'active'::status_word and p.no_kk is not null
),

combined as (
  select
    b.no_kk,
    b.nik,
    b.is_valid,
    b.birth_date,
    b.sex,
    cast((getvariable('as_of_number') - b.birth_number) // 10000 as bigint) as age,
    case when s.level is null then w.level else s.level end as school_level,
    s.level is not null as is_enrolled,
    w.disability,
    case when s.is_asked then s.is_pregnant else coalesce(w.is_pregnant, false) end as is_pregnant,
    case when s.is_asked then s.pregnancy_number else w.pregnancy_number end as pregnancy_number,
    coalesce(s.is_rights_victim, false) as is_rights_victim
  from born as b
  left join signalled as s on s.nik = b.nik
  left join said as w on w.no_kk = b.no_kk and w.nik = b.nik
)

select
  *,
  coalesce(pregnancy_number >= 1, false) as has_pregnancy_number
from combined;

-- No later step reads these.
drop table person;
drop table repeated_row;
drop table unseen_nik;
drop table welfare_person_row;
