-- Grain: one programme and decided family, or considered member: outcome, reasons as a mask, amount, place in the order.
-- Filled turn by turn: receives_another.sql made the table.
-- Poorest first: decile, national rank, lottery, number. The lottery is only computed where decile and rank are shared.
insert into decision
with
programme as (
  select
    cast(programme as programme_name) as name,
    quota,
    len(paid_in) as payments,
    list_contains(paid_in, getvariable('quarter')) as is_paid_now,
    list_max(paid_in) = getvariable('quarter') as is_last_payment
  from rule_programme
  where turn = getvariable('turn')
),

eligible as (
  select m.programme, m.number, f.decile, f.national_rank
  from unit_mask as m
  inner join family as f on f.no_kk = m.no_kk
  where m.missing = 0 and m.refusals = 0
),

shared as (select programme, decile, national_rank from eligible group by all having count(*) > 1),

drawn as (
  select
    e.programme,
    e.number,
    sha256(concat_ws(
      '|', getvariable('stage'), e.programme, getvariable('region'),
      coalesce(o.text, lpad(cast(e.number as varchar), 16, '0')), getvariable('lottery_seed')
    )) as lottery
  from eligible as e
  inner join shared as s
    on s.programme = e.programme
    and s.decile is not distinct from e.decile
    and s.national_rank is not distinct from e.national_rank
  left join odd_id as o on o.id = e.number
),

ordered as (
  select
    e.programme,
    e.number,
    row_number() over (
      partition by e.programme order by e.decile nulls last, e.national_rank nulls last, d.lottery nulls last, e.number
    ) as rank
  from eligible as e
  left join drawn as d on d.programme = e.programme and d.number = e.number
)

select
  m.programme,
  m.no_kk,
  m.member_row,
  case
    when m.refusals <> 0 then 'TIDAK_LAYAK'
    when m.missing <> 0 then 'TUNDA'
    when p.quota is null or r.rank <= p.quota then 'LAYAK'
    else 'ANTREAN'
  end as outcome,
  m.missing | m.refusals | case when outcome = 'ANTREAN' then reason_bit('DI_LUAR_KUOTA') else 0 end as reasons,
  m.amount_year_idr,
  case
    when outcome <> 'LAYAK' or not p.is_paid_now then 0
    when p.is_last_payment then m.amount_year_idr - (p.payments - 1) * (m.amount_year_idr // p.payments)
    else m.amount_year_idr // p.payments
  end as amount_stage_idr,
  r.rank,
  case when outcome = 'ANTREAN' then r.rank - p.quota end as queue_position
from unit_mask as m
inner join programme as p on p.name = m.programme
left join ordered as r on r.programme = m.programme and r.number = m.number;
