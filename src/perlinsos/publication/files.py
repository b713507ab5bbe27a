"""Data files whose bytes depend on the rows alone (under one version of the engine): no time, no machine, no order of work."""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from perlinsos.errors import Refused, say_why
from perlinsos.model.datasets import ResultTable
from perlinsos.publication.canonical import content_digest
from perlinsos.publication.schema import LIST_SEPARATOR
from perlinsos.publication.sheets import write_xlsx
from perlinsos.storage import digest_of

ROW_GROUP = 262_144
MEDIA_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".gz": "application/gzip",
    ".json": "application/json",
    ".sql": "application/sql",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".md": "text/markdown; charset=utf-8",
    "": "text/plain; charset=utf-8",
}
_TYPES = {
    "text": pa.string(),
    "int64": pa.int64(),
    "date": pa.date32(),
    "bool": pa.bool_(),
    "list<text>": pa.list_(pa.string()),
}


@dataclass(frozen=True)
class FileEntry:
    """One file of a published folder, as the manifest lists it. `rows` and `content_digest` of tables only."""

    path: str
    media_type: str
    bytes: int
    sha256: str
    rows: int | None = None
    content_digest: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The manifest's form."""
        return asdict(self)


def describe_file(path: Path, rows: int | None = None, digest: str | None = None) -> FileEntry:
    """The entry of a file that is written."""
    media_type = MEDIA_TYPES[path.suffix if path.suffix in MEDIA_TYPES else ""]
    return FileEntry(path.name, media_type, path.stat().st_size, digest_of(path), rows, digest)


def arrow_schema(table: ResultTable) -> pa.Schema:
    """The Arrow schema of a table."""
    return pa.schema([(column.name, _TYPES[column.kind]) for column in table.columns])


def write_parquet(rows: pa.Table, table: ResultTable, path: Path) -> FileEntry:
    """Write the rows, which are in order, with row groups of 262,144 rows; columns in the order of the contract."""
    digest = content_digest(rows, table)
    rows = rows.select([column.name for column in table.columns]).cast(arrow_schema(table)).combine_chunks()
    pq.write_table(rows, path, row_group_size=ROW_GROUP, compression="zstd", version="2.6", store_schema=False)
    return describe_file(path, rows.num_rows, digest)


def write_csv_gz(rows: pa.Table, table: ResultTable, path: Path) -> FileEntry:
    """Write strict CSV (comma, UTF-8, LF, header; texts in quotes, null empty, lists joined with `|`) in gzip."""
    digest = content_digest(rows, table)
    flat = {}
    for column in table.columns:
        values = rows.column(column.name)
        is_list = column.kind == "list<text>"
        flat[column.name] = pc.binary_join(values, LIST_SEPARATOR) if is_list else values
    options = pacsv.WriteOptions(include_header=True, quoting_style="needed")
    with path.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as file:
        pacsv.write_csv(pa.table(flat).combine_chunks(), file, options)
    return describe_file(path, rows.num_rows, digest)


def write_sheet(rows: pa.Table, table: ResultTable, path: Path) -> FileEntry:
    """Write the rows, which are in order, as XLSX for people; its content digest is the table's."""
    digest = content_digest(rows, table)
    write_xlsx(rows, table, path)
    return describe_file(path, rows.num_rows, digest)


def read_csv_gz(path: Path, table: ResultTable) -> pa.Table:
    """Read what `write_csv_gz` wrote, with the types of the table. Refused where the file is not of that form."""
    kinds = {column.name: column.kind for column in table.columns}
    types = {name: pa.string() if kind in {"text", "list<text>"} else _TYPES[kind] for name, kind in kinds.items()}
    convert = pacsv.ConvertOptions(
        column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    try:
        with gzip.open(path, "rb") as file:
            rows = pacsv.read_csv(file, convert_options=convert, parse_options=pacsv.ParseOptions(newlines_in_values=True))
    except (pa.ArrowInvalid, OSError, EOFError) as error:
        raise Refused("The file cannot be read", where=path.name, why=say_why(error)) from error
    for name, kind in kinds.items():
        if kind == "list<text>" and name in rows.column_names:
            place = rows.column_names.index(name)
            rows = rows.set_column(place, name, split_lists(rows.column(name).combine_chunks()))
    return rows


def split_lists(texts: pa.Array) -> pa.Array:
    """The lists that were joined with `|`: the empty text is the empty list."""
    filled = pc.equal(texts, "")
    counts = pc.if_else(pc.fill_null(filled, True), 0, pc.add(pc.count_substring(texts, LIST_SEPARATOR), 1))
    items = pc.split_pattern(texts.filter(pc.invert(pc.fill_null(filled, True))), LIST_SEPARATOR).flatten()
    ends = pc.cumulative_sum(counts.cast(pa.int32()))
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    return pa.ListArray.from_arrays(offsets, items.cast(pa.string()), mask=texts.is_null())


def write_text(path: Path, text: str) -> FileEntry:
    """Write a text file (UTF-8, LF)."""
    path.write_bytes(text.encode())
    return describe_file(path)


def as_json(document: Any) -> str:
    """JSON for people and programs: indented, in the order of the document, UTF-8, a newline at the end."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
