-- Grain: one programme and decided family; each criterion of steps 5 and 6 is one boolean column. is_unit: whether the
-- family itself is judged, not its members. Filled turn by turn: a programme that another one excludes comes after it.
create temp table if not exists family_criterion (
  programme programme_name, turn utinyint, no_kk bigint, is_unit boolean, is_unmatched boolean, lacks_welfare_row boolean,
  lacks_decile boolean, is_held boolean, is_deceased boolean, is_above_decile boolean, is_above_power boolean,
  receives_another boolean, is_blocked_by_nik boolean, is_blocked_by_pregnancy boolean, lacks_component boolean,
  member_codes bigint, amount_year_idr bigint
);

insert into family_criterion
with
programme as (
  select cast(programme as programme_name) as name, * exclude (programme)
  from rule_programme
  where turn = getvariable('turn')
),

unknown_head as (select distinct no_kk from welfare_head where is_unknown),

held_family as (select distinct no_kk from held),

receiving_card as (select distinct programme, no_kk from receives_another where not is_same_person),

refused_member as (
  select programme, no_kk, bit_or(reason_bit(code)) as codes
  from member_finding
  group by programme, no_kk
),

fact as (
  select
    p.name as programme,
    p.turn,
    f.no_kk,
    f.has_members,
    not p.is_for_persons or not f.has_members or p.considers_candidates and c.no_kk is null as is_unit,
    f.is_unmatched or (f.has_members and not f.has_valid_member) or u.no_kk is not null as is_unmatched,
    not f.has_welfare_row as lacks_welfare_row,
    p.is_gate_decile and f.has_welfare_row and f.decile is null as lacks_decile,
    h.no_kk is not null as is_held,
    p.refuses_deceased and f.is_deceased as is_deceased,
    coalesce(p.is_gate_decile and f.decile > p.max_decile, false) as is_above_decile,
    coalesce(coalesce(w.va, f.electricity_va) >= p.electricity_min_va, false) as is_above_power,
    r.no_kk is not null as receives_another,
    coalesce(c.counted, 0) = 0 and coalesce(c.has_invalid_nik, false) as is_blocked_by_nik,
    coalesce(c.counted, 0) = 0 and coalesce(c.has_unnumbered_pregnancy, false) as is_blocked_by_pregnancy,
    p.has_components and coalesce(c.counted, 0) = 0 as has_nothing_counted,
    coalesce(m.codes, 0) as member_codes,
    case when p.has_components then coalesce(c.amount_year_idr, 0) else p.unit_amount_year_idr end as amount_year_idr
  from family as f
  cross join programme as p
  left join unknown_head as u on u.no_kk = f.no_kk
  left join held_family as h on h.no_kk = f.no_kk
  left join power as w on w.no_kk = f.no_kk
  left join receiving_card as r on r.programme = p.name and r.no_kk = f.no_kk
  left join component_sum as c on c.programme = p.name and c.no_kk = f.no_kk
  left join refused_member as m on m.programme = p.name and m.no_kk = f.no_kk
)

select
  programme, turn, no_kk, is_unit, is_unmatched, lacks_welfare_row, lacks_decile, is_held, is_deceased, is_above_decile,
  is_above_power, receives_another, is_unit and is_blocked_by_nik, is_unit and is_blocked_by_pregnancy,
  is_unit and has_nothing_counted and has_members and not is_unmatched and not lacks_welfare_row and not is_held
  and not is_blocked_by_nik and not is_blocked_by_pregnancy as lacks_component,
  member_codes, amount_year_idr
from fact;
