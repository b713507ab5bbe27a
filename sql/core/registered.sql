-- Grain: one card with a consenting registration: of each NIK the newest one up to as_of + registration.window_days.
-- The card is that of the NIK's register row, whatever its status, else the one that the registration names.
create temp table registered as
with
newest as (
  select
    id_number(nik, try_cast(nik as bigint)) as nik,
    id_number(no_kk, try_cast(no_kk as bigint)) as no_kk,
    consent
  from input_registration
  where
    nik is not null
    and cast(registered_at at time zone 'Asia/Jakarta' as date) <= getvariable('registered_until')
  qualify row_number() over (
    partition by nik order by registered_at desc, consent nulls first, no_kk desc nulls last
  ) = 1
)

select distinct coalesce(p.no_kk, n.no_kk) as no_kk
from newest as n
left join person as p on p.nik = n.nik and p.is_valid
where n.consent;
