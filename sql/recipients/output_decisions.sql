-- The rows of decisions.parquet of one programme (variable output_programme), in the order of the contract.
with
reason_list as (
  select mask, list(code order by code) as codes
  from (select distinct d.reasons as mask from decision as d) as m
  inner join rule_reason as r on m.mask & reason_bit(r.code) <> 0
  group by mask
),

warning_list as (
  select mask, list(code order by code) as codes
  from (select distinct f.warnings as mask from family as f) as m
  inner join rule_reason as r on m.mask & reason_bit(r.code) <> 0
  group by mask
)

select
  cast(d.programme as varchar) as programme,
  cast(getvariable('stage') as varchar) as stage,
  cast(getvariable('as_of') as date) as as_of,
  cast(f.region_code as varchar) as region_code,
  cast(f.district_code as varchar) as district_code,
  cast(f.village_code as varchar) as village_code,
  'family' as unit,
  coalesce(k.text, lpad(cast(d.no_kk as varchar), 16, '0')) as no_kk,
  cast(null as varchar) as nik,
  d.outcome,
  coalesce(r.codes, cast([] as varchar[])) as reasons,
  coalesce(w.codes, cast([] as varchar[])) as warnings,
  case when d.outcome = 'LAYAK' then d.amount_year_idr else 0 end as amount_year_idr,
  case
    when d.outcome <> 'LAYAK' then 0
    when getvariable('is_last_stage') then d.amount_year_idr - 3 * (d.amount_year_idr // 4)
    else d.amount_year_idr // 4
  end as amount_stage_idr,
  case when d.outcome in ('LAYAK', 'ANTREAN') then d.amount_year_idr else 0 end as eligible_amount_year_idr,
  cast(f.decile as bigint) as decile,
  f.national_rank,
  d.rank,
  d.queue_position,
  f.family_size,
  case when f.head_nik is not null then coalesce(h.text, lpad(cast(f.head_nik as varchar), 16, '0')) end as head_nik
from decision as d
inner join family as f on f.no_kk = d.no_kk
left join odd_id as k on k.id = d.no_kk
left join odd_id as h on h.id = f.head_nik
left join reason_list as r on r.mask = d.reasons
left join warning_list as w on w.mask = f.warnings
where d.programme = cast(getvariable('output_programme') as programme_name)
order by coalesce(k.follows, d.no_kk), coalesce(k.turn, 0);
