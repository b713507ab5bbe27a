"""The canonical form of a table and the digest of a list, to the byte as in docs/list-digest.md (version 1).

Computed from Arrow buffers, one column at a time: no loop over rows, and no more in memory than one column of the
table (a Parquet file is read column by column; a table that is in memory already is not copied).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from perlinsos.errors import Refused
from perlinsos.model.datasets import RESULT_TABLES, Column, ResultTable

FORM = "perlinsos-list-1"
LIST_TABLES = ("decisions", "components", "findings", "not_decided")
COVERED_KINDS = ("PINDAH", "TIDAK_MENDAFTAR")

Source: TypeAlias = pa.Table | Path | Iterable[pa.RecordBatch]


class _Hash(Protocol):
    """What of hashlib is used here."""

    def update(self, data: Any, /) -> None: ...

    def hexdigest(self) -> str: ...


def content_digest(source: Source, table: ResultTable) -> str:
    """Lower-case hex SHA-256 of one table's canonical form.

    `source` is an Arrow table, record batches or the path of a Parquet file; `table` says its columns, kinds and order
    (RESULT_TABLES, or the schema of recipients). Raises Refused where columns or types are others, or where the rows
    are not in the table's order.
    """
    digest = hashlib.sha256()
    _write_table(digest, _opened(source), table, None)
    return digest.hexdigest()


def list_digest(programme: str, rules_digest: str, tables: Mapping[str, Source]) -> str:
    """The list digest of one programme: what approvals, decrees, consumers and replays quote.

    `tables` holds the four result tables by name, as `determine` writes them: rows of other programmes, and rows of
    `not_decided` of a kind that the digest does not cover, are left out here. `rules_digest` is the programme's.
    """
    if missing := [name for name in LIST_TABLES if name not in tables]:
        raise Refused("A list digest needs four tables", where=", ".join(missing), why="these were not given")
    digest = ListDigest(programme, rules_digest)
    for name in LIST_TABLES:
        digest.add(name, tables[name])
    return digest.hexdigest()


class ListDigest:
    """The list digest of one programme while its tables are made: `add` each of LIST_TABLES in that order."""

    def __init__(self, programme: str, rules_digest: str) -> None:
        self._programme = programme
        self._added: list[str] = []
        self._digest = hashlib.sha256()
        _write_text(self._digest, FORM)
        _write_text(self._digest, rules_digest)

    def add(self, name: str, source: Source) -> None:
        """Feed the rows of one table that belong to the list. Raises Refused as `content_digest` does."""
        _write_table(self._digest, _opened(source), RESULT_TABLES[name], self._programme)
        self._added.append(name)

    def hexdigest(self) -> str:
        """The digest; RuntimeError unless each table was added once, in order."""
        if tuple(self._added) != LIST_TABLES:
            raise RuntimeError(f"a list digest is of {', '.join(LIST_TABLES)}, in this order, not of {', '.join(self._added)}")
        return self._digest.hexdigest()


def _opened(source: Source) -> pa.Table | Path:
    """The source as something that can be read once per column."""
    if isinstance(source, pa.Table | Path):
        return source
    return pa.Table.from_batches(source)


def _columns(source: pa.Table | Path, names: list[str]) -> pa.Table:
    """The named columns, read from a Parquet file or taken from the table."""
    if isinstance(source, pa.Table):
        return source.select(names)
    return pq.ParquetFile(source).read(columns=names)


def _write_table(digest: _Hash, source: pa.Table | Path, table: ResultTable, programme: str | None) -> None:
    """Feed one table's canonical form to the digest."""
    check_columns(source, table)
    kept = None if programme is None else _covered(source, table, programme)
    rows = _count(source) if kept is None else int(pc.sum(kept).as_py() or 0)
    _check_order(source, table, kept)
    _write_text(digest, table.name)
    _write_ints(digest, [len(table.columns), rows])
    for column in table.columns:
        values = _columns(source, [column.name]).column(0)
        _write_column(digest, values if kept is None else values.filter(kept), column)


def _count(source: pa.Table | Path) -> int:
    """Rows of the source."""
    return int(source.num_rows if isinstance(source, pa.Table) else pq.ParquetFile(source).metadata.num_rows)


def _covered(source: pa.Table | Path, table: ResultTable, programme: str) -> pa.ChunkedArray | None:
    """Which rows a list digest covers: those of the programme, or the covered kinds of `not_decided`; None: all."""
    if table.name == "not_decided":
        covered = pc.is_in(_columns(source, ["kind"]).column(0), value_set=pa.array(COVERED_KINDS))
    else:
        covered = pc.fill_null(pc.equal(_columns(source, ["programme"]).column(0), programme), False)
    return None if pc.all(covered).as_py() else covered


def check_columns(source: pa.Table | Path, table: ResultTable) -> None:
    """Raise Refused where the columns or types are not those of the table (their order in the source is free)."""
    schema = source.schema if isinstance(source, pa.Table) else pq.read_schema(source)
    wanted = {column.name for column in table.columns}
    if differing := sorted(wanted.symmetric_difference(schema.names)):
        raise Refused("The columns are not the contract's", where=f"{table.name}: {', '.join(differing)}")
    if len(schema.names) != len(wanted):
        raise Refused("A column stands twice", where=table.name)
    for column in table.columns:
        found = schema.field(column.name).type
        if not _has_kind(found, column.kind):
            raise Refused("A column has the wrong type", where=f"{table.name}.{column.name}", why=f"{found}, not {column.kind}")


