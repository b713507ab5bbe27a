-- Grain: one changed unit in both lists and one reason that it has in one of them only: whether the rules brought it.
-- A limit brought it where the value seen in one list would not have been refused by the limit of the other; of a decile,
-- which both lists show, where the other list's decile breaks this list's limit. An exclusion that the other rules do
-- not have, or ask in other words, brought it. Of another programme that excludes, the rules brought it where one that the
-- list names excludes in that list only, or selects by other rules.
create or replace temp table changed_reason as
with
standing as (
  select programme, unit, number, copy, no_kk_before as no_kk, unnest(reasons_before) as code, true as is_before
  from changed_unit
  where outcome_before is not null and outcome_after is not null
  union all
  select programme, unit, number, copy, no_kk_after, unnest(reasons_after), false
  from changed_unit
  where outcome_before is not null and outcome_after is not null
),

one_sided as (
  select s.*
  from standing as s
  anti join standing as o
    on o.programme = s.programme
    and o.unit = s.unit
    and o.number = s.number
    and o.copy = s.copy
    and o.code = s.code
    and o.is_before <> s.is_before
  where s.code <> 'DI_LUAR_KUOTA'
),

observed as (
  select programme, no_kk, code, true as is_before, max(try_cast(observed_value as bigint)) as value
  from before_findings
  where no_kk in (select no_kk from one_sided)
  group by all
  union all
  select programme, no_kk, code, false, max(try_cast(observed_value as bigint))
  from after_findings
  where no_kk in (select no_kk from one_sided)
  group by all
),

excluding as (
  select distinct f.programme, f.no_kk, f.code, f.is_before
  from (
    select programme, no_kk, code, observed_value, true as is_before from before_findings
    union all
    select programme, no_kk, code, observed_value, false from after_findings
  ) as f
  inner join rule_change as r on r.programme = f.programme and r.kind = 'excluder' and r.name = f.observed_value
  where f.code = 'PENERIMA_PROGRAM_LAIN'
)

select
  s.programme,
  s.unit,
  s.number,
  s.copy,
  s.code,
  s.is_before,
  case
    when e.code is not null then true
    when r.name is null then false
    when r.limit_before is null or r.limit_after is null then true
    when s.code = 'DESIL_DI_ATAS_BATAS' and s.is_before then coalesce(u.decile_after > r.limit_before, false)
    when s.code = 'DESIL_DI_ATAS_BATAS' then coalesce(u.decile_before > r.limit_after, false)
    when o.value is null then false
    when r.operator = 'above' then o.value <= case when s.is_before then r.limit_after else r.limit_before end
    else o.value < case when s.is_before then r.limit_after else r.limit_before end
  end as is_by_rule
from one_sided as s
inner join changed_unit as u
  on u.programme = s.programme
  and u.unit = s.unit
  and u.number = s.number
  and u.copy = s.copy
left join rule_change as r on r.programme = s.programme and r.kind = 'reason' and r.name = s.code
left join observed as o
  on o.programme = s.programme
  and o.no_kk = s.no_kk
  and o.code = s.code
  and o.is_before = s.is_before
left join excluding as e
  on e.programme = s.programme
  and e.no_kk = s.no_kk
  and e.code = s.code
  and e.is_before = s.is_before;
