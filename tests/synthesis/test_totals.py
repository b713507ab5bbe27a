"""A generated Banyuwangi adds up to the expected totals; here a twentieth of it, all of it in `bench/synthesis.py`."""

from __future__ import annotations

import csv
from datetime import date

import numpy as np
import pytest

from perlinsos.settings import find_project
from perlinsos.synthesis.parameters import load_tables, load_targets
from perlinsos.synthesis.regency import Regency, build_regency
from perlinsos.synthesis.totals import count_totals

REFERENCE = find_project() / "reference"

SHARE = 20


@pytest.fixture(scope="module")
def twentieth() -> Regency:
    tables = load_tables(REFERENCE)
    return build_regency(1, tables, load_targets(REFERENCE, "35.10", 624_317 // SHARE, 1), date(2025, 12, 20))


@pytest.fixture(scope="module")
def expected() -> dict[str, float]:
    with (REFERENCE / "population" / "expected_totals.csv").open(newline="", encoding="utf-8") as source:
        return {row["quantity"]: float(row["banyuwangi"]) for row in csv.DictReader(source) if row["banyuwangi"]}


@pytest.mark.parametrize(
    ("quantity", "tolerance"),
    [
        ("persons", 0.0001),
        ("males", 0.0001),
        ("females", 0.0001),
        ("families", 0.0001),
        *((f"families in national decile {decile}", 0.001) for decile in range(1, 11)),
        *((f"age_{group}", 0.015) for group in ("0_6", "7_12", "13_15", "16_18", "17_plus", "60_plus", "70_plus")),
        ("pregnant_now", 0.03),
        ("persons with disability", 0.03),
    ],
)
def test_counts_scale_to_the_expected_total(
    twentieth: Regency, expected: dict[str, float], quantity: str, tolerance: float
) -> None:
    assert count_totals(twentieth)[quantity] * SHARE == pytest.approx(expected[quantity], rel=tolerance)


def test_the_share_of_the_poor_is_met(twentieth: Regency, expected: dict[str, float]) -> None:
    assert count_totals(twentieth)["P0 percent"] == pytest.approx(expected["P0 percent"], abs=0.15)


def test_every_district_and_village_has_people(twentieth: Regency) -> None:
    village = twentieth.families.village[: twentieth.base_families]
    assert len(np.unique(village)) == 217
    assert len({twentieth.villages[v].district_code for v in np.unique(village)}) == 25


def test_families_have_one_head_and_the_sizes_of_the_table(twentieth: Regency) -> None:
    base = slice(0, twentieth.base_persons)
    heads = np.bincount(twentieth.persons.family[base][twentieth.persons.relation[base] == 1])
    assert (heads == 1).all()
    sizes = np.bincount(np.bincount(twentieth.persons.family[base]), minlength=9) / twentieth.base_families
    assert np.abs(sizes[1:6] - [0.155, 0.245, 0.3, 0.21, 0.066]).max() < 0.005


def test_dtsen_ranks_families_nearly_as_they_are(twentieth: Regency) -> None:
    families = twentieth.families
    assert 0.65 < np.corrcoef(families.true_decile, families.decile)[0, 1] < 0.8
