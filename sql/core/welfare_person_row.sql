-- Grain: one row of `welfare_person` with a No KK.
create temp table welfare_person_row as
with
given as (
  select
    *,
    try_cast(nik as bigint) as cast_nik,
    try_cast(no_kk as bigint) as cast_no_kk
  from input_welfare_person
)

select
  id_number(nik, cast_nik) as nik,
  id_number(no_kk, cast_no_kk) as no_kk,
  coalesce(family_relation = 1, false) as is_head,
  cast(disability as disability_word) as disability,
  coalesce(is_pregnant, false) as is_pregnant,
  pregnancy_number,
  cast(school_level as level_word) as school_level
from given;

set variable odd_in_welfare_person = (select count(*) > 0 from welfare_person_row where nik < 0 or no_kk < 0);

delete from welfare_person_row where no_kk is null;
