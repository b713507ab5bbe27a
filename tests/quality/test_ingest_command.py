"""`perlinsos ingest`: what it writes, and what it leaves alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from perlinsos.cli import main

from .conftest import describe, person, write_csv


def run(source: Path, out: Path, *words: str) -> int:
    """Run the command; give its exit code."""
    sys.argv = ["perlinsos", "ingest", "--source", str(source), "--out", str(out), *words]
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source's file."""
    path = tmp_path / "source.yaml"
    path.write_text(describe().model_dump_json(by_alias=True))
    return path


def test_a_result_replaces_the_earlier_one_whole(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = write_csv(tmp_path / "good.csv", [person()])
    empty = write_csv(tmp_path / "empty.csv", [dict.fromkeys(person(), "")])
    out = tmp_path / "out"
    assert run(source, out, str(good), "--json", "--snapshot-date", "2026-01-01") == 0
    assert json.loads(capsys.readouterr().out)["snapshot_date"] == "2026-01-01"
    assert {path.name for path in out.iterdir()} == {"accepted.parquet", "quarantine.parquet", "outcome.json"}
    assert run(source, out, str(empty)) == 1
    assert [path.name for path in out.iterdir()] == ["outcome.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.csv", "good.csv", "out", "source.yaml"]


def test_a_day_without_legal_basis_refuses(source: Path, tmp_path: Path) -> None:
    good = write_csv(tmp_path / "good.csv", [person()])
    assert run(source, tmp_path / "out", str(good), "--snapshot-date", "2027-01-01") == 1
    told = json.loads((tmp_path / "out" / "outcome.json").read_text())
    assert "legal basis" in told["refused"]["what"]
    assert len(told["files"][0]["sha256"]) == 64


def test_a_folder_with_other_things_is_left_alone(source: Path, tmp_path: Path) -> None:
    good = write_csv(tmp_path / "good.csv", [person()])
    assert run(source, tmp_path, str(good)) == 2
    assert good.exists()


def test_a_missing_delivery_is_refused_and_a_missing_description_is_wrong_usage(source: Path, tmp_path: Path) -> None:
    assert run(source, tmp_path / "out", str(tmp_path / "nothing.csv")) == 1
    assert run(tmp_path / "nothing.yaml", tmp_path / "out", str(source)) == 2
    assert not (tmp_path / "out").exists()


def test_a_file_without_header_tells_nothing_about_people(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(",".join(person(name="WARGA RAHASIA").values()) + "\n")
    assert run(source, tmp_path / "out", str(path)) == 1
    told = capsys.readouterr().err + (tmp_path / "out" / "outcome.json").read_text()
    assert "RAHASIA" not in told and "3510162509727061" not in told


def test_the_mark_of_a_whole_delivery_is_no_part_of_it(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "2025-12-20"
    folder.mkdir()
    write_csv(folder / "part-1.csv", [person()])
    (folder / "_COMPLETE").touch()
    assert run(source, tmp_path / "out", str(folder)) == 0
    assert json.loads((tmp_path / "out" / "outcome.json").read_text())["received"] == 1


def test_a_folder_without_files_is_refused(source: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run(source, tmp_path / "out", str(tmp_path / "empty")) == 1
