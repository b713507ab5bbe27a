"""What the demo says at its end, on a small ledger: no Airflow runs here."""

from __future__ import annotations

import io

import duckdb
import pytest
from rich.console import Console

from perlinsos.operations.demo import report

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
    assert "1 new deliveries and 0 new revisions" in said(console)


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
