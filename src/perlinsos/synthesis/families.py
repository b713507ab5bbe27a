"""Family cards: heads, spouses, children, parents; sizes by the table, numbers of families exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perlinsos.synthesis.draws import Array, Ints, apportion, pick

HEAD, SPOUSE, CHILD, GRANDCHILD, PARENT, OTHER = 1, 3, 4, 6, 7, 9
"""The register's words for the relation to the head (SHDK)."""

MALE_HEAD_SHARE = 0.845
_MALE_HEAD = np.array([0, 0, 0, 0.004, 0.1, 0.4, 0.9, 1.4, 2, 2, 2, 2, 2, 2.5, 2.5, 2.5])
_FEMALE_HEAD = np.array([0, 0, 0, 0.01, 0.05, 0.15, 0.2, 0.25, 0.4, 0.6, 0.8, 1.2, 1.8, 2.5, 3, 3])
_WIFE = np.array([0, 0, 0, 0.05, 0.8, 1.8, 3, 3, 3, 3, 3, 3, 2.5, 1.8, 1.2, 0.5])


@dataclass(frozen=True)
class Cards:
    """For every person the number of the family and the relation to its head."""

    family: Ints
    relation: Ints


def form_families(rng: np.random.Generator, age: Array, sex: Ints, families: int, size_shares: Array) -> Cards:
    """Put the persons of one district on `families` cards (age in years, sex 0 L or 1 P)."""
    group = np.minimum(age // 5, 15).astype(np.int64)
    heads = _choose_heads(rng, group, sex, families)
    sizes = _draw_sizes(rng, len(age), families, size_shares)
    sizes = _give_sizes(rng, age[heads], sex[heads], sizes)
    family = np.full(len(age), -1)
    relation = np.full(len(age), OTHER)
    family[heads], relation[heads] = np.arange(families), HEAD
    mother_age = age[heads] - np.where(sex[heads] == 0, 3, 0)
    wanted = np.flatnonzero((sizes > 1) & (sex[heads] == 0) & (rng.random(families) < 0.95))
    husbands, wives = _pair(rng, age, sex, group, family, heads[wanted], wanted)
    family[wives], relation[wives] = husbands, SPOUSE
    mother_age[husbands] = age[wives]
    slots = np.repeat(np.arange(families), sizes - np.bincount(family[family >= 0], minlength=families))
    _seat_parents(rng, age, family, relation, age[heads], slots)
    _seat_children(rng, age, family, relation, sizes, mother_age)
    return Cards(family, relation)


def _choose_heads(rng: np.random.Generator, group: Ints, sex: Ints, families: int) -> Ints:
    """Positions of the heads: mostly men, women more often when they are older."""
    men, women = np.flatnonzero(sex == 0), np.flatnonzero(sex == 1)
    adult_men, adult_women = int((group[men] > 3).sum()), int((group[women] > 3).sum())
    from_men = min(round(MALE_HEAD_SHARE * families), adult_men)
    from_women = min(families - from_men, adult_women)
    from_men = families - from_women
    male = men[pick(rng, _MALE_HEAD[group[men]], from_men)]
    return np.sort(np.r_[male, women[pick(rng, _FEMALE_HEAD[group[women]], from_women)]])


def _draw_sizes(rng: np.random.Generator, persons: int, families: int, shares: Array) -> Ints:
    """Family sizes by the table, corrected one by one until they hold all persons."""
    sizes = np.repeat(np.arange(1, len(shares) + 1), apportion(families, shares))
    while missing := persons - int(sizes.sum()):
        step = 1 if missing > 0 else -1
        able = np.flatnonzero((sizes >= 2) if step > 0 else (sizes >= 3))
        able = able if len(able) else np.flatnonzero(sizes + step >= 1)
        sizes[rng.permutation(able)[: abs(missing)]] += step
    return sizes


def _give_sizes(rng: np.random.Generator, age: Array, sex: Ints, sizes: Ints) -> Ints:
    """Larger cards to heads in the middle of life, smaller ones to the young, the old and women."""
    leaning = -(((age - 42) / 14) ** 2) / 2 - 1.0 * sex + rng.normal(0, 0.8, len(age))
    result = np.empty(len(sizes), dtype=np.int64)
    result[np.argsort(leaning, kind="stable")] = np.sort(sizes)
    return result


def _pair(
    rng: np.random.Generator, age: Array, sex: Ints, group: Ints, family: Ints, husbands: Ints, families: Ints
) -> tuple[Ints, Ints]:
    """Families and their wives: 0 to 6 years younger as far as the numbers allow."""
    women = np.flatnonzero((sex == 1) & (family < 0) & (group > 3))
    count = min(len(husbands), len(women))
    wives = women[pick(rng, _WIFE[group[women]], count)]
    kept = np.sort(rng.permutation(len(husbands))[:count])
    by_age = kept[np.argsort(age[husbands[kept]] - rng.uniform(0, 6, count), kind="stable")]
    return families[by_age], wives[np.argsort(age[wives], kind="stable")]


def _seat_parents(rng: np.random.Generator, age: Array, family: Ints, relation: Ints, head_age: Array, slots: Ints) -> None:
    """Old people without a card of their own live with a grown child: one a family."""
    old = np.flatnonzero((family < 0) & (age >= 60))
    hosts = np.unique(slots)
    hosts = rng.permutation(hosts[(head_age[hosts] >= 28) & (head_age[hosts] <= 58)])[: len(old)]
    seated = rng.permutation(old)[: len(hosts)]
    family[seated] = hosts
    relation[seated] = np.where(age[seated] - head_age[hosts] >= 15, PARENT, OTHER)


def _seat_children(rng: np.random.Generator, age: Array, family: Ints, relation: Ints, sizes: Ints, mother_age: Array) -> None:
    """Everybody else: matched by age to the mothers, 18 to 42 years older as far as the numbers allow."""
    slots = np.repeat(np.arange(len(sizes)), sizes - np.bincount(family[family >= 0], minlength=len(sizes)))
    rest = np.flatnonzero(family < 0)
    expected = mother_age[slots] - (18 + 24 * rng.beta(2, 2.4, len(slots)))
    chosen = slots[np.argsort(expected, kind="stable")]
    rest = rest[np.argsort(age[rest], kind="stable")]
    gap = mother_age[chosen] - age[rest]
    family[rest] = chosen
    relation[rest] = np.select([gap > 50, gap >= 14, gap <= -14], [GRANDCHILD, CHILD, PARENT], OTHER)
