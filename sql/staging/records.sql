-- Macros for a whole record. Grain: one record of a delivery.

create or replace macro filled(cell) as cell is not null and trim(cell) <> '';

-- A cell beside a column's name: as the names of a header are compared, without invisible characters and outer blanks,
-- blanks single, lower case.
create or replace macro plain_word(cell) as lower(trim(regexp_replace(
    regexp_replace(cell, '[\x{200B}-\x{200F}\x{2060}\x{FEFF}\x{AD}\x{202A}-\x{202E}]', '', 'g'),
    '[\s\x{0B}\x{A0}\x{202F}\x{3000}]+', ' ', 'g'
)));

-- Whether a cell holds a letter that has a capital: what a name has and a number has not, told in a third of the time.
create or replace macro has_letter(cell) as lower(cell) <> upper(cell);

-- A line that sums up: its first filled cell, or any, begins with a word for total.
create or replace macro is_total_line(cells) as regexp_matches(
    cells, '(?i)(?:^|\x{1F})\s*(?:grand\s+total|sub\s*-?\s*total|sub\s*jumlah|jumlah|total)\b'
);
