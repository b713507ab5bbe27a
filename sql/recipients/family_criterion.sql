-- Grain: one programme and decided family; each criterion of steps 5 and 6 is one boolean column.
create temp table family_criterion as
with
unknown_head as (select distinct no_kk from welfare_head where is_unknown),

held_family as (select distinct no_kk from held),

refused_member as (
  select programme, no_kk, bit_or(reason_bit(code)) as codes
  from member_finding
  group by programme, no_kk
),

fact as (
  select
    cast(p.programme as programme_name) as programme,
    f.no_kk,
    f.has_members,
    f.is_unmatched or (f.has_members and not f.has_valid_member) or u.no_kk is not null as is_unmatched,
    not f.has_welfare_row as lacks_welfare_row,
    p.is_gate_decile and f.has_welfare_row and f.decile is null as lacks_decile,
    h.no_kk is not null as is_held,
    p.refuses_deceased and f.is_deceased as is_deceased,
    coalesce(p.is_gate_decile and f.decile > p.max_decile, false) as is_above_decile,
    coalesce(coalesce(w.va, f.electricity_va) >= p.electricity_min_va, false) as is_above_power,
    coalesce(c.counted, 0) = 0 and coalesce(c.has_invalid_nik, false) as is_blocked_by_nik,
    coalesce(c.counted, 0) = 0 and coalesce(c.has_unnumbered_pregnancy, false) as is_blocked_by_pregnancy,
    p.has_components and coalesce(c.counted, 0) = 0 as has_nothing_counted,
    coalesce(m.codes, 0) as member_codes,
    case when p.has_components then coalesce(c.amount_year_idr, 0) else p.family_amount_year_idr end as amount_year_idr
  from family as f
  cross join rule_programme as p
  left join unknown_head as u on u.no_kk = f.no_kk
  left join held_family as h on h.no_kk = f.no_kk
  left join power as w on w.no_kk = f.no_kk
  left join component_sum as c on c.programme = cast(p.programme as programme_name) and c.no_kk = f.no_kk
  left join refused_member as m on m.programme = cast(p.programme as programme_name) and m.no_kk = f.no_kk
)

select
  * exclude (has_members, has_nothing_counted),
  has_nothing_counted and has_members and not is_unmatched and not lacks_welfare_row and not is_held
  and not is_blocked_by_nik and not is_blocked_by_pregnancy as lacks_component
from fact;
