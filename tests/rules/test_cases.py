"""Every worked case of every programme, as it stands in its file."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from .case_answers import Decided, decide, difference
from .case_files import CaseFile, Plan, plans, write_run

PROGRAMMES = Path(__file__).resolve().parents[2] / "programmes"
FILES = sorted(PROGRAMMES.glob("*/cases.yaml"))


def _cases() -> list[Any]:
    return [
        pytest.param(path, run, number, id=f"{plan.programme}: {case.title}")
        for path in FILES
        for run, plan in enumerate(plans(path))
        if plan.run.refused is None
        for number, case in enumerate(plan.run.cases)
    ]


def _refused() -> list[Any]:
    found = [plan for path in FILES for plan in plans(path) if plan.run.refused is not None]
    return [pytest.param(plan, id=f"{plan.programme}: {plan.run.refused}") for plan in found]


@cache
def _decide(path: Path, run: int) -> Decided:
    return decide(plans(path)[run])


@pytest.mark.parametrize(("path", "run", "number"), _cases())
def test_worked_case(path: Path, run: int, number: int) -> None:
    expected, found = difference(_decide(path, run), number)
    assert found == expected


@pytest.mark.parametrize("plan", _refused())
def test_refused_run(plan: Plan) -> None:
    decided = decide(plan)
    assert decided.error
    assert str(plan.run.refused) in str(decided.error)
    assert (decided.error.exit_code, bool(decided.error.remedy)) == (1, True)


def test_values_set_by_hand_and_lists_without_quota_are_simulations() -> None:
    for path in FILES:
        for number, plan in enumerate(plans(path)):
            if plan.run.refused is None and not plan.run.together_with:
                is_simulation = bool(plan.run.set) or plan.run.quota is None
                assert _decide(path, number).summary["simulation_only"] == is_simulation


def test_the_command_line_decides_the_same(tmp_path: Path) -> None:
    path = PROGRAMMES / "pkh" / "cases.yaml"
    plan = plans(path)[0]
    write_run(tmp_path / "inputs", plan)
    command = [sys.executable, "-m", "perlinsos.cli", "determine", "--region", plan.region, "--stage", plan.stage, "--json"]
    command += ["--inputs", str(tmp_path / "inputs"), "--out", str(tmp_path / "out"), "--programme", plan.programme]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["programmes"] == _decide(path, 0).summary["programmes"]


def test_a_case_says_why() -> None:
    case = {"title": "no reason", "family": {"members": []}, "expect": {"outcome": "TUNDA"}}
    with pytest.raises(ValidationError, match="say because"):
        CaseFile.model_validate({"region": "35.10", "stage": "2026-T1", "runs": [{"cases": [case]}]})
