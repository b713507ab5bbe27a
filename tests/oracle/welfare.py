"""Steps 3 and 4 of the procedure: welfare rows, the families considered, and where each is decided."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from oracle import parameters
from oracle.inputs import JAKARTA, Row
from oracle.persons import Refused, Register, is_valid, level_rank, nik_warnings, nulls_first

# ---------------------------------------------------------------- step 3


def period_start(period: str) -> date:
    """The first day of a DTSEN period such as `2025-Q4`."""
    found = re.fullmatch(r"([0-9]{4})-Q([1-4])", period or "")
    if not found:
        raise Refused("malformed DTSEN period")
    return date(int(found[1]), 3 * int(found[2]) - 2, 1)


@dataclass
class Welfare:
    """The welfare row of each card, the welfare persons of each card, and the warnings of step 3 by card."""

    family: dict[str, Row]
    persons: dict[str, list[Row]]
    warnings: dict[str, set[str]]


def _of_card(rows: list[Row]) -> tuple[Row, bool]:
    """The row of one card that counts, and whether the card deserves `KK_GANDA`."""

    def order(row: Row) -> tuple[Any, ...]:
        columns = ["decile", "national_rank", "electricity_va", "region_code", "district_code", "village_code"]
        return (period_start(row["dtsen_period"]), *(nulls_first(row[column]) for column in columns))

    regions = {row["region_code"] for row in rows if row["region_code"] is not None}
    versions: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
    for row in rows:
        versions[row["dtsen_period"]].add((row["dtsen_family_id"], *order(row)))
    is_twice = len(regions) > 1 or any(len(different) > 1 for different in versions.values())
    return max(rows, key=order), is_twice


def read_welfare(family_rows: list[Row], person_rows: list[Row], as_of: date) -> Welfare:
    """Step 3."""
    by_card: dict[str, list[Row]] = defaultdict(list)
    for row in family_rows:
        decile = row["decile"] if row["decile"] is not None and 1 <= row["decile"] <= 10 else None
        if period_start(row["dtsen_period"]) < as_of and row["no_kk"] is not None:
            by_card[row["no_kk"]].append({**row, "decile": decile})
    family, warnings = {}, defaultdict(set)
    for card, rows in by_card.items():
        family[card], is_twice = _of_card(rows)
        if is_twice:
            warnings[card].add("KK_GANDA")
    persons, cards_of_nik = defaultdict(list), defaultdict(set)
    for row in person_rows:
        if row["no_kk"] is None:
            continue
        persons[row["no_kk"]].append(row)
        if row["nik"] is not None:
            cards_of_nik[row["nik"]].add(row["no_kk"])
    for cards in cards_of_nik.values():
        if len(cards) > 1:
            for card in cards:
                warnings[card].add("NIK_GANDA")
    return Welfare(family, persons, warnings)


@dataclass(frozen=True)
class Said:
    """What the welfare data says of one person on one card (step 7, several rows merged)."""

    is_severe: bool = False
    is_pregnant: bool = False
    pregnancy_number: int | None = None
    level: str | None = None


def said_of(welfare: Welfare, card: str, nik: str | None) -> Said:
    """Severe beats others; pregnant beats not, with the greatest number among the pregnant; the highest level."""
    rows = [row for row in welfare.persons.get(card, []) if nik is not None and row["nik"] == nik]
    numbers = [row["pregnancy_number"] for row in rows if row["is_pregnant"]]
    level = max((level_rank(row["school_level"]) for row in rows), default=0)
    return Said(
        is_severe=any(row["disability"] == "SEVERE" for row in rows),
        is_pregnant=bool(numbers),
        pregnancy_number=max((number for number in numbers if number is not None), default=None),
        level=parameters.LEVELS[level - 1] if level else None,
    )


# ---------------------------------------------------------------- step 4


@dataclass
class Family:
    """One card. `persons_without_members` = the NIK of step 4 of a family without members."""

    no_kk: str
    members: list[Row]
    welfare: Row | None
    place: tuple[str | None, str | None, str | None]
    head: Row | None = None
    persons_without_members: set[str | None] = field(default_factory=set)
    kind: str = "DECIDED"
    is_unmatched: bool = False
    is_extinct: bool = False
    card_warnings: set[str] = field(default_factory=set)

    @property
    def niks(self) -> set[str | None]:
        """The NIK of its persons: its members, of a family without members those of step 4."""
        return {member["nik"] for member in self.members} if self.members else self.persons_without_members

    @property
    def warnings(self) -> set[str]:
        """Those of the card and of every member."""
        return self.card_warnings.union(*(own_warnings(member) for member in self.members))


def oldest_first(person: Row) -> tuple[Any, ...]:
    """Oldest first, a null birth date is youngest; then the NIK."""
    born = person["birth_date"]
    return (born is None, born or date.max, nulls_first(person["nik"]))


def _head(members: list[Row]) -> Row | None:
    def order(member: Row) -> tuple[Any, ...]:
        """Only persons whose NIK is not valid can tie in both: then the smallest of the columns of step 1."""
        columns = ("sex", "family_relation", "region_code", "district_code", "village_code")
        return (*oldest_first(member), *(nulls_first(member[column]) for column in columns))

    heads = [member for member in members if member["family_relation"] == 1]
    return min(heads or members, key=order, default=None)


def _address(row: Row | None) -> tuple[str | None, str | None, str | None]:
    return (row["region_code"], row["district_code"], row["village_code"]) if row else (None, None, None)


def build_families(register: Register, welfare: Welfare) -> list[Family]:
    """Every card with a welfare row or with an active person, with its members, head, place and warnings."""
    members: dict[str, list[Row]] = defaultdict(list)
    for person in register.persons:
        if person["status"] == "active" and person["no_kk"] is not None:
            members[person["no_kk"]].append(person)
    rows_on_card: dict[str, set[str | None]] = defaultdict(set)
    for row in register.rows:
        if row["no_kk"] is not None:
            rows_on_card[row["no_kk"]].add(row["nik"])
    families = []
    for card in sorted({*members, *welfare.family}):
        head, welfare_row = _head(members[card]), welfare.family.get(card)
        place = _address(head if head is not None and head["region_code"] is not None else welfare_row)
        family = Family(card, members[card], welfare_row, place, head)
        if not family.members:
            said = {row["nik"] for row in welfare.persons.get(card, [])}
            family.persons_without_members = said | rows_on_card[card]
        family.card_warnings = _card_warnings(family, register, welfare)
        families.append(family)
    return families


def own_warnings(member: Row) -> set[str]:
    """What the member's own digits say."""
    return nik_warnings(member) if is_valid(member["nik"]) else {"NIK_TIDAK_VALID"}


