-- Grain: one programme and unit (a family, or a person) whose outcome or amounts differ between two lists.
-- Values from before_decisions and after_decisions; those of a list in which the unit does not stand are null.
-- `number` names the unit: a person by the NIK, a family (and a person without NIK) by the card; `copy` tells rows
-- apart that share it.
create or replace temp table changed_unit as
with
earlier as (
  select
    *,
    case when unit = 'person' then coalesce(nik, no_kk) else no_kk end as number,
    row_number() over (partition by programme, unit, number order by no_kk, outcome, amount_year_idr, family_size) as copy
  from before_decisions
),

later as (
  select
    *,
    case when unit = 'person' then coalesce(nik, no_kk) else no_kk end as number,
    row_number() over (partition by programme, unit, number order by no_kk, outcome, amount_year_idr, family_size) as copy
  from after_decisions
)

select
  coalesce(a.programme, b.programme) as programme,
  coalesce(a.unit, b.unit) as unit,
  coalesce(a.number, b.number) as number,
  coalesce(a.copy, b.copy) as copy,
  coalesce(a.no_kk, b.no_kk) as no_kk,
  coalesce(a.nik, b.nik) as nik,
  b.no_kk as no_kk_before,
  a.no_kk as no_kk_after,
  coalesce(a.region_code, b.region_code) as region_code,
  coalesce(a.district_code, b.district_code) as district_code,
  coalesce(a.decile, b.decile) as decile,
  b.outcome as outcome_before,
  a.outcome as outcome_after,
  coalesce(b.amount_year_idr, 0) as amount_year_idr_before,
  coalesce(a.amount_year_idr, 0) as amount_year_idr_after,
  coalesce(b.amount_stage_idr, 0) as amount_stage_idr_before,
  coalesce(a.amount_stage_idr, 0) as amount_stage_idr_after,
  coalesce(b.eligible_amount_year_idr, 0) as eligible_amount_year_idr_before,
  coalesce(a.eligible_amount_year_idr, 0) as eligible_amount_year_idr_after,
  coalesce(b.reasons, []) as reasons_before,
  coalesce(a.reasons, []) as reasons_after,
  coalesce(b.warnings, []) as warnings_before,
  coalesce(a.warnings, []) as warnings_after,
  b.head_nik as head_before,
  a.head_nik as head_after,
  b.decile as decile_before,
  a.decile as decile_after,
  coalesce(b.decile, 99) * 1e15::bigint + coalesce(b.national_rank, 1e14::bigint) as order_before,
  coalesce(a.decile, 99) * 1e15::bigint + coalesce(a.national_rank, 1e14::bigint) as order_after
from earlier as b
full outer join later as a
  on a.programme = b.programme
  and a.unit = b.unit
  and a.number = b.number
  and a.copy = b.copy
where
  b.outcome is distinct from a.outcome
  or b.amount_year_idr is distinct from a.amount_year_idr
  or b.amount_stage_idr is distinct from a.amount_stage_idr
  or b.eligible_amount_year_idr is distinct from a.eligible_amount_year_idr;
