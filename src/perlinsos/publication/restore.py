"""Bring a table that some reader has loaded back to its types, and tell its content digest.

Whatever read the file (a spreadsheet, pandas, a database), the values are the same when the digest is the manifest's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from perlinsos.errors import Refused, say_why
from perlinsos.model.datasets import Column, ResultTable
from perlinsos.publication.canonical import content_digest
from perlinsos.publication.files import split_lists
from perlinsos.publication.recipients import fit
from perlinsos.publication.sheets import FORMULA_STARTS

_DAY = r"^(\d{4}-\d{2}-\d{2})([ T]00:00:00(\.0+)?)?$"


def digest_of_rows(rows: pa.Table, table: ResultTable) -> str:
    """The content digest of rows that any reader gave (`pa.Table.from_pandas(frame)`, `frame.to_arrow()`, …).

    Numbers, days and lists may come as text (`|` between items), missing values as null, NaN or the empty text, rows in
    any order. Raises Refused where a column is missing or a value has no such meaning.
    """
    return content_digest(restore(rows, table), table)


def restore(rows: pa.Table, table: ResultTable) -> pa.Table:
    """The rows with the table's types and order."""
    if missing := [column.name for column in table.columns if column.name not in rows.column_names]:
        raise Refused("Columns are missing", where=f"{table.name}: {', '.join(missing)}")
    columns = {}
    for column in table.columns:
        values = rows.column(column.name)
        try:
            columns[column.name] = _restore_column(values.combine_chunks(), column)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise Refused(
                "A column holds values of another kind", where=f"{table.name}.{column.name}", why=column.kind
            ) from error
    return fit(pa.table(columns), table)


def _restore_column(values: Any, column: Column) -> Any:
    """One column with its kind's type."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_null(values.type):
        values = values.cast(pa.string())
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        return values.cast(pa.list_(pa.string()))
    if column.kind == "date" and not _is_text(values.type):
        return (
            values.cast(pa.timestamp("us")).cast(pa.date32()) if pa.types.is_timestamp(values.type) else values.cast(pa.date32())
        )
    if column.kind in {"int64", "bool"} and not _is_text(values.type):
        if pa.types.is_floating(values.type):
            values = pc.if_else(pc.is_nan(values), None, values)
        return values.cast(pa.int64() if column.kind == "int64" else pa.bool_())
    return _from_text(_plain(values.cast(pa.string())), column)


def _from_text(texts: Any, column: Column) -> Any:
    """Values that came as text; the empty text is null, and the empty list of a list."""
    if column.kind == "list<text>":
        return split_lists(pc.fill_null(texts, ""))
    texts = pc.if_else(pc.equal(texts, ""), None, texts)
    if column.kind == "int64":
        return pc.replace_substring_regex(texts, r"\.0$", "").cast(pa.int64())
    if column.kind == "date":
        return pc.replace_substring_regex(texts, _DAY, r"\1").cast(pa.date32())
    if column.kind == "bool":
        return pc.ascii_lower(texts).cast(pa.bool_())
    return texts


def _plain(texts: Any) -> Any:
    """Without the apostrophe that a sheet has before a text that looks like a formula."""
    return pc.replace_substring_regex(texts, FORMULA_STARTS.replace("^(", "^'("), r"\1")


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def read_file(path: Path, table: ResultTable) -> pa.Table:
    """The table's rows in a file: `.parquet`, `.csv`, `.csv.gz` or `.xlsx`. Refused for another file."""
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        if path.suffix == ".xlsx":
            return _read_xlsx(path, table)
        if path.name.endswith((".csv", ".csv.gz")):
            texts = dict.fromkeys((column.name for column in table.columns), pa.string())
            options = pacsv.ConvertOptions(column_types=texts, strings_can_be_null=False)
            return pacsv.read_csv(path, convert_options=options, parse_options=pacsv.ParseOptions(newlines_in_values=True))
    except (pa.ArrowInvalid, OSError, ValueError, KeyError) as error:
        raise Refused("The file cannot be read", where=path.name, why=say_why(error)) from error
    raise Refused("This file holds no table", where=path.name, remedy="name a .parquet, .csv, .csv.gz or .xlsx file")


def _read_xlsx(path: Path, table: ResultTable) -> pa.Table:
    """The rows of the sheets `recipients`, `recipients_2`, …"""
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True, data_only=True)
    found: dict[str, list[Any]] = {column.name: [] for column in table.columns}
    for sheet in book.worksheets:
        if sheet.title == table.name or sheet.title.startswith(f"{table.name}_"):
            rows = sheet.iter_rows(values_only=True)
            header = [str(name) for name in next(rows)]
            places = [header.index(name) for name in found]
            for row in rows:
                for name, place in zip(found, places, strict=True):
                    found[name].append(row[place] if place < len(row) else None)
    book.close()
    return pa.table({name: pa.array(values) for name, values in found.items()})
