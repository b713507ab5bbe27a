-- The rows of components.parquet of one programme (variable output_programme), in the order of the contract.
select
  cast(c.programme as varchar) as programme,
  coalesce(k.text, lpad(cast(c.no_kk as varchar), 16, '0')) as no_kk,
  case when c.nik is not null then coalesce(n.text, lpad(cast(c.nik as varchar), 16, '0')) end as nik,
  cast(c.component as varchar) as component,
  c.amount_year_idr,
  c.reason is null as is_counted,
  cast(c.reason as varchar) as not_counted_reason
from component as c
left join odd_id as k on k.id = c.no_kk
left join odd_id as n on n.id = c.nik
where c.programme = cast(getvariable('output_programme') as programme_name)
order by
  coalesce(k.follows, c.no_kk), coalesce(k.turn, 0), coalesce(n.follows, c.nik) nulls first, coalesce(n.turn, 0),
  c.component, c.amount_year_idr, c.reason nulls first;
