-- Grain: one No KK of `welfare_family`, over all rows whatever their region: the newest period that began before as_of.
create temp table welfare_row as
with
period as (
  select
    dtsen_period,
    make_date(cast(left(dtsen_period, 4) as integer), 3 * cast(right(dtsen_period, 1) as integer) - 2, 1) as began
  from (select distinct dtsen_period from input_welfare_family)
),

given as (select *, try_cast(no_kk as bigint) as cast_no_kk from input_welfare_family)

select
  id_number(w.no_kk, w.cast_no_kk) as no_kk,
  p.began,
  w.dtsen_family_id,
  cast(case when w.decile between 1 and 10 then w.decile end as utinyint) as decile,
  w.national_rank,
  w.electricity_va,
  cast(w.region_code as place_code) as region_code,
  cast(w.district_code as place_code) as district_code,
  cast(w.village_code as place_code) as village_code
from given as w
inner join period as p on p.dtsen_period = w.dtsen_period;

set variable odd_in_welfare_family = (select count(*) > 0 from welfare_row where no_kk < 0);

delete from welfare_row where no_kk is null or began >= getvariable('as_of');

create temp table repeated_welfare_row as
select * from welfare_row where no_kk in (select no_kk from welfare_row group by no_kk having count(*) > 1);

delete from welfare_row where no_kk in (select no_kk from repeated_welfare_row);

insert into welfare_row
select *
from repeated_welfare_row
qualify row_number() over (
  partition by no_kk
  order by
    began desc, decile desc nulls last, national_rank desc nulls last, electricity_va desc nulls last,
    region_code desc nulls last, district_code desc nulls last, village_code desc nulls last,
    dtsen_family_id desc nulls last
) = 1;
