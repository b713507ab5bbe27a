-- The rows of decisions.parquet of one programme for families (variable output_programme), in the order of the contract.
-- Ids are numbers and reasons and warnings are masks here: recipients/outputs.py spells them out, batch by batch.
select
  d.programme,
  cast(getvariable('stage') as varchar) as stage,
  cast(getvariable('as_of') as date) as as_of,
  f.region_code,
  f.district_code,
  f.village_code,
  'family' as unit,
  d.no_kk,
  cast(null as bigint) as nik,
  d.outcome,
  d.reasons,
  f.warnings,
  case when d.outcome = 'LAYAK' then d.amount_year_idr else 0 end as amount_year_idr,
  d.amount_stage_idr,
  case when d.outcome in ('LAYAK', 'ANTREAN') then d.amount_year_idr else 0 end as eligible_amount_year_idr,
  cast(f.decile as bigint) as decile,
  f.national_rank,
  d.rank,
  d.queue_position,
  f.family_size,
  f.head_nik
from decision as d
inner join family as f on f.no_kk = d.no_kk
left join odd_id as k on k.id = d.no_kk
where d.programme = cast(getvariable('output_programme') as programme_name)
order by coalesce(k.follows, d.no_kk), coalesce(k.turn, 0);
