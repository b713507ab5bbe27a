"""Parquet as cells: every kind of text is text, whole numbers and decimals keep all their digits."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as pt

from perlinsos.errors import Refused, say_why
from perlinsos.sources.cells import KIND_SUFFIX, Budget, CellsWriter
from perlinsos.sources.description import SourceDescription
from perlinsos.sources.layout import Layout, plan_layout

ROWS = 65_536
Columns = list[tuple[str, pa.Array]]


def read_parquet(path: Path, source: SourceDescription, where: str, writer: CellsWriter, budget: Budget) -> dict[str, object]:
    """Write the records of one Parquet file. Raises Refused where it is damaged or columns are missing."""
    try:
        file = pq.ParquetFile(path)
        layout: Layout | None = None
        for batch in file.iter_batches(batch_size=ROWS):
            budget.check()
            columns = _flat_columns(batch, source.format.explode)
            layout = layout or plan_layout([name for name, _ in columns], source, where)
            _write(columns, layout, writer)
        if layout is None:
            columns = _flat_columns(pa.RecordBatch.from_pylist([], schema=file.schema_arrow), source.format.explode)
            layout = plan_layout([name for name, _ in columns], source, where)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise Refused(
            f"{where} cannot be read as Parquet",
            why=f"{say_why(error)}; some types of Parquet are not read",
            remedy="write the file again and send it",
        ) from error
    return {"columns": list(layout.header)}


def _write(columns: Columns, layout: Layout, writer: CellsWriter) -> None:
    rows = len(columns[0][1]) if columns else 0
    arrays = [pa.nulls(rows, pa.string()), pa.nulls(rows, pa.list_(pa.string()))]
    names = ["_flaw", "_cells"]
    is_empty: pa.Array | None = None
    for name, (_, array) in zip(layout.names, columns, strict=True):
        text, kind = as_text(array)
        blank = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(text), ""), True)
        is_empty = blank if is_empty is None else pc.and_(is_empty, blank)
        arrays.append(text)
        names.append(name)
        if name in layout.mapped and kind is not None:
            arrays.append(pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int8()), [kind]))
            names.append(name + KIND_SUFFIX)
    table = pa.table(arrays, names=names)
    if is_empty is not None and pc.any(is_empty).as_py():
        table = table.filter(pc.invert(is_empty))
    writer.add(table, layout)


def _flat_columns(batch: pa.RecordBatch, explode: str | None) -> Columns:
    """The columns by dotted name; with `explode` one record for each element of that list."""
    columns: Columns = list(zip(batch.schema.names, batch.columns, strict=True))
    if explode is not None:
        columns = _explode(columns, explode)
    flat: Columns = []
    for name, array in columns:
        flat.extend(_flatten(name, array))
    return flat


def _explode(columns: Columns, name: str) -> Columns:
    found = dict(columns).get(name)
    if found is None or not (pt.is_list(found.type) or pt.is_large_list(found.type)):
        raise Refused(
            f"there is no list column {name!r} to explode",
            where=f"columns {', '.join(other for other, _ in columns)[:300]}",
            remedy="correct format.explode in the source's file",
        )
    parents, elements = pc.list_parent_indices(found), pc.list_flatten(found)
    inner = _flatten("", elements) if pt.is_struct(elements.type) else [(name, elements)]
    taken = {field for field, _ in inner}
    outer = [(other, array.take(parents)) for other, array in columns if other != name and other not in taken]
    return [*inner, *outer]


def _flatten(name: str, array: pa.Array) -> Columns:
    if not pt.is_struct(array.type):
        return [(name, array)]
    prefix = f"{name}." if name else ""
    fields: Columns = []
    for field, child in zip(array.type, array.flatten(), strict=True):
        fields.extend(_flatten(prefix + field.name, child))
    return fields


def as_text(array: pa.Array) -> tuple[pa.Array, str | None]:
    """The values as text and the kind that they all have (None = text)."""
    kind = array.type
    if pt.is_dictionary(kind):
        return as_text(array.dictionary_decode())
    if pt.is_null(kind):
        return pa.nulls(len(array), pa.string()), None
    if pt.is_string(kind):
        return array, None
    if pt.is_large_string(kind) or pt.is_string_view(kind):
        return array.cast(pa.string()), None
    if pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_fixed_size_binary(kind) or pt.is_binary_view(kind):
        return _decode(array), None
    if pt.is_integer(kind):
        return array.cast(pa.string()), "integer"
    if pt.is_decimal(kind):
        return array.cast(pa.string()), "integer" if kind.scale == 0 else "number"
    if pt.is_floating(kind):
        return array.cast(pa.float64()).cast(pa.string()), "number"
    if pt.is_boolean(kind):
        return array.cast(pa.string()), "bool"
    if pt.is_date(kind):
        return array.cast(pa.date32()).cast(pa.string()), "date"
    if pt.is_timestamp(kind):
        return _moments(array), "date"
    return _other(array)


def _decode(array: pa.Array) -> pa.Array:
    """Bytes as UTF-8; what is none gets U+FFFD and so the error `encoding`."""
    try:
        return array.cast(pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([None if v is None else v.decode(errors="replace") for v in array.to_pylist()], pa.string())


def _moments(array: pa.Array) -> pa.Array:
    """Moments as ISO text: a day where no value has a time of day, with Z where the type has a zone."""
    if array.type.tz is not None:
        return pc.binary_join_element_wise(array.cast(pa.timestamp("us")).cast(pa.string()), "Z", "")
    days = array.cast(pa.timestamp("us"), safe=False)
    if pc.all(pc.equal(pc.floor_temporal(days, unit="day"), days)).as_py() in (True, None):
        return days.cast(pa.date32()).cast(pa.string())
    return days.cast(pa.string())


def _other(array: pa.Array) -> tuple[pa.Array, str | None]:
    """Lists of texts joined with `|`; everything else as JSON text of kind `nested`."""
    kind = array.type
    is_list = pt.is_list(kind) or pt.is_large_list(kind)
    if is_list and (pt.is_string(kind.value_type) or pt.is_large_string(kind.value_type)):
        return pc.binary_join(array.cast(pa.list_(pa.string())), "|"), None
    texts = [None if value is None else json.dumps(value, ensure_ascii=False, default=str) for value in array.to_pylist()]
    return pa.array(texts, pa.string()), "nested"
