"""What quarantine holds: the rows that hold a family back, and judging them again."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from perlinsos.errors import Refused
from perlinsos.quality.quarantine import quarantined_rows, rejudge

from .conftest import Judge, describe, person


def test_ids_are_cleaned_null_or_as_they_arrived(judge: Judge) -> None:
    rows = [
        person(7061, nik="'3510162509727061", sex="X"),
        person(7062, nik="3.51016E+15"),
        person(7063, nik="351016"),
        {**dict.fromkeys(person(), ""), "nik": "JUMLAH"},
    ]
    outcome = judge(rows)
    found = quarantined_rows(outcome.quarantine, describe()).to_pylist()
    assert [(row["dataset"], row["source"], row["nik"]) for row in found] == [
        ("population", "contoh", "3510162509727061"),
        ("population", "contoh", None),
        ("population", "contoh", "351016"),
    ]
    assert {row["no_kk"] for row in found} == {"3510161303167061"}


def test_corrected_rows_are_judged_again_under_their_number(judge: Judge, tmp_path: Path) -> None:
    outcome = judge([person(7061), person(7062, sex="X"), person(7063, birth_date="31/02/1988")])
    again = rejudge(describe(), outcome.quarantine, {3: {"birth_date": "25/09/1972"}}, tmp_path / "again")
    assert [row["_row"] for row in pq.read_table(again.accepted).to_pylist()] == [3]
    left = pq.read_table(again.quarantine).to_pylist()
    assert [(row["_row"], row["sex"]) for row in left] == [(2, "X")]
    assert (again.told["received"], again.accepted_rows, again.told["quarantined"]) == (2, 1, 1)
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == [
        "accepted.parquet", "outcome.json", "quarantine.parquet",
    ]  # fmt: skip


def test_a_mended_source_lets_rows_in_without_corrections(judge: Judge, tmp_path: Path) -> None:
    outcome = judge([person(7061), person(7062, sex="PRIA")])
    mended = describe(columns={"sex": {"values": {"PRIA": "L"}}})
    again = rejudge(mended, outcome.quarantine, None, tmp_path / "again")
    assert again.accepted_rows == 1


def test_a_cell_that_was_a_number_stays_one(judge: Judge, tmp_path: Path) -> None:
    outcome = judge([person(7061), person(7062, nik="3.51016E+15")])
    again = rejudge(describe(), outcome.quarantine, None, tmp_path / "again")
    assert again.told["quarantined"] == 1


@pytest.mark.parametrize("corrections", [{9: {"sex": "L"}}, {2: {"kelamin": "L"}}])
def test_corrections_of_unknown_rows_or_columns_are_refused(
    judge: Judge, tmp_path: Path, corrections: dict[int, dict[str, str]]
) -> None:
    outcome = judge([person(7061), person(7062, sex="X")])
    with pytest.raises(Refused):
        rejudge(describe(), outcome.quarantine, corrections, tmp_path / "again")
