"""Persons by district, sex and age group, in exact numbers, with their birth dates."""

from __future__ import annotations

from datetime import date

import numpy as np

from perlinsos.synthesis.draws import Array, Ints, apportion
from perlinsos.synthesis.parameters import Targets

EPOCH = date(1970, 1, 1)
OLDEST_GROUP = 15


def days(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def draw_persons(
    rng: np.random.Generator, targets: Targets, reference_date: date, heaping: dict[str, float]
) -> tuple[Ints, Ints, Ints]:
    """District number, sex (0 L, 1 P) and birth day (days since 1970) of every person, in the order of district, sex, age."""
    counts = np.array(
        [
            [apportion(int(total), targets.age_shares[sex]) for sex, total in enumerate(pair)]
            for pair in zip(targets.males, targets.females, strict=True)
        ]
    )
    flat = counts.reshape(-1)
    cells = np.repeat(np.arange(len(flat)), flat)
    district, rest = np.divmod(cells, 2 * (OLDEST_GROUP + 1))
    sex, group = np.divmod(rest, OLDEST_GROUP + 1)
    starts = np.repeat(np.cumsum(flat) - flat, flat)
    share = (np.arange(len(cells)) - starts + rng.random(len(cells))) / flat[cells]
    birth = _birth_days(share, group, reference_date)
    return district, sex, _heap(rng, birth, group, reference_date, heaping)


def group_bounds(reference_date: date) -> tuple[Ints, Ints]:
    """First and last birth day of the 16 age groups (the oldest begins 100 years ago)."""
    ages = range(0, 5 * OLDEST_GROUP + 1, 5)
    newest = [days(reference_date.replace(year=reference_date.year - age)) for age in ages]
    oldest = [day + 1 for day in newest[1:]] + [days(reference_date.replace(year=reference_date.year - 100)) + 1]
    return np.array(oldest), np.array(newest)


def _birth_days(share: Array, group: Ints, reference_date: date) -> Ints:
    """Spread each group evenly over its days; the oldest thins out with age."""
    first, last = group_bounds(reference_date)
    thinning = 7.0 * -np.log1p(-share * (1 - np.exp(-25 / 7.0))) / 25
    back = np.where(group == OLDEST_GROUP, thinning, share)
    span = (last - first + 1)[group]
    return np.asarray(last[group] - np.minimum((back * span).astype(np.int64), span - 1))


def _heap(rng: np.random.Generator, birth: Ints, group: Ints, reference_date: date, heaping: dict[str, float]) -> Ints:
    """Move some of the neighbouring years' births into the years that old people name, inside their age group.

    A factor f of a year over the mean of its neighbours needs the share (f - 1) / (f + 2) of each neighbour.
    """
    first, last = group_bounds(reference_date)
    years = birth.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    chance = rng.random(len(birth))
    result = birth.copy()
    for text, factor in heaping.items():
        if not text.isdigit():
            continue
        year, share = int(text), (factor - 1) / (factor + 2)
        for neighbour, month, day in ((year - 1, 7, 1), (year + 1, 12, 31)):
            moved = np.flatnonzero((years == neighbour) & (chance < share))
            same_day = birth[moved] + days(date(year, 1, 1)) - days(date(neighbour, 1, 1))
            for target in (np.full(len(moved), days(date(year, month, day))), same_day):
                inside = (target >= first[group[moved]]) & (target <= last[group[moved]])
                result[moved[inside]] = target[inside]
    return result
