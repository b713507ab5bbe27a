-- Grain: one programme for persons and considered member. The family's criteria hold for each of its members; a number
-- that is not valid, what counts, and what the person itself receives are the person's own. Filled turn by turn.
create temp table if not exists person_criterion (
  programme programme_name, turn utinyint, no_kk bigint, nik bigint, member_row bigint, is_unmatched boolean,
  lacks_welfare_row boolean, lacks_decile boolean, is_held boolean, is_deceased boolean, is_above_decile boolean,
  is_above_power boolean, receives_another boolean, is_blocked_by_nik boolean, is_blocked_by_pregnancy boolean,
  lacks_component boolean, member_codes bigint, amount_year_idr bigint
);

insert into person_criterion
with
same_person as (select distinct programme, member_row from receives_another where is_same_person)

select
  c.programme,
  f.turn,
  c.no_kk,
  c.nik,
  c.member_row,
  f.is_unmatched,
  f.lacks_welfare_row,
  f.lacks_decile,
  f.is_held,
  f.is_deceased,
  f.is_above_decile,
  f.is_above_power,
  f.receives_another or s.member_row is not null as receives_another,
  not c.is_valid as is_blocked_by_nik,
  c.counted = 0 and c.has_unnumbered_pregnancy as is_blocked_by_pregnancy,
  p.has_components and c.counted = 0 and not f.is_unmatched and not f.lacks_welfare_row and not f.is_held
  and c.is_valid and not c.has_unnumbered_pregnancy as lacks_component,
  f.member_codes,
  c.amount_year_idr
from considered_person as c
inner join family_criterion as f on f.programme = c.programme and f.no_kk = c.no_kk
inner join rule_programme as p on cast(p.programme as programme_name) = c.programme
left join same_person as s on s.programme = c.programme and s.member_row = c.member_row
where f.turn = getvariable('turn');
