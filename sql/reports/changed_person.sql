-- Grain: one changed unit and one of its persons that a list names (its head, who has a component or a finding) who
-- stands in one list on the unit's card and in the other not: whether on another card there, or known to have died.
-- A programme for persons has a row of unit `family` while nobody of the card is considered: its persons are then also
-- those whom the programme judges one by one, since the row comes and goes with them.
create or replace temp table changed_person as
with
earlier as (
  select null as programme, nik, no_kk from before_components
  union
  select null as programme, nik, no_kk from before_findings
  union
  select null as programme, head_nik, no_kk from before_decisions
  union
  select programme, nik, no_kk from before_decisions where unit = 'person'
),

later as (
  select null as programme, nik, no_kk from after_components
  union
  select null as programme, nik, no_kk from after_findings
  union
  select null as programme, head_nik, no_kk from after_decisions
  union
  select programme, nik, no_kk from after_decisions where unit = 'person'
),

asked as (
  select programme, unit, number, copy, no_kk_before, no_kk_after, null as persons_of from changed_unit
  union all
  select programme, unit, number, copy, no_kk, no_kk, programme from changed_unit where unit = 'family'
),

gone as (
  select distinct u.programme, u.unit, u.number, u.copy, u.persons_of, e.nik, true as is_before
  from asked as u
  inner join earlier as e on e.no_kk = u.no_kk_before and e.programme is not distinct from u.persons_of
  where e.nik is not null
  and not exists(
    select 1 from later as l
    where l.nik = e.nik and l.no_kk = coalesce(u.no_kk_after, u.no_kk_before) and l.programme is not distinct from u.persons_of
  )
),

come as (
  select distinct u.programme, u.unit, u.number, u.copy, u.persons_of, l.nik, false as is_before
  from asked as u
  inner join later as l on l.no_kk = u.no_kk_after and l.programme is not distinct from u.persons_of
  where l.nik is not null
  and not exists(
    select 1 from earlier as e
    where e.nik = l.nik and e.no_kk = coalesce(u.no_kk_before, u.no_kk_after) and e.programme is not distinct from u.persons_of
  )
)

select
  g.*,
  g.nik in (from deceased_person) as has_died,
  exists(select 1 from later as l where l.nik = g.nik and l.programme is not distinct from g.persons_of) as is_elsewhere
from gone as g
union all
select
  c.*,
  false,
  exists(select 1 from earlier as e where e.nik = c.nik and e.programme is not distinct from c.persons_of)
from come as c;
