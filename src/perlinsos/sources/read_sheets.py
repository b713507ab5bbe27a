"""Workbooks (XLSX by openpyxl, XLS by xlrd) as cells with their kinds: a number cell is not a text."""

from __future__ import annotations

import datetime as dt
import itertools
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perlinsos.errors import Refused, say_why
from perlinsos.sources.cells import BATCH_ROWS, Budget, Cell, CellsWriter, table_of_rows
from perlinsos.sources.description import SourceDescription
from perlinsos.sources.layout import HEADER_SEARCH_ROWS, count_required, find_header, has_all_required, plan_layout
from perlinsos.sources.unpacking import Part

EMPTY: Cell = (None, None)
Row = Sequence[Cell]


@dataclass(frozen=True)
class Sheet:
    """A sheet: its name, whether people see it, and its rows, read anew at every call."""

    name: str
    is_visible: bool
    rows: Any

    def head(self, count: int) -> list[list[str | None]]:
        """The texts of the first rows."""
        return [[text for text, _ in row] for row in itertools.islice(self.rows(), count)]


def read_sheets(part: Part, source: SourceDescription, writer: CellsWriter, budget: Budget) -> dict[str, object]:
    """Write the records of the sheets that the source means. Raises Refused naming the sheets where it is unclear."""
    opened = _open_xlsx if part.kind == "xlsx" else _open_xls
    with _readable(part.name), opened(part.path, source) as sheets:
        chosen = _choose(sheets, source, part.name)
        for sheet in chosen:
            _read_sheet(sheet, source, f"{part.name}, sheet {sheet.name!r}", writer, budget)
            writer.end_part()
    return {"sheets": [sheet.name for sheet in chosen]}


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Any error of the two libraries inside means that the workbook is damaged: they raise nearly every kind."""
    try:
        yield
    except (Refused, MemoryError):
        raise
    except Exception as error:
        raise Refused(
            f"{name} cannot be read as a workbook",
            why=say_why(error),
            remedy="open it in a spreadsheet program, save it as XLSX and send it again",
        ) from error


def _choose(sheets: list[Sheet], source: SourceDescription, where: str) -> list[Sheet]:
    wanted = source.format.sheet
    if wanted is not None and wanted != "all":
        named = [sheet for sheet in sheets if sheet.name == wanted]
        if not named:
            raise _refuse_sheets(f"{where} has no sheet {wanted!r}", sheets, "correct format.sheet of the source")
        return named
    count = max(HEADER_SEARCH_ROWS, source.format.header_span[1])
    visible = [(sheet, _header(sheet, source, count)) for sheet in sheets if sheet.is_visible]
    full = [sheet for sheet, header in visible if has_all_required(header, source)]
    partly = [s for s, header in visible if s not in full and count_required(header, source) > 1]
    if not full and len(visible) == 1:
        return [visible[0][0]]
    if not full:
        what = f"{where}: no visible sheet has all required columns"
        raise _refuse_sheets(what, sheets, "name the sheet with format.sheet, or its header with format.header_rows")
    if len(full) + len(partly) > 1 and wanted != "all":
        raise _refuse_sheets(
            f"{where} has several sheets of this table", [*full, *partly], "write `sheet: all` or a name in format"
        )
    if partly:
        raise _refuse_sheets(f"{where}: sheets lack required columns", partly, "add the columns, or name one sheet")
    return full


def _header(sheet: Sheet, source: SourceDescription, count: int) -> list[str | None]:
    rows = sheet.head(count)
    return find_header(rows, source)[2] if rows else []


def _refuse_sheets(what: str, sheets: list[Sheet], remedy: str) -> Refused:
    names = ", ".join(repr(sheet.name) for sheet in sheets[:20])
    return Refused(what, where=f"sheets {names}", why="a sheet is never guessed", remedy=remedy)


def _read_sheet(sheet: Sheet, source: SourceDescription, where: str, writer: CellsWriter, budget: Budget) -> None:
    count = max(HEADER_SEARCH_ROWS, source.format.header_span[1])
    start, after, header = find_header(sheet.head(count), source)
    layout = plan_layout(header, source, where)
    flaw = None if source.format.is_header_declared else writer.title_flaw
    titles = [(row, flaw) for row in itertools.islice(sheet.rows(), start) if flaw and _is_record(row)]
    writer.add(table_of_rows(titles, layout), layout)
    width = len(layout.names)
    batch: list[tuple[Row, str | None]] = []
    for number, row in enumerate(itertools.islice(sheet.rows(), after, None)):
        if number % 1000 == 0:
            budget.check()
        if not _is_record(row):
            continue
        surplus = any(text for text, _ in row[width:])
        batch.append((row if surplus else row[:width], "*.row_shape" if surplus else None))
        if len(batch) == BATCH_ROWS:
            writer.add(table_of_rows(batch, layout), layout)
            batch = []
    writer.add(table_of_rows(batch, layout), layout)


def _is_record(row: Row) -> bool:
    return any(text is not None and text.strip() for text, _ in row)


@contextmanager
def _open_xlsx(path: Path, source: SourceDescription) -> Iterator[list[Sheet]]:
    import openpyxl

    _refuse_large_texts(path, source)
    values = openpyxl.load_workbook(path.open("rb"), read_only=True, data_only=True, keep_links=False)
    formulas = None
    if _has_formulas(path):
        formulas = openpyxl.load_workbook(path.open("rb"), read_only=True, data_only=False, keep_links=False)
    number_kind = "number_1904" if values.epoch.year == 1904 else "number"
    try:
        yield [
            Sheet(
                sheet.title,
                sheet.sheet_state == "visible",
                _xlsx_rows(sheet, formulas[sheet.title] if formulas else None, number_kind),
            )
            for sheet in values.worksheets
        ]
    finally:
        values.close()
        if formulas:
            formulas.close()


def _refuse_large_texts(path: Path, source: SourceDescription) -> None:
    """Shared texts are held in memory, several times their size in the file."""
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist() if "sharedstrings" in member.filename.lower())
    if size * 6 > source.limits.memory_mib * 2**20:
        raise Refused(
            f"{path.name}: the workbook's texts are too large",
            why="limits.memory_mib of the source bounds what reading may take",
            remedy="send CSV or Parquet, or the workbook in parts",
        )


def _has_formulas(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not name.startswith("xl/worksheets/"):
                continue
            with archive.open(name) as file:
                tail = b""
                while chunk := file.read(2**20):
                    if b"<f>" in tail + chunk or b"<f " in tail + chunk or b"<f/" in tail + chunk:
                        return True
                    tail = chunk[-2:]
    return False


def _xlsx_rows(sheet: Any, formulas: Any, number_kind: str) -> Any:
    def rows() -> Iterator[Row]:
        sheet.reset_dimensions()
        if formulas is None:
            for cells in sheet.iter_rows():
                yield [_xlsx_cell(cell, number_kind) for cell in cells]
            return
        formulas.reset_dimensions()
        for cells, written in zip(sheet.iter_rows(), formulas.iter_rows(), strict=True):
            yield [
                _xlsx_cell(cell, number_kind) if cell.value is not None else _without_value(formula)
                for cell, formula in itertools.zip_longest(cells, written)
            ]

    return rows


def _without_value(formula: Any) -> Cell:
    if formula is not None and formula.data_type == "f":
        return str(getattr(formula.value, "text", formula.value) or "="), "formula"
    return EMPTY


def _xlsx_cell(cell: Any, number_kind: str) -> Cell:
    value, kind = cell.value, cell.data_type
    if value is None:
        return EMPTY
    if kind == "e":
        return str(value), "error"
    return _cell(value, number_kind)


def _cell(value: Any, number_kind: str) -> Cell:
    """A value of Python as text with its kind."""
    if isinstance(value, str):
        return value, None
    if isinstance(value, bool):
        return ("true" if value else "false"), "bool"
    if isinstance(value, int):
        return str(value), number_kind
    if isinstance(value, float):
        return _number_text(value), number_kind
    if isinstance(value, dt.datetime):
        is_day = value.time() == dt.time(0)
        return (value.date().isoformat() if is_day else value.isoformat(" ", "seconds")), "date"
    if isinstance(value, dt.date):
        return value.isoformat(), "date"
    return str(value), "other"


def _number_text(value: float) -> str:
    is_whole = value == value and abs(value) < 2**53 and value == int(value)
    return str(int(value)) if is_whole else repr(value)


@contextmanager
def _open_xls(path: Path, source: SourceDescription) -> Iterator[list[Sheet]]:
    import io

    import xlrd

    if path.stat().st_size > source.limits.memory_mib * 2**20 // 8:
        raise Refused(f"{path.name} is too large for XLS", why="XLS is read whole", remedy="send XLSX, CSV or Parquet")
    try:
        book = xlrd.open_workbook(path, logfile=io.StringIO(), on_demand=True)
    except xlrd.XLRDError as error:
        if "ncrypt" in str(error):
            raise Refused(
                f"{path.name} is locked with a password", why="it cannot be read", remedy="send it without a password"
            ) from error
        raise
    try:
        yield [
            Sheet(name, book.sheet_by_index(i).visibility == 0, _xls_rows(book, i)) for i, name in enumerate(book.sheet_names())
        ]
    finally:
        book.release_resources()


def _xls_rows(book: Any, index: int) -> Any:
    def rows() -> Iterable[Row]:
        sheet = book.sheet_by_index(index)
        for number in range(sheet.nrows):
            yield [_xls_cell(cell, book.datemode) for cell in sheet.row(number)]

    return rows


def _xls_cell(cell: Any, datemode: int) -> Cell:
    import xlrd

    number_kind = "number_1904" if datemode else "number"
    if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK) or cell.value == "":
        return EMPTY
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(cell.value, "#ERROR"), "error"
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return _cell(bool(cell.value), number_kind)
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return _cell(xlrd.xldate_as_datetime(cell.value, datemode), number_kind)
        except (ValueError, OverflowError):
            return _number_text(cell.value), number_kind
    return _cell(cell.value, number_kind)
