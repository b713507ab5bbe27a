"""Read one delivery: its files to cells, its cells to canonical rows. What each row is worth is judged afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from perlinsos.engine import open_engine
from perlinsos.errors import PerlinsosError, Refused, WrongUsage
from perlinsos.model.datasets import DATASETS
from perlinsos.settings import Settings, load_settings
from perlinsos.sources.convert import convert, open_cells, refuse_number_ids
from perlinsos.sources.description import SourceDescription
from perlinsos.sources.isolation import read_apart


class RefusedDelivery(Refused):
    """A delivery that is refused as a whole. `outcome` is what outcome.json holds."""

    def __init__(self, error: Refused, outcome: dict[str, Any]) -> None:
        super().__init__(error.what, where=error.where, why=error.why, remedy=error.remedy)
        self.outcome = {**outcome, "refused": self.as_dict()}


@dataclass(frozen=True)
class ReadOutcome:
    """What reading made: `canonical` (typed rows), `cells` (as they arrived), and what the files were."""

    source: str
    dataset: str
    received: int
    canonical: Path
    cells: Path
    snapshot_date: date | None = None
    files: list[dict[str, Any]] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    """Dataset columns that no part has."""


def hash_file(path: Path) -> str:
    """The SHA-256 of a file, streamed."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()


def empty_outcome(source: SourceDescription, files: list[dict[str, Any]], received: int = 0) -> dict[str, Any]:
    """The outcome of a delivery of which nothing entered."""
    return {
        "source": source.source,
        "dataset": source.dataset,
        "received": received,
        "accepted": 0,
        "accepted_with_warnings": 0,
        "quarantined": 0,
        "refused": None,
        "rules": [],
        "warnings": [],
        "files": files,
        "gate": [],
    }


def read_delivery(
    source: SourceDescription,
    files: list[Path],
    out: Path,
    *,
    reference: Path,
    snapshot_date: date | None = None,
    settings: Settings | None = None,
) -> ReadOutcome:
    """Read the parts of one delivery into `out`: canonical.parquet, cells/cells-*.parquet, reading.json.

    canonical.parquet: the dataset's columns, typed; `_row` from 1 through all parts; `_issues`, what reading found
    (`column.message_id`, joined with `|`). Raises RefusedDelivery where nothing of the delivery may enter.
    """
    settings = settings or load_settings()
    hashed = _hash_files(files)
    rows = 0
    try:
        if snapshot_date is not None:
            source.check_legal_basis(snapshot_date)
        answer = read_apart(source, files, out / "cells")
        rows = int(answer["rows"])
        _refuse_empty(source, files, rows)
        canonical, absent = _convert(source, answer, out, reference, settings)
    except Refused as error:
        raise RefusedDelivery(error, empty_outcome(source, hashed, rows)) from error
    outcome = ReadOutcome(
        source=source.source,
        dataset=source.dataset,
        received=rows,
        canonical=canonical,
        cells=out / "cells",
        snapshot_date=snapshot_date,
        files=hashed,
        parts=answer["parts"],
        warnings=_warn(answer["parts"]),
        absent=absent,
    )
    told = {**asdict(outcome), "canonical": canonical.name, "cells": "cells"}
    (out / "reading.json").write_text(json.dumps(told, default=str, ensure_ascii=False, indent=1))
    return outcome


def _hash_files(files: list[Path]) -> list[dict[str, Any]]:
    for file in files:
        if not file.is_file():
            raise WrongUsage(f"{file.name} is not there", where=str(file), remedy="give the paths of existing files")
    return [{"name": file.name, "sha256": hash_file(file), "bytes": file.stat().st_size} for file in files]


def _refuse_empty(source: SourceDescription, files: list[Path], rows: int) -> None:
    if not rows and not source.allow_empty:
        raise Refused(
            "the delivery has no data rows",
            where=", ".join(file.name for file in files[:20]),
            why="an empty delivery never replaces earlier data",
            remedy="send the rows, or write `allow_empty: true` in the source's file if no row is an answer",
        )


def load_reading(folder: Path) -> ReadOutcome:
    """The outcome of `read_delivery` from the folder that it wrote."""
    told = json.loads((folder / "reading.json").read_text())
    day = told["snapshot_date"]
    return ReadOutcome(
        **{
            **told,
            "canonical": folder / told["canonical"],
            "cells": folder / told["cells"],
            "snapshot_date": date.fromisoformat(day) if day else None,
        }
    )


def _convert(
    source: SourceDescription, answer: dict[str, Any], out: Path, reference: Path, settings: Settings
) -> tuple[Path, list[str]]:
    """Write canonical.parquet; give its path and the dataset columns that no part has."""
    canonical = out / "canonical.parquet"
    files = [out / "cells" / name for name in answer["files"]] or [_no_cells(source, out / "cells")]
    with open_engine(settings.threads, settings.memory_limit, spill=out) as connection, hide_values(source.source):
        columns = open_cells(connection, files, settings.folder("sql") / "staging")
        convert(connection, source, columns, reference, canonical)
        refuse_number_ids(connection, source, canonical, answer["parts"])
    held = {*columns, *(name for name, column in source.columns.items() if column.constant is not None)}
    return canonical, [name for name in DATASETS[source.dataset].names if name not in held]


@contextmanager
def hide_values(source: str) -> Iterator[None]:
    """The engine's messages may quote a cell: only their kind goes on."""
    try:
        yield
    except duckdb.Error as error:
        kind = type(error).__name__
    else:
        return
    raise PerlinsosError(
        f"the rows of {source} could not be judged",
        why=f"the engine stopped with {kind}",
        remedy="report this as an error of the product, with the delivery's SHA-256",
    )


def _no_cells(source: SourceDescription, folder: Path) -> Path:
    """A cells file without rows, for a source that allows an empty delivery."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from perlinsos.sources.layout import wanted_names

    fields = [("_row", pa.int64()), ("_flaw", pa.string()), ("_cells", pa.list_(pa.string()))]
    fields += [(name, pa.string()) for name in wanted_names(source)]
    path = folder / "cells-00001.parquet"
    pq.write_table(pa.schema(fields).empty_table(), path)
    return path


def _warn(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What people should know about the files: an encoding that is not UTF-8, members that were not read."""
    found = []
    for part in parts:
        if part.get("ignored"):
            found.append({"message_id": "not_a_record", "part": part["name"], "told": f"ignored: {part['ignored']}"})
        if part.get("encoding") not in (None, "utf-8"):
            found.append({"message_id": "encoding", "part": part["name"], "told": f"read as {part['encoding']}"})
    return found
