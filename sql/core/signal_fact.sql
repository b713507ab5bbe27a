-- Keys (NIK and code) with several rows leave signal_row and are judged aside; most keys have one row.
create temp table repeated_signal as
select s.*
from signal_row as s
semi join (select nik, code from signal_row group by nik, code having count(*) > 1) as k
  on k.nik = s.nik and k.code = s.code;

delete from signal_row where (nik, code) in (select (nik, code) from repeated_signal);

-- Per source the newest row counts; of one day what holds, then the greatest.
create temp table newest_signal as
select *
from repeated_signal
qualify row_number() over (
  partition by nik, code, source
  order by observed_on desc nulls last, holds desc, number desc nulls last, level desc nulls last, text desc nulls last
) = 1;

-- Grain: one NIK and code whose fact holds on as_of and is not too old: of several sources the greatest value, then the
-- smallest source.
create temp table signal_fact as
with
candidate as (
  select *, false as is_repeated from signal_row
  union all
  select *, true as is_repeated from newest_signal
),

holding as (
  select c.*
  from candidate as c
  inner join rule_signal as r on cast(r.code as signal_code) = c.code
  where c.holds and (r.oldest_day is null or coalesce(c.observed_on >= r.oldest_day, false))
),

chosen as (
  select *
  from holding
  where is_repeated
  qualify row_number() over (
    partition by nik, code
    order by number desc nulls last, level desc nulls last, text desc nulls last, source nulls first
  ) = 1
)

select nik, code, source, number, level, text from holding where not is_repeated
union all
select nik, code, source, number, level, text from chosen;

-- Grain: one NIK with a PREGNANT signal of any age and value.
create temp table pregnancy_asked as
select nik from signal_row where code = 'PREGNANT'::signal_code
union
select nik from repeated_signal where code = 'PREGNANT'::signal_code;

drop table signal_row;
drop table repeated_signal;
drop table newest_signal;
