"""Write each row where it ended: accepted.parquet and quarantine.parquet. Equal rows give equal bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp, select

from perlinsos.model.datasets import DATASETS
from perlinsos.sources.cells import KIND_SUFFIX
from perlinsos.sources.convert import RESERVED
from perlinsos.sources.description import SourceDescription
from perlinsos.sources.expressions import NULL, call, case, is_null, literal

BATCH_ROWS = 122_880


def write_accepted(connection: duckdb.DuckDBPyConnection, dataset: str, canonical: Path, target: Path) -> None:
    """The dataset's columns, `_row`, `_warnings`; sorted by `_row`. Needs the table `verdicts`."""
    warnings = call("coalesce", _of("verdicts", "warnings"), exp.Array(expressions=[]))
    is_accepted = exp.not_(call("coalesce", _of("verdicts", "is_quarantined"), exp.false()))
    file = exp.Anonymous(this="read_parquet", expressions=[literal(str(canonical))])
    tree = select(*(_of("rows", name) for name in (*DATASETS[dataset].names, "_row")), exp.alias_(warnings, "_warnings"))
    tree = tree.from_(exp.alias_(exp.Table(this=file), "rows", table=True))
    tree = tree.join("verdicts", on="rows._row = verdicts._row", join_type="left").where(is_accepted)
    write_ordered(connection.sql(tree.order_by(_of("rows", "_row")).sql("duckdb")), target)


def write_quarantine(connection: duckdb.DuckDBPyConnection, source: SourceDescription, cells: Path, target: Path) -> None:
    """Every cell as text as it arrived, the dataset's columns first.

    Beside them `_cells` (all cells of a record of odd shape), `_kinds` (cells that were no text, as `column=kind`
    joined with `|`: a replay needs them), `_row`, `_errors`, `_warnings`.
    """
    files = sorted(str(path) for path in cells.glob("cells-*.parquet"))
    connection.read_parquet(files, union_by_name=True).create_view("cells", replace=True)
    found = [row[0] for row in connection.execute("select column_name from (describe cells)").fetchall()]
    own = DATASETS[source.dataset].names
    others = [n for n in found if n not in (*own, *RESERVED) and not n.endswith(KIND_SUFFIX)]
    fields: list[exp.Expr] = [_cell(source, name, found) for name in own]
    fields += [_of("cells", name) for name in others]
    fields += [exp.alias_(_kinds(found), "_kinds"), _of("cells", "_cells"), _of("cells", "_row")]
    fields += [exp.alias_(_of("verdicts", "errors"), "_errors"), exp.alias_(_of("verdicts", "warnings"), "_warnings")]
    tree = select(*fields).from_("cells").join("verdicts", on="cells._row = verdicts._row")
    tree = tree.where(_of("verdicts", "is_quarantined")).order_by(_of("cells", "_row"))
    write_ordered(connection.sql(tree.sql("duckdb")), target)


def _of(table: str, name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True), table=table)


def _cell(source: SourceDescription, name: str, found: list[str]) -> exp.Expr:
    constant = source.column(name).constant
    if constant is None and name in found:
        return _of("cells", name)
    value = literal(constant) if constant is not None else NULL
    return exp.alias_(exp.cast(value, "text"), name, quoted=True)


def _kinds(found: list[str]) -> exp.Expr:
    parts = []
    for name in found:
        if name.endswith(KIND_SUFFIX):
            kind = _of("cells", name)
            told = exp.Concat(expressions=[literal(f"{name.removesuffix(KIND_SUFFIX)}="), exp.cast(kind, "text")])
            parts.append(case((exp.not_(is_null(kind)), told)))
    return call("nullif", call("concat_ws", "|", *parts), "") if parts else exp.cast(NULL, "text")


def write_ordered(rows: duckdb.DuckDBPyRelation, target: Path) -> None:
    """Write rows that are in order; equal rows give equal bytes, however the engine blocks them."""
    reader = rows.to_arrow_reader(BATCH_ROWS)
    with pq.ParquetWriter(target, reader.schema, compression="zstd") as writer:
        for table in _batches(reader):
            writer.write_table(table, row_group_size=BATCH_ROWS)


def _batches(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """Tables of exactly BATCH_ROWS rows; the last may be shorter."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in reader:
        held.append(batch)
        rows += batch.num_rows
        while rows >= BATCH_ROWS:
            table = pa.Table.from_batches(held, reader.schema)
            yield table.slice(0, BATCH_ROWS).combine_chunks()
            held = table.slice(BATCH_ROWS).to_batches()
            rows -= BATCH_ROWS
    if rows:
        yield pa.Table.from_batches(held, reader.schema).combine_chunks()
