-- Grain: one changed unit in both lists and one candidate component of one person that differs between them: whether
-- the rules made the difference (another amount, other tests, another cap or order of counting).
create or replace temp table changed_component as
with
earlier as (
  select
    u.programme, u.unit, u.number, u.copy, c.nik, c.component,
    count(*) as candidates,
    min(c.amount_year_idr) as amount_year_idr,
    count(*) filter (where c.is_counted) as counted,
    min(c.not_counted_reason) as reason
  from changed_unit as u
  inner join before_components as c on c.programme = u.programme and c.no_kk = u.no_kk_before
  where u.outcome_after is not null and (u.unit = 'family' or c.nik is not distinct from u.nik)
  group by all
),

later as (
  select
    u.programme, u.unit, u.number, u.copy, c.nik, c.component,
    count(*) as candidates,
    min(c.amount_year_idr) as amount_year_idr,
    count(*) filter (where c.is_counted) as counted,
    min(c.not_counted_reason) as reason
  from changed_unit as u
  inner join after_components as c on c.programme = u.programme and c.no_kk = u.no_kk_after
  where u.outcome_before is not null and (u.unit = 'family' or c.nik is not distinct from u.nik)
  group by all
),

paired as (
  select
    coalesce(a.programme, b.programme) as programme,
    coalesce(a.unit, b.unit) as unit,
    coalesce(a.number, b.number) as number,
    coalesce(a.copy, b.copy) as copy,
    coalesce(a.component, b.component) as component,
    case when a.counted > b.counted then b.reason when a.counted < b.counted then a.reason end as code,
    b.amount_year_idr <> a.amount_year_idr as has_other_amount
  from earlier as b
  full outer join later as a
    on a.programme = b.programme
    and a.unit = b.unit
    and a.number = b.number
    and a.copy = b.copy
    and a.nik is not distinct from b.nik
    and a.component = b.component
  where
    b.candidates is distinct from a.candidates
    or b.counted is distinct from a.counted
    or b.amount_year_idr is distinct from a.amount_year_idr
)

select
  p.*,
  coalesce(p.has_other_amount, false)
  or exists(
    select 1 from rule_change as r
    where r.programme = p.programme and (
      (r.kind = 'component' and r.name = p.component)
      or (r.kind = 'counting' and r.name = p.code)
      or (r.kind = 'component' and p.code = 'SATU_ORANG_SATU_KOMPONEN')
    )
  ) as is_by_rule
from paired as p;
