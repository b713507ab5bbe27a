-- Macros for one date cell. Grain: one cell. Day first, in every row; Indonesian month names; days are calendar days of
-- the source's zone (contracts.md, "Dates"). Which of the forms count is compiled from the source's `formats`.

create or replace macro time_pattern() as
    '[ T]+([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?) *(Z|z|[+-][0-9]{2}(?::?[0-9]{2})?|WIB|WITA|WIT)?$';

create or replace macro time_text(cell) as case
    when contains(cell, ':') then nullif(regexp_extract(trim(cell), time_pattern(), 1), '')
end;

create or replace macro zone_text(cell) as case
    when contains(cell, ':') then nullif(upper(regexp_extract(trim(cell), time_pattern(), 2)), '')
end;

-- The day as written: without a time, and without a place or weekday and its comma before it.
create or replace macro day_text(cell) as case
    when regexp_full_match(cell, '[0-9]{4}-[0-9]{2}-[0-9]{2}') then cell
    else nullif(
        regexp_replace(
            case when contains(cell, ':') then regexp_replace(trim(cell), time_pattern(), '') else trim(cell) end,
            '^[^0-9,]+, *', ''
        ),
        ''
    )
end;

create or replace macro has_place_before(cell) as regexp_matches(trim(cell), '^[^0-9,]+,');

create or replace macro zone_minutes(zone) as case
    when zone is null then null
    when zone = 'Z' then 0
    when zone in ('WIB', 'WITA', 'WIT') then case zone when 'WIB' then 420 when 'WITA' then 480 else 540 end
    else (case when zone[1] = '-' then -1 else 1 end)
        * (60 * cast(zone[2:3] as integer) + coalesce(try_cast(replace(zone, ':', '')[4:5] as integer), 0))
end;

create or replace macro time_of(clock) as try_cast(
    case when regexp_full_match(clock, '[0-9]{1,2}:[0-9]{2}') then clock || ':00' else replace(clock, ',', '.') end
    as time
);

create or replace macro iso_day(day) as case
    when regexp_full_match(day, '[0-9]{4}-[0-9]{2}-[0-9]{2}') then try_cast(day as date)
end;

create or replace macro marked_day(day, mark) as case
    when regexp_full_match(day, '[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{4}') and day[-5] = mark and contains(day[2:3], mark)
        then try_cast(
            split_part(day, mark, 3) || '-' || lpad(split_part(day, mark, 2), 2, '0') || '-'
            || lpad(split_part(day, mark, 1), 2, '0') as date
        )
end;

create or replace macro slashed_iso_day(day) as case
    when regexp_full_match(day, '[0-9]{4}/[0-9]{2}/[0-9]{2}') then try_cast(replace(day, '/', '-') as date)
end;

create or replace macro month_number(word) as case
    when lower(word) in ('januari', 'jan') then '01'
    when lower(word) in ('februari', 'feb', 'pebruari', 'peb') then '02'
    when lower(word) in ('maret', 'mar', 'mrt') then '03'
    when lower(word) in ('april', 'apr') then '04'
    when lower(word) = 'mei' then '05'
    when lower(word) in ('juni', 'jun') then '06'
    when lower(word) in ('juli', 'jul') then '07'
    when lower(word) in ('agustus', 'agust', 'agus', 'agu', 'agt', 'ags') then '08'
    when lower(word) in ('september', 'sept', 'sep') then '09'
    when lower(word) in ('oktober', 'okt') then '10'
    when lower(word) in ('november', 'nopember', 'nov', 'nop') then '11'
    when lower(word) in ('desember', 'des') then '12'
end;

create or replace macro worded_day(day) as case
    when regexp_full_match(day, '[0-9]{1,2}[ ./-]*[A-Za-z]+[ ./,-]*[0-9]{4}')
        then try_cast(
            day[-4:] || '-' || month_number(regexp_extract(day, '[A-Za-z]+')) || '-'
            || lpad(regexp_extract(day, '^[0-9]+'), 2, '0') as date
        )
end;

-- ddmmyyyy without marks; seven digits lost the zero in front.
create or replace macro unmarked_day(day) as case
    when regexp_full_match(day, '[0-9]{7,8}')
        then try_cast(
            day[-4:] || '-' || lpad(day, 8, '0')[3:4] || '-' || lpad(day, 8, '0')[1:2] as date
        )
end;

create or replace macro short_year_day(day, mark, century_start) as case
    when regexp_full_match(day, '[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2}') and day[-3] = mark
        then try_cast(
            (case when cast(day[-2:] as integer) < century_start then '20' else '19' end) || day[-2:] || '-'
            || lpad(split_part(day, mark, 2), 2, '0') || '-' || lpad(split_part(day, mark, 1), 2, '0') as date
        )
end;

create or replace macro serial_day(day, kind) as case
    when regexp_full_match(day, '[0-9]{5}') and coalesce(kind, '') <> 'integer'
        then date '1899-12-30' + cast(day as integer) + case when kind = 'number_1904' then 1462 else 0 end
end;
