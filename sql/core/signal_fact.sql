-- Grain: one NIK and code whose fact holds on as_of: per source the newest row, then the sources together.
-- Keys with several rows are judged aside; most have one.
create temp table signal_fact as
with
several as (select nik, code from signal_row group by nik, code having count(*) > 1),

newest as (
  select s.*
  from signal_row as s
  semi join several as k on k.nik = s.nik and k.code = s.code
  qualify row_number() over (
    partition by s.nik, s.code, s.source
    order by
      s.observed_on desc nulls last, s.holds desc, s.number desc nulls last, s.level desc nulls last, s.text desc nulls last
  ) = 1
),

candidate as (
  select * from newest
  union all
  select s.*
  from signal_row as s
  anti join several as k on k.nik = s.nik and k.code = s.code
),

holding as (
  select c.*
  from candidate as c
  inner join rule_signal as r on r.code = cast(c.code as varchar)
  where c.holds and (r.oldest_day is null or coalesce(c.observed_on >= r.oldest_day, false))
),

chosen as (
  select h.*
  from holding as h
  semi join several as k on k.nik = h.nik and k.code = h.code
  qualify row_number() over (
    partition by h.nik, h.code
    order by h.number desc nulls last, h.level desc nulls last, h.text desc nulls last, h.source nulls first
  ) = 1
)

select nik, code, source, number, level, text from chosen
union all
select h.nik, h.code, h.source, h.number, h.level, h.text
from holding as h
anti join several as k on k.nik = h.nik and k.code = h.code;