def _card_warnings(family: Family, register: Register, welfare: Welfare) -> set[str]:
    card = family.no_kk
    found = register.warnings[card] | welfare.warnings[card]
    if family.members:
        has_head = any(member["family_relation"] == 1 for member in family.members)
        named = [row["nik"] for row in welfare.persons.get(card, []) if row["family_relation"] == 1]
        if not has_head or any(register.is_deceased(nik) for nik in named):
            found.add("GANTI_PENGURUS")
    return found


def is_unknown(nik: str | None, register: Register) -> bool:
    """A null NIK, or no row of that NIK in `population`, whatever its region or date."""
    return nik is None or nik not in register.known


def consenting_cards(registrations: list[Row], register: Register, last_day: date) -> set[str]:
    """The cards of the persons whose newest registration up to that day consents (of one moment: all of them).

    A valid NIK leads to the card of its register row, whatever its status; else the registration's own card counts, of
    one moment the greatest.
    """
    of_nik: dict[str, list[Row]] = defaultdict(list)
    for row in registrations:
        moment: datetime | None = row["registered_at"]
        if row["nik"] is not None and moment is not None and moment.astimezone(JAKARTA).date() <= last_day:
            of_nik[row["nik"]].append(row)
    cards = set()
    for nik, rows in of_nik.items():
        newest_moment = max(row["registered_at"] for row in rows)
        newest = [row for row in rows if row["registered_at"] == newest_moment]
        if all(row["consent"] for row in newest):
            of_register = {person["no_kk"] for person in register.of(nik) if is_valid(nik)} - {None}
            cards |= of_register or {max((row["no_kk"] for row in newest), key=nulls_first)}
    return cards - {None}


def sort_out(families: list[Family], register: Register, region: str, cards: set[str] | None) -> None:
    """Set the kind of each family: ELSEWHERE, then PINDAH, then TIDAK_MENDAFTAR (not on one of the `cards`), else
    decided. `cards` is None where every family is considered."""
    for family in families:
        if not family.members:
            niks = family.persons_without_members
            family.is_unmatched = not niks or any(is_unknown(nik, register) for nik in niks)
            family.is_extinct = not family.is_unmatched and all(register.is_deceased(nik) for nik in niks)
        if family.place[0] != region:
            family.kind = "ELSEWHERE"
        elif not family.members and not family.is_unmatched and not family.is_extinct:
            family.kind = "PINDAH"
        elif cards is not None and family.no_kk not in cards:
            family.kind = "TIDAK_MENDAFTAR"
