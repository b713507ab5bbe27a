-- Macros for one number cell. Grain: one cell. A number is whole; points and commas are read one way for a whole column,
-- by the source or by the column's evidence (contracts.md, "Money"); what fits both is never guessed.

create or replace macro number_bare(cell) as case
    when regexp_full_match(cell, '[0-9]{1,18}') then cell
    else regexp_replace(
        regexp_replace(
            regexp_replace(trim(cell), '(?i)^(?:rp|idr)\.?\s*', ''),
            '(?:[.,]\s*-{1,2}|\s*(?i:idr|rupiah))$', ''
        ),
        '[\s\x{00A0}\x{202F}]', case
            when regexp_matches(cell, '[0-9][\s\x{00A0}\x{202F}][0-9]')
                and not regexp_matches(cell, '(?:^|[^0-9])[0-9]{1,3}(?:[\s\x{00A0}\x{202F}][0-9]{3})+(?:[.,][0-9]+)?(?:[^0-9]|$)')
                then ' '
            else ''
        end, 'g'
    )
end;

-- How the marks of a number can be read: plain, comma (a decimal comma or points for thousands), point (the reverse),
-- either (one mark and three digits), or null where it is no number.
create or replace macro number_style(bare) as case
    when regexp_full_match(bare, '[+-]?[0-9]+') then 'plain'
    when regexp_full_match(bare, '[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}') then 'either'
    when regexp_full_match(bare, '[+-]?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]+)?|[+-]?[0-9]+,[0-9]+') then 'comma'
    when regexp_full_match(bare, '[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?|[+-]?[0-9]+\.[0-9]+') then 'point'
end;

-- The number with a decimal point. `reading` is the column's style: comma, point, both (no either can be read), or
-- null (no evidence); is_declared: the source said it, so the other style is no number.
create or replace macro number_text(bare, kind, style, reading, is_declared) as case
    when coalesce(kind, 'text') in ('number', 'number_1904', 'integer') then bare
    when style = 'plain' then bare
    when is_declared and style in ('comma', 'point') and style <> reading then null
    when style = 'comma' or (style = 'either' and reading = 'comma') then replace(replace(bare, '.', ''), ',', '.')
    when style = 'point' or (style = 'either' and reading = 'point') then replace(bare, ',', '')
end;

create or replace macro whole_number(number) as case
    when regexp_full_match(number, '[+-]?[0-9]{1,18}') then try_cast(number as bigint)
    when regexp_full_match(number, '[+-]?[0-9]{1,18}(\.0*)?') then try_cast(split_part(number, '.', 1) as bigint)
end;

create or replace macro number_issue(cell, kind, style, reading, found, is_code) as case
    when cell is null or found is not null then null
    when kind is null and style = 'either' and coalesce(reading, 'both') = 'both' then 'number_ambiguous'
    when is_code and regexp_matches(cell, '[A-Za-z]') then 'code_unknown'
    else 'value_type'
end;
