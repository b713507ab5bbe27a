-- Grain: one row of `signal` of a code that the rules know, not dated after as_of. holds: whether the fact is there;
-- for ELECTRICITY every number is an answer. An empty WAGE, ELECTRICITY, LAND or BALANCE is no signal; an empty CAR is 1.
create temp table signal_row as
with
known as (
  select
    s.nik,
    try_cast(s.nik as bigint) as cast_nik,
    cast(r.code as signal_code) as code,
    coalesce(r.is_number, false) as is_number,
    s.source,
    s.observed_on,
    s.value,
    lower(s.value) as word
  from input_signal as s
  left join rule_signal as r on r.code = s.code
),

read as (
  select
    id_number(nik, cast_nik) as nik,
    code,
    is_number,
    cast(source as source_name) as source,
    observed_on,
    coalesce(word in ('0', 'false', 'none', 'tidak'), false) as denies,
    case
      when not is_number then null
      when denies then 0
      when word is null and code = 'CAR'::signal_code then 1
      else cast(split_part(word, '.', 1) as bigint)
    end as number,
    case when code = 'ENROLLED'::signal_code then try_cast(upper(word) as level_word) end as level,
    case when not is_number and code <> 'ENROLLED'::signal_code then value end as text
  from known
)

select
  nik,
  code,
  source,
  observed_on,
  code = 'ELECTRICITY'::signal_code or not denies and coalesce(number, 1) <> 0 as holds,
  number,
  level,
  text
from read;

set variable odd_in_signal = (select count(*) > 0 from signal_row where nik < 0);

delete from signal_row
where
  code is null
  or nik is null
  or observed_on > getvariable('as_of')
  or (number is null and code in ('WAGE'::signal_code, 'ELECTRICITY'::signal_code, 'LAND'::signal_code, 'BALANCE'::signal_code));
