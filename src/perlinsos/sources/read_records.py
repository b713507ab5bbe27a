"""JSON Lines as cells: one object a line, nested records by dotted names, numbers as they are written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from perlinsos.errors import Refused
from perlinsos.sources.cells import BATCH_ROWS, Budget, Cell, CellsWriter, table_of_rows
from perlinsos.sources.decoding import Utf8Text
from perlinsos.sources.description import SourceDescription
from perlinsos.sources.layout import Layout, plan_layout

MOST_COLUMNS = 2000
_SURROGATE = re.compile("[\ud800-\udfff]")
Record = dict[str, Cell]


class _Number(str):
    """A number of JSON, by its characters."""


class _Repeated(ValueError):
    """A key stands twice in one object with different values."""


def read_records(text: Utf8Text, source: SourceDescription, where: str, writer: CellsWriter, budget: Budget) -> dict[str, object]:
    """Write the records of JSON Lines. Lines that are no object are quarantined; missing columns refuse."""
    names: dict[str, None] = {}
    for record, _, _ in _records(text, source, budget):
        for name in record:
            names.setdefault(name)
        if len(names) > MOST_COLUMNS:
            raise Refused(f"{where} has more than {MOST_COLUMNS} columns", remedy="send the table's own columns only")
    layout = plan_layout(list(names), source, where)
    order = list(names)
    batch: list[tuple[list[Cell], str | None]] = []
    for record, flaw, line in _records(text, source, budget):
        if flaw is None:
            batch.append(([record.get(name, (None, None)) for name in order], None))
        else:
            batch.append(([(line, None)], flaw))
        if len(batch) == BATCH_ROWS:
            _write(batch, layout, writer)
            batch = []
    _write(batch, layout, writer)
    return {"encoding": text.encoding, "columns": list(layout.header)}


def _write(batch: list[tuple[list[Cell], str | None]], layout: Layout, writer: CellsWriter) -> None:
    """A line that is no record keeps its text in `_cells`; it stands in no column."""
    table = table_of_rows([([] if flaw is not None else cells, flaw) for cells, flaw in batch], layout)
    whole = [[cells[0][0] or ""] if flaw is not None else None for cells, flaw in batch]
    place = table.column_names.index("_cells")
    writer.add(table.set_column(place, "_cells", pa.array(whole, pa.list_(pa.string()))), layout)


def _lines(text: Utf8Text, limit: int) -> Iterator[str]:
    rest = b""
    for block in text.blocks():
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield line.decode()
        if len(rest) > limit:
            raise Refused("a line is longer than the limit", remedy="send one record a line, or raise limits.line_mib")
    if rest:
        yield rest.decode()


def _records(text: Utf8Text, source: SourceDescription, budget: Budget) -> Iterator[tuple[Record, str | None, str]]:
    """Each record (or, exploded, each element of its list), its flaw, and its line where it is broken."""
    for number, raw in enumerate(_lines(text, source.limits.line_mib * 2**20)):
        if number % 1000 == 0:
            budget.check()
        line = raw.strip().lstrip("\ufeff")
        if not line:
            continue
        try:
            found = json.loads(line, parse_int=_Number, parse_float=_Number, parse_constant=_Number, object_pairs_hook=_unique)
        except _Repeated:
            yield {}, "*.value_conflict", line
            continue
        except (ValueError, RecursionError):
            yield {}, "*.json_invalid", line
            continue
        if not isinstance(found, dict):
            yield {}, "*.not_a_record", line
            continue
        for record in _explode(found, source.format.explode):
            if any(cell[0] for cell in record.values()):
                yield record, None, ""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found and found[key] != value:
            raise _Repeated(key)
        found[key] = value
    return found


def _explode(found: dict[str, Any], path: str | None) -> Iterator[Record]:
    if path is None:
        yield flatten(found)
        return
    elements = found.get(path)
    parent = {key: value for key, value in found.items() if key != path}
    for element in elements if isinstance(elements, list) else [elements] if elements else []:
        own = element if isinstance(element, dict) else {path: element}
        yield flatten({**parent, **own})


def flatten(found: dict[str, Any], prefix: str = "") -> Record:
    """A record's values by dotted name. A list of texts is joined with `|`, any other list is of kind `nested`."""
    cells: Record = {}
    for key, value in found.items():
        name = f"{prefix}{_without_surrogates(key)}"
        if isinstance(value, dict) and value:
            cells.update(flatten(value, f"{name}."))
        else:
            cells[name] = _cell(value)
    return cells


def _cell(value: Any) -> Cell:
    text, kind = _text_and_kind(value)
    return (text if text is None else _without_surrogates(text)), kind


def _without_surrogates(text: str) -> str:
    """Half of a pair (`\\ud800`) is no character and cannot be written: it is a lost one, as in a text that is not UTF-8."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _text_and_kind(value: Any) -> Cell:
    if value is None or value == {} or value == []:
        return None, None
    if isinstance(value, _Number):
        return str(value), "number"
    if isinstance(value, str):
        return value, None
    if isinstance(value, bool):
        return ("true" if value else "false"), "bool"
    if isinstance(value, list) and all(isinstance(item, str) and not isinstance(item, _Number) for item in value):
        return "|".join(value), None
    return json.dumps(value, ensure_ascii=False, default=str), "nested"
