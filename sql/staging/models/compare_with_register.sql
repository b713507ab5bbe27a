-- Disagreements of welfare persons with the population register. Grain: one welfare row and message.
-- $welfare_person: accepted welfare persons (one Parquet file); $population: accepted register rows (a list of files).
-- A NIK with several register rows agrees where any of them does; what is null on either side says nothing.
create temp table found as
with persons as (
    select _row, nik, no_kk, comparable_name(name) as name, birth_date, sex from read_parquet($welfare_person)
),
register as (
    select nik, no_kk, comparable_name(name) as name, birth_date, sex
    from read_parquet($population, union_by_name = true)
    where nik in (select nik from persons)
),
compared as (
    select
        persons._row,
        coalesce(bool_and(persons.no_kk <> register.no_kk), false) as has_other_card,
        coalesce(bool_and(persons.name <> register.name), false) as has_other_name,
        coalesce(bool_and(persons.birth_date <> register.birth_date), false) as has_other_birth_date,
        coalesce(bool_and(persons.sex <> register.sex), false) as has_other_sex
    from persons
    join register using (nik)
    group by persons._row
),
judged as (
    select _row, 'NIK_TIDAK_DIKENAL' as message_id
    from persons
    where nik is not null and nik not in (select nik from register where nik is not null)
    union all
    select _row, 'KK_BERBEDA' from compared where has_other_card
    union all
    select _row, 'NAMA_BERBEDA' from compared where has_other_name
    union all
    select _row, 'TGL_LAHIR_BEDA' from compared where has_other_birth_date
    union all
    select _row, 'JENIS_KELAMIN_BEDA' from compared where has_other_sex
)
select 'welfare_person' as dataset, _row, message_id from judged
