-- Grain: one programme and recipient of another that excludes it. Between two programmes for persons it is about the same
-- person; otherwise about the whole card. Filled turn by turn, from the decisions of the turns before.
create temp table if not exists receives_another (
  programme programme_name, no_kk bigint, nik bigint, member_row bigint, is_same_person boolean, excluder programme_name
);

-- Of the turns before; decision.sql fills it.
create temp table if not exists decision (
  programme programme_name, no_kk bigint, member_row bigint, outcome varchar, reasons bigint, amount_year_idr bigint,
  amount_stage_idr bigint, rank bigint, queue_position bigint
);

insert into receives_another
select
  cast(e.programme as programme_name) as programme,
  d.no_kk,
  m.nik,
  d.member_row,
  p.is_for_persons and d.member_row is not null as is_same_person,
  d.programme as excluder
from decision as d
inner join rule_excluder as e on cast(e.excluder as programme_name) = d.programme
inner join rule_programme as p on p.programme = e.programme and p.turn = getvariable('turn')
left join member as m on m.rowid = d.member_row
where d.outcome = 'LAYAK';
