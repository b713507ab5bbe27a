"""Write a table as XLSX for people: codes as text, dates as dates, and nothing that a program would run as a formula.

openpyxl writes the workbook (styles, relations, an empty sheet with its header); the rows are written as Arrow columns
into that sheet, in blocks, because a cell-by-cell writer takes 16 seconds for 100,000 families and this takes two. Equal
rows give equal bytes: no time stands in the file.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from perlinsos.errors import Refused
from perlinsos.model.datasets import Column, ResultTable
from perlinsos.publication.schema import LIST_SEPARATOR

ROWS_OF_A_SHEET = 1_048_575  # beside the header; more rows go to further sheets
BLOCK = 16_384
FORMULA_STARTS = r"^([=+\-@\t\r'])"
"""How a text begins that a spreadsheet might run; an apostrophe is put before it, and before an apostrophe."""
_EPOCH = 25_569  # 1970-01-01 in the days that a spreadsheet counts from 1899-12-30
_TIME = (1980, 1, 1, 0, 0, 0)
_FORBIDDEN = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"  # XML has no way to say these
_END = b"</sheetData>"
_SHEET = "xl/worksheets/sheet"


def write_xlsx(rows: pa.Table, table: ResultTable, path: Path) -> None:
    """Write the rows, which are in order, to sheets `recipients`, `recipients_2`, … of at most 1,048,575 rows each."""
    names = [column.name for column in table.columns]
    parts = [rows.select(names).slice(start, ROWS_OF_A_SHEET) for start in range(0, max(rows.num_rows, 1), ROWS_OF_A_SHEET)]
    made, day_style = _make_template(table, len(parts))
    template = zipfile.ZipFile(made)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in template.namelist():
            content = template.read(name)
            if name == "docProps/core.xml":
                content = _without_time(content)
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as file:
                if not name.startswith(_SHEET):
                    file.write(content)
                    continue
                head, end, tail = content.partition(_END)
                number = int(name.removeprefix(_SHEET).removesuffix(".xml"))
                file.write(_with_extent(head, len(names), parts[number - 1].num_rows + 1))
                for block in _write_rows(parts[number - 1], table, day_style):
                    file.write(block)
                file.write(end + tail)


def _make_template(table: ResultTable, sheets: int) -> tuple[io.BytesIO, int]:
    """A workbook whose sheets have their header row, frozen, and the number of the style of days."""
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sample = book.worksheets[0].cell(1, 1)
    sample.number_format = "yyyy-mm-dd"
    day_style = sample.style_id
    book.remove(book.worksheets[0])
    for number in range(1, sheets + 1):
        sheet = book.create_sheet(table.name if number == 1 else f"{table.name}_{number}")
        sheet.append([column.name for column in table.columns])
        sheet.freeze_panes = "A2"
        for place, column in enumerate(table.columns, 1):
            cell = sheet.cell(1, place)
            cell.font = Font(bold=True)
            sheet.column_dimensions[get_column_letter(place)].width = 32 if "token" in column.name else 16
    made = io.BytesIO()
    book.save(made)
    return made, day_style


def _without_time(core: bytes) -> bytes:
    """The workbook's properties without the moment it was made."""
    return re.sub(rb"(<dcterms:(created|modified)[^>]*>)[^<]*", rb"\g<1>1980-01-01T00:00:00Z", core)


def _with_extent(head: bytes, columns: int, rows: int) -> bytes:
    """The beginning of a sheet with how far it reaches: some readers go by it."""
    from openpyxl.utils import get_column_letter

    extent = f'<dimension ref="A1:{get_column_letter(columns)}{rows}"/>'.encode()
    return re.sub(rb'<dimension ref="[^"]*" ?/>', extent, head)


def _write_rows(rows: pa.Table, table: ResultTable, day_style: int) -> Iterator[bytes]:
    """The rows as XML, in blocks."""
    from openpyxl.utils import get_column_letter

    letters = [get_column_letter(place) for place in range(1, len(table.columns) + 1)]
    for start in range(0, rows.num_rows, BLOCK):
        block = rows.slice(start, BLOCK).combine_chunks()
        numbers = pa.array(range(start + 2, start + 2 + block.num_rows)).cast(pa.string())
        cells = [
            _write_cells(block.column(column.name).combine_chunks(), column, letter, numbers, day_style)
            for column, letter in zip(table.columns, letters, strict=True)
        ]
        lines = pc.binary_join_element_wise('<row r="', numbers, '">', "")
        joined = pc.binary_join_element_wise(lines, *cells, "</row>", "")
        yield "".join(joined.to_pylist()).encode()


def _write_cells(values: Any, column: Column, letter: str, numbers: pa.Array, day_style: int) -> pa.Array:
    """One column's cells as XML; the empty text where there is no value."""
    if column.kind in {"text", "list<text>"}:
        texts = pc.binary_join(values, LIST_SEPARATOR) if column.kind == "list<text>" else values
        inner = _escape(texts)
        before, after = '" t="inlineStr"><is><t xml:space="preserve">', "</t></is></c>"
        is_empty = pc.or_kleene(pc.is_null(inner), pc.equal(pc.fill_null(inner, ""), ""))
    else:
        inner, kind_of_cell = _as_number(values, column, day_style)
        before, after = f'"{kind_of_cell}><v>', "</v></c>"
        is_empty = pc.is_null(inner)
    cells = pc.binary_join_element_wise(f'<c r="{letter}', numbers, before, pc.fill_null(inner, ""), after, "")
    return pc.if_else(is_empty, "", cells)


def _as_number(values: Any, column: Column, day_style: int) -> tuple[Any, str]:
    """A number, day or bool as the text of its value, and the attributes of its cell."""
    if column.kind == "date":
        return pc.add(values.cast(pa.int32()).cast(pa.int64()), _EPOCH).cast(pa.string()), f' s="{day_style}"'
    if column.kind == "bool":
        return values.cast(pa.int8()).cast(pa.string()), ' t="b"'
    if column.kind == "int64":
        largest = pc.max(pc.abs(values)).as_py() or 0
        if largest >= 2**53:
            raise Refused("A number is too large for a spreadsheet", where=f"{column.name}", why="2^53 and more lose digits")
        return values.cast(pa.string()), ""
    raise AssertionError(column.kind)


def _escape(texts: Any) -> Any:
    """Texts that may stand in XML, with an apostrophe before what a spreadsheet could take for a formula."""
    if pc.any(pc.match_substring_regex(texts, _FORBIDDEN)).as_py():
        texts = pc.replace_substring_regex(texts, _FORBIDDEN, "\ufffd")
    if pc.any(pc.match_substring_regex(texts, FORMULA_STARTS)).as_py():
        texts = pc.replace_substring_regex(texts, FORMULA_STARTS, r"'\1")
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;")):
        if pc.any(pc.match_substring(texts, sign)).as_py():
            texts = pc.replace_substring(texts, sign, entity)
    return texts
