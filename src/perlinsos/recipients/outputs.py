"""Writes the result tables as Parquet files whose bytes depend on the rows alone.

The queries give ids as numbers, words as ENUMs and lists of codes as masks: they are spelled out here, a batch at a
time, where it costs a tenth of doing it in the sort.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from perlinsos.model.datasets import RESULT_TABLES, ResultTable
from perlinsos.publication.canonical import ListDigest

ROWS = 262_144
FOUR_DIGITS = np.array([f"{number:04}" for number in range(10_000)], dtype="S4").view(np.uint32)
TYPES = {
    "text": pa.string(), "int64": pa.int64(), "date": pa.date32(), "bool": pa.bool_(), "list<text>": pa.list_(pa.string()),
}  # fmt: skip


@dataclass(frozen=True)
class Spelling:
    """What numbers and masks stand for: the texts of odd ids by their number, and the codes by their bit."""

    odd_numbers: pa.Array
    odd_texts: pa.Array
    codes: tuple[str, ...]

    def ids(self, numbers: pa.Array) -> pa.Array:
        """Ids as text: 16 digits, or the odd text."""
        digits = _sixteen_digits(pc.fill_null(numbers, 0).to_numpy())
        if not numbers.null_count and pc.all(pc.greater_equal(numbers, 0)).as_py():
            return digits
        odd = self.odd_texts.take(pc.index_in(numbers, value_set=self.odd_numbers))
        return pc.if_else(pc.greater_equal(numbers, 0), digits, odd)

    def lists(self, masks: pa.Array) -> pa.Array:
        """Masks as lists of codes, in the order of the codes."""
        distinct = pc.unique(masks)
        lists = [[code for bit, code in enumerate(self.codes) if mask >> bit & 1] for mask in distinct.to_pylist()]
        return pa.array(lists, TYPES["list<text>"]).take(pc.index_in(masks, value_set=distinct))


def _sixteen_digits(numbers: np.ndarray[Any, np.dtype[np.int64]]) -> pa.Array:
    """Numbers from 0 as text of 16 digits, four digits at a time; any text for those below 0."""
    fours = np.empty((len(numbers), 4), dtype=FOUR_DIGITS.dtype)
    for place in (3, 2, 1, 0):
        rest = numbers // 10_000
        fours[:, place] = FOUR_DIGITS[numbers - rest * 10_000]
        numbers = rest
    ends = np.arange(0, 16 * len(fours) + 1, 16, dtype=np.int32)
    return pa.StringArray.from_buffers(len(fours), pa.py_buffer(ends), pa.py_buffer(fours))


def read_spelling(connection: duckdb.DuckDBPyConnection) -> Spelling:
    """The spelling of one run, from odd_id and rule_reason."""
    odd = connection.sql("select id, text from odd_id order by id").to_arrow_table().combine_chunks()
    codes = connection.execute("select code from rule_reason order by code").fetchall()
    texts = pa.array(odd.column(1).to_pylist(), pa.string())
    return Spelling(pa.array(odd.column(0).to_pylist(), pa.int64()), texts, tuple(row[0] for row in codes))


def arrow_schema(table: ResultTable) -> pa.Schema:
    """The Arrow schema of a result table."""
    return pa.schema([pa.field(column.name, TYPES[column.kind]) for column in table.columns])


def write_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    queries: Mapping[str, str],
    digests: Mapping[str, ListDigest],
    folder: Path,
) -> None:
    """Write `<name>.parquet` in row groups of equal size, and feed the rows to the digest of their programme.

    The programme's query is run for each programme of `digests` in turn; once for all of them, and then any of the queries,
    where the rows have no programme.
    """
    schema, spelling = arrow_schema(RESULT_TABLES[name]), read_spelling(connection)
    worded = [column for column in schema.names if column not in ("no_kk", "nik", "head_nik", "rank", "national_rank")]
    with pq.ParquetWriter(
        folder / f"{name}.parquet", schema, compression="zstd", version="2.6", use_dictionary=worded,
        write_statistics=["programme", "no_kk"],
    ) as writer:  # fmt: skip
        for programme in digests if "programme" in schema.names else [None]:
            if programme is not None:
                connection.execute("set variable output_programme = $1", [programme])
            own = list(digests) if programme is None else [programme]
            batches = connection.sql(queries[own[0]]).to_arrow_reader(ROWS)
            _write_rows(writer, name, (_spelled(batch, schema, spelling) for batch in batches), [digests[code] for code in own])


def _write_rows(writer: pq.ParquetWriter, name: str, parts: Iterable[pa.Table], digests: Iterable[ListDigest]) -> None:
    """Write the rows and feed them to the digests, which need all rows of a column before those of the next."""
    groups = [writer.schema.empty_table()]
    for group in _groups(parts):
        writer.write_table(group, row_group_size=ROWS)
        groups.append(group)
    rows = pa.concat_tables(groups)
    for digest in digests:
        digest.add(name, rows)


def _spelled(batch: pa.RecordBatch, schema: pa.Schema, spelling: Spelling) -> pa.Table:
    """A batch of a query as rows of the contract."""
    columns = []
    for field in schema:
        values = batch.column(field.name)
        if pa.types.is_list(field.type):
            values = spelling.lists(values)
        elif pa.types.is_integer(values.type) and pa.types.is_string(field.type):
            values = spelling.ids(values)
        columns.append(values.cast(field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def _groups(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows as tables of exactly ROWS rows (the last may be shorter); batches of the engine vary."""
    held: list[pa.Table] = []
    count = 0
    for part in parts:
        held.append(part)
        count += part.num_rows
        while count >= ROWS:
            table = pa.concat_tables(held)
            yield table.slice(0, ROWS).combine_chunks()
            held = [table.slice(ROWS)]
            count -= ROWS
    if count:
        yield pa.concat_tables(held).combine_chunks()
