-- Macros on ids: 16 ASCII digits are their number; any other text is a negative number, and stands in odd_id.
create or replace temp macro is_plain_id(id) as regexp_full_match(id, '[0-9]{16}');

-- `cast_id` is try_cast(id as bigint), made in a step before so that it is made once. It alone is not trusted ('0x…',
-- '1e15', ' 23…' all cast): of 16 signs that cast to a number of 16 digits only those with a base (they begin with 0)
-- or an exponent are no digits. The pattern decides about the rest.
create or replace temp macro id_number(id, cast_id) as
  case
    when
      cast_id between 1000000000000000 and 9999999999999999
      and strlen(id) = 16 and id >= '1' and not contains(id, 'e') and not contains(id, 'E')
      then cast_id
    when id is null then null
    when is_plain_id(id) then cast_id
    else -1 - cast(hash(id) >> 2 as bigint)
  end;

-- The digits of a NIK: region (3 pairs), day (+40 for women), month, year, serial.
create or replace temp macro nik_birth(nik) as cast(nik // 10000 % 1000000 as integer);

-- The parts of nik_birth are given, made in a step before so that they are made once.
-- 29 February is real in 19yy or 20yy exactly where 4 divides yy (2000 was a leap year).
create or replace temp macro is_valid_nik(nik, day_of_month, month, year) as coalesce(
  nik >= 0
  and nik // 100000000000000 <> 0
  and nik // 1000000000000 % 100 <> 0
  and nik // 10000000000 % 100 <> 0
  and nik % 10000 <> 0
  and month between 1 and 12
  and day_of_month >= 1
  and day_of_month <= case
    when month = 2 then case when year % 4 = 0 then 29 else 28 end
    when month in (4, 6, 9, 11) then 30
    else 31
  end,
  false
);

-- Whether the digits of a valid NIK say another birth date, or another sex; false where the register has none.
create or replace temp macro differs_in_birth(day_of_month, month_of_year, year_of_century, birth_date) as coalesce(
  day_of_month <> day(birth_date) or month_of_year <> month(birth_date) or year_of_century <> year(birth_date) % 100, false
);

create or replace temp macro differs_in_sex(nik_day, is_woman) as coalesce((nik_day > 40) <> is_woman, false);