def _is_text(found: pa.DataType) -> bool:
    return bool(pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found))


def _has_kind(found: pa.DataType, kind: str) -> bool:
    """Whether an Arrow type carries a kind of the contract."""
    if kind == "list<text>":
        return bool(pa.types.is_list(found) or pa.types.is_large_list(found)) and _is_text(found.value_type)
    return {
        "text": _is_text(found),
        "int64": bool(pa.types.is_int64(found)),
        "date": bool(pa.types.is_date32(found)),
        "bool": bool(pa.types.is_boolean(found)),
    }.get(kind, False)


def _check_order(source: pa.Table | Path, table: ResultTable, kept: pa.ChunkedArray | None) -> None:
    """Raise Refused unless the rows are sorted by the table's order: by code point, nulls first."""
    tied: pa.Array | None = None  # places of the rows that equal the next one in all columns so far; None: every place
    for name in table.order:
        values = _columns(source, [name]).column(0)
        values = (values if kept is None else values.filter(kept)).combine_chunks()
        if len(values) < 2:
            return
        before = values[:-1] if tied is None else values.take(tied)
        after = values[1:] if tied is None else values.take(pc.add(tied, 1))
        rises = pc.coalesce(pc.less(before, after), pc.and_(pc.is_null(before), pc.is_valid(after)))
        others = pc.indices_nonzero(pc.invert(rises))
        if len(others) < len(rises):
            before, after = before.take(others), after.take(others)
            tied = others if tied is None else tied.take(others)
        if not _all_equal(before, after):
            raise Refused(
                "The rows are not in the contract's order",
                where=table.name,
                why=f"column {name} falls; the order is {', '.join(table.order)}, by code point, nulls first",
            )
        if not len(others):
            return


def _all_equal(left: pa.Array, right: pa.Array) -> bool:
    """Whether two arrays hold the same values and nulls."""
    same = pc.coalesce(pc.equal(left, right), pc.and_(pc.is_null(left), pc.is_null(right)))
    return bool(pc.all(same, min_count=0).as_py())


def _write_column(digest: _Hash, values: pa.ChunkedArray, column: Column) -> None:
    """Feed one column: its name, kind, mask of nulls and values."""
    _write_text(digest, column.name)
    _write_text(digest, column.kind)
    for chunk in values.chunks:
        digest.update(chunk.is_null().cast(pa.uint8()).to_numpy() if chunk.null_count else bytes(len(chunk)))
    if column.kind == "text":
        _write_texts(digest, [_text(chunk) for chunk in values.chunks])
    elif column.kind == "list<text>":
        _write_lists(digest, values, column)
    else:
        for chunk in values.chunks:
            numbers = chunk.cast(pa.int32()) if column.kind == "date" else chunk
            digest.update(_little(_filled(numbers.cast(pa.int64()), 0).to_numpy()))


def _text(chunk: pa.Array) -> pa.Array:
    """The texts of a chunk as string or large_string, with the empty text for null."""
    if pa.types.is_string_view(chunk.type):
        chunk = chunk.cast(pa.large_string())
    return _filled(chunk, "")


def _filled(chunk: pa.Array, value: object) -> pa.Array:
    """The chunk with a value for its nulls; the very same where it has none."""
    return pc.fill_null(chunk, value) if chunk.null_count else chunk


def _write_texts(digest: _Hash, chunks: list[pa.Array]) -> None:
    """Feed the byte lengths of all values, then all bytes."""
    for chunk in chunks:
        digest.update(_little(np.diff(_offsets(chunk))))
    for chunk in chunks:
        offsets = _offsets(chunk)
        data = chunk.buffers()[2]
        if data is not None and len(chunk):
            digest.update(memoryview(data)[int(offsets[0]) : int(offsets[-1])])


def _offsets(chunk: pa.Array) -> np.ndarray[Any, np.dtype[Any]]:
    """Where each value of a chunk of texts begins in its buffer (one more than values)."""
    width = np.int64 if pa.types.is_large_string(chunk.type) else np.int32
    if not len(chunk):
        return np.zeros(1, dtype=width)
    return np.frombuffer(chunk.buffers()[1], dtype=width)[chunk.offset : chunk.offset + len(chunk) + 1]


def _write_lists(digest: _Hash, values: pa.ChunkedArray, column: Column) -> None:
    """Feed the number of items of each value, then the items of all rows as texts."""
    items = []
    for chunk in values.chunks:
        digest.update(_little(_filled(pc.list_value_length(chunk), 0).to_numpy()))
        flat = chunk.flatten()  # without the items of null values
        if flat.null_count:
            raise Refused("A list has an item without a value", where=column.name, why="the canonical form has none")
        items.append(_text(flat))
    _write_texts(digest, items)


def _little(numbers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Signed 8-byte little-endian, to be hashed as it lies in memory."""
    return np.ascontiguousarray(numbers, dtype="<i8")


def _write_ints(digest: _Hash, numbers: list[int]) -> None:
    digest.update(_little(np.array(numbers, dtype=np.int64)))


def _write_text(digest: _Hash, text: str) -> None:
    """Feed a text of the form itself: its byte length and its bytes."""
    data = text.encode()
    _write_ints(digest, [len(data)])
    digest.update(data)
