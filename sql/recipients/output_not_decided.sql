-- The rows of not_decided.parquet: families seen and not decided here, with the region that decides them.
-- Ids are numbers here: recipients/outputs.py spells them out.
select
  f.no_kk,
  f.kind,
  case
    when f.kind = 'ELSEWHERE' then f.region_code
    when f.kind = 'TIDAK_MENDAFTAR' then cast(getvariable('region') as place_code)
  end as region_code
from family_not_decided as f
left join odd_id as k on k.id = f.no_kk
order by coalesce(k.follows, f.no_kk), coalesce(k.turn, 0);
