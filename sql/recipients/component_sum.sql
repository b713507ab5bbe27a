-- Grain: one programme and family with candidates: what counts, and whether a mistyped number or a missing pregnancy
-- number is why something does not.
create temp table component_sum as
select
  programme,
  no_kk,
  count(*) filter (where reason is null) as counted,
  cast(coalesce(sum(amount_year_idr) filter (where reason is null), 0) as bigint) as amount_year_idr,
  bool_or(coalesce(reason = 'NIK_TIDAK_VALID'::reason_code, false)) as has_invalid_nik,
  bool_or(coalesce(reason = 'NOMOR_KEHAMILAN_KOSONG'::reason_code, false)) as has_unnumbered_pregnancy
from component
group by programme, no_kk;
