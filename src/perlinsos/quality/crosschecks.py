"""Cross-checks of the welfare persons with the population register: warnings about rows, without any number."""

from __future__ import annotations

from pathlib import Path

from perlinsos.engine import open_engine
from perlinsos.settings import Settings, load_settings

MESSAGES = ("NIK_TIDAK_DIKENAL", "KK_BERBEDA", "NAMA_BERBEDA", "TGL_LAHIR_BEDA", "JENIS_KELAMIN_BEDA")

# Grain of `compared`: one welfare row whose NIK the register knows. A NIK with several register rows agrees where any
# of them does; what is null on either side says nothing.
_COMPARE = """
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
"""


def cross_check(welfare_person: Path, population: list[Path], out: Path, *, settings: Settings | None = None) -> dict[str, int]:
    """Compare accepted welfare persons with accepted register rows; write the warnings (dataset, _row, message_id).

    Gives the rows checked and the number of each message. `out` is the Parquet file to write.
    """
    settings = settings or load_settings()
    with open_engine(settings.threads, settings.memory_limit, spill=out.parent) as connection:
        for name in ("ids", "crosschecks"):
            connection.execute((settings.folder("sql") / "staging" / f"{name}.sql").read_text(encoding="utf-8"))
        files = {"welfare_person": str(welfare_person), "population": [str(path) for path in population]}
        connection.execute(_COMPARE, files).fetchall()
        connection.execute(
            "copy (select * from found order by _row, message_id) to $out (format parquet, compression zstd)",
            {"out": str(out)},
        ).fetchall()
        counts = dict(connection.execute("select message_id, count(*) from found group by message_id").fetchall())
        rows = connection.execute("select count(*) from read_parquet(?)", [str(welfare_person)]).fetchall()[0][0]
    return {"checked": int(rows), **{message: int(counts.get(message, 0)) for message in MESSAGES}}
