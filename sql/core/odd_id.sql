-- Grain: one text that stands as NIK or No KK in any input and is not 16 digits.
-- follows: the greatest 16-digit number whose text sorts before it (-1: none); turn: its place among the odd texts.
-- The large datasets are only read again where their rows were found to have one (variables of the models that read them).
-- (follows, turn) sorts odd texts and plain ids together by code point; a plain id has (its number, 0).
create temp table odd_id as
with
given as (
  select nik as id from input_population where getvariable('odd_in_population')
  union all select no_kk from input_population where getvariable('odd_in_population')
  union all select no_kk from input_welfare_family where getvariable('odd_in_welfare_family')
  union all select nik from input_welfare_person where getvariable('odd_in_welfare_person')
  union all select no_kk from input_welfare_person where getvariable('odd_in_welfare_person')
  union all select nik from input_signal where getvariable('odd_in_signal')
  union all select nik from input_registration
  union all select no_kk from input_registration
  union all select nik from input_quarantined
  union all select no_kk from input_quarantined
),

odd as (select distinct id from given where id is not null and not is_plain_id(id)),

digits as (
  select
    id,
    left(regexp_extract(id, '^[0-9]*'), 16) as lead
  from odd
),

bounds as (
  select
    id,
    cast(rpad(lead, 16, '0') as bigint) as lowest,
    cast(rpad(lead, 16, '9') as bigint) as highest,
    strlen(lead) = 16 or substr(id, strlen(lead) + 1, 1) > '9' as is_after
  from digits
)

select
  id_number(id, try_cast(id as bigint)) as id,
  id as text,
  case when is_after then highest else lowest - 1 end as follows,
  row_number() over (order by id) as turn
from bounds;
