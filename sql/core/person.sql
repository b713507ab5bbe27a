-- Grain: one row of `population`, as it is seen on as_of; person_repeated.sql makes it one row per person.
-- A death or move of a later day has not happened: the row is active, without a date.
create temp table person as
with
given as (
  select
    *,
    try_cast(nik as bigint) as cast_nik,
    try_cast(no_kk as bigint) as cast_no_kk
  from input_population
),

numbered as (
  select
    id_number(nik, cast_nik) as nik,
    id_number(no_kk, cast_no_kk) as no_kk,
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
  from given
),

taken_apart as (
  select
    *,
    nik_birth(nik) // 10000 as nik_day,
    nik_birth(nik) // 100 % 100 as nik_month,
    nik_birth(nik) % 100 as nik_year
  from numbered
),

with_day as (select *, nik_day - case when nik_day > 40 then 40 else 0 end as nik_day_of_month from taken_apart),

judged as (select *, is_valid_nik(nik, nik_day_of_month, nik_month, nik_year) as is_valid from with_day)

select
  nik,
  no_kk,
  sex,
  birth_date,
  family_relation,
  region_code,
  district_code,
  village_code,
  case when is_later then 'active'::status_word else written_status end as status,
  case when is_later then null else written_date end as status_date,
  not is_unborn and not (is_later and written_status = 'active'::status_word) as is_seen,
  is_valid,
  is_valid and differs_in_birth(nik_day_of_month, nik_month, nik_year, birth_date) as differs_in_birth,
  is_valid and differs_in_sex(nik_day, sex = 'P'::sex_word) as differs_in_sex
from judged;

set variable odd_in_population = (select count(*) > 0 from person where nik < 0 or no_kk < 0);

-- Known to the register, though not there on as_of.
create temp table unseen_nik as
select distinct nik from person where not is_seen and nik is not null;

delete from person where not is_seen;
