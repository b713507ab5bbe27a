-- One cap of one programme over what is left: beyond cap_limit the candidates carry the cap's code.
-- In the order of counting (selection_order), within one component oldest first, then the smallest NIK.
update component
set reason = cast(getvariable('cap_code') as reason_code)
where rowid in (
  with
  counted as (
    select rowid as row_id, no_kk, nik, birth_date, selection_order
    from component
    where
      reason is null
      and programme = cast(getvariable('cap_programme') as programme_name)
      and component in (
        select cast(component as component_name)
        from rule_cap
        where programme = getvariable('cap_programme') and code = getvariable('cap_code')
      )
  ),

  reached as (select no_kk from counted group by no_kk having count(*) > getvariable('cap_limit')),

  ranked as (
    select
      c.row_id,
      row_number() over (partition by c.no_kk order by c.selection_order, c.birth_date nulls last, c.nik) as place
    from counted as c
    semi join reached as r on r.no_kk = c.no_kk
  )

  select row_id from ranked where place > getvariable('cap_limit')
);
