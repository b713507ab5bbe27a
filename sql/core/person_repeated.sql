-- Grain: one row of `population` whose NIK has several rows, or is not valid. They leave `person`; what counts comes back.
create temp table repeated_row as
select p.*
from person as p
where p.nik in (select nik from person where is_valid group by nik having count(*) > 1)
union all
select p.* from person as p where not p.is_valid;

delete from person where nik in (select nik from repeated_row where is_valid);
delete from person where not is_valid;

-- Grain: one valid NIK of several rows: the row that counts (procedure, step 1).
create temp table repeated_choice as
with
death as (
  select
    nik,
    max(status_date) as newest_death,
    bool_or(status_date is null) as has_undated_death
  from repeated_row
  where is_valid and status = 'deceased'::status_word
  group by nik
),

judged as (
  select
    r.*,
    coalesce(
      r.status = 'active'::status_word and not d.has_undated_death and r.status_date > d.newest_death, false
    ) as overtakes_death,
    case
      when r.status = 'deceased'::status_word and r.status_date is null then 0
      when overtakes_death then 1
      when r.status = 'deceased'::status_word then 2
      when r.status = 'active'::status_word then 3
      else 4
    end as precedence,
    coalesce(o.follows, r.no_kk) as card_place,
    coalesce(o.turn, 0) as card_turn
  from repeated_row as r
  left join death as d on d.nik = r.nik
  left join odd_id as o on o.id = r.no_kk
  where r.is_valid
)

select *
from judged
qualify row_number() over (
  partition by nik
  order by
    precedence, status_date desc nulls last, card_place desc nulls last, card_turn desc, birth_date desc nulls last,
    sex desc nulls last, family_relation desc nulls last, region_code desc nulls last, district_code desc nulls last,
    village_code desc nulls last
) = 1;

insert into person by name
select * exclude (overtakes_death, precedence, card_place, card_turn) from repeated_choice;

-- Rows without a valid NIK are persons of their own, merged only where they are equal in everything.
insert into person by name
select distinct * from repeated_row where not is_valid;
