"""Ingestion finds exactly the errors that were put in: every one, with its message, and none on a clean row."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from perlinsos.commands.ingest import app
from perlinsos.quality.crosschecks import MESSAGES, cross_check
from perlinsos.settings import find_project

SOURCES = sorted(path.stem for path in (find_project() / "sources").glob("*.yaml"))
Verdicts = set[tuple[int, str, str, str]]
"""Row, quarantine or warning, column, message id."""


def _ingest(out: Path, delivery: Path) -> dict[str, int]:
    """Run `perlinsos ingest` on the parts of one delivery; returns its counts."""
    source = find_project() / "sources" / f"{delivery.parent.parent.name}.yaml"
    parts = sorted(str(path) for path in delivery.glob("part-*"))
    words = ["--source", str(source), "--out", str(out), "--snapshot-date", delivery.name, "--json", *parts]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    counts: dict[str, int] = json.loads((out / "outcome.json").read_text())
    return counts


def _found(out: Path) -> Verdicts:
    """What ingestion said of each row. A row that is set aside is judged by its errors alone."""
    found: Verdicts = set()
    for name, column, kind in (("quarantine", "_errors", "quarantine"), ("accepted", "_warnings", "warning")):
        for row in pq.read_table(out / f"{name}.parquet", columns=["_row", column]).to_pylist():
            found |= {(row["_row"], kind, told["column"], told["message_id"]) for told in row[column] or []}
    return found


def _expected(world: Path, delivery: Path) -> Verdicts:
    """What the truth file says that a reader of this delivery alone must find."""
    here = (delivery.parent.parent.name, delivery.parent.name, delivery.name)
    with (world / "truth" / "errors.csv").open(newline="", encoding="utf-8") as source:
        return {
            (int(row["row"]), row["expected"], row["column"], row["message_id"])
            for row in csv.DictReader(source)
            if (row["source"], row["scope"], row["snapshot_date"]) == here
            and row["level"] == "row"
            and row["expected"] != "accepted"
        }


@pytest.mark.parametrize("source", SOURCES)
def test_the_verdicts_are_those_of_the_truth_file(source: str, world: Path, tmp_path: Path) -> None:
    for delivery in sorted((world / source).glob("*/*")):
        out = tmp_path / delivery.parent.name
        _ingest(out, delivery)
        expected, found = _expected(world, delivery), _found(out)
        assert (sorted(expected - found), sorted(found - expected)) == ([], [])


@pytest.mark.parametrize("source", SOURCES)
def test_a_clean_delivery_is_accepted_without_a_word(source: str, clean_world: Path, tmp_path: Path) -> None:
    (delivery,) = (clean_world / source).glob("*/*")
    counts = _ingest(tmp_path / "out", delivery)
    assert counts["received"] == counts["accepted"]
    assert (counts["accepted_with_warnings"], counts["quarantined"]) == (0, 0)


def test_the_register_shows_what_a_delivery_alone_does_not(world: Path, tmp_path: Path) -> None:
    """Every expected cross-check is found, but where the register's own row of the person was set aside."""
    for name in ("dukcapil-population", "dtsen-person"):
        _ingest(tmp_path / name, world / name / "35.10" / "2025-12-20")
    register, welfare = (tmp_path / name / "accepted.parquet" for name in ("dukcapil-population", "dtsen-person"))
    cross_check(welfare, [register], tmp_path / "warnings.parquet")
    found = {(row["_row"], row["message_id"]) for row in pq.read_table(tmp_path / "warnings.parquet").to_pylist()}
    with (world / "truth" / "errors.csv").open(newline="", encoding="utf-8") as source:
        rows = [
            r for r in csv.DictReader(source) if (r["source"], r["scope"], r["level"]) == ("dtsen-person", "35.10", "cross_file")
        ]
    expected = {(int(row["row"]), row["message_id"]) for row in rows if row["expected"] == "warning"}
    unknown = {row for row, message_id in found if message_id == "NIK_TIDAK_DIKENAL"}
    assert {message_id for _, message_id in expected} == set(MESSAGES)
    assert [pair for pair in expected - found if pair[0] not in unknown] == []
