"""Who is in the register besides those who live there: the dead, those who moved away, and those whom two regencies know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from perlinsos.synthesis import numbers
from perlinsos.synthesis.draws import Array, Ints, generator
from perlinsos.synthesis.families import CHILD, HEAD, SPOUSE
from perlinsos.synthesis.parameters import Targets
from perlinsos.synthesis.persons import days

ACTIVE, DECEASED, MOVED = 0, 1, 2
SHARED_FAMILIES = 30
ANCHOR = date(2025, 12, 20)
"""The day on which everybody is as the parameters say; who they are does not depend on the day of a delivery."""
ANCHOR_DAY = days(ANCHOR)
MOVED_AWAY, TWO_REGISTERS, TWO_CARDS = 0, 1, 2
"""The three kinds of shared families."""


@dataclass(frozen=True)
class SmallFamilies:
    """Invented families of one to four, person by person. `family` counts from 0; days since 1970."""

    family: Ints
    relation: Ints
    birth: Ints
    sex: Ints

    @property
    def count(self) -> int:
        """Number of families."""
        return int(self.family[-1]) + 1 if len(self.family) else 0


def small_families(rng: np.random.Generator, sizes: Ints, today: int) -> SmallFamilies:
    """A head of 25 to 50, then the spouse, then children: as many persons as `sizes` says for each."""
    count = len(sizes)
    family = np.repeat(np.arange(count), sizes)
    place = np.arange(len(family)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    head_age = rng.uniform(25, 50, count)[family]
    age = np.where(place == 0, head_age, np.where(place == 1, head_age - rng.uniform(0, 6, len(family)), 0))
    age = np.where(place >= 2, np.maximum(head_age - 24 - 3 * place - rng.uniform(0, 3, len(family)), 0.3), age)
    sex = np.where(place == 0, 0, np.where(place == 1, 1, rng.integers(0, 2, len(family))))
    relation = np.where(place == 0, HEAD, np.where(place == 1, SPOUSE, CHILD))
    return SmallFamilies(family, relation, (today - age * 365.25).astype(np.int64), sex)


@dataclass(frozen=True)
class SharedFamilies:
    """Families that two regencies know, the same in both. Arrays by person, but `kind`, `card_origin`, `card_new` by family.

    MOVED_AWAY left the origin for the destination and got a new card there; TWO_REGISTERS are active on one card in both;
    of TWO_CARDS the grown child is active on a card of its own in the destination and on the parents' card in the origin.
    """

    people: SmallFamilies
    nik: Ints
    kind: Ints
    card_origin: Ints
    card_new: Ints
    pair: str

    def in_destination(self) -> Array:
        """Which persons the destination's register has."""
        kind = self.kind[self.people.family]
        return np.asarray((kind != TWO_CARDS) | (self.people.relation == CHILD))


def shared_families(seed: int, origin: Targets, destination: Targets, count: int = SHARED_FAMILIES) -> SharedFamilies:
    """The families that two regencies share: half moved away, the rest in both registers or with a person on two cards."""
    pair = f"{origin.code}|{destination.code}"
    rng = generator(seed, pair, "shared")
    now = ANCHOR_DAY
    kind = np.sort(np.arange(count) % 4 - 1).clip(0)
    people = small_families(rng, np.full(count, 3), now)
    adult_child = (kind[people.family] == TWO_CARDS) & (people.relation == CHILD)
    birth = np.where(adult_child, now - (rng.uniform(20, 26, len(people.birth)) * 365.25).astype(np.int64), people.birth)
    parents = (kind[people.family] == TWO_CARDS) & (people.relation != CHILD)
    birth = np.where(parents, people.birth - round(20 * 365.25), birth)
    people = SmallFamilies(people.family, people.relation, birth, people.sex)
    origin_prefix = np.array([numbers.digits(d) for d in origin.districts])
    new_prefix = np.array([numbers.digits(d) for d in destination.districts])
    serial = numbers.SHARED_SERIAL + 50 * (int(destination.code[3:]) % 10)
    prefix = origin_prefix[rng.integers(0, len(origin_prefix), count)]
    nik = numbers.number_persons(prefix[people.family], people.birth, people.sex, serial)
    issued = now - rng.integers(400, 3000, count)
    recent = now - rng.integers(30, 120, count)
    card_origin = numbers.number_cards(prefix, issued, numbers.SHARED_CARD_SERIAL)
    card_new = numbers.number_cards(new_prefix[rng.integers(0, len(new_prefix), count)], recent, numbers.SHARED_CARD_SERIAL)
    return SharedFamilies(people, nik, kind, card_origin, np.where(kind == TWO_REGISTERS, card_origin, card_new), pair)
