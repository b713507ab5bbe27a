"""One judgement of a delivery whose quarantined rows a person corrected: every row where its latest judgement puts it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from perlinsos.engine import open_engine
from perlinsos.quality.check import CheckOutcome
from perlinsos.quality.correction_files import Corrections
from perlinsos.quality.drift import profile
from perlinsos.quality.funnel import funnel_rows
from perlinsos.quality.placing import write_ordered
from perlinsos.quality.quarantine import rejudge
from perlinsos.quality.rules import load_rules
from perlinsos.settings import Settings
from perlinsos.sources.description import SourceDescription


def judge_corrected(
    source: SourceDescription,
    first: CheckOutcome,
    corrected: Sequence[tuple[Path, Corrections]],
    out: Path,
    settings: Settings,
) -> CheckOutcome:
    """Judge corrected rows and write accepted.parquet, quarantine.parquet and outcome.json of the whole delivery.

    `first` is the judgement without corrections; `corrected` holds, oldest first, quarantined rows and their corrected
    cells. A row that was corrected twice counts as in the latest; a corrected row never counts as it arrived, also where
    later rules would let it in.
    """
    done: set[int] = set()
    judged = []
    for number, (quarantine, cells) in enumerate(reversed(corrected)):
        mine = {row: cells[row] for row in cells if row not in done}
        if mine:
            done |= set(mine)
            judged.append(rejudge(source, _only(quarantine, mine, out / f"rows-{number}"), mine, out / f"judged-{number}",
                                  settings=settings))  # fmt: skip
    accepted, quarantine = out / "accepted.parquet", out / "quarantine.parquet"
    with open_engine(settings.threads, settings.memory_limit, spill=out) as engine:
        engine.register("corrected_row", pa.table({"_row": pa.array(sorted(done), pa.int64())}))
        _merge(engine, first.accepted, [one.accepted for one in judged], accepted)
        _merge(engine, first.quarantine, [one.quarantine for one in judged], quarantine)
        told = _tell(engine, source, first.told, [one.told for one in judged], accepted, quarantine, settings)
    told["corrected_rows"] = len(done)
    (out / "outcome.json").write_text(json.dumps(told, ensure_ascii=False, indent=1, default=str) + "\n")
    return CheckOutcome(accepted, quarantine, told)


def _only(quarantine: Path, rows: Corrections, folder: Path) -> Path:
    """The quarantined rows that were corrected, as a file."""
    folder.mkdir(parents=True)
    table = pq.read_table(quarantine)
    kept = table.filter(pc.is_in(table["_row"], pa.array(list(rows), pa.int64())))
    pq.write_table(kept, folder / "quarantine.parquet")
    return folder / "quarantine.parquet"


def _merge(engine: duckdb.DuckDBPyConnection, first: Path, judged: list[Path], target: Path) -> None:
    """The rows of the first judgement that nobody corrected, and those of the later ones, in the order of the delivery."""
    engine.read_parquet(str(first)).create_view("first", replace=True)
    engine.read_parquet([str(path) for path in judged], union_by_name=True).create_view("judged", replace=True)
    merged = engine.sql("select * from first anti join corrected_row using (_row) union all by name select * from judged")
    write_ordered(merged.order("_row"), target)


def _tell(
    engine: duckdb.DuckDBPyConnection,
    source: SourceDescription,
    first: dict[str, Any],
    judged: list[dict[str, Any]],
    accepted: Path,
    quarantine: Path,
    settings: Settings,
) -> dict[str, Any]:
    """The outcome, counted anew from the files."""
    engine.read_parquet(str(accepted)).create_view("accepted_row", replace=True)
    engine.read_parquet(str(quarantine)).create_view("quarantined_row", replace=True)
    clean, warned, quarantined = engine.sql(
        "select count(*) filter (len(_warnings) = 0), count(*) filter (len(_warnings) > 0), "
        "(select count(*) from quarantined_row) from accepted_row"
    ).fetchall()[0]
    counts = dict(
        engine.sql(
            "select said.rule, count(*) from (select unnest(_warnings) as said from accepted_row union all "
            "select unnest(list_concat(_errors, _warnings)) from quarantined_row) group by all"
        ).fetchall()
    )
    known = {rule["rule"]: rule for told in (*judged, first) for rule in told["rules"]}
    received = int(first["received"])
    rules = [
        known[rule.id] | {"rows": counts[rule.id], "percent": round(100 * counts[rule.id] / received, 4)}
        for rule in load_rules(settings.folder("expectations"), source.dataset).rules
        if rule.id in counts and rule.id in known
    ]
    told = first | {"accepted": clean, "accepted_with_warnings": warned, "quarantined": quarantined, "rules": rules}
    told["profile"] = profile(engine, source.dataset, accepted)
    return told | {"funnel": funnel_rows(told)}
