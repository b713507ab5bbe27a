-- Macros for one id cell (NIK, No KK). Grain: one cell. An id is 16 ASCII digits that arrived as text, or as an exact
-- integer of Parquet; what a spreadsheet or JSON number holds is never an id (contracts.md, "Ids").

create or replace macro is_id(cell) as strlen(cell) = 16 and regexp_full_match(cell, '[0-9]{16}');

-- Without invisible characters, blanks, a leading apostrophe and a `NIK :` prefix; null where nothing is left.
create or replace macro id_stripped(cell) as nullif(
    regexp_replace(
        regexp_replace(
            regexp_replace(
                cell,
                '[\s\x{00A0}\x{00AD}\x{200B}-\x{200F}\x{202A}-\x{202F}\x{2060}\x{3000}\x{FEFF}]+', '', 'g'
            ),
            '^(?:[''`´‘’]+)', ''
        ),
        '(?i)^(?:nik|n\.i\.k\.?|no\.?kk|nomorkk|nokk|kk|no\.?nik)[:.=]?[''`´‘’]*', ''
    ),
    ''
);

create or replace macro id_cleaned(cell) as case when is_id(cell) then cell else id_stripped(cell) end;

create or replace macro is_word_for_none(cell) as upper(trim(cell)) in (
    '-', '--', '0', 'NULL', 'NONE', 'NIL', 'NAN', 'NA', 'N/A', '#N/A', 'TIDAK ADA', 'TDK ADA', 'TIDAK PUNYA', 'NIHIL',
    'KOSONG', 'BELUM ADA'
);

create or replace macro is_number_text(cell) as regexp_full_match(
    trim(cell), '[+-]?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+|[0-9]{9,}[.,][0-9]+'
);

create or replace macro id_value(cell, kind, cleaned) as case
    when kind is null and is_id(cell) then cell
    when coalesce(kind, 'integer') <> 'integer' then null
    when is_id(cleaned) then cleaned
end;

create or replace macro id_issue(cell, kind, cleaned, is_required) as case
    when kind is null and is_id(cell) then null
    when cell is null or trim(cell) = '' then case when is_required then 'id_empty' end
    when coalesce(kind, 'integer') <> 'integer' then 'id_as_number'
    when cleaned is null or is_word_for_none(cell) then 'id_empty'
    when is_id(cleaned) and kind = 'integer' then 'id_from_integer'
    when is_id(cleaned) then 'id_repaired'
    when is_number_text(cell) then 'id_as_number'
    else 'id_form'
end;
