"""docs/models.md shows the models as they are: order, grain, what they read and make, and rows of a small population."""

from __future__ import annotations

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "docs"))
import write_models  # noqa: E402


def test_the_page_is_up_to_date() -> None:
    page = write_models.PAGE.read_text(encoding="utf-8")
    demo = write_models.read_demo_rows(page)
    observed = write_models.observe(write_models.SMALL)
    assert write_models.write_page(observed, demo) == page, "run: make models"
    assert demo.keys() == write_models.name_rows(observed).keys()


def test_every_file_of_the_models_is_on_the_page() -> None:
    page = write_models.PAGE.read_text(encoding="utf-8")
    files = [path for folder in ("core", "recipients") for path in (PROJECT / "sql" / folder).glob("*.sql")]
    assert [path.name for path in files if f"(../sql/{path.parent.name}/{path.name})" not in page] == []


def test_reads_and_grain_come_from_the_file() -> None:
    model = write_models.read_model(PROJECT / "sql" / "recipients" / "power.sql")
    assert model.makes == ("power",)
    assert {"member", "signal_fact"} <= set(model.reads)
    assert model.grain.startswith("one family with an answer about its electricity")
