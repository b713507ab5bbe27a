-- Grain: one programme, member and reason of data that keeps a candidate from counting. Members without a valid NIK are
-- told apart by their place in `member`, for several may share one text or have none.
create temp table blocked_member as
select distinct
  programme,
  no_kk,
  nik,
  member_row,
  reason
from component
where reason in ('NIK_TIDAK_VALID'::reason_code, 'NOMOR_KEHAMILAN_KOSONG'::reason_code);
