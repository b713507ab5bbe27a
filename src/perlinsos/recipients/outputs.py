"""Writes the result tables as Parquet files whose bytes depend on the rows alone.

The queries give ids as numbers, words as ENUMs and lists of codes as masks: they are spelled out here, a batch at a
time, where it costs a tenth of doing it in the sort.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from perlinsos.model.datasets import RESULT_TABLES, ResultTable
from perlinsos.publication.canonical import ListDigest

ROWS = 262_144
SIXTEEN_DIGITS = 10**15  # from here on a number needs no zeros in front
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
        text = pc.cast(numbers, pa.string())
        if not pc.any(pc.less(numbers, SIXTEEN_DIGITS)).as_py():
            return text
        place = pc.index_in(numbers, value_set=self.odd_numbers)
        return pc.if_else(pc.is_valid(place), self.odd_texts.take(place), pc.utf8_lpad(text, 16, "0"))

    def lists(self, masks: pa.Array) -> pa.Array:
        """Masks as lists of codes, in the order of the codes."""
        distinct = pc.unique(masks)
        lists = [[code for bit, code in enumerate(self.codes) if mask >> bit & 1] for mask in distinct.to_pylist()]
        return pa.array(lists, TYPES["list<text>"]).take(pc.index_in(masks, value_set=distinct))


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
    connection: duckdb.DuckDBPyConnection, name: str, query: str, digests: Mapping[str, ListDigest], folder: Path
) -> None:
    """Write `<name>.parquet` in row groups of equal size, and feed the rows to the digest of their programme.

    The query is run once for each programme of `digests` in turn; once for all of them where the rows have no programme.
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
            groups = []
            reader = connection.sql(query).to_arrow_reader(ROWS)
            for group in _groups(_spelled(batch, schema, spelling) for batch in reader):
                writer.write_table(group, row_group_size=ROWS)
                groups.append(group)
            rows = pa.concat_tables(groups) if groups else schema.empty_table()
            for digest in digests.values() if programme is None else [digests[programme]]:
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
