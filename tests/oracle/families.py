"""Nasty small populations: every seed gives one, always the same one, full of what real registers do to a rule."""

from __future__ import annotations

import random
from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

from oracle.inputs import JAKARTA, Row
from oracle.oracle import stage_start
from oracle.parameters import EMPLOYMENT
from oracle.persons import months_before
from oracle.worlds import World, nik

REGION, OTHER_REGIONS = "35.10", ("35.09", "51.71")
STAGES = ("2026-T1",) * 8 + ("2020-T1", "2021-T3", "2023-T4", "2024-T1", "2024-T2", "2025-T1", "2025-T2", "2025-T4", "2026-T2")
FLAG_VALUES = (None, "1", "ya", "true", "PNS", "10", "9", "0", "false", "none", "tidak", "Tidak", "NONE", "False", "2.0")
SOURCES = ("BKN", "TASPEN", "X", "a", None)
LEVEL_VALUES = ("SD", "SMP", "SMA", "SD", "SMP", "SMA", "sd", "TK", "PAUD", None, "0", "tidak")
WRONG_NIK = ("351016010190700", "35101601019070010", "35101601019a7001", "0000000000007000", "-", "12 34", "３５１０")
UNKNOWN_CODES = ("PROFESSOR", "asn2", "KTP")
CHOICES: dict[str, tuple[str, ...]] = {
    "pkh.selection": ("priority", "highest_amount", "highest_amount"),
    "pkh.max_members": ("0", "1", "2", "3", "5", "none"),
    "pkh.max_children": ("0", "1", "2", "3", "none"),
    "pkh.max_early_childhood": ("0", "1", "3", "none"),
    "pkh.max_elderly": ("0", "1", "2", "none"),
    "pkh.max_disability": ("0", "1", "2", "none"),
    "pkh.elderly_min_age": ("45", "60", "65", "70"),
    "pkh.pregnancy_max_number": ("1", "2", "3"),
    "pkh.max_decile": ("1", "3", "9"),
    "bpnt.max_decile": ("2", "10"),
    "pkh.wage_reference": ("ump", "umk"),
    "bpnt.wage_reference": ("ump",),
    "pkh.electricity_min_va": ("900", "1300", "3500"),
    "bpnt.electricity_min_va": ("450", "2201"),
    "pkh.car_min_count": ("2", "3"),
    "bpnt.car_min_count": ("2",),
    "pkh.land_max_m2": ("100", "none"),
    "bpnt.land_max_m2": ("0", "99"),
    "pkh.balance_max_idr": ("1000000",),
    "bpnt.balance_max_idr": ("999999", "none"),
    "signal.PREGNANT.max_age_months": ("0", "6", "18"),
    "signal.ENROLLED.max_age_months": ("3", "24"),
    "registration.window_days": ("1", "7"),
    "pkh.gambling": ("yes", "none"),
    "bpnt.gambling": ("yes",),
    "quarantine.holds": ("no", "yes"),
    "lottery_seed": ("7f3a", "a seed with words"),
}


@dataclass(frozen=True)
class Population:
    """The inputs of one run and how to run it."""

    seed: int
    data: dict[str, list[Row]]
    stage: str
    as_of: date
    scope: str
    settings: dict[str, str] = field(default_factory=dict)
    programmes: tuple[str, ...] = ("pkh", "bpnt")
    region: str = REGION


def _years_before(day: date, years: int) -> date:
    return date(day.year - years, day.month, min(day.day, monthrange(day.year - years, day.month)[1]))


