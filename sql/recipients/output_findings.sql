-- The rows of findings.parquet of one programme (variable output_programme), in the order of the contract.
select
  cast(f.programme as varchar) as programme,
  coalesce(k.text, lpad(cast(f.no_kk as varchar), 16, '0')) as no_kk,
  case when f.nik is not null then coalesce(n.text, lpad(cast(f.nik as varchar), 16, '0')) end as nik,
  cast(f.code as varchar) as code,
  cast(f.source as varchar) as source,
  f.observed_value,
  f.limit_value,
  b.legal_basis
from finding as f
left join odd_id as k on k.id = f.no_kk
left join odd_id as n on n.id = f.nik
left join rule_legal_basis as b
  on cast(b.programme as programme_name) = f.programme and cast(b.code as reason_code) = f.code
where f.programme = cast(getvariable('output_programme') as programme_name)
order by
  coalesce(k.follows, f.no_kk), coalesce(k.turn, 0), coalesce(n.follows, f.nik) nulls first, coalesce(n.turn, 0),
  f.code, f.source nulls first, f.observed_value nulls first, f.limit_value nulls first;
