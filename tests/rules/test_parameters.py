"""`perlinsos parameters` lists every value of the rules, and those that nobody has checked for a year."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from perlinsos.errors import WrongUsage
from perlinsos.model.parameter_list import list_values, unchecked

PROGRAMMES = Path(__file__).resolve().parents[2] / "programmes"


def _count_of_dates(node: Any) -> int:
    """How often `checked_on` stands in a file."""
    if isinstance(node, dict):
        return ("checked_on" in node) + sum(_count_of_dates(child) for child in node.values())
    return sum(_count_of_dates(child) for child in node) if isinstance(node, list) else 0


def test_every_checked_on_of_the_rules_is_listed() -> None:
    files = [*PROGRAMMES.glob("*/programme.yaml"), PROGRAMMES / "parameters.yaml"]
    wanted = sum(_count_of_dates(yaml.safe_load(path.read_text())) for path in files)
    assert len(list_values(PROGRAMMES)) == wanted


def test_a_value_ends_where_the_next_begins() -> None:
    ages = [value for value in list_values(PROGRAMMES, ["pkh"]) if value.name == "pkh.elderly_min_age"]
    assert [(value.value, value.first_day, value.last_day) for value in ages] == [
        ("70", date(2020, 1, 1), date(2023, 12, 31)), ("60", date(2024, 1, 1), None),
    ]  # fmt: skip


def test_values_that_ended_need_no_check() -> None:
    values = [value for value in list_values(PROGRAMMES, ["pkh"]) if value.name == "pkh.elderly_min_age"]
    day = date(2027, 11, 25)
    assert [value.value for value in unchecked(values, day, day)] == ["60"]
    assert unchecked(values, values[0].checked_on, day) == []


def _run(*words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "perlinsos.cli", "parameters", "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def test_the_command_finds_what_was_not_checked_for_a_year(tmp_path: Path) -> None:
    shutil.copytree(PROGRAMMES, tmp_path / "programmes")
    path = tmp_path / "programmes" / "pkh" / "programme.yaml"
    text = path.read_text()
    old = 'value: 4, legal_basis: Kepmensos 79/HUK/2025, source: "reported by many'
    assert old in text
    lines = [line.replace("2026-11-25", "2020-05-05") if old in line else line for line in text.splitlines()]
    path.write_text("\n".join(lines))
    found = _run("--rules", str(tmp_path / "programmes"), "--days", "365", "--at", "2021-06-01")
    assert [(value["name"], value["checked_on"]) for value in found["values"]] == [("pkh.max_decile", "2020-05-05")]
    assert found["unchecked_since"] == "2020-06-01"
    assert _run("--rules", str(tmp_path / "programmes"), "--unchecked-since", "2020-05-05", "--at", "2021-06-01")["values"] == []


def test_an_unknown_programme_is_named() -> None:
    with pytest.raises(WrongUsage, match="is not a programme"):
        list_values(PROGRAMMES, ["pkhh"])