class Maker(World):
    """Makes one population. `p` = how often something is wrong."""

    stages: tuple[str, ...] = STAGES

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.rng = random.Random(seed)
        self.p = self.rng.choice((0.01, 0.04, 0.1, 0.25))
        self.stage = self.rng.choice(self.stages)
        self.as_of = self._as_of()
        self.cards: list[str] = []
        self.numbers: list[str] = []
        self.wage_limit = 2_989_145

    def _as_of(self) -> date:
        start = stage_start(self.stage)
        if self.rng.random() < 0.7:
            return start
        last = monthrange(start.year, start.month + 2)[1]
        days = [date(start.year, start.month + 2, last), date(start.year, start.month + 1, 28)]
        days += [
            date(start.year, start.month + 2, 1),
            start + timedelta(days=self.rng.randrange(-80 if start.year > 2020 else 0, 150)),
        ]
        return self.rng.choice(days)

    def maybe(self, times: float = 1.0) -> bool:
        """Whether this one goes wrong."""
        return self.rng.random() < self.p * times

    def day(self) -> date | None:
        """A day of status or observation: few different ones, so that they tie; some null, some after as_of."""
        days = [None, self.as_of, self.as_of - timedelta(days=1), self.as_of + timedelta(days=1)]
        days += [self.as_of - timedelta(days=30 * n) for n in (1, 2, 3, 3, 9, 30)] + [self.as_of + timedelta(days=40)]
        return self.rng.choice(days)

    def born(self, profile: str) -> date:
        """A birth date: of a profile, on the very edge of an age, or on 29 February."""
        low, high = {"small": (0, 6), "pupil": (6, 21), "adult": (18, 59), "old": (58, 90)}[profile]
        if self.rng.random() < 0.15:
            edge = self.rng.choice(
                {"small": (0, 6, 7), "pupil": (6, 7, 21, 22), "adult": (21, 22, 45), "old": (60, 65, 70)}[profile]
            )
            return _years_before(self.as_of, edge) + timedelta(days=self.rng.choice((-1, 0, 0, 1 if edge else 0)))
        if self.rng.random() < 0.08:
            return date(self.rng.choice([y for y in range(self.as_of.year - high, self.as_of.year) if y % 4 == 0]), 2, 29)
        span = (high - low + 1) * 365
        return self.as_of - timedelta(days=low * 365 + self.rng.randrange(span))

    def place(self) -> Row:
        """Region, district and village: mostly here."""
        region = self.rng.choice(OTHER_REGIONS) if self.maybe() else REGION
        district = f"{region}.{self.rng.choice(('16', '02'))}"
        row = {"region_code": region, "district_code": district, "village_code": f"{district}.1014"}
        for name in list(row):
            if self.maybe(0.3):
                row[name] = None
        return row

    def card(self) -> str:
        """A new card number; rarely a text that is none."""
        self._serial += 1
        card = f"351016010120{self._serial:04d}"
        if self.maybe(0.1):
            card = self.rng.choice(("12", "KK-é", "😀", "ﬁ", card[:15])) + str(self._serial)
        self.cards.append(card)
        return card

    def welfare_rows(self, card: str) -> None:
        """The welfare rows of a card: one, none, several periods, several versions, several regions."""
        rng = self.rng
        newest = ["2025-Q4", "2025-Q3", "2026-Q1", "2025-Q1", "2019-Q4", "2023-Q4", "2020-Q1"]
        count = 0 if self.maybe(0.5) else 1 if not self.maybe(1.5) else rng.choice((2, 2, 3))
        period = self._period()
        for _ in range(count):
            row = {
                "no_kk": card,
                "dtsen_family_id": rng.choice((None, "F1")) if self.maybe() else "F1",
                "dtsen_period": rng.choice(newest) if self.maybe() else period,
                "decile": rng.choice((None, 0, 11, -1, 10)) if self.maybe() else rng.choice((1, 1, 1, 2, 2, 3, 4, 5, 6)),
                "national_rank": rng.choice((None, 1, 2, 100, 100, 5000)),
                "electricity_va": rng.choice((None, None, 0, 450, 900, 1300, 2200 if self.maybe() else 900)),
            } | self.place()
            self.data["welfare_family"].append(row)
            if self.maybe(0.5):
                changes = {"dtsen_family_id": "F2", "decile": 3, "national_rank": 7, "electricity_va": 1, "village_code": None}
                name = rng.choice(("dtsen_period", *changes))
                self.data["welfare_family"].append(row | {name: changes.get(name, row[name])})
        if self.maybe(0.1):
            self.data["welfare_family"].append({"no_kk": None, "dtsen_period": period, "region_code": REGION})

    def _period(self) -> str:
        """The newest period that counts on as_of."""
        before = self.as_of - timedelta(days=1)
        return f"{before.year}-Q{(before.month + 2) // 3}"

    def family(self, decile: int | None = None, rank: int | None = None, **welfare: Any) -> str:
        """A family of some kind, with what goes wrong with it."""
        rng, card, place = self.rng, self.card(), self.place()
        self.welfare_rows(card)
        shapes = ("adult adult small pupil", "adult adult small small small", "old", "adult pupil pupil pupil", "old old adult")
        shapes += ("adult adult", "adult adult pupil small old old", "adult small", "", "adult small small pupil pupil old adult")
        profiles = rng.choice(shapes).split() if not self.maybe(0.5) else []
        fate = rng.choice(("deceased", "moved", "mixed", "unknown", "elsewhere")) if self.maybe(1.2) else ""
        for position, profile in enumerate(profiles):
            relation = (
                1 if position == 0 and not self.maybe() else rng.choice((1, 2, 3, 4, 4, 4, 9, None) if self.maybe() else (3, 4))
            )
            number = self.member(card, profile, relation, place)
            self._fate(self.data["population"][-1], fate)
            if number is not None:
                self.numbers.append(number)
                self.facts(number, profile)
        if fate == "unknown":
            self.data["welfare_person"].append(
                {"nik": rng.choice((None, nik(date(1980, 1, 1), "L", self._next())))}
                | {"no_kk": card, "family_relation": rng.choice((1, 1, 4))}
            )
        return card

    def _next(self) -> int:
        self._serial += 1
        return self._serial

    def _fate(self, row: Row, fate: str) -> None:
        kinds = {"deceased": ("deceased",), "moved": ("moved",), "mixed": ("deceased", "moved", "active")}
        if fate in kinds:
            row["status"] = self.rng.choice(kinds[fate])
            row["status_date"] = self.day() if self.rng.random() < 0.4 else self.as_of - timedelta(days=100)
        elif fate == "elsewhere" and self.cards:
            row["no_kk"] = self.rng.choice(self.cards)

    def member(self, card: str, profile: str, relation: int | None, place: Row) -> str | None:
        """One row of the register and one of the welfare data, and what goes wrong with them."""
        rng = self.rng
        born: date | None = self.born(profile)
        sex: str | None = rng.choice("LP")
        number: str | None = nik(born, sex, self._next())
        if self.maybe(0.7):
            number = rng.choice(
                (None, rng.choice(WRONG_NIK), f"{number[:12]}0000", f"351000{number[6:]}", f"{number[:6]}32{number[8:]}")
            )
        elif self.maybe(0.7):
            born = born + timedelta(days=rng.choice((1, -1, 400)))
        elif self.maybe(0.3):
            sex = rng.choice((None, "P" if sex == "L" else "L"))
        if self.maybe(0.5):
            born = None if rng.random() < 0.7 else self.as_of + timedelta(days=rng.choice((1, 30)))
        own_place = self.place() if self.maybe() and number and number[12:16] >= "7000" else place
        row = {"nik": number, "no_kk": card, "sex": sex, "birth_date": born, "family_relation": relation}
        row |= {"status": "active", "status_date": self.day() if self.maybe() else None} | own_place
        if self.maybe(0.3):
            row["no_kk"] = None
        if self.maybe(0.2):
            row["status"] = "ACTIVE"
        if not self.maybe(0.5):
            self.welfare_person(number, card, relation, profile)
        self.data["population"].append(row)
        return number

    def welfare_person(self, number: str | None, card: str, relation: int | None, profile: str) -> None:
        """What the welfare data says of a person: sometimes several times, sometimes on another card too."""
        rng = self.rng
        for _ in range(1 if not self.maybe(0.5) else rng.choice((2, 3))):
            self.data["welfare_person"].append(
                {
                    "nik": None if self.maybe(0.1) else number,
                    "no_kk": rng.choice(self.cards) if self.maybe(0.5) else card,
                    "family_relation": rng.choice((1, 3, None)) if self.maybe(0.5) else relation,
                    "disability": rng.choice(("severe", "severe", "mild", "Severe", None)) if rng.random() < 0.15 else "none",
                    "is_pregnant": rng.choice((True, True, False, None)) if profile == "adult" and rng.random() < 0.3 else None,
                    "pregnancy_number": rng.choice((1, 1, 2, 2, 3, 4, 0, -1, None)),
                    "school_level": rng.choice(("SD", "SMP", "SMA", "sma", None)) if profile == "pupil" else None,
                }
            )

    def facts(self, number: str, profile: str) -> None:
        """The signals of one person."""
        rng = self.rng
        if profile == "pupil" and rng.random() < 0.8:
            self.fact(number, "ENROLLED", rng.choice(LEVEL_VALUES[:6] if not self.maybe() else LEVEL_VALUES), 12)
        if profile == "adult" and rng.random() < 0.3:
            self.fact(number, "PREGNANT", rng.choice(("1", "1", "2", "2.0", "3", None, "0", "tidak")), 10)
        if profile == "adult" and rng.random() < 0.3:
            self.fact(number, "WAGE", str(self.wage_limit + rng.choice((0, 0, -1, -500_000, 1 if self.maybe(2) else 0))))
        if rng.random() < 0.1:
            self.fact(
                number, "ELECTRICITY", rng.choice(("0", "450", "900", "1300.0", "2199", None, "2200" if self.maybe(2) else "900"))
            )
        if self.maybe(0.5):
            self.fact(number, "CAR", rng.choice((None, "0", "1", "2", "3.00", "tidak", "0")))
        if self.maybe(0.7):
            self.fact(number, rng.choice((*EMPLOYMENT, "GAMBLING")), rng.choice(FLAG_VALUES))
        if self.maybe(0.3):
            self.fact(number, rng.choice(("LAND", "BALANCE")), rng.choice((None, "0", "99", "100", "101", "1000000", "1000001")))
        if rng.random() < 0.02:
            self.fact(number, "RIGHTS_VICTIM", rng.choice(("victim", "heir", None, "0")))
        if self.maybe(0.2):
            self.fact(number, rng.choice(UNKNOWN_CODES), rng.choice(FLAG_VALUES))

    def wealth(self) -> dict[str, str]:
        """The limits that are off by default are on, and some persons are around them."""
        for number in self.rng.sample(self.numbers, min(len(self.numbers), 15)):
            code, limit = self.rng.choice((("LAND", 500), ("BALANCE", 10_000_000), ("GAMBLING", 1)))
            self.fact(number, code, str(limit + self.rng.choice((-1, 0, 1))))
        limits = {"land_max_m2": "500", "balance_max_idr": "10000000", "gambling": "yes"}
        return {f"{programme}.{name}": value for programme in ("pkh", "bpnt") for name, value in limits.items()}

    def fact(self, number: str, code: str, value: str | None, months: int = 12) -> None:
        """A fact of one agency, sometimes of several, sometimes said again with another value, day or both."""
        rng = self.rng
        row = {"nik": number, "source": rng.choice(SOURCES), "code": code, "value": value}
        row["observed_on"] = self.observed(months) if self.maybe(1.5) else self.as_of - timedelta(days=20)
        self.data["signal"].append(row)
        if self.maybe(0.1):
            row["code"] = code.lower()
        while self.maybe(1.5):
            others = [one["value"] for one in self.data["signal"] if one["code"].upper() == code.upper()]
            row = row | {"value": rng.choice(others), "source": rng.choice((row["source"], *SOURCES))}
            row["observed_on"] = rng.choice((row["observed_on"], self.observed(months)))
            self.data["signal"].append(row)
        if self.maybe(0.05):
            self.data["signal"].append(row | {"nik": None})

    def observed(self, months: int) -> date | None:
        """A day around the age limit, around as_of, or null."""
        limit = months_before(self.as_of, months)
        days = [limit, limit - timedelta(days=1), limit + timedelta(days=1), self.as_of, None]
        return self.rng.choice([*days, self.as_of + timedelta(days=1), self.as_of - timedelta(days=60)])

    def duplicate_rows(self) -> None:
        """The same NIK again: on the same or another card, with another status, day, birth date or address."""
        rng = self.rng
        for row in list(self.data["population"]):
            while self.maybe(1.2):
                again = dict(row)
                changes = rng.sample(
                    ("card", "status", "date", "birth", "place", "relation", "sex", "equal"), rng.choice((1, 2, 3))
                )
                is_text = not (row["nik"] and len(row["nik"]) == 16 and row["nik"][12:] >= "7000")
                if "card" in changes:
                    again["no_kk"] = rng.choice((*self.cards, None)) if not self.maybe() else None
                if "status" in changes and not is_text:
                    again["status"] = rng.choice(("active", "deceased", "deceased", "moved", "Moved"))
                if "date" in changes:
                    again["status_date"] = self.day()
                if "birth" in changes:
                    again["birth_date"] = None if self.maybe() else self.born("adult")
                if "place" in changes and not is_text:
                    again |= self.place()
                if "relation" in changes:
                    again["family_relation"] = rng.choice((1, 3, 4, 11, None))
                if "sex" in changes:
                    again["sex"] = rng.choice(("L", "P", None, "p"))
                self.data["population"].append(again)

    def quarantine(self) -> None:
        """Rows set aside, naming a person, a card, both, nobody, or any text."""
        rng = self.rng
        for _ in range(rng.choice((0, 0, 2, 5))):
            self.data["quarantined"].append(
                {
                    "dataset": rng.choice(("population", "welfare_family", "welfare_person", "signal")),
                    "source": rng.choice(SOURCES),
                    "nik": rng.choice((*self.numbers, "3.51E+15", "sampah", "-")) if rng.random() < 0.6 else None,
                    "no_kk": rng.choice((*self.cards, "apa saja")) if rng.random() < 0.5 else None,
                }
            )
            if rng.random() < 0.3:
                named = rng.choice(self.data["population"])
                both = {"nik": named["nik"], "no_kk": named["no_kk"]} if rng.random() < 0.6 else {}
                self.data["quarantined"].append(self.data["quarantined"][-1] | both)

    def register_families(self) -> None:
        """Registrations: several of one NIK, consenting or not, around the last day, in other zones."""
        rng = self.rng
        end = datetime(self.as_of.year, self.as_of.month, self.as_of.day, tzinfo=JAKARTA) + timedelta(days=1)
        for number in self.numbers:
            while rng.random() < 0.4:
                moment = end + timedelta(
                    hours=rng.choice((-3000, -48, -9, -7, -1, 0, 1, 7, 30, 24 * 6)), minutes=rng.choice((0, 0, -1, 1))
                )
                zone = timezone(timedelta(hours=rng.choice((0, 7, 7, 8, 9, -5))))
                consent = rng.choice((True, True, True, False, None))
                row = {"nik": number, "no_kk": rng.choice(self.cards), "registered_at": moment.astimezone(zone)}
                self.data["registration"].append(row | {"consent": consent})
        for card in self.cards:
            if self.maybe():
                row = {"nik": nik(date(1990, 1, 1), "P", self._next()), "no_kk": card, "consent": True}
                self.data["registration"].append(row | {"registered_at": self.as_of})

    def references(self) -> None:
        """Minimum wages of several years, regions and days, and quotas that bind, are 0, or are not there."""
        rng, year = self.rng, self.as_of.year
        rows = [{"region_code": REGION, "year": year, "umk_idr": self.wage_limit, "ump_idr": self.wage_limit - 100_000}]
        if rng.random() < 0.2:
            rows[0][rng.choice(("umk_idr", "ump_idr"))] = None
        if rng.random() < 0.3:
            rows[0]["valid_from"] = date(year, 1, 1)
        for day in (self.as_of, self.as_of + timedelta(days=1), self.as_of - timedelta(days=5)):
            if rng.random() < 0.2 and day.year == year and day != date(year, 1, 1):
                rows.append(rows[0] | {"umk_idr": self.wage_limit - rng.choice((1, 0, 1000)), "valid_from": day})
        rows += [
            {"region_code": "35.09", "year": year, "umk_idr": 1},
            {"region_code": REGION, "year": year - 1, "umk_idr": 2, "ump_idr": 2},
        ]
        self.data["minimum_wage"] = [] if rng.random() < 0.01 else rows
        for programme in ("pkh", "bpnt", "PKH" if rng.random() < 0.05 else "pip"):
            quota = rng.choice((None, 0, 1, 3, 10, 10_000))
            if quota is not None:
                row = {"region_code": REGION, "programme": programme, "stage": self.stage, "quota": quota}
                self.data["quota"] += [row, row | {"region_code": "35.09"}, row | {"stage": "2026-T3", "quota": 2}]


def generate(seed: int, families: int = 60) -> Population:
    """The population of this seed."""
    maker = Maker(seed)
    rng = maker.rng
    for _ in range(families):
        maker.family()
    maker.duplicate_rows()
    maker.quarantine()
    scope = rng.choice(("population", "population", "registrants"))
    if scope == "registrants" or rng.random() < 0.2:
        maker.register_families()
    maker.references()
    names = rng.sample(sorted(CHOICES), rng.choice((0, 0, 1, 3, 6)))
    settings = {name: rng.choice(CHOICES[name]) for name in names}
    programmes = rng.choice((("pkh", "bpnt"), ("bpnt", "pkh"), ("pkh",), ("bpnt",)))
    if rng.random() < 0.3:
        settings |= maker.wealth()
    if rng.random() < 0.04:
        maker.data[rng.choice(("population", "welfare_person", "signal", "welfare_family"))].clear()
    for rows in maker.data.values():
        rng.shuffle(rows)
    return Population(seed, maker.data, maker.stage, maker.as_of, scope, settings, programmes)
