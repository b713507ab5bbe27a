"""Sheets for people: nothing runs as a formula, nothing is lost, many rows go to several sheets, equal rows give equal bytes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest

from perlinsos.errors import Refused
from perlinsos.model.datasets import Column, ResultTable
from perlinsos.publication import sheets
from perlinsos.publication.canonical import content_digest
from perlinsos.publication.files import arrow_schema, write_sheet
from perlinsos.publication.restore import digest_of_rows, read_file

TABLE = ResultTable(
    "recipients",
    (Column("key"), Column("codes", "list<text>"), Column("count", "int64"), Column("day", "date"), Column("is_true", "bool")),
    ("key",),
)
ROWS = [
    {"key": "'quoted", "codes": [], "count": 0, "day": date(2026, 1, 1), "is_true": True},
    {"key": "+62", "codes": ["A"], "count": -5, "day": None, "is_true": False},
    {"key": "-1+1", "codes": ["A", "B_C"], "count": None, "day": date(1969, 12, 31), "is_true": None},
    {"key": "35.10", "codes": ["<&>"], "count": 2**53 - 1, "day": None, "is_true": None},
    {"key": "=HYPERLINK(\"http://evil\")", "codes": ["=1+1"], "count": None, "day": None, "is_true": None},
    {"key": "@SUM(1)", "codes": [], "count": None, "day": None, "is_true": None},
    {"key": "two\nlines & <tags>\r\n", "codes": [], "count": None, "day": None, "is_true": None},
    {"key": " é ", "codes": [], "count": None, "day": None, "is_true": None},
]  # fmt: skip


def make(rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["key"])), arrow_schema(TABLE))


def test_a_text_that_a_spreadsheet_might_run_is_escaped_and_comes_back(tmp_path: Path) -> None:
    rows = make(ROWS)
    entry = write_sheet(rows, TABLE, tmp_path / "x.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "x.xlsx").active
    texts = [cell.value for row in sheet.iter_rows(min_row=2) for cell in row[:2] if cell.value is not None]
    assert not [text for text in texts if text[0] in "=+-@\t\r"]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "d", "b", "inlineStr"}
    assert digest_of_rows(read_file(tmp_path / "x.xlsx", TABLE), TABLE) == entry.content_digest == content_digest(rows, TABLE)


def test_equal_rows_give_equal_bytes(tmp_path: Path) -> None:
    rows = make(ROWS)
    chunked = pa.concat_tables([rows.slice(0, 3), rows.slice(3)])
    first = write_sheet(rows, TABLE, tmp_path / "x.xlsx")
    (tmp_path / "again").mkdir()
    assert write_sheet(chunked, TABLE, tmp_path / "again" / "x.xlsx") == first


def test_more_rows_than_a_sheet_holds_go_to_further_sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sheets.ROWS_OF_A_SHEET + 1 == 1_048_576
    monkeypatch.setattr(sheets, "ROWS_OF_A_SHEET", 3)
    monkeypatch.setattr(sheets, "BLOCK", 2)
    entry = write_sheet(make(ROWS), TABLE, tmp_path / "x.xlsx")
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    assert [(sheet.title, sheet.max_row) for sheet in book] == [("recipients", 4), ("recipients_2", 4), ("recipients_3", 3)]
    assert digest_of_rows(read_file(tmp_path / "x.xlsx", TABLE), TABLE) == entry.content_digest


def test_an_empty_list_is_a_sheet_with_its_header(tmp_path: Path) -> None:
    entry = write_sheet(make([]), TABLE, tmp_path / "x.xlsx")
    assert openpyxl.load_workbook(tmp_path / "x.xlsx").active.max_row == 1
    assert digest_of_rows(read_file(tmp_path / "x.xlsx", TABLE), TABLE) == entry.content_digest


def test_a_number_that_a_spreadsheet_would_round_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="too large"):
        write_sheet(make([{**ROWS[0], "count": 2**53}]), TABLE, tmp_path / "x.xlsx")
