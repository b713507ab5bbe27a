-- Grain: one family with an answer about its electricity: the greatest power of its members; nik and source (ties: the
-- smallest NIK) only where it reaches a programme's limit.
create temp table power as
with
answer as (
  select m.no_kk, m.nik, s.number as va, s.source
  from signal_fact as s
  inner join member as m on m.nik = s.nik
  where s.code = 'ELECTRICITY'::signal_code
),

greatest_answer as (select no_kk, max(va) as va from answer group by no_kk),

named as (
  select a.*
  from answer as a
  inner join greatest_answer as g on g.no_kk = a.no_kk and g.va = a.va
  left join odd_id as o on o.id = a.nik
  where a.va >= (select min(electricity_min_va) from rule_programme)
  qualify row_number() over (
    partition by a.no_kk order by coalesce(o.follows, a.nik), coalesce(o.turn, 0), a.source nulls first
  ) = 1
)

select
  g.no_kk,
  g.va,
  n.nik,
  n.source
from greatest_answer as g
left join named as n on n.no_kk = g.no_kk;
