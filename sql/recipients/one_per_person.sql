-- One person counts once: of the candidates that are not refused so far, the one of the highest amount (choice_order).
update component
set reason = 'SATU_ORANG_SATU_KOMPONEN'::reason_code
where rowid in (
  with
  open_candidate as (select rowid as row_id, programme, nik, choice_order from component where reason is null),

  several as (select programme, nik from open_candidate group by programme, nik having count(*) > 1),

  ranked as (
    select
      o.row_id,
      row_number() over (partition by o.programme, o.nik order by o.choice_order) as place
    from open_candidate as o
    semi join several as s on s.programme = o.programme and s.nik = o.nik
  )

  select row_id from ranked where place > 1
);
