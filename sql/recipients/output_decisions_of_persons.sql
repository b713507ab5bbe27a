-- The rows of decisions.parquet of one programme for persons (variable output_programme), in the order of the contract.
-- A family of which nobody is considered has one row of its own, without a NIK.
with
decided as (
  select
    d.*,
    c.nik,
    f.warnings as card_warnings,
    case
      when d.member_row is null then f.warnings
      else c.warnings | (f.warnings & ~(
        reason_bit('NIK_TIDAK_VALID') | reason_bit('NIK_TGL_LAHIR_BEDA') | reason_bit('NIK_JENIS_KELAMIN_BEDA')
      ))
    end as warnings
  from decision as d
  inner join family as f on f.no_kk = d.no_kk
  left join considered_person as c on c.programme = d.programme and c.member_row = d.member_row
  where d.programme = cast(getvariable('output_programme') as programme_name)
)

select
  d.programme,
  cast(getvariable('stage') as varchar) as stage,
  cast(getvariable('as_of') as date) as as_of,
  f.region_code,
  f.district_code,
  f.village_code,
  case when d.member_row is null then 'family' else 'person' end as unit,
  d.no_kk,
  d.nik,
  d.outcome,
  d.reasons,
  d.warnings,
  case when d.outcome = 'LAYAK' then d.amount_year_idr else 0 end as amount_year_idr,
  d.amount_stage_idr,
  case when d.outcome in ('LAYAK', 'ANTREAN') then d.amount_year_idr else 0 end as eligible_amount_year_idr,
  cast(f.decile as bigint) as decile,
  f.national_rank,
  d.rank,
  d.queue_position,
  f.family_size,
  f.head_nik
from decided as d
inner join family as f on f.no_kk = d.no_kk
left join odd_id as k on k.id = d.no_kk
left join odd_id as n on n.id = d.nik
order by
  coalesce(k.follows, d.no_kk), coalesce(k.turn, 0), coalesce(n.follows, d.nik) nulls first, coalesce(n.turn, 0);
