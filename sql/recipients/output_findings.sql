-- The rows of findings.parquet of one programme (variable output_programme), in the order of the contract.
-- Ids are numbers here: recipients/outputs.py spells them out.
select
  f.programme,
  f.no_kk,
  f.nik,
  f.code,
  f.source,
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
