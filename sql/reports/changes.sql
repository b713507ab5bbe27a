-- Grain: one programme and unit whose outcome or amounts differ, with the one cause of it (docs/replay-and-diff.md has
-- the order of precedence and its reasons). Amounts of a list in which the unit does not stand are 0.
create or replace temp table changes as
with
known as (
  select
    u.*,
    bn.kind as kind_before,
    an.kind as kind_after,
    coalesce(r.by_rule, false) or coalesce(c.by_rule, false) as has_rule,
    coalesce(r.others, 0) + coalesce(c.others, 0) > 0 as has_data,
    coalesce(p.moved, false) as has_moved,
    coalesce(p.died, false) as has_died,
    coalesce(p.head_moved, false) as has_head_elsewhere
  from changed_unit as u
  left join (from before_not_decided) as bn on bn.no_kk = u.no_kk and u.outcome_before is null
  left join (from after_not_decided) as an on an.no_kk = u.no_kk and u.outcome_after is null
  left join (
    select programme, unit, number, copy, bool_or(is_by_rule) as by_rule, count(*) filter (where not is_by_rule) as others
    from changed_reason
    group by all
  ) as r using (programme, unit, number, copy)
  left join (
    select programme, unit, number, copy, bool_or(is_by_rule) as by_rule, count(*) filter (where not is_by_rule) as others
    from changed_component
    group by all
  ) as c using (programme, unit, number, copy)
  left join (
    select
      programme, unit, number, copy,
      bool_or(is_elsewhere) as moved,
      bool_or(has_died) as died,
      bool_or(is_elsewhere and is_before) as head_moved
    from changed_person
    group by all
  ) as p using (programme, unit, number, copy)
),

judged as (
  select
    *,
    number in (from corrected_unit) as is_objection,
    has_moved
    or (unit = 'person' and no_kk_before <> no_kk_after)
    or kind_before in ('PINDAH', 'ELSEWHERE')
    or kind_after in ('PINDAH', 'ELSEWHERE') as is_move,
    has_died
    or (list_contains(reasons_after, 'MENINGGAL') and not list_contains(reasons_before, 'MENINGGAL'))
    or (
      head_before <> head_after and not has_head_elsewhere and list_contains(warnings_after, 'GANTI_PENGURUS')
      and not list_contains(warnings_before, 'GANTI_PENGURUS')
    ) as is_death,
    has_rule
    or (
      eligible_amount_year_idr_before <> eligible_amount_year_idr_after
      and eligible_amount_year_idr_before > 0 and eligible_amount_year_idr_after > 0
      and exists(from rule_change as r where r.programme = known.programme and r.kind = 'amount')
    )
    or (
      'TIDAK_MENDAFTAR' in (kind_before, kind_after)
      and exists(from rule_change as r where r.programme = known.programme and r.kind = 'scope')
    ) as is_rule,
    (not has_data or getvariable('has_same_inputs')) and eligible_amount_year_idr_before = eligible_amount_year_idr_after and (
      (outcome_before = 'LAYAK' and outcome_after = 'ANTREAN' and order_after <= order_before)
      or (outcome_before = 'ANTREAN' and outcome_after = 'LAYAK' and order_after >= order_before)
    ) as is_quota,
    list_contains(reasons_before, 'DATA_DIKARANTINA') and outcome_after is not null
    and not list_contains(reasons_after, 'DATA_DIKARANTINA') as is_correction
  from known
)

select
  programme, unit, no_kk, nik, region_code, district_code, decile, outcome_before, outcome_after,
  reasons_before, reasons_after,
  amount_year_idr_before, amount_year_idr_after, amount_stage_idr_before, amount_stage_idr_after,
  eligible_amount_year_idr_before, eligible_amount_year_idr_after,
  amount_year_idr_after - amount_year_idr_before as delta_year_idr,
  amount_stage_idr_after - amount_stage_idr_before as delta_stage_idr,
  case
    when getvariable('has_same_inputs') and is_quota then 'QUOTA'
    when getvariable('has_same_inputs') then 'RULE'
    when is_objection then 'OBJECTION'
    when is_move then 'MOVE'
    when is_death then 'DEATH'
    when is_rule then 'RULE'
    when is_quota then 'QUOTA'
    when is_correction then 'CORRECTION'
    else 'DATA'
  end as cause
from judged
order by programme, no_kk nulls first, nik nulls first;
