-- Grain: one row of `population`, as it is seen on as_of; person_repeated.sql makes it one row per person.
-- A death or move of a later day has not happened: the row is active, without a date.
create temp table person as
with
given as (
  select
    id_number(nik) as nik,
    id_number(no_kk) as no_kk,
    cast(sex as sex_word) as sex,
    birth_date,
    family_relation,
    cast(region_code as place_code) as region_code,
    cast(district_code as place_code) as district_code,
    cast(village_code as place_code) as village_code,
    cast(status as status_word) as written_status,
    status_date as written_date,
    coalesce(status_date > getvariable('as_of'), false) as is_later,
    coalesce(birth_date > getvariable('as_of'), false) as is_unborn
  from input_population
),

seen as (
  select
    *,
    case when is_later then 'active'::status_word else written_status end as status,
    case when is_later then null else written_date end as status_date,
    not is_unborn and not (is_later and written_status = 'active'::status_word) as is_seen,
    is_valid_nik(nik) as is_valid
  from given
)

select
  nik,
  no_kk,
  sex,
  birth_date,
  family_relation,
  region_code,
  district_code,
  village_code,
  status,
  status_date,
  is_seen,
  is_valid,
  is_valid and coalesce(
    nik_day_of_month(nik) <> day(birth_date)
    or nik_month(nik) <> month(birth_date)
    or nik_year(nik) <> year(birth_date) % 100,
    false
  ) as differs_in_birth,
  is_valid and coalesce((nik_day(nik) > 40) <> (sex = 'P'::sex_word), false) as differs_in_sex
from seen;

-- Known to the register, though not there on as_of.
create temp table unseen_nik as
select distinct nik from person where not is_seen and nik is not null;

delete from person where not is_seen;
