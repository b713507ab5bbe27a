-- Grain: one card and warning of steps 1, 3 and 4 that does not come from a member's own digits.
create temp table card_warning as
with
active_twice as (
  select nik
  from repeated_row
  where is_valid and status = 'active'::status_word
  group by nik
  having min(no_kk) <> max(no_kk)
),

welfare_twice as (
  select nik
  from welfare_person_row
  where nik is not null
  group by nik
  having min(no_kk) <> max(no_kk)
),

differing_period as (
  select no_kk
  from (
    select distinct
      no_kk, began, dtsen_family_id, decile, national_rank, electricity_va, region_code, district_code, village_code
    from repeated_welfare_row
  )
  group by no_kk, began
  having count(*) > 1
),

warned as (
  select no_kk, 'NIK_GANDA' as code from repeated_row where status = 'active'::status_word and nik in (from active_twice)
  union
  select no_kk, 'NIK_GANDA' from repeated_choice where overtakes_death
  union
  select no_kk, 'NIK_GANDA' from welfare_person_row where nik in (from welfare_twice)
  union
  select no_kk, 'KK_GANDA' from repeated_welfare_row group by no_kk having count(distinct region_code) > 1
  union
  select no_kk, 'KK_GANDA' from differing_period
  union
  select no_kk, 'GANTI_PENGURUS' from welfare_head where is_deceased and no_kk in (select no_kk from card)
)

select
  no_kk,
  bit_or(reason_bit(code)) as warnings
from warned
where no_kk is not null
group by no_kk;
