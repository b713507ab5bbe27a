"""The command line as a whole: what it answers when something unforeseen happens, and what a reader must not leave behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perlinsos.cli import app

SOURCES = Path(__file__).parents[1] / "src"


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`perlinsos …` in a folder, with nothing of this machine's own settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PERLINSOS_")}
    return subprocess.run(
        [sys.executable, "-m", "perlinsos.cli", *words],
        cwd=folder, env={**clean, "PYTHONPATH": str(SOURCES), **environment}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["PERLINSOS_THREADS", "PERLINSOS_LEASE_SECONDS"])
def test_a_setting_that_is_no_number_is_wrong_usage(tmp_path: Path, name: str) -> None:
    done = run(tmp_path, "status", **{name: "abc"})
    assert done.returncode == 2 and name in done.stderr and "Traceback" not in done.stderr


def test_an_amount_of_memory_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    words = ("--region", "35.10", "--stage", "2026-T1", "--inputs", ".", "--out", "out", "--memory-limit", "foo")
    done = run(tmp_path, "determine", *words)
    assert done.returncode == 2 and "'foo' is no amount of memory" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "code"), [(["status"], 3), (["snapshot", "list"], 3), (["leak-scan"], 3), (["doctor"], 3), (["down"], 0)]
)
def test_who_only_looks_leaves_nothing_behind_and_hears_where_it_looked(tmp_path: Path, words: list[str], code: int) -> None:
    done = run(tmp_path, *words)
    assert done.returncode == code
    assert f"{tmp_path}/.perlinsos" in done.stdout + done.stderr and "PERLINSOS_HOME" in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_cannot_be_made_is_no_traceback(tmp_path: Path) -> None:
    done = run(tmp_path, "status", PERLINSOS_HOME="/proc/nowhere")
    assert done.returncode == 3 and "/proc/nowhere" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [[], ["status"], ["region"], ["region", "add"], ["backfill", "plan"], ["explain"], ["up"]])
def test_a_flag_is_shown_without_a_type_in_every_help(words: list[str]) -> None:
    done = CliRunner().invoke(app, [*words, "--help"])
    assert done.exit_code == 0 and "--help" in done.stdout
    assert "<bool>" not in done.stdout and ("<path>" in done.stdout) == (words in (["region", "add"], ["explain"]))


UNFORESEEN = """
import perlinsos.terminal
try:
    int("3510164101907000x")
except Exception as error:
    raise SystemExit(perlinsos.terminal.end_with(error))
"""


@pytest.mark.parametrize(("asked", "shows"), [({}, False), ({"PERLINSOS_TRACEBACK": "1"}, True)])
def test_an_unforeseen_error_tells_type_and_place_and_no_value(tmp_path: Path, asked: dict[str, str], shows: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNFORESEEN, "--json"],
        env={"PYTHONPATH": str(SOURCES), **asked}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "ValueError" in done.stderr and "CONTRIBUTING" in done.stderr
    assert ("3510164101907000" in done.stderr, "Traceback" in done.stderr) == (shows, shows)
    assert json.loads(done.stdout)["exit_code"] == 1 and "3510164101907000" not in done.stdout


def test_a_reader_that_leaves_early_changes_no_exit_code(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "perlinsos.cli", "--version"],
        cwd=tmp_path, env={"PYTHONPATH": str(SOURCES)}, stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_version_is_told(tmp_path: Path) -> None:
    from perlinsos import __version__

    assert run(tmp_path, "--version").stdout == f"perlinsos {__version__}\n"


@pytest.mark.parametrize("command", ["status", "synth", "dispatch", "migrate", "leak-scan"])
def test_a_command_without_commands_of_its_own_offers_none(tmp_path: Path, command: str) -> None:
    assert "COMMAND" not in run(tmp_path, command, "--help").stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [(["--families", "abc"], "no number of families"), (["--families", "20"], "at least 300"), (["--scale", "0"], "no share")],
)
def test_sizes_that_make_no_region_are_wrong_usage(tmp_path: Path, words: list[str], told: str) -> None:
    done = run(tmp_path, "synth", "--region", "35.10", "--out", "made", *words)
    assert done.returncode == 2 and told in done.stderr
