-- Grain: one No KK with members (the active persons of the register on that card): size, head, place, warnings.
-- The head has family_relation 1, oldest first, then the smallest NIK; without one, the oldest member.
create temp table card as
with
member as (select * from person where status = 'active'::status_word and no_kk is not null),

counted as (
  select
    no_kk,
    count(*) as family_size,
    count(*) filter (where family_relation = 1) as heads,
    any_value(nik) filter (where family_relation = 1) as head_nik,
    any_value(region_code) filter (where family_relation = 1) as region_code,
    any_value(district_code) filter (where family_relation = 1) as district_code,
    any_value(village_code) filter (where family_relation = 1) as village_code,
    bool_or(is_valid) as has_valid_member,
    not bool_and(is_valid) as has_invalid_member,
    bool_or(differs_in_birth) as differs_in_birth,
    bool_or(differs_in_sex) as differs_in_sex
  from member
  group by no_kk
),

contested as (
  select m.*
  from member as m
  left join odd_id as o on o.id = m.nik
  where m.no_kk in (select no_kk from counted where heads <> 1)
  qualify row_number() over (
    partition by m.no_kk
    order by
      coalesce(m.family_relation = 1, false) desc, m.birth_date nulls last,
      coalesce(o.follows, m.nik) nulls first, coalesce(o.turn, 0), m.sex nulls first, m.family_relation nulls first,
      m.region_code nulls first, m.district_code nulls first, m.village_code nulls first, m.status_date nulls first
  ) = 1
)

select
  c.no_kk,
  c.family_size,
  case when h.no_kk is null then c.head_nik else h.nik end as head_nik,
  case when h.no_kk is null then c.region_code else h.region_code end as region_code,
  case when h.no_kk is null then c.district_code else h.district_code end as district_code,
  case when h.no_kk is null then c.village_code else h.village_code end as village_code,
  c.has_valid_member,
  c.has_invalid_member,
  c.differs_in_birth,
  c.differs_in_sex,
  c.heads = 0 as lacks_head
from counted as c
left join contested as h on h.no_kk = c.no_kk;
