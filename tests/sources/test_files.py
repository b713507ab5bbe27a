"""Whole files: shapes of records, headers, encodings, workbooks, archives, Parquet, JSON Lines."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlwt

from perlinsos.errors import Refused
from perlinsos.settings import load_settings
from perlinsos.sources.detection import OLE
from perlinsos.sources.read import read_delivery

from .conftest import ReadBytes, describe

NIK, CARD = "3510162509727061", "3510161303167061"
NAMES = ("nik", "source", "code", "value", "observed_on")
ROW = (NIK, "PLN", "ELECTRICITY", "450", "2025-10-01")
SIGNAL = describe("signal")


def table(*rows: Any, header: tuple[str, ...] = NAMES, mark: str = ",") -> bytes:
    """A small CSV."""
    return "".join(mark.join(map(str, row)) + "\n" for row in (header, *rows)).encode()


def issues(rows: list[dict[str, Any]]) -> list[str | None]:
    return [row["_issues"] for row in rows]


def test_a_cell_that_goes_on_after_its_quote_spoils_only_its_line(read_bytes: ReadBytes) -> None:
    found = read_bytes(table(ROW, (NIK, '"PLN"x', *ROW[2:]), ROW), SIGNAL)
    assert issues(found) == [None, "*.quote_unbalanced", None]


def test_an_unclosed_quote_refuses(read_bytes: ReadBytes) -> None:
    with pytest.raises(Refused, match="never closed"):
        read_bytes(table(ROW, (NIK, '"PLN', *ROW[2:]), ROW), SIGNAL)


def test_quotes_inside_an_unquoted_cell_are_text(read_bytes: ReadBytes) -> None:
    found = read_bytes(table((NIK, 'PLN 5" pipa', *ROW[2:])), SIGNAL)
    assert [(row["source"], row["_issues"]) for row in found] == [('PLN 5" pipa', None)]


def test_a_repeated_header_line_is_no_record(read_bytes: ReadBytes) -> None:
    assert issues(read_bytes(table(ROW, NAMES, ROW), SIGNAL)) == [None, "nik.not_a_record", None]


@pytest.mark.parametrize(
    ("origin", "first", "again"),
    [
        ("No. KK", "No. KK", "NO.  KK "),
        ("Nomor KK", "Nomor  KK", "Nomor\u00a0 KK\u200b"),
        ("keluarga.kk", "keluarga.kk", "KK"),
        ("1", "1", " 1"),
    ],
)
def test_a_repeated_header_is_known_by_points_and_blanks(read_bytes: ReadBytes, origin: str, first: str, again: str) -> None:
    source = describe("signal", columns={"nik": {"from": origin}})
    found = read_bytes(table(ROW, (again, *NAMES[1:]), ROW, header=(first, *NAMES[1:])), source)
    assert issues(found) == [None, "nik.not_a_record", None]


def test_titles_and_totals_are_no_records_unless_declared(read_bytes: ReadBytes) -> None:
    content = b"DATA PELANGGAN\n" + table(ROW, ("JUMLAH", "", "", "450", ""))
    found = read_bytes(content, SIGNAL)
    assert issues(found) == ["nik.not_a_record", None, "nik.not_a_record"]
    declared = describe("signal", format={"header_rows": 2, "footer_rows": 1})
    assert issues(read_bytes(content, declared)) == [None]


def test_old_encodings_are_read_and_bad_bytes_set_aside(read_bytes: ReadBytes) -> None:
    lines = table((NIK, "José", *ROW[2:])).decode()
    assert read_bytes(lines.encode("cp1252"), SIGNAL)[0]["source"] == "José"
    assert read_bytes(lines.encode("utf-16"), SIGNAL)[0]["source"] == "José"
    mixed = lines.encode() + table((NIK, "José", *ROW[2:]), header=()).decode().lstrip("\n").encode("cp1252")
    assert issues(read_bytes(mixed, SIGNAL)) == [None, "source.encoding"]


def test_missing_columns_refuse_with_their_names(read_bytes: ReadBytes) -> None:
    with pytest.raises(Refused, match="columns are missing: nik, observed_on"):
        read_bytes(b"NOMOR,code,value\n1,WAGE,2\n", SIGNAL)


def workbook(path: Path, rows: list[list[Any]], **keys: Any) -> Path:
    """An XLSX file; `hidden` sheets before it, `epoch` 1904."""
    book = openpyxl.Workbook()
    if "epoch" in keys:
        book.epoch = keys["epoch"]
    sheet = book.active
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


def test_cells_of_a_workbook_count_by_their_kind(read_bytes: ReadBytes, tmp_path: Path) -> None:
    rows = [
        list(NAMES),
        [NIK, "PLN", "WAGE", 450, datetime.fromisoformat("2025-10-01")],
        [int(NIK), "PLN", "WAGE", 450, date(2025, 10, 1)],
        [NIK, "PLN", "WAGE", "=1+1", "2025-10-01"],
        [NIK, "PLN", "WAGE", "#N/A", "2025-10-01"],
        [NIK, "PLN", "WAGE", 450.5, 45931],
    ]
    found = read_bytes(workbook(tmp_path / "book.xls", rows), SIGNAL)
    assert issues(found) == [
        None, "nik.id_as_number", "value.formula_without_value", "value.cell_error", "value.value_type",
    ]  # fmt: skip
    assert [row["observed_on"] for row in found] == [date(2025, 10, 1)] * 5


def test_serial_numbers_follow_the_workbooks_date_system(read_bytes: ReadBytes, tmp_path: Path) -> None:
    from openpyxl.utils.datetime import CALENDAR_MAC_1904

    rows = [list(NAMES), [*ROW[:4], 45931 - 1462]]
    found = read_bytes(workbook(tmp_path / "book.xlsx", rows, epoch=CALENDAR_MAC_1904), SIGNAL)
    assert found[0]["observed_on"] == date(2025, 10, 1)


def test_old_workbooks_are_read_with_their_kinds(read_bytes: ReadBytes, tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("data")
    day = xlwt.easyxf(num_format_str="dd/mm/yyyy")
    for column, name in enumerate(NAMES):
        sheet.write(0, column, name)
        sheet.write(1, column, ROW[column])
        sheet.write(2, column, [float(NIK), "PLN", "WAGE", 450, date(2025, 10, 1)][column], *([day][: column // 4]))
    book.save(str(tmp_path / "book.csv"))
    found = read_bytes(tmp_path / "book.csv", SIGNAL)
    assert issues(found) == [None, "nik.id_as_number"]
    assert [row["observed_on"] for row in found] == [date(2025, 10, 1)] * 2


def test_exact_integers_of_parquet_are_ids_floats_are_not(read_bytes: ReadBytes, tmp_path: Path) -> None:
    rest = {"code": ["CAR"], "value": ["1"], "observed_on": [date(2025, 10, 1)]}
    kinds = [
        (pa.array([int(NIK)]), (NIK, "nik.id_from_integer")),
        (pa.array([Decimal(NIK)], pa.decimal128(16, 0)), (NIK, "nik.id_from_integer")),
        (pa.array([float(NIK)]), (None, "nik.id_as_number")),
        (pa.array([NIK.encode()]), (NIK, None)),
        (pa.array([7]), (None, "nik.id_form")),
    ]
    for array, expected in kinds:
        pq.write_table(pa.table({"nik": array, **rest}), tmp_path / "file")
        row = read_bytes(tmp_path / "file", SIGNAL)[0]
        assert (row["nik"], row["_issues"]) == expected


def test_lines_of_json_are_judged_one_by_one(read_bytes: ReadBytes) -> None:
    good = dict(zip(NAMES, ROW, strict=True))
    lines = [json.dumps(good), json.dumps({**good, "nik": int(NIK)}), '{"nik": ', "[1]", '{"nik": "1", "nik": "2"}']
    found = read_bytes("\n".join(lines).encode(), SIGNAL)
    assert issues(found) == [None, "nik.id_as_number", "*.json_invalid", "*.not_a_record", "*.value_conflict"]


def test_half_a_character_of_json_spoils_only_its_cell(read_bytes: ReadBytes) -> None:
    good = json.dumps(dict(zip(NAMES, ROW, strict=True)))
    halves = [good.replace("PLN", "P\\ud800N"), good.replace(NIK, "\\udc00"), good.replace("}", ', "\\ud83d": "\\ud83d"}')]
    found = read_bytes("\n".join([good, *halves, good.replace("PLN", "P\\ud83d\\ude00N")]).encode(), SIGNAL)
    assert issues(found) == [None, "source.encoding", "nik.id_form", None, None]
    assert [row["source"] for row in found if row["_issues"] is None] == ["PLN", "PLN", "P\U0001f600N"]


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


def test_gz_and_zip_are_unpacked_one_level_deep(read_bytes: ReadBytes) -> None:
    assert issues(read_bytes(gzip.compress(table(ROW)), SIGNAL)) == [None]
    assert issues(read_bytes(zipped({"a.csv": table(ROW), "b.csv": table(ROW, ROW)}), SIGNAL)) == [None] * 3
    with pytest.raises(Refused, match="another archive"):
        read_bytes(zipped({"a.gz": gzip.compress(table(ROW))}), SIGNAL)


@pytest.mark.parametrize(
    "content",
    [
        zipped({"bomb.csv": b"0" * 2**24}),
        gzip.compress(b"0" * 2**24),
        zipped({f"{number}.csv": b"x" for number in range(1001)}),
        gzip.compress(table(ROW))[:-9],
        zipped({"a.csv": table(ROW)})[:-30],
        zipped({}),
    ],
    ids=["zip bomb", "gz bomb", "many members", "cut gz", "cut zip", "empty zip"],
)
def test_dangerous_or_damaged_archives_are_refused(read_bytes: ReadBytes, content: bytes) -> None:
    with pytest.raises(Refused):
        read_bytes(content, SIGNAL)


LETTER = b"Yth. Kepala Dinas,\n\nBerikut data, terlampir, terima kasih.\nHubungi 0333-123456, pukul 8.\n"
DICTIONARY = b"kolom;arti;contoh\nnik;nomor induk;16 angka\ncode;kode tanda;WAGE\nvalue;nilai;1\n"
WORD = OLE + bytes(22) + b"\x09\0" + bytes(480) + "WordDocument".encode("utf-16-le")


@pytest.mark.parametrize("name", ["sisa.txt", "sisa.md", "sisa.pdf", "sisa.docx", "sisa"])
def test_a_table_under_any_name_is_a_part_of_its_zip(read_bytes: ReadBytes, name: str) -> None:
    found = read_bytes(zipped({"a.csv": table(ROW), name: table(ROW, ROW, mark=";")}), SIGNAL)
    assert issues(found) == [None] * 3


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (LETTER, "a text without a table"),
        (DICTIONARY, "a text without a table"),
        (b"# Catatan\n\n| kolom | arti |\n|---|---|\n", "a text without a table"),
        (b"", "it is empty"),
        (b"%PDF-1.7 ", "a PDF document"),
        (WORD, "a text document or slides"),
    ],
    ids=["letter", "dictionary", "markdown", "empty", "pdf", "word"],
)
def test_what_is_no_table_beside_one_is_left_out_with_a_warning(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "delivery.zip"
    path.write_bytes(zipped({"a.csv": table(ROW), "surat.csv": content}))
    read = read_delivery(SIGNAL, [path], tmp_path / "out", reference=load_settings().folder("reference"))
    assert read.received == 1
    warning = {"message_id": "not_a_record", "part": "delivery.zip/surat.csv", "told": f"ignored: {told}"}
    assert read.warnings == [warning]


def test_a_letter_beside_the_agreed_kind_is_no_other_kind(read_bytes: ReadBytes, tmp_path: Path) -> None:
    book = workbook(tmp_path / "book.xlsx", [list(NAMES), list(ROW)]).read_bytes()
    agreed = describe("signal", format={"kind": "xlsx"})
    assert issues(read_bytes(zipped({"a": book, "b": LETTER}), agreed)) == [None]
    with pytest.raises(Refused, match="is CSV, not XLSX"):
        read_bytes(zipped({"a": book, "b": table(ROW)}), agreed)


@pytest.mark.parametrize(
    "content",
    [
        table(ROW, header=()),
        table(ROW, header=("no_induk", "asal", "kode", "nilai", "tanggal")),
        table(("12", "WAGE", "x"), header=("no", "kode", "ket"), mark=";"),
        table(("x", "y"), header=("nik", "ket"), mark="\t"),
        f"daftar\n{NIK}\n".encode(),
        json.dumps({"no_induk": NIK, "kode": "CAR"}).encode(),
    ],
    ids=["no header", "foreign names", "foreign names, fewer", "one name", "ids alone", "json"],
)
@pytest.mark.parametrize("name", ["b.csv", "b.txt"])
def test_a_part_of_a_zip_without_the_columns_refuses_the_delivery(read_bytes: ReadBytes, name: str, content: bytes) -> None:
    with pytest.raises(Refused, match="columns are missing") as error:
        read_bytes(zipped({"a.csv": table(ROW), name: content}), SIGNAL, "delivery.zip")
    assert f"delivery.zip/{name}" in error.value.where and NIK not in str(error.value.as_dict())


@pytest.mark.parametrize(("start", "named"), [(b"%PDF-1.7", "PDF"), (b"<html><table>", "HTML"), (b'[{"nik": 1}]', "JSON array")])
def test_other_kinds_are_refused_by_name(read_bytes: ReadBytes, start: bytes, named: str) -> None:
    with pytest.raises(Refused, match=named):
        read_bytes(start + b" " * 100, SIGNAL)
