"""Steps 1 and 2 of the procedure: the persons of the register, and what the signals say of them."""

from __future__ import annotations

import re
from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from oracle import parameters
from oracle.inputs import Row


class Refused(Exception):
    """The data cannot be decided: the run ends with exit 1."""


def nulls_first(value: Any) -> tuple[bool, Any]:
    """Sorting everywhere is by code point, nulls first."""
    return (value is not None, value)


# ---------------------------------------------------------------- step 1: NIK and age


def _is_real_day(year: int, month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]


def is_valid(nik: str | None) -> bool:
    """16 ASCII digits, no region pair 00, a real day in 19yy or 20yy (women +40), serial not 0000."""
    if nik is None or not re.fullmatch(r"[0-9]{16}", nik):
        return False
    if "00" in (nik[0:2], nik[2:4], nik[4:6]) or nik[12:16] == "0000":
        return False
    day, month, year = int(nik[6:8]), int(nik[8:10]), int(nik[10:12])
    day = day - 40 if day > 40 else day
    return _is_real_day(1900 + year, month, day) or _is_real_day(2000 + year, month, day)


def nik_warnings(row: Row) -> set[str]:
    """Where a valid NIK's own digits differ from the register's birth date or sex."""
    nik, found = row["nik"], set()
    if not is_valid(nik):
        return found
    is_woman = int(nik[6:8]) > 40
    day = int(nik[6:8]) - (40 if is_woman else 0)
    born = row["birth_date"]
    if born is not None and (day, int(nik[8:10]), int(nik[10:12])) != (born.day, born.month, born.year % 100):
        found.add("NIK_TGL_LAHIR_BEDA")
    if (is_woman and row["sex"] == "L") or (not is_woman and row["sex"] == "P"):
        found.add("NIK_JENIS_KELAMIN_BEDA")
    return found


def age(born: date | None, as_of: date) -> int | None:
    """Completed years, (month, day) compared."""
    if born is None:
        return None
    return as_of.year - born.year - ((as_of.month, as_of.day) < (born.month, born.day))


# ---------------------------------------------------------------- step 1: one row per NIK


def rows_there(rows: list[Row], as_of: date) -> list[Row]:
    """Nothing dated after `as_of` is seen: later rows are not there, later deaths and moves have not happened."""
    there = []
    for row in rows:
        row = {**row, "status": row["status"].lower()}
        if row["birth_date"] is not None and row["birth_date"] > as_of:
            continue
        if row["status_date"] is not None and row["status_date"] > as_of:
            if row["status"] == "active":
                continue
            row |= {"status": "active", "status_date": None}
        there.append(row)
    return there


def _order(row: Row) -> tuple[Any, ...]:
    """Among equals the newest status_date, then the greatest of the columns in the order of the rule."""
    columns = "status_date no_kk birth_date sex family_relation region_code district_code village_code"
    return tuple(nulls_first(row[column]) for column in columns.split())


def _winner(rows: list[Row]) -> tuple[Row, bool]:
    """The row that counts of one valid NIK, and whether it is an active one that is later than a death."""
    by_status = {status: [r for r in rows if r["status"] == status] for status in ("deceased", "active", "moved")}
    deceased, active, moved = by_status["deceased"], by_status["active"], by_status["moved"]
    if deceased:
        undated = [row for row in deceased if row["status_date"] is None]
        if undated:
            return max(undated, key=_order), False
        newest_death = max(row["status_date"] for row in deceased)
        later = [r for r in active if r["status_date"] is not None and r["status_date"] > newest_death]
        if later:
            return max(later, key=_order), True
        return max(deceased, key=_order), False
    return max(active or moved, key=_order), False


@dataclass
class Register:
    """The persons of step 1. `rows` = every register row that is there; `known` = every NIK of any row of any date."""

    persons: list[Row]
    rows: list[Row]
    known: set[str]
    warnings: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def of(self, nik: str | None) -> list[Row]:
        """The persons of that NIK: one for a valid NIK, perhaps several for another text, none for null."""
        return self._by_nik.get(nik, []) if nik is not None else []

    def is_deceased(self, nik: str | None) -> bool:
        """Whether the register has that NIK and has it as deceased."""
        found = self.of(nik)
        return bool(found) and all(person["status"] == "deceased" for person in found)

    def __post_init__(self) -> None:
        self._by_nik: dict[str | None, list[Row]] = defaultdict(list)
        for person in self.persons:
            self._by_nik[person["nik"]].append(person)


