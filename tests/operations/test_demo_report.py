"""What the demo says at its end, on a small ledger: no Airflow runs here."""

from __future__ import annotations

import io

import duckdb
import pytest
from rich.console import Console

from perlinsos.errors import PerlinsosError
from perlinsos.operations.demo import lay, report, watch

from .conftest import deliver_rows
from .sources_of_tests import family


@pytest.fixture
def console():
    """A console whose text can be read."""
    return Console(file=io.StringIO(), width=160)


def said(console):
    return console.file.getvalue()


def test_a_second_demo_says_that_nothing_was_new(world, console):
    before = report.note_before(world)
    report.show_new(console, world, before)
    assert "Nothing was new" in said(console)
    deliver_rows(world, "test-family", [family(9)], day="2025-12-21")
    report.show_new(console, world, before)
    assert "1 new delivery and 0 new revisions" in said(console)


def test_two_deliveries_of_one_source_are_told_apart(world, console):
    deliver_rows(world, "test-family", [family(9)], day="2025-12-21")
    deliver_rows(world, "test-family", [family(8)], day="2025-12-21-2")
    report.show_funnel(console, world)
    rows = [line for line in said(console).splitlines() if "test-family" in line]
    assert [" ".join(line.split()[:3]) for line in rows] == [
        "test-family 35.10 2025-12-20", "test-family 35.10 2025-12-21", "test-family 35.10 2025-12-21-2",
    ]  # fmt: skip


DECISIONS = (
    "values ('a', 'TIDAK_LAYAK', ['X', 'Y']), ('b', 'TIDAK_LAYAK', ['X']), ('c', 'TIDAK_LAYAK', ['X']), ('d', 'LAYAK', [])"
)
FINDINGS = (
    "values ('a', 'ASN', 'true', 'false'), ('b', 'DESIL_DI_ATAS_BATAS', '9', '5'), ('c', 'DESIL_DI_ATAS_BATAS', '6', '5'), "
    "('d', 'DESIL_DI_ATAS_BATAS', '6', '6')"
)


@pytest.mark.parametrize(("findings", "nearest"), [(FINDINGS, "c"), ("values ('a', 'ASN', 'true', 'false')", "a")])
def test_the_family_that_is_explained_is_the_refused_one_nearest_to_a_limit(tmp_path, findings, nearest):
    tables = {
        "decisions": f"select * from ({DECISIONS}) as t (no_kk, outcome, reasons)",
        "findings": f"select * from ({findings}) as t (no_kk, code, observed_value, limit_value)",
    }
    for name, query in tables.items():
        duckdb.sql(query).write_parquet(str(tmp_path / f"{name}.parquet"))
    assert report._pick_refused(tmp_path) == nearest


def test_the_log_of_a_demo_counts_reasons_in_words():
    """Three of each programme, the most frequent first; never a Python dict."""
    reasons = {"pkh": {"A": 4, "B": 30, "C": 1200, "D": 1}, "bpnt": {"A": 2}, "pip": {}}
    row = {"error": None, "duration_ms": 1500, "counts": {"reasons": reasons, "outcomes": {"LAYAK": 1449, "TUNDA": 0}, "rows": 2}}
    told = watch._words({**row, "state": "done"})
    assert told == "   1.5 s  reasons: bpnt A 2; pkh C 1,200, B 30, A 4, 1 more · outcomes: LAYAK 1,449 · rows 2"


def test_a_command_of_the_demo_is_printed_as_a_person_may_type_it():
    said = []
    with pytest.raises(PerlinsosError):
        lay.call_command(["region", "add", "no such folder/region.yaml"], said.append)
    assert said == ["$ perlinsos region add 'no such folder/region.yaml'"]
