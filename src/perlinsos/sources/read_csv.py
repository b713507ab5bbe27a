"""Delimited text (CSV, TSV and the like) as cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perlinsos.errors import Refused
from perlinsos.sources.cells import CellsWriter
from perlinsos.sources.csv_blocks import Block, OddRecord, read_record, split_block
from perlinsos.sources.decoding import Utf8Text
from perlinsos.sources.description import SourceDescription
from perlinsos.sources.layout import HEADER_SEARCH_ROWS, Layout, count_required, find_header, plan_layout

DELIMITERS = (",", ";", "\t", "|")
HEAD_BYTES = 2**18


@dataclass(frozen=True)
class Head:
    """What the first lines say: the delimiter, the header, the lines before it, the place after it (characters)."""

    delimiter: str
    header: list[str | None]
    titles: list[list[str]]
    offset: int


def read_csv(text: Utf8Text, source: SourceDescription, where: str, writer: CellsWriter) -> dict[str, object]:
    """Write the records of one text file. Raises Refused for missing or repeated columns and unclosed quotes."""
    first = next(text.blocks(), b"")[:HEAD_BYTES]
    head = _find_head(first.decode(errors="ignore"), source)
    layout = plan_layout(head.header, source, where)
    if not source.format.is_header_declared:
        odd = [OddRecord(i, cells, writer.title_flaw) for i, cells in enumerate(head.titles)]
        writer.add(_assemble(Block(None, np.empty(0, np.int64), odd), layout), layout)
    limit = source.limits.line_mib * 2**20
    try:
        for block in _blocks_after(text, head, limit):
            writer.add(_assemble(block, layout), layout)
    except Refused as error:
        raise Refused(error.what, where=f"{where}, after record {writer.rows}", why=error.why, remedy=error.remedy) from error
    return {"encoding": text.encoding, "delimiter": head.delimiter, "columns": list(layout.header)}


def _blocks_after(text: Utf8Text, head: Head, limit: int) -> Iterator[Block]:
    """The blocks of records below the header."""
    carried, skip, previous = b"", head.offset, None
    for data in text.blocks():
        if skip >= len(data):
            skip -= len(data)
            continue
        data, skip = data[skip:], 0
        if previous is not None:
            block = _split_lines(carried + previous, head.delimiter, limit, is_last=False)
            carried = block.rest
            yield block
        previous = data
    if previous is not None:
        yield _split_lines(carried + previous, head.delimiter, limit, is_last=True)


def _split_lines(data: bytes, delimiter: str, limit: int, *, is_last: bool) -> Block:
    cut = len(data) if is_last else data.rfind(b"\n") + 1
    block = split_block(data[:cut], delimiter, is_last=is_last, line_limit=limit)
    block.rest += data[cut:]
    if len(block.rest) > limit:
        raise Refused(
            "a line is longer than the limit",
            why=f"a record of more than {limit} bytes is no row of a table",
            remedy="check the file's line ends and quotes, or raise limits.line_mib in the source's file",
        )
    return block


def _find_head(first: str, source: SourceDescription) -> Head:
    """The delimiter whose header names the most required columns (then the most columns)."""
    skipped = 0
    hint = first.split("\n", 1)[0].rstrip("\r")
    choices = DELIMITERS if source.format.delimiter == "auto" else (source.format.delimiter,)
    if len(hint) == 5 and hint.lower().startswith("sep="):
        skipped, choices = first.find("\n") + 1, (hint[4],) if hint[4].isascii() else choices
    heads = [_head_with(first, skipped, delimiter, source) for delimiter in choices]
    return max(heads, key=lambda head: (count_required(head.header, source), len(head.header)))


def _head_with(first: str, skipped: int, delimiter: str, source: SourceDescription) -> Head:
    rows: list[list[str]] = []
    offsets = [len(first[:skipped].encode())]
    position = skipped
    count = max(HEADER_SEARCH_ROWS, source.format.header_span[1])
    while position < len(first) and len(rows) < count:
        found = read_record(first, position, delimiter, is_last=True)
        if found is None:
            break
        rows.append(found[0])
        offsets.append(offsets[-1] + len(first[position : found[2]].encode()))
        position = found[2]
    start, after, header = find_header(rows, source)
    titles = [row for row in rows[:start] if any(cell.strip() for cell in row)]
    return Head(delimiter, header, titles, offsets[min(after, len(rows))])


def _assemble(block: Block, layout: Layout) -> pa.Table:
    """The block's records in their order as a table of the layout; empty records are nothing."""
    width = len(layout.names)
    ordinary, surplus_odd = _fit(block, width)
    odd = [record for record in (*block.odd, *surplus_odd) if any(cell.strip() for cell in record.cells)]
    table = _with_flaws(ordinary, layout) if ordinary is not None else None
    if table is not None:
        places, table = _without_empty(table, layout, _ordinary_places(block, surplus_odd))
    if not odd:
        return table if table is not None else _odd_table([], layout)
    odd.sort(key=lambda record: record.place)
    odd_table = _odd_table(odd, layout)
    if table is None:
        return odd_table
    order = np.argsort(np.concatenate((places, [record.place for record in odd])), kind="stable")
    return pa.concat_tables((table, odd_table)).take(pa.array(order))


