-- Grain: one card and NIK that the welfare data names as its head, where the register does not know it or knows a death.
-- A NIK that is not valid is dead where all its rows are.
create temp table welfare_head as
with
looked_up as (
  select distinct
    h.no_kk,
    h.nik,
    p.status
  from welfare_person_row as h
  left join person as p on p.nik = h.nik
  where h.is_head and (p.nik is null or p.status = 'deceased'::status_word)
)

select
  no_kk,
  nik,
  status is null and (nik is null or nik not in (select nik from unseen_nik)) as is_unknown,
  status is not null
  and nik not in (select nik from repeated_row where not is_valid and nik is not null and status <> 'deceased'::status_word)
    as is_deceased
from looked_up;
