-- Grain: one programme, cause and pair of outcomes (null: not in that list): units and what they change in rupiah.
select
  programme,
  cause,
  outcome_before,
  outcome_after,
  count(*)::bigint as units,
  sum(delta_year_idr)::bigint as delta_year_idr,
  sum(delta_stage_idr)::bigint as delta_stage_idr
from changes
group by all
order by programme, cause, outcome_before nulls first, outcome_after nulls first;
