"""Corrected and repaired deliveries: a later prefix of the same snapshot date (`<date>-2`), the first one left as it is."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from perlinsos.errors import Refused
from perlinsos.synthesis.deliveries import write_csv

Changes = Mapping[int, Mapping[str, str | None]]
"""Row of the delivery, from 1 as the reader counts `_row` -> header -> new text."""


def write_correction(folder: Path, changes: Changes, number: int = 2) -> Path:
    """Write the delivery in `folder` (`…/<source>/<scope>/<date>`) anew with these cells changed, into `<date>-<number>`.

    All parts are written, changed or not: a full delivery says what holds. Returns the new folder. Raises Refused where it
    exists, or where a row or header is not in the delivery.
    """
    target = folder.with_name(f"{folder.name}-{number}")
    if target.exists():
        raise Refused("the correction exists already", where=str(target), remedy="name a higher number")
    parts = sorted(path for path in folder.iterdir() if not path.name.startswith("_"))
    tables = [_read(path) for path in parts]
    _check(folder, changes, tables)
    target.mkdir(parents=True)
    first = 0
    for path, table in zip(parts, tables, strict=True):
        own = {row - 1 - first: cells for row, cells in changes.items() if first < row <= first + table.num_rows}
        _write(target / path.name, _change(table, own))
        first += table.num_rows
    (target / "_COMPLETE").touch()
    return target


def write_repair(out: Path, source: str, scope: str, snapshot: str, number: int = 2) -> Path:
    """Write a delivery of `perlinsos synth` anew with every cell right that had its row set aside, as the truth file knows it.

    `out` is the folder of `synth`.
    """
    changes: dict[int, dict[str, str | None]] = {}
    with (out / "truth" / "errors.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            here = (row["source"], row["scope"], row["snapshot_date"]) == (source, scope, snapshot)
            if here and row["expected"] == "quarantine":
                changes.setdefault(int(row["row"]), {})[row["header"]] = row["old_value"]
    return write_correction(out / source / scope / snapshot, changes, number)


def _read(path: Path) -> pa.Table:
    """A part with every cell as text."""
    if path.suffix == ".parquet":
        return pq.read_table(path)
    with path.open(encoding="utf-8") as source:
        headers = source.readline().rstrip("\n").split(",")
    options = pcsv.ConvertOptions(column_types=dict.fromkeys(headers, pa.string()), strings_can_be_null=True, null_values=[""])
    return pcsv.read_csv(path, convert_options=options)


def _check(folder: Path, changes: Changes, tables: list[pa.Table]) -> None:
    """Refuse changes that would be lost."""
    rows = sum(table.num_rows for table in tables)
    headers = {header for cells in changes.values() for header in cells} - set(tables[0].column_names)
    beyond = [row for row in changes if not 1 <= row <= rows]
    if headers or beyond:
        why = f"it has {rows} rows; unknown headers: {sorted(headers)}, unknown rows: {beyond[:3]}"
        raise Refused("the delivery has no such cell", where=str(folder), why=why, remedy="name rows and headers of the delivery")


def _change(table: pa.Table, own: Changes) -> pa.Table:
    """The table with the cells changed; rows from 0."""
    for header in sorted({header for cells in own.values() for header in cells}):
        rows = sorted(row for row, cells in own.items() if header in cells)
        mask = np.zeros(table.num_rows, dtype=bool)
        mask[rows] = True
        column = table.column(header).combine_chunks()
        fresh = pc.replace_with_mask(column, pa.array(mask), pa.array([own[row][header] for row in rows], pa.string()))
        table = table.set_column(table.schema.get_field_index(header), header, fresh)
    return table


def _write(path: Path, table: pa.Table) -> None:
    """A part in the form that its name says."""
    if path.suffix == ".parquet":
        pq.write_table(table, path, compression="zstd")
    else:
        write_csv(path, iter([table]))
