"""A correction is a later prefix of the same day; the first delivery stays as it was."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from perlinsos.errors import Refused
from perlinsos.synthesis.corrections import write_correction, write_repair
from perlinsos.synthesis.order import SynthOrder, run_order


@pytest.fixture
def out(tmp_path: Path) -> Path:
    run_order(SynthOrder({"35.10": 800, "35.09": 300}, tmp_path / "out", form="both"))
    return tmp_path / "out"


def test_only_the_named_cell_changes_and_parts_are_counted_through(out: Path) -> None:
    folder = out / "pln-electricity" / "national" / "2025-12-20"
    before = [(folder / f"part-{code}.csv").read_text().splitlines() for code in ("35.09", "35.10")]
    row = len(before[0]) - 1 + 3
    corrected = write_correction(folder, {row: {"DAYA_VA": "2200"}})
    after = [(corrected / f"part-{code}.csv").read_text().splitlines() for code in ("35.09", "35.10")]
    assert corrected.name == "2025-12-20-2" and (corrected / "_COMPLETE").exists()
    assert after[0] == before[0]
    assert [n for n, pair in enumerate(zip(before[1], after[1], strict=True)) if pair[0] != pair[1]] == [3]
    assert after[1][3].split(",")[2] == "2200"


def test_a_repair_writes_the_right_value_where_a_row_was_set_aside(out: Path) -> None:
    repaired = write_repair(out, "dtsen-person", "35.10", "2025-12-20")
    table = pq.read_table(repaired / "part-35.10.parquet").to_pylist()
    with (out / "truth" / "errors.csv").open(newline="") as source:
        held = [
            r
            for r in csv.DictReader(source)
            if (r["source"], r["scope"], r["expected"]) == ("dtsen-person", "35.10", "quarantine")
        ]
    assert held
    assert all(table[int(row["row"]) - 1][row["header"]] == row["old_value"] for row in held)


def test_a_cell_that_is_not_there_is_refused(out: Path) -> None:
    with pytest.raises(Refused):
        write_correction(out / "bkn-employment" / "national" / "2025-12-20", {1: {"PANGKAT": "x"}})
