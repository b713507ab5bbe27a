"""Quarantined rows as a file for people, and the same file with its cells corrected.

The file goes back to the agency, or a person corrects cells in it and `quarantine replay --corrected` reads it. One row
each: `_row` (its number in the delivery), `_errors` (column: message id), then every cell as it arrived. Cells that a
spreadsheet could run begin with an apostrophe. In XLSX every cell is text, so that a program keeps all 16 digits of a
number that is typed; a file whose numbers a spreadsheet has spoilt is refused.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow.parquet as pq

from perlinsos.errors import Refused, WrongUsage, say_why
from perlinsos.model.datasets import DATASETS
from perlinsos.sources.description import SourceDescription

ROW, ERRORS, RECORD = "_row", "_errors", "_record"
_HIDDEN = frozenset({"_cells", "_kinds", "_errors", "_warnings", "_row"})
_FORMULA = re.compile(r"[=+\-@\t\r\n']")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # XML has no way to say these
_SPOILT = re.compile(r"\d([.,]\d+)?[eE]\+?\d+")
_LARGEST_SHEET = 1_048_575
_IDS = frozenset({"nik", "no_kk", "filed_by_nik"})

Corrections = dict[int, dict[str, str | None]]
"""Row number → column → the corrected cell (None: empty)."""


def write_rows(quarantine: Path, out: Path) -> int:
    """Write quarantined rows to a new `.csv` or `.xlsx` of mode 0600; how many there are.

    Raises WrongUsage for another kind of file, Refused where the file is there or a sheet cannot hold the rows.
    """
    if out.suffix not in {".csv", ".xlsx"}:
        raise WrongUsage(f"{out.name}: rows are written as .csv or .xlsx", remedy="name such a file with --out")
    rows = pq.read_table(quarantine).to_pylist()
    if out.suffix == ".xlsx" and len(rows) > _LARGEST_SHEET:
        raise Refused(f"{len(rows)} rows do not fit into a sheet", where=str(out), remedy="name a .csv")
    columns = _columns_of(rows)
    lines = [[ROW, ERRORS, *columns, RECORD], *(_as_line(row, columns) for row in rows)]
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Refused("the file is there already", where=str(out), remedy="name a new file with --out") from None
    with os.fdopen(handle, "wb") as file:
        _write_sheet(lines, file) if out.suffix == ".xlsx" else _write_csv(lines, file)
    return len(rows)


def read_corrections(file: Path, quarantine: Path, source: SourceDescription) -> Corrections:
    """The cells of a file that differ from the quarantined rows; rows are matched by `_row`.

    Raises Refused for a row that is not in quarantine, a column that cannot be corrected, a formula, an id that a
    spreadsheet turned into a number, and where nothing differs.
    """
    rows = {row["_row"]: row for row in pq.read_table(quarantine).to_pylist()}
    known = _columns_of(list(rows.values()))
    found: Corrections = {}
    for place, (number, cells) in enumerate(_read_lines(file), 2):
        where = f"{file.name}, line {place}"
        if number not in rows:
            raise Refused(
                f"row {number} is not in quarantine", where=where, why="it was never set aside, or has entered since",
                remedy="write the rows anew with `quarantine show N --out FILE` and correct those",
            )  # fmt: skip
        for name in known:
            before, after = rows[number].get(name), cells.get(name)
            if name in cells and (after or "").replace("\r\n", "\n") != _show(before):
                found.setdefault(number, {})[name] = _corrected(name, after, source, where)
    if not found:
        raise Refused(
            "no cell is corrected", where=file.name, why="every cell is as it arrived",
            remedy="correct cells in the file that `quarantine show N --out FILE` wrote",
        )  # fmt: skip
    return found


def _columns_of(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [name for name in (rows[0] if rows else {}) if name not in _HIDDEN]


def _as_line(row: dict[str, Any], columns: Iterable[str]) -> list[str]:
    errors = "; ".join(f"{error['column']}: {error['message_id']}" for error in row["_errors"])
    record = "|".join(cell or "" for cell in row["_cells"] or ())
    return [str(row["_row"]), errors, *(_show(row[name]) for name in columns), _show(record)]


def _show(cell: str | None) -> str:
    """A cell as the file shows it: no control characters, one kind of line end, nothing that a spreadsheet would run."""
    text = _FORBIDDEN.sub("\ufffd", cell or "").replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if _FORMULA.match(text) else text


def _corrected(name: str, shown: str | None, source: SourceDescription, where: str) -> str | None:
    """The cell that a person wrote, without the apostrophe of the file."""
    if name not in DATASETS[source.dataset].names:
        remedy = f"correct columns of {source.dataset}; the others only stand beside them"
        raise Refused(f"the column {name} is not read, so it cannot be corrected", where=where, remedy=remedy)
    if name in _IDS and shown and _SPOILT.fullmatch(shown.strip()):
        raise Refused(
            f"a number in {name} has lost digits", where=where, why="a spreadsheet saved it as a number",
            remedy="correct the rows in an .xlsx of `quarantine show N --out`, whose cells are text; or edit the .csv as text",
        )  # fmt: skip
    text = (shown or "").replace("\r\n", "\n")
    return (text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text) or None


def _write_csv(lines: Iterable[Sequence[str]], file: BinaryIO) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    csv.writer(text).writerows(lines)
    text.detach()


def _write_sheet(lines: Iterable[Sequence[str]], file: BinaryIO) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("quarantine")
    sheet.freeze_panes = "C2"

    def as_text(value: str) -> Any:
        cell = WriteOnlyCell(sheet, value)
        cell.data_type = "s"
        cell.number_format = "@"
        return cell

    for line in lines:
        sheet.append([as_text(value) for value in line])
    book.save(file)


def _read_lines(file: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Each row's number and its cells by column. Refused where the file is not one of `write_rows`."""
    try:
        is_workbook = file.read_bytes().startswith(b"PK")
        lines = list(_read_sheet(file) if is_workbook else _read_csv(file))
    except Refused:
        raise
    except Exception as error:  # openpyxl raises nearly every kind
        remedy = "name the .csv or .xlsx that `quarantine show N --out FILE` wrote"
        raise Refused("the corrected rows cannot be read", where=file.name, why=say_why(error), remedy=remedy) from error
    header = lines[0] if lines else []
    if header.count(ROW) != 1 or len(set(header) - {None, ""}) < len([name for name in header if name]):
        raise Refused(
            "these are no corrected rows", where=file.name, why=f"its first line must name each column once, and {ROW}",
            remedy="correct cells of the file that `quarantine show N --out FILE` wrote, and leave its first line",
        )  # fmt: skip
    seen: set[int] = set()
    for place, line in enumerate(lines[1:], 2):
        cells = dict(zip(header, line, strict=False))
        number = (cells.get(ROW) or "").strip()
        if not any(line):
            continue
        if not (number.isascii() and number.isdigit()) or int(number) in seen:
            remedy = f"leave the column {ROW} as it is, each row once"
            raise Refused(f"{ROW} names no row, or one twice", where=f"{file.name}, line {place}", remedy=remedy)
        seen.add(int(number))
        yield int(number), {name: cells.get(name) for name in header if name and not name.startswith("_")}


def _read_csv(file: Path) -> Iterator[list[str]]:
    text = file.read_text(encoding="utf-8-sig")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    return iter(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def _read_sheet(file: Path) -> Iterator[list[str]]:
    from openpyxl import load_workbook

    book = load_workbook(file, read_only=True)
    for place, row in enumerate(book.worksheets[0].iter_rows(), 1):
        yield [_cell_text(cell, f"{file.name}, line {place}") for cell in row]
    book.close()


def _cell_text(cell: Any, where: str) -> str:
    """A cell as text. A formula, or a number so large that it has lost digits, is refused."""
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        raise Refused("a cell holds a formula", where=where, remedy="write its value as text")
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= 10**15:
        why = "a spreadsheet keeps 15 digits of a number"
        raise Refused("a cell holds a number that may have lost digits", where=where, why=why, remedy="write it as text")
    if isinstance(value, datetime | date):
        return value.strftime("%Y-%m-%d")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
