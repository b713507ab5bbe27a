"""The cells of a delivery as they arrived: text with kinds, written to Parquet, numbered by record."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from perlinsos.errors import Refused
from perlinsos.sources.layout import Layout
from perlinsos.sources.vocabulary import ID_COLUMNS

KIND_SUFFIX = "__kind"
BATCH_ROWS = 20_000
Cell = tuple[str | None, str | None]
"""Text and kind. Kinds: None = text, integer, number, number_1904, date, bool, error, formula, nested."""


class Budget:
    """The time that reading one delivery may take: of the processor, so that a busy machine refuses nothing."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._end = time.process_time() + seconds

    def check(self) -> None:
        """Raise Refused when the time is used up."""
        if time.process_time() > self._end:
            raise Refused(
                f"reading took longer than {self._seconds} seconds",
                why="the time for one delivery is bounded (limits.seconds of the source)",
                remedy="send the delivery in smaller parts, as CSV or Parquet, or raise the limit",
            )


class CellsWriter:
    """Writes records in the order in which they come; a new file wherever the columns change.

    Columns: `_row` (from 1 through all parts), `_flaw` (structure errors as `column.message_id`, joined with `|`),
    `_cells` (all cells of a record of odd shape), the cell columns, and `<column>__kind` where a format has kinds.
    """

    def __init__(self, folder: Path, key: str, footer_rows: int, budget: Budget) -> None:
        self._folder = folder
        self._key = key
        self._footer = footer_rows
        self._budget = budget
        self._writer: pq.ParquetWriter | None = None
        self._held: list[pa.Table] = []
        self.rows = 0
        self.files: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def title_flaw(self) -> str:
        """What is wrong with a line that is no record."""
        return f"{self._key}.not_a_record"

    def add(self, table: pa.Table, layout: Layout) -> None:
        """Append records. `table` has the layout's columns, `_flaw`, `_cells` and any kind columns; no empty rows."""
        self._budget.check()
        if not table.num_rows:
            return
        table = _mark_lost_characters(table, layout)
        if not self._footer:
            self._write(table)
            return
        self._held.append(table)
        self._release(self._footer)

    def end_part(self) -> int:
        """End a part or sheet: the declared footer's records are dropped. Gives how many."""
        dropped = sum(int(table.num_rows) for table in self._held)
        self._held = []
        return dropped

    def close(self) -> None:
        """Finish the last file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _release(self, keep: int) -> None:
        """Write all held records but the last `keep`."""
        surplus = sum(table.num_rows for table in self._held) - keep
        while surplus > 0:
            first = self._held[0]
            part = first.slice(0, surplus)
            self._write(part)
            surplus -= part.num_rows
            self._held[0] = first.slice(part.num_rows)
            if not self._held[0].num_rows:
                self._held.pop(0)

    def _write(self, table: pa.Table) -> None:
        rows = pa.array(range(self.rows + 1, self.rows + 1 + table.num_rows), pa.int64())
        table = table.add_column(0, "_row", rows)
        self.rows += table.num_rows
        if self._writer is None or self._writer.schema != table.schema:
            self.close()
            name = f"cells-{len(self.files) + 1:05}.parquet"
            self.files.append(name)
            self._writer = pq.ParquetWriter(self._folder / name, table.schema, compression="lz4", use_dictionary=True)
        self._writer.write_table(table)


def _mark_lost_characters(table: pa.Table, layout: Layout) -> pa.Table:
    """NUL is written as `\\x00`; a NUL or a character that could not be decoded is the error `encoding` of its cell."""
    flaws: pa.ChunkedArray | None = None
    for name in layout.names:
        column = table.column(name)
        if not _holds_lost(column):
            continue
        lost = pc.fill_null(pc.or_(pc.match_substring(column, "\0"), pc.match_substring(column, "\ufffd")), False)
        index = table.column_names.index(name)
        table = table.set_column(index, name, pc.replace_substring(column, "\0", "\\x00"))
        if name in layout.mapped and name not in ID_COLUMNS:
            flaw = pc.if_else(lost, pa.scalar(f"{name}.encoding"), pa.scalar(None, pa.string()))
            flaws = flaw if flaws is None else _join_flaws(flaws, flaw)
    if flaws is None:
        return table
    index = table.column_names.index("_flaw")
    return table.set_column(index, "_flaw", _join_flaws(table.column("_flaw"), flaws))


def _join_flaws(left: pa.ChunkedArray, right: pa.ChunkedArray) -> pa.ChunkedArray:
    both = pc.binary_join_element_wise(left, right, "|", null_handling="emit_null")
    return pc.coalesce(both, left, right)


def _holds_lost(column: pa.ChunkedArray) -> bool:
    for chunk in column.chunks:
        data = chunk.buffers()[2] if len(chunk.buffers()) > 2 else None
        if data is not None:
            content = data.to_pybytes()
            if b"\0" in content or b"\xef\xbf\xbd" in content:
                return True
    return False


def table_of_rows(rows: Sequence[tuple[Sequence[Cell], str | None]], layout: Layout) -> pa.Table:
    """Records with kinds, one (cells, flaw) each, as a table for `CellsWriter.add`. Records may be short or long."""
    width = len(layout.names)
    texts: list[list[str | None]] = [[] for _ in range(width)]
    kinds: list[list[str | None]] = [[] for _ in range(width)]
    flaws: list[str | None] = []
    surplus: list[list[str] | None] = []
    for cells, flaw in rows:
        for position in range(width):
            text, kind = cells[position] if position < len(cells) else (None, None)
            texts[position].append(text)
            kinds[position].append(kind)
        flaws.append(flaw)
        is_odd = flaw is not None and (len(cells) != width)
        surplus.append([text or "" for text, _ in cells] if is_odd else None)
    arrays = [pa.array(flaws, pa.string()), pa.array(surplus, pa.list_(pa.string()))]
    names = ["_flaw", "_cells"]
    for name, text_column, kind_column in zip(layout.names, texts, kinds, strict=True):
        arrays.append(pa.array(text_column, pa.string()))
        names.append(name)
        if name in layout.mapped:
            arrays.append(pa.array(kind_column, pa.string()))
            names.append(name + KIND_SUFFIX)
    return pa.table(arrays, names=names)
