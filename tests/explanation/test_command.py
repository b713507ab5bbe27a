"""The command takes a number on standard input or by its row, and repeats no number that stands where it may not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from rules.case_files import card
from rules.small_region import Region, decide

EXPLAIN = [sys.executable, "-m", "perlinsos.cli", "explain"]


@pytest.fixture(scope="module")
def told(place: Path) -> Path:
    region = Region()
    region.family(1, decile=9)
    region.family(2)
    decide(region, place)
    return place


def _run(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([*EXPLAIN, *arguments], input=typed, capture_output=True, text=True, check=False)


def test_a_number_on_standard_input(told: Path) -> None:
    done = _run("--list", str(told / "out"), "--stdin", "--language", "en", typed=f"{card(2)}\n")
    assert done.returncode == 0
    assert "Your family receives Family Hope Programme (PKH)" in " ".join(done.stdout.split())
    assert "SIMULATION" in done.stdout  # there was no quota


def test_a_row_of_the_list(told: Path) -> None:
    cards = pq.read_table(told / "out" / "decisions.parquet", columns=["no_kk"])["no_kk"].to_pylist()
    by_row = _run("--list", str(told / "out"), "--row", str(cards.index(card(1)) + 1), "--json")
    by_number = _run("--list", str(told / "out"), "--stdin", "--json", typed=card(1))
    assert json.loads(by_row.stdout) == json.loads(by_number.stdout)
    assert _run("--list", str(told / "out"), "--row", "99").returncode == 2


def test_a_page_is_written_whole_for_its_reader_alone(told: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    office = Path(__file__).parents[2] / "demo" / "region-35.10.yaml"
    folders = ["--list", str(told / "out"), "--inputs", str(told / "inputs"), "--office", str(office)]
    assert _run(*folders, "--stdin", "--html", str(page), typed=card(1)).returncode == 0
    text = page.read_text(encoding="utf-8")
    assert "0333-000-7010" in text
    assert card(1) not in text
    assert page.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "arguments",
    [["3510160101207001"], ["3510 1601 0120 7001"], ["--stdin", "3510160101207001"], ["--nik", "3510160101207001"],
     ["--nik=3510160101207001"], ["--row", "3510160101207001"], ["--language", "3510160101207001"],
     ["--list", "x/3510160101207001"], ["'3510160101207001"], ["3.51016E+15 3510160101207001"]],
)  # fmt: skip
def test_a_number_in_an_argument_is_refused_and_not_repeated(arguments: list[str]) -> None:
    done = _run(*arguments)
    assert done.returncode == 2
    assert "looks like a number of a person" in done.stderr
    assert "7001" not in done.stderr + done.stdout


@pytest.mark.parametrize("typed", ["", "\n\n", f"{card(1)}\n{card(2)}\n"])
def test_standard_input_holds_one_number(told: Path, typed: str) -> None:
    done = _run("--list", str(told / "out"), "--stdin", typed=typed)
    assert done.returncode == 2
    assert card(1) not in done.stderr


def test_bytes_that_are_no_text_are_no_number(told: Path) -> None:
    command = [*EXPLAIN, "--list", str(told / "out"), "--stdin"]
    done = subprocess.run(command, input=card(1).encode() + b"\xff\n", capture_output=True, check=False)
    assert done.returncode == 2
    assert b"not UTF-8" in done.stderr
    assert card(1).encode() not in done.stderr


def test_one_list_and_one_number_are_asked_for(told: Path) -> None:
    assert _run("--stdin", typed=card(1)).returncode == 2
    assert _run("--list", str(told / "out")).returncode == 2
    assert _run("--list", str(told / "inputs"), "--stdin", typed=card(1)).returncode == 1


def test_wrong_inputs_are_no_answer(told: Path) -> None:
    done = _run("--list", str(told / "out"), "--inputs", str(told / "none"), "--stdin", typed=card(1))
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no folder of inputs" in done.stderr
