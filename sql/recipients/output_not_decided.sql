-- The rows of not_decided.parquet: families seen and not decided here, with the region that decides them.
select
  coalesce(k.text, lpad(cast(f.no_kk as varchar), 16, '0')) as no_kk,
  f.kind,
  case
    when f.kind = 'ELSEWHERE' then cast(f.region_code as varchar)
    when f.kind = 'TIDAK_MENDAFTAR' then cast(getvariable('region') as varchar)
  end as region_code
from family_seen as f
left join odd_id as k on k.id = f.no_kk
where f.kind is not null
order by coalesce(k.follows, f.no_kk), coalesce(k.turn, 0);