def _ordinary_places(block: Block, surplus_odd: list[OddRecord]) -> np.ndarray:
    if not surplus_odd:
        return block.places
    return np.setdiff1d(block.places, [record.place for record in surplus_odd], assume_unique=True)


def _fit(block: Block, width: int) -> tuple[pa.Table | None, list[OddRecord]]:
    """The block's table cut to the header's width; records with something beyond it are odd, short ones all."""
    table = block.table
    if table is None or table.num_columns == width:
        return table, []
    if table.num_columns < width:
        rows = zip(*(table.column(i).to_pylist() for i in range(table.num_columns)), strict=True)
        return None, [OddRecord(int(p), list(r), None) for p, r in zip(block.places, rows, strict=True)]
    beyond = [pc.not_equal(pc.utf8_trim_whitespace(table.column(i)), "") for i in range(width, table.num_columns)]
    is_odd = beyond[0]
    for other in beyond[1:]:
        is_odd = pc.or_(is_odd, other)
    places = block.places[is_odd.to_numpy()]
    long = table.filter(is_odd)
    rows = zip(*(long.column(i).to_pylist() for i in range(long.num_columns)), strict=True)
    odd = [OddRecord(int(p), list(r), None) for p, r in zip(places, rows, strict=True)]
    return table.filter(pc.invert(is_odd)).select(range(width)), odd


def _with_flaws(table: pa.Table, layout: Layout) -> pa.Table:
    rows = table.num_rows
    columns = [pa.nulls(rows, pa.string()), pa.nulls(rows, pa.list_(pa.string())), *table.columns]
    return pa.table(columns, names=["_flaw", "_cells", *layout.names])


def _without_empty(table: pa.Table, layout: Layout, places: np.ndarray) -> tuple[np.ndarray, pa.Table]:
    """Leave out records without any non-empty cell. Only those with an empty first cell are looked at."""
    maybe = np.flatnonzero(pc.equal(pc.utf8_trim_whitespace(table.column(layout.names[0])), "").to_numpy())
    if not maybe.size:
        return places, table
    rows = table.take(pa.array(maybe)).select(list(layout.names))
    is_empty = np.ones(maybe.size, bool)
    for column in rows.columns:
        is_empty &= pc.equal(pc.utf8_trim_whitespace(column), "").to_numpy()
    keep = np.ones(table.num_rows, bool)
    keep[maybe[is_empty]] = False
    return places[keep], table.filter(pa.array(keep))


def _odd_table(odd: list[OddRecord], layout: Layout) -> pa.Table:
    """Records that are not as wide as the header: `row_shape`, unless only empty cells are too many."""
    width = len(layout.names)
    columns: list[list[str]] = [[] for _ in range(width)]
    flaws: list[str | None] = []
    whole: list[list[str] | None] = []
    for record in odd:
        cells = record.cells
        while len(cells) > width and not cells[-1].strip():
            cells = cells[:-1]
        is_shaped = len(cells) == width
        flaws.append(record.flaw or (None if is_shaped else "*.row_shape"))
        whole.append(None if is_shaped and record.flaw is None else record.cells)
        for position in range(width):
            columns[position].append(cells[position] if position < len(cells) else "")
    arrays = [pa.array(flaws, pa.string()), pa.array(whole, pa.list_(pa.string()))]
    arrays += [pa.array(column, pa.string()) for column in columns]
    return pa.table(arrays, names=["_flaw", "_cells", *layout.names])
