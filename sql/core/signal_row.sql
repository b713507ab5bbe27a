-- Grain: one row of `signal` of a code that the rules know, not dated after as_of. holds: whether the fact is there;
-- for ELECTRICITY every number is an answer. An empty WAGE, ELECTRICITY, LAND or BALANCE is no signal; an empty CAR is 1.
create temp table signal_row as
with
known as (
  select
    id_number(s.nik) as nik,
    cast(s.code as signal_code) as code,
    r.is_number,
    cast(s.source as source_name) as source,
    s.observed_on,
    s.value,
    lower(s.value) as word
  from input_signal as s
  inner join rule_signal as r on r.code = s.code
  where
    s.nik is not null
    and (s.observed_on is null or s.observed_on <= getvariable('as_of'))
    and not (s.value is null and s.code in ('WAGE', 'ELECTRICITY', 'LAND', 'BALANCE'))
),

read as (
  select
    nik,
    code,
    source,
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
