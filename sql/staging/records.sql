-- Macros for a whole record. Grain: one record of a delivery.

create or replace macro filled(cell) as cell is not null and trim(cell) <> '';

create or replace macro plain_word(cell) as lower(trim(replace(replace(cell, chr(160), ' '), chr(65279), '')));

-- A line that sums up: its first filled cell, or any, begins with a word for total.
create or replace macro is_total_line(cells) as regexp_matches(
    cells, '(?i)(?:^|\x{1F})\s*(?:grand\s+total|sub\s*-?\s*total|sub\s*jumlah|jumlah|total)\b'
);
