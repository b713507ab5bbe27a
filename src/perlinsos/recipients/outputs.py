"""Writes the result tables as Parquet files whose bytes depend on the rows alone, and the summary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from perlinsos.model.datasets import RESULT_TABLES, ResultTable

ROWS = 262_144
TYPES = {
    "text": pa.string(), "int64": pa.int64(), "date": pa.date32(), "bool": pa.bool_(), "list<text>": pa.list_(pa.string()),
}  # fmt: skip


def arrow_schema(table: ResultTable) -> pa.Schema:
    """The Arrow schema of a result table."""
    return pa.schema([pa.field(column.name, TYPES[column.kind]) for column in table.columns])


def write_table(
    connection: duckdb.DuckDBPyConnection, name: str, query: str, programmes: Iterable[str] | None, folder: Path
) -> Path:
    """Write `<name>.parquet`: the query's rows, for each programme in turn (None: once), in row groups of equal size."""
    schema = arrow_schema(RESULT_TABLES[name])
    path = folder / f"{name}.parquet"
    with pq.ParquetWriter(path, schema, compression="zstd", version="2.6") as writer:
        for programme in programmes if programmes is not None else [None]:
            if programme is not None:
                connection.execute("set variable output_programme = $1", [programme])
            reader = connection.sql(query).to_arrow_reader(ROWS)
            for group in _groups(reader, schema):
                writer.write_table(group, row_group_size=ROWS)
    return path


def _groups(reader: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.Table]:
    """The reader's rows as tables of exactly ROWS rows (the last may be shorter); batches of the engine vary."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in reader:
        held.append(batch)
        count += batch.num_rows
        while count >= ROWS:
            table = pa.Table.from_batches(held)
            yield table.slice(0, ROWS).cast(schema).combine_chunks()
            held = table.slice(ROWS).to_batches()
            count -= ROWS
    if count:
        yield pa.Table.from_batches(held).cast(schema).combine_chunks()
