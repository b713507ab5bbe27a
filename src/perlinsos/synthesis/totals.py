"""What a generated regency adds up to, in the words of reference/population/expected_totals.csv."""

from __future__ import annotations

import numpy as np

from perlinsos.synthesis import numbers
from perlinsos.synthesis.draws import Ints
from perlinsos.synthesis.regency import Regency

REFERENCE_DAY = (2025, 9, 30)
_AGES = {
    "age_0_6": (0, 7),
    "age_7_12": (7, 13),
    "age_13_15": (13, 16),
    "age_16_18": (16, 19),
    "age_17_plus": (17, 200),
    "age_60_plus": (60, 200),
    "age_70_plus": (70, 200),
}


def count_totals(regency: Regency) -> dict[str, float]:
    """Quantity -> number, over those who live there (the dead, the moved and the shared are not counted)."""
    base = slice(0, regency.base_persons)
    persons, families = regency.persons, regency.families
    sex, age = persons.sex[base], _completed_years(persons.birth[base])
    deciles = np.bincount(families.decile[: regency.base_families], minlength=11)
    sizes = np.bincount(persons.family[base], minlength=regency.base_families)
    poor = float(sizes[families.is_poor[: regency.base_families]].sum())
    totals: dict[str, float] = {
        "persons": float(len(sex)),
        "males": float((sex == 0).sum()),
        "females": float((sex == 1).sum()),
        "provinces": 1.0,
        "regencies": 1.0,
        "districts": float(len(regency.targets.districts)),
        "villages": float(len(np.unique(families.village[: regency.base_families]))),
        "families": float(regency.base_families),
        "persons per family": len(sex) / regency.base_families,
        "P0 percent": 100 * poor / len(sex),
        "pregnant_now": float((regency.facts.pregnancy[base] > 0).sum()),
        "persons with disability": float((regency.facts.disability[base] > 0).sum()),
    }
    totals |= {f"families in national decile {decile}": float(deciles[decile]) for decile in range(1, 11)}
    return totals | {name: float(((age >= low) & (age < high)).sum()) for name, (low, high) in _AGES.items()}


def _completed_years(birth: Ints) -> Ints:
    """Completed years on the reference day."""
    year, month, day = numbers.calendar(birth)
    before = (month > REFERENCE_DAY[1]) | ((month == REFERENCE_DAY[1]) & (day > REFERENCE_DAY[2]))
    return np.asarray(REFERENCE_DAY[0] - year - before)
