-- Grain: one changed unit and one of its persons that a list names (its head, who has a component or a finding) who
-- stands in one list on the unit's card and in the other not: whether on another card there, or known to have died.
create or replace temp table changed_person as
with
earlier as (
  select nik, no_kk from before_components
  union
  select nik, no_kk from before_findings
  union
  select head_nik, no_kk from before_decisions
),

later as (
  select nik, no_kk from after_components
  union
  select nik, no_kk from after_findings
  union
  select head_nik, no_kk from after_decisions
),

gone as (
  select u.programme, u.unit, u.number, u.copy, e.nik, true as is_before
  from changed_unit as u
  inner join earlier as e on e.no_kk = u.no_kk_before
  where e.nik is not null
  and not exists(select 1 from later as l where l.nik = e.nik and l.no_kk = coalesce(u.no_kk_after, u.no_kk_before))
),

come as (
  select u.programme, u.unit, u.number, u.copy, l.nik, false as is_before
  from changed_unit as u
  inner join later as l on l.no_kk = u.no_kk_after
  where l.nik is not null
  and not exists(select 1 from earlier as e where e.nik = l.nik and e.no_kk = coalesce(u.no_kk_before, u.no_kk_after))
)

select *, nik in (from deceased_person) as has_died, nik in (select nik from later where nik is not null) as is_elsewhere
from gone
union all
select *, false, nik in (select nik from earlier where nik is not null)
from come;
