-- Macros on ids: 16 ASCII digits are their number; any other text is a negative number, and stands in odd_id.
-- A cast alone is not trusted ('0x…', '1e15', ' 23…' all cast). Of 16 signs that cast to a number of 16 digits only those
-- with an exponent or a base are no digits: the quick test; the pattern decides about the rest (leading zeros).
create or replace temp macro is_plain_id(id) as
  case
    when strlen(id) <> 16 then false
    when
      coalesce(try_cast(id as bigint) between 1000000000000000 and 9999999999999999, false)
      and not contains(id, 'e') and not contains(id, 'E') and not contains(id, 'x') and not contains(id, 'X')
      then true
    else regexp_full_match(id, '[0-9]{16}')
  end;

create or replace temp macro id_number(id) as
  case
    when id is null then null
    when is_plain_id(id) then cast(id as bigint)
    else -1 - cast(hash(id) >> 2 as bigint)
  end;

-- The digits of a NIK: region (3 pairs), day (+40 for women), month, year, serial.
create or replace temp macro nik_day(nik) as nik // 100000000 % 100;
create or replace temp macro nik_day_of_month(nik) as nik_day(nik) - case when nik_day(nik) > 40 then 40 else 0 end;
create or replace temp macro nik_month(nik) as nik // 1000000 % 100;
create or replace temp macro nik_year(nik) as nik // 10000 % 100;

-- 29 February is real in 19yy or 20yy exactly where 4 divides yy (2000 was a leap year).
create or replace temp macro is_valid_nik(nik) as coalesce(
  nik >= 0
  and nik // 100000000000000 <> 0
  and nik // 1000000000000 % 100 <> 0
  and nik // 10000000000 % 100 <> 0
  and nik % 10000 <> 0
  and nik_month(nik) between 1 and 12
  and nik_day_of_month(nik) >= 1
  and nik_day_of_month(nik) <= case
    when nik_month(nik) = 2 then case when nik_year(nik) % 4 = 0 then 29 else 28 end
    when nik_month(nik) in (4, 6, 9, 11) then 30
    else 31
  end,
  false
);
