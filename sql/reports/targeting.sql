-- Grain: one programme (getvariable('simulated_programme')): how many are eligible by the data and by the truth.
-- From decided_rows (decisions of the scenario), true_rows (its decisions with true deciles) and truth_rows.
with
decided as (
  select no_kk, nik, outcome, outcome in ('LAYAK', 'ANTREAN') as is_eligible, amount_stage_idr
  from decided_rows
  where programme = getvariable('simulated_programme')
),

true_decided as (
  select no_kk, nik, outcome in ('LAYAK', 'ANTREAN') as is_eligible
  from true_rows
  where programme = getvariable('simulated_programme')
),

poor as (select no_kk, bool_or(is_poor) as is_poor from truth_rows group by no_kk)

select
  count(*) filter (where d.is_eligible) as eligible,
  count(*) filter (where t.is_eligible) as eligible_by_truth,
  count(*) filter (where d.is_eligible and not t.is_eligible) as leakage,
  count(*) filter (where t.is_eligible and not d.is_eligible) as undercoverage,
  coalesce(sum(d.amount_stage_idr) filter (where not t.is_eligible), 0)::bigint as paid_to_leakage_stage_idr,
  count(*) filter (where p.is_poor) as poor,
  count(*) filter (where p.is_poor and d.outcome = 'LAYAK') as poor_selected
from decided as d
inner join true_decided as t on t.no_kk is not distinct from d.no_kk and t.nik is not distinct from d.nik
left join poor as p on p.no_kk = d.no_kk;
