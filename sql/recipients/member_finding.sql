-- Grain: one programme, member and exclusion that the member's facts meet. One criterion = one row of rule_exclusion.
create temp table member_finding as
with
fact as (
  select
    m.no_kk,
    m.nik,
    s.code,
    s.source,
    s.number,
    s.text
  from signal_fact as s
  inner join member as m on m.nik = s.nik
  where s.code in (select cast(signal as signal_code) from rule_exclusion)
)

select
  cast(r.programme as programme_name) as programme,
  f.no_kk,
  f.nik,
  cast(r.code as reason_code) as code,
  f.source,
  case when r.test = 'is' then f.text else cast(f.number as varchar) end as observed_value,
  cast(r.limit_value as varchar) as limit_value
from fact as f
inner join rule_exclusion as r on cast(r.signal as signal_code) = f.code
where case r.test
  when 'is' then true
  when 'min' then f.number >= r.limit_value
  when 'above' then f.number > r.limit_value
end;
