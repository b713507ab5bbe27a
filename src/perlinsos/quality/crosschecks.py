"""Cross-checks of the welfare persons with the population register: warnings about rows, without any number."""

from __future__ import annotations

from pathlib import Path

from perlinsos.engine import open_engine
from perlinsos.settings import Settings, load_settings

MESSAGES = ("NIK_TIDAK_DIKENAL", "KK_BERBEDA", "NAMA_BERBEDA", "TGL_LAHIR_BEDA", "JENIS_KELAMIN_BEDA")


def cross_check(welfare_person: Path, population: list[Path], out: Path, *, settings: Settings | None = None) -> dict[str, int]:
    """Compare accepted welfare persons with accepted register rows; write the warnings (dataset, _row, message_id).

    Gives the rows checked and the number of each message. `out` is the Parquet file to write.
    """
    settings = settings or load_settings()
    with open_engine(settings.threads, settings.memory_limit, spill=out.parent) as connection:
        for name in ("ids", "crosschecks"):
            connection.execute(_read_model(settings, name))
        files = {"welfare_person": str(welfare_person), "population": [str(path) for path in population]}
        connection.execute(_read_model(settings, "models/compare_with_register"), files).fetchall()
        connection.execute(
            "copy (select * from found order by _row, message_id) to $out (format parquet, compression zstd)",
            {"out": str(out)},
        ).fetchall()
        counts = dict(connection.execute("select message_id, count(*) from found group by message_id").fetchall())
        rows = connection.execute("select count(*) from read_parquet(?)", [str(welfare_person)]).fetchall()[0][0]
    return {"checked": int(rows), **{message: int(counts.get(message, 0)) for message in MESSAGES}}


def _read_model(settings: Settings, name: str) -> str:
    return (settings.folder("sql") / "staging" / f"{name}.sql").read_text(encoding="utf-8")
