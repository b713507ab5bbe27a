-- Grain: one programme of this turn and unit: a family (its number the No KK) or a considered person (the NIK; who has no
-- valid one is never eligible), with its reasons as two masks: what is missing, and what refuses.
create or replace temp table unit_mask as
with
criterion as (
  select *, no_kk as number, cast(null as bigint) as member_row
  from family_criterion
  where turn = getvariable('turn') and is_unit
  union all by name
  select * exclude (nik), nik as number, null as is_unit
  from person_criterion
  where turn = getvariable('turn')
)

select
  programme,
  no_kk,
  number,
  member_row,
  amount_year_idr,
  (
    case when is_held then reason_bit('DATA_DIKARANTINA') else 0 end
    | case when is_unmatched then reason_bit('NIK_TIDAK_PADAN') else 0 end
    | case when lacks_welfare_row then reason_bit('TIDAK_ADA_DATA_KELUARGA') else 0 end
    | case when lacks_decile then reason_bit('BELUM_ADA_DESIL') else 0 end
    | case when is_blocked_by_nik then reason_bit('NIK_TIDAK_VALID') else 0 end
    | case when is_blocked_by_pregnancy then reason_bit('NOMOR_KEHAMILAN_KOSONG') else 0 end
  ) as missing,
  (
    case when is_deceased then reason_bit('MENINGGAL') else 0 end
    | case when is_above_decile then reason_bit('DESIL_DI_ATAS_BATAS') else 0 end
    | case when is_above_power then reason_bit('DAYA_LISTRIK') else 0 end
    | case when lacks_component then reason_bit('TIDAK_ADA_KOMPONEN') else 0 end
    | case when receives_another then reason_bit('PENERIMA_PROGRAM_LAIN') else 0 end
    | member_codes
  ) as refusals
from criterion;
