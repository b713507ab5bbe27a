-- Macros for cross-checks of the welfare data with the register. Grain: one name.

-- A name for comparing: upper case, without titles before and degrees after it, marks and repeated blanks.
create or replace macro comparable_name(name) as nullif(
    trim(
        regexp_replace(
            regexp_replace(
                regexp_replace(split_part(upper(name), ',', 1), '[^\p{L}0-9 ]+', ' ', 'g'),
                '^\s*(?:(?:H|HJ|KH|HAJI|HAJJAH|DRS|DRA|DR|DOKTER|IR|PROF|R|RR|RADEN|ALM|ALMH|SDR|SDRI|BP|BPK|IBU)\s+)+', ''
            ),
            '\s+', ' ', 'g'
        )
    ),
    ''
);
