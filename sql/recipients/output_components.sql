-- The rows of components.parquet of one programme (variable output_programme), in the order of the contract.
-- Ids are numbers here: recipients/outputs.py spells them out.
select
  c.programme,
  c.no_kk,
  c.nik,
  c.component,
  c.amount_year_idr,
  c.reason is null as is_counted,
  c.reason as not_counted_reason
from component as c
left join odd_id as k on k.id = c.no_kk
left join odd_id as n on n.id = c.nik
where c.programme = cast(getvariable('output_programme') as programme_name)
order by
  coalesce(k.follows, c.no_kk), coalesce(k.turn, 0), coalesce(n.follows, c.nik) nulls first, coalesce(n.turn, 0),
  c.component, c.amount_year_idr, c.reason nulls first;
