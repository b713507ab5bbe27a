-- Grain: one finding (step 9): every reason of a family with the fact that it rests on.
create temp table finding as
with
criterion as (select * from family_criterion),

family_fact as (
  select c.programme, c.no_kk, cast(null as bigint) as nik, 'DESIL_DI_ATAS_BATAS' as code, 'DTSEN' as source,
    cast(f.decile as varchar) as observed_value, cast(p.max_decile as varchar) as limit_value
  from criterion as c
  inner join family as f on f.no_kk = c.no_kk
  inner join rule_programme as p on cast(p.programme as programme_name) = c.programme
  where c.is_above_decile
  union all
  select c.programme, c.no_kk, w.nik, 'DAYA_LISTRIK', case when w.no_kk is null then 'DTSEN' else w.source end,
    cast(coalesce(w.va, f.electricity_va) as varchar), cast(p.electricity_min_va as varchar)
  from criterion as c
  inner join family as f on f.no_kk = c.no_kk
  inner join rule_programme as p on cast(p.programme as programme_name) = c.programme
  left join power as w on w.no_kk = c.no_kk
  where c.is_above_power
  union all
  select programme, no_kk, null, 'BELUM_ADA_DESIL', 'DTSEN', null, null from criterion where lacks_decile
  union all
  select programme, no_kk, null, 'TIDAK_ADA_DATA_KELUARGA', 'DTSEN', null, null from criterion where lacks_welfare_row
  union all
  select programme, no_kk, null, 'MENINGGAL', 'DUKCAPIL', null, null from criterion where is_deceased
  union all
  select programme, no_kk, null, 'TIDAK_ADA_KOMPONEN', null, null, null from criterion where lacks_component
  union all
  select distinct programme, no_kk, nik, 'PENERIMA_PROGRAM_LAIN', 'PERLINSOS', cast(excluder as varchar), null from receives_another
),

person_fact as (
  select c.programme, c.no_kk, h.nik, 'NIK_TIDAK_PADAN' as code, 'DUKCAPIL' as source,
    cast(null as varchar) as observed_value, cast(null as varchar) as limit_value
  from criterion as c
  left join (select no_kk, nik from welfare_head where is_unknown) as h on h.no_kk = c.no_kk
  where c.is_unmatched
  union all
  select c.programme, c.no_kk, h.nik, 'DATA_DIKARANTINA', h.source, h.dataset, null
  from criterion as c
  inner join held as h on h.no_kk = c.no_kk
  where c.is_held
  union all
  select c.programme, c.no_kk, b.nik, cast(b.reason as varchar), null, null, null
  from criterion as c
  inner join blocked_member as b on b.programme = c.programme and b.no_kk = c.no_kk
  where
    (c.is_blocked_by_nik and b.reason = 'NIK_TIDAK_VALID'::reason_code)
    or (c.is_blocked_by_pregnancy and b.reason = 'NOMOR_KEHAMILAN_KOSONG'::reason_code)
  union all
  select programme, no_kk, nik, 'NIK_TIDAK_VALID', null, null, null from person_criterion where is_blocked_by_nik
  union all
  select programme, no_kk, nik, 'NOMOR_KEHAMILAN_KOSONG', null, null, null from person_criterion where is_blocked_by_pregnancy
  union all
  select programme, no_kk, nik, 'TIDAK_ADA_KOMPONEN', null, null, null from person_criterion where lacks_component
)

select programme, no_kk, nik, cast(code as reason_code) as code, cast(source as source_name) as source, observed_value, limit_value
from family_fact
union all
select programme, no_kk, nik, cast(code as reason_code), cast(source as source_name), observed_value, limit_value
from person_fact
union all
select programme, no_kk, nik, code, source, observed_value, limit_value
from member_finding;

-- No later step reads these.
drop table member;
drop table signal_fact;
drop table family_criterion;
drop table person_criterion;
drop table receives_another;
drop table unit_mask;
drop table member_finding;
drop table component_sum;
drop table power;
drop table held;
drop table blocked_member;
drop table welfare_head;
drop table memberless_person;
