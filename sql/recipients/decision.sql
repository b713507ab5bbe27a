-- Grain: one programme and decided family: outcome, reasons as a mask, amount, place in the order.
-- Poorest first: decile, national rank, lottery, No KK. The lottery is only computed where decile and rank are shared.
create temp table decision as
with
masked as (
  select
    programme,
    no_kk,
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
      | member_codes
    ) as refusals
  from family_criterion
),

eligible as (
  select m.programme, m.no_kk, f.decile, f.national_rank
  from masked as m
  inner join family as f on f.no_kk = m.no_kk
  where m.missing = 0 and m.refusals = 0
),

shared as (select programme, decile, national_rank from eligible group by all having count(*) > 1),

drawn as (
  select
    e.programme,
    e.no_kk,
    sha256(concat_ws(
      '|', getvariable('stage'), e.programme, getvariable('region'),
      coalesce(o.text, lpad(cast(e.no_kk as varchar), 16, '0')), getvariable('lottery_seed')
    )) as lottery
  from eligible as e
  inner join shared as s
    on s.programme = e.programme
    and s.decile is not distinct from e.decile
    and s.national_rank is not distinct from e.national_rank
  left join odd_id as o on o.id = e.no_kk
),

ordered as (
  select
    e.programme,
    e.no_kk,
    row_number() over (
      partition by e.programme order by e.decile nulls last, e.national_rank nulls last, d.lottery nulls last, e.no_kk
    ) as rank
  from eligible as e
  left join drawn as d on d.programme = e.programme and d.no_kk = e.no_kk
)

select
  m.programme,
  m.no_kk,
  case
    when m.refusals <> 0 then 'TIDAK_LAYAK'
    when m.missing <> 0 then 'TUNDA'
    when p.quota is null or r.rank <= p.quota then 'LAYAK'
    else 'ANTREAN'
  end as outcome,
  m.missing | m.refusals | case when outcome = 'ANTREAN' then reason_bit('DI_LUAR_KUOTA') else 0 end as reasons,
  m.amount_year_idr,
  r.rank,
  case when outcome = 'ANTREAN' then r.rank - p.quota end as queue_position
from masked as m
inner join rule_programme as p on cast(p.programme as programme_name) = m.programme
left join ordered as r on r.programme = m.programme and r.no_kk = m.no_kk;
