"""Every worked case of every programme, as it stands in its file, through the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
import yaml

from .case_files import write_families

PROGRAMMES = Path(__file__).resolve().parents[2] / "programmes"
FILES = sorted(PROGRAMMES.glob("*/cases.yaml"))


def _cases() -> list[Any]:
    found = []
    for path in FILES:
        content = yaml.safe_load(path.read_text())
        for run, part in enumerate(content["runs"]):
            for number, case in enumerate(part["cases"]):
                found.append(pytest.param(path, run, number, id=f"{path.parent.name}: {case['title']}"))
    return found


@cache
def _decide(path: Path, run: int) -> tuple[dict[str, Any], list[dict[str, Any]], list[list[tuple[str, str | None]]]]:
    """Run `perlinsos determine` on one run's cases: summary, decisions and components by case."""
    content = yaml.safe_load(path.read_text())
    part, programme = content["runs"][run], path.parent.name
    with TemporaryDirectory() as folder:
        inputs = Path(folder) / "inputs"
        inputs.mkdir()
        quota = {"region_code": content["region"], "programme": programme, "stage": content["stage"]}
        quota |= {"quota": part.get("quota"), "decree_id": "SK-TEST"}
        cards = write_families(inputs, [case["family"] for case in part["cases"]], quota if "quota" in part else None)
        command = [sys.executable, "-m", "perlinsos.cli", "determine", "--region", content["region"], "--json"]
        command += ["--stage", content["stage"], "--inputs", str(inputs), "--out", str(Path(folder) / "out")]
        command += ["--programme", programme]
        for name, value in part.get("set", {}).items():
            command += ["--set", f"{name}={value}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        read = duckdb.connect()
        out = Path(folder) / "out"
        rows = read.read_parquet(str(out / "decisions.parquet")).to_arrow_table().to_pylist()
        parts = read.read_parquet(str(out / "components.parquet")).to_arrow_table().to_pylist()
    by_card = {row["no_kk"]: row for row in rows}
    components = [[(row["component"], row["not_counted_reason"]) for row in parts if row["no_kk"] == no_kk] for no_kk in cards]
    return json.loads(done.stdout), [by_card[no_kk] for no_kk in cards], components


@pytest.mark.parametrize(("path", "run", "number"), _cases())
def test_worked_case(path: Path, run: int, number: int) -> None:
    expected = yaml.safe_load(path.read_text())["runs"][run]["cases"][number]["expect"]
    _, decisions, components = _decide(path, run)
    decision, parts = decisions[number], components[number]
    found = {name: decision[name] for name in expected if name in decision}
    found["counted"] = sorted(name for name, reason in parts if reason is None)
    found["not_counted"] = sorted([name, reason] for name, reason in parts if reason)
    assert {name: found[name] for name in expected} == expected


def test_values_set_by_hand_and_lists_without_quota_are_simulations() -> None:
    pkh = PROGRAMMES / "pkh" / "cases.yaml"
    assert [_decide(pkh, run)[0]["simulation_only"] for run in range(3)] == [True, True, False]
