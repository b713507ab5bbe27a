"""Welfare persons beside the register: one warning for each disagreement, and no number in them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perlinsos.quality.crosschecks import MESSAGES, cross_check

REGISTER = {
    "nik": "3510162509727061",
    "no_kk": "3510161303167061",
    "name": "SITI AMINAH",
    "birth_date": date(1972, 9, 25),
    "sex": "P",
}
SCHEMA = pa.schema([(n, pa.date32() if n == "birth_date" else pa.string()) for n in REGISTER] + [("_row", pa.int64())])


def write(path: Path, *rows: dict[str, Any]) -> Path:
    table = pa.Table.from_pylist([{**row, "_row": number + 1} for number, row in enumerate(rows)], schema=SCHEMA)
    pq.write_table(table, path)
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, None),
        ({"nik": "3510162509727999"}, "NIK_TIDAK_DIKENAL"),
        ({"no_kk": "3510161303167999"}, "KK_BERBEDA"),
        ({"name": "SITI AMINA"}, "NAMA_BERBEDA"),
        ({"name": "Hj.  Siti Aminah, S.Pd"}, None),
        ({"name": None, "birth_date": None, "sex": None}, None),
        ({"birth_date": date(1972, 9, 26)}, "TGL_LAHIR_BEDA"),
        ({"sex": "L"}, "JENIS_KELAMIN_BEDA"),
    ],
)
def test_each_disagreement_has_its_warning(tmp_path: Path, change: dict[str, Any], message: str | None) -> None:
    register = write(tmp_path / "register.parquet", REGISTER)
    persons = write(tmp_path / "persons.parquet", {**REGISTER, **change})
    counts = cross_check(persons, [register], tmp_path / "out.parquet")
    assert counts == {"checked": 1, **{name: int(name == message) for name in MESSAGES}}
    expected = [{"dataset": "welfare_person", "_row": 1, "message_id": message}] if message else []
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == expected


def test_one_of_several_register_rows_that_agrees_is_enough(tmp_path: Path) -> None:
    register = write(tmp_path / "register.parquet", {**REGISTER, "no_kk": "3510161303167888"}, REGISTER)
    persons = write(tmp_path / "persons.parquet", REGISTER)
    assert cross_check(persons, [register], tmp_path / "out.parquet")["KK_BERBEDA"] == 0
