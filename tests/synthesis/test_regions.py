"""The carried region tables agree with themselves."""

from __future__ import annotations

import pytest

from perlinsos.model.regions import is_code, level, parent
from perlinsos.settings import find_project
from perlinsos.synthesis.parameters import read_rows

REFERENCE = find_project() / "reference"


@pytest.fixture(scope="module")
def regions() -> dict[str, dict[str, str]]:
    return {row["code"]: row for row in read_rows(REFERENCE / "regions.csv")}


@pytest.fixture(scope="module")
def changes() -> dict[str, dict[str, str]]:
    return {row["retired_code"]: row for row in read_rows(REFERENCE / "region_changes.csv")}


def test_the_numbers_are_those_of_the_decree(regions: dict[str, dict[str, str]]) -> None:
    levels = [row["level"] for row in regions.values()]
    assert [levels.count(name) for name in ("province", "regency", "district", "village")] == [38, 514, 7285, 83762]


def test_every_code_has_its_form_its_level_and_its_parent(regions: dict[str, dict[str, str]]) -> None:
    wrong = [c for c, row in regions.items() if not is_code(c) or level(c) != row["level"] or (parent(c) or "11") not in regions]
    assert wrong == []


def test_a_retired_code_is_gone_and_its_successor_is_there_once(
    regions: dict[str, dict[str, str]], changes: dict[str, dict[str, str]]
) -> None:
    assert not changes.keys() & regions.keys()
    successors = [row["successor_code"] for row in changes.values() if row["successor_code"]]
    assert len(successors) == len(set(successors)) and set(successors) <= regions.keys()


def test_the_village_that_left_rogojampi_is_carried_forward(changes: dict[str, dict[str, str]]) -> None:
    assert changes["35.10.13.2003"]["successor_code"] == "35.10.25.2007"
    assert "35.10.13" not in changes


def test_a_bps_code_means_one_place_of_today(regions: dict[str, dict[str, str]]) -> None:
    codes = [row["bps_code"] for row in regions.values() if row["bps_code"]]
    assert len(codes) == len(set(codes))
    assert regions["35.10.19"]["bps_code"] == "3510160"


def test_a_bps_code_of_a_retired_code_is_its_successors(
    regions: dict[str, dict[str, str]], changes: dict[str, dict[str, str]]
) -> None:
    told = [(row["bps_code"], regions[row["successor_code"]]["bps_code"]) for row in changes.values() if row["successor_code"]]
    assert [pair for pair in told if pair[0] and pair[0] != pair[1]] == []
