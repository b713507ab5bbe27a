-- Macros for the digits of a NIK. Grain: one NIK of 16 digits (null for any other text). Rules: region pairs are not 00;
-- day 1-31 or 41-71, month 1-12, a real day in 19yy or 20yy; serial not 0000 (rules.md, step 1). A region that is no
-- longer in the list, a final 0 and any year are fine.

create or replace macro nik_number(nik) as case when is_id(nik) then cast(nik as bigint) end;

create or replace macro nik_day(number) as (number // 100000000) % 100;
create or replace macro nik_month(number) as (number // 1000000) % 100;
create or replace macro nik_year(number) as (number // 10000) % 100;

create or replace macro nik_last_day(month, year) as case
    when month in (4, 6, 9, 11) then 30
    when month = 2 then case when year % 4 = 0 then 29 else 28 end
    else 31
end;

create or replace macro nik_is_valid(number) as
    number // 100000000000000 > 0
    and (number // 1000000000000) % 100 > 0
    and (number // 10000000000) % 100 > 0
    and number % 10000 > 0
    and nik_month(number) between 1 and 12
    and (case when nik_day(number) > 40 then nik_day(number) - 40 else nik_day(number) end)
        between 1 and nik_last_day(nik_month(number), nik_year(number));

create or replace macro nik_differs_from_birth(number, birth_date) as
    nik_is_valid(number) and birth_date is not null and (
        (case when nik_day(number) > 40 then nik_day(number) - 40 else nik_day(number) end) <> day(birth_date)
        or nik_month(number) <> month(birth_date)
        or nik_year(number) <> year(birth_date) % 100
    );

create or replace macro nik_differs_from_sex(number, sex) as
    nik_is_valid(number) and sex in ('L', 'P') and (nik_day(number) > 40) <> (sex = 'P');
