"""What was set aside: the `quarantined` dataset of the determination, and judging quarantined rows again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp, select

from perlinsos.engine import open_engine
from perlinsos.errors import Refused
from perlinsos.model.datasets import DATASETS
from perlinsos.quality.check import CheckOutcome, check_delivery
from perlinsos.quality.rules import load_rules
from perlinsos.settings import Settings, load_settings
from perlinsos.sources.cells import KIND_SUFFIX
from perlinsos.sources.convert import convert, open_cells
from perlinsos.sources.description import Shares, SourceDescription
from perlinsos.sources.expressions import NULL, call, case, literal, name_of
from perlinsos.sources.layout import plain_name, wanted_names
from perlinsos.sources.read import ReadOutcome

HOLDING_DATASETS = ("population", "welfare_family", "welfare_person", "signal")
"""Datasets whose quarantined rows hold a family in the determination."""
OWN_COLUMNS = ("_cells", "_row", "_errors", "_warnings", "_kinds")
QUARANTINED = pa.schema(
    [
        ("dataset", pa.string()),
        ("source", pa.string()),
        ("nik", pa.string()),
        ("no_kk", pa.string()),
        ("code", pa.string()),
        ("_row", pa.int64()),
    ]
)


def quarantined_rows(quarantine: Path, source: SourceDescription, *, settings: Settings | None = None) -> pa.Table:
    """The `quarantined` dataset of one delivery: dataset, source, nik, no_kk (and code and _row, to find the row).

    Ids are cleaned where that is possible, null where they came as a number or empty, else as they arrived. Lines that
    are no record (titles, totals) are no rows of it; other datasets hold nobody.
    """
    if source.dataset not in HOLDING_DATASETS:
        return QUARANTINED.empty_table()
    settings = settings or load_settings()
    names = DATASETS[source.dataset].names
    ids = [exp.alias_(_id_or_null(n) if n in names else exp.cast(NULL, "text"), n) for n in ("nik", "no_kk")]
    code = exp.alias_(name_of("code") if "code" in names else exp.cast(NULL, "text"), "code")
    file = exp.Table(this=exp.Anonymous(this="read_parquet", expressions=[literal(str(quarantine))]))
    own = [exp.alias_(literal(source.dataset), "dataset"), exp.alias_(literal(source.source), "source")]
    is_record = "not list_contains(list_transform(_errors, lambda e: e.message_id), 'not_a_record')"
    tree = select(*own, *ids, code, name_of("_row")).from_(file).order_by(name_of("_row"))
    with open_engine(settings.threads, settings.memory_limit) as connection:
        connection.execute((settings.folder("sql") / "staging" / "ids.sql").read_text(encoding="utf-8"))
        text = tree.where(sqlglot.condition(is_record, dialect="duckdb")).sql("duckdb")
        return connection.sql(text).to_arrow_table().cast(QUARANTINED)


def _id_or_null(name: str) -> exp.Expr:
    """The cleaned id, else the text as it arrived; null where the cell was a number."""
    test = f"list_contains(list_transform(_errors, lambda e: e.rule), '{name}.id_as_number')"
    cleaned = call("id_cleaned", name_of(name))
    return case(
        (sqlglot.condition(test, dialect="duckdb"), NULL),
        (call("is_id", cleaned), cleaned),
        default=call("nullif", call("trim", name_of(name)), ""),
    )


def rejudge(
    source: SourceDescription,
    quarantine: Path,
    corrections: Mapping[int, Mapping[str, str | None]] | None,
    out: Path,
    *,
    expectations: Path | None = None,
    reference: Path | None = None,
    settings: Settings | None = None,
) -> CheckOutcome:
    """Judge quarantined rows again, by the present source and rules, with corrected cells ({row: {column: text}}).

    Writes accepted.parquet (rows that pass now, under their old `_row`), quarantine.parquet (the others) and
    outcome.json into `out`. No share refuses here. Raises Refused for a row or column that is not there.
    """
    settings = settings or load_settings()
    expectations = expectations or settings.folder("expectations")
    reference = reference or settings.folder("reference")
    rows = pq.read_table(quarantine).to_pylist()
    _refuse_unknown(source, rows, corrections or {})
    work = out / "work"
    (work / "cells").mkdir(parents=True)
    table = _as_cells(source, rows, corrections or {})
    pq.write_table(table, work / "cells" / "cells-00001.parquet")
    canonical = work / "canonical.parquet"
    with open_engine(settings.threads, settings.memory_limit, spill=work) as connection:
        names = open_cells(connection, [work / "cells" / "cells-00001.parquet"], settings.folder("sql") / "staging")
        convert(connection, source, names, reference, canonical, is_whole_delivery=False)
    _note_reading(source, work, len(rows))
    lenient = source.model_copy(update={"shares": Shares(max_percent=100), "rules": {}})
    checked = check_delivery(lenient, canonical, out, expectations=expectations, reference=reference, settings=settings)
    told = {**checked.told, "judged_by": load_rules(expectations, source.dataset).judged_by(source)}
    (out / "outcome.json").write_text(json.dumps(told, ensure_ascii=False, indent=1, default=str) + "\n")
    for path in sorted(work.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    work.rmdir()
    return CheckOutcome(checked.accepted, checked.quarantine, told)


def _refuse_unknown(
    source: SourceDescription, rows: list[dict[str, Any]], corrections: Mapping[int, Mapping[str, str | None]]
) -> None:
    there = {row["_row"] for row in rows}
    columns = set(DATASETS[source.dataset].names)
    for number, cells in corrections.items():
        unknown = sorted(set(cells) - columns)
        if number not in there or unknown:
            raise Refused(
                f"row {number} is not in quarantine" if number not in there else f"unknown columns {unknown}",
                where=f"corrections of {source.source}",
                remedy=f"name rows of the quarantine and columns of {source.dataset}",
            )


def _note_reading(source: SourceDescription, work: Path, rows: int) -> None:
    outcome = ReadOutcome(source.source, source.dataset, rows, work / "canonical.parquet", work / "cells")
    told = {**asdict(outcome), "canonical": "canonical.parquet", "cells": "cells"}
    (work / "reading.json").write_text(json.dumps(told, default=str))


def _as_cells(
    source: SourceDescription, rows: list[dict[str, Any]], corrections: Mapping[int, Mapping[str, str | None]]
) -> pa.Table:
    """The quarantined rows as cells again. A corrected row has the shape that it is given; a corrected cell is text."""
    own = DATASETS[source.dataset].names
    wanted = wanted_names(source)
    extra = [name for name in (rows[0] if rows else {}) if name not in own and name not in OWN_COLUMNS]
    from_extra = {name: e for e in extra for name, origin in wanted.items() if plain_name(e) == origin}
    made: dict[str, list[Any]] = {"_row": [], "_flaw": [], "_cells": []}
    made |= {name: [] for name in (*own, *extra)} | {f"{name}{KIND_SUFFIX}": [] for name in own}
    for row in rows:
        corrected = corrections.get(row["_row"], {})
        kinds = dict(part.split("=", 1) for part in (row["_kinds"] or "").split("|") if part)
        made["_row"].append(row["_row"])
        made["_flaw"].append(_flaw(row, corrected))
        made["_cells"].append(None if corrected else row["_cells"])
        for name in own:
            made[name].append(corrected.get(name, row[from_extra.get(name, name)]))
            made[f"{name}{KIND_SUFFIX}"].append(None if name in corrected else kinds.get(name))
        for name in extra:
            made[name].append(row[name])
    types = {"_row": pa.int64(), "_cells": pa.list_(pa.string())}
    return pa.table({name: pa.array(values, types.get(name, pa.string())) for name, values in made.items()})


def _flaw(row: dict[str, Any], corrected: Mapping[str, str | None]) -> str | None:
    """What was wrong with the record itself, as far as the correction does not mend it."""
    kept = []
    for error in row["_errors"]:
        is_record = error["column"] == "*" or error["message_id"] == "not_a_record"
        if (is_record and not corrected) or (error["message_id"] == "encoding" and error["column"] not in corrected):
            kept.append(f"{error['column']}.{error['message_id']}")
    return "|".join(kept) or None