def read_register(population: list[Row], as_of: date) -> Register:
    """Step 1."""
    there = rows_there(population, as_of)
    of_valid: dict[str, list[Row]] = defaultdict(list)
    of_others: dict[tuple[Any, ...], Row] = {}
    for row in there:
        if is_valid(row["nik"]):
            of_valid[row["nik"]].append(row)
        else:
            of_others[(row["nik"], row["status"], *_order(row))] = row
    persons, warnings = list(of_others.values()), defaultdict(set)
    for rows in of_valid.values():
        winner, is_after_death = _winner(rows)
        persons.append(winner)
        if is_after_death and winner["no_kk"] is not None:
            warnings[winner["no_kk"]].add("NIK_GANDA")
        cards = {row["no_kk"] for row in rows if row["status"] == "active" and row["no_kk"] is not None}
        if len(cards) > 1:
            for card in cards:
                warnings[card].add("NIK_GANDA")
    known = {row["nik"] for row in population if row["nik"] is not None}
    return Register(persons, there, known, warnings)


# ---------------------------------------------------------------- step 2: signals

NOT_HOLDING = ("0", "false", "none", "tidak")


@dataclass(frozen=True)
class Said:
    """What one source says of one code of one person. `rank` orders values; `number` only for number codes."""

    source: str | None
    observed_on: date | None
    value: str | None
    holds: bool
    rank: Any
    number: int | None


def _read_number(code: str, value: str | None) -> int | None:
    if value is None:
        return 1 if code == "CAR" else None
    if value.lower() in NOT_HOLDING:
        return 0
    found = re.fullmatch(r"([0-9]+)(\.0*)?", value)
    if not found:
        raise Refused(f"{code}: not a number")
    return int(found[1])


def _said(row: Row) -> Said:
    code, value = row["code"], row["value"]
    holds = value is None or value.lower() not in NOT_HOLDING
    number = None
    if code in parameters.NUMBERS:
        number = _read_number(code, value)
        holds = holds and number != 0
        rank: Any = nulls_first(number)
    elif code == "ENROLLED":
        rank = level_rank(value)
    else:
        rank = nulls_first(value)
    return Said(row["source"], row["observed_on"], value, holds, rank, number)


def level_rank(value: str | None) -> int:
    """1 SD, 2 SMP, 3 SMA; 0 empty or unknown."""
    word = (value or "").upper()
    return parameters.LEVELS.index(word) + 1 if word in parameters.LEVELS else 0


def months_before(day: date, months: int) -> date:
    """The same day of the month so many months before, else that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


class Signals:
    """Step 2."""

    def __init__(self, rows: list[Row], as_of: date, values: dict[str, Any]) -> None:
        newest: dict[tuple[str, str], dict[str | None, Said]] = defaultdict(dict)
        for row in rows:
            if row["code"] not in parameters.KNOWN_CODES:
                continue
            if row["value"] is None and row["code"] in parameters.EMPTY_IS_NO_SIGNAL:
                continue
            said = _said(row)
            if row["nik"] is None or (row["observed_on"] is not None and row["observed_on"] > as_of):
                continue
            of_sources = newest[row["nik"], row["code"]]
            before = of_sources.get(said.source)
            if before is None or self._order(said) > self._order(before):
                of_sources[said.source] = said
        self._newest, self._as_of, self._values = newest, as_of, values

    @staticmethod
    def _order(said: Said) -> tuple[Any, ...]:
        return (nulls_first(said.observed_on), said.holds, said.rank)

    def has_any(self, nik: str | None, code: str) -> bool:
        """Whether any source ever said anything of this code up to `as_of`, stale or not."""
        return (nik, code) in self._newest

    def _counting(self, nik: str | None, code: str) -> Iterable[Said]:
        """The newest word of each source that is not too old."""
        if nik is None:
            return []
        said = self._newest.get((nik, code), {}).values()
        months = self._values.get(f"signal.{code}.max_age_months")
        if months is None:
            return said
        oldest = months_before(self._as_of, months)
        return [one for one in said if one.observed_on is not None and one.observed_on >= oldest]

    def greatest(self, nik: str | None, code: str, holding: bool = True) -> Said | None:
        """Over the sources: the greatest value (of those that hold), then the smallest source; None if no source."""
        found = [one for one in self._counting(nik, code) if one.holds or not holding]
        if not found:
            return None
        rank = max(one.rank for one in found)
        return min((one for one in found if one.rank == rank), key=lambda one: nulls_first(one.source))
