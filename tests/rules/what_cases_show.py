"""What the worked cases of a programme show: codes, days, values beside limits. Read from the cases, not from a run.

Values stand beside the limit that is in force in their run, as a distance: -1 below, 0 on it, 1 above.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

from perlinsos.model.programmes import (
    FAMILY_TESTS,
    MEMBER_ATTRIBUTES,
    SIGNAL_ATTRIBUTES,
    Component,
    ParameterName,
    Programme,
    RegionValue,
    Test,
)
from perlinsos.model.reasons import load_reasons
from perlinsos.recipients.rule_tables import months_before
from perlinsos.recipients.rules import ProgrammeInForce, Rules, resolve

from .case_files import SHORT_SIGNALS, Case, Family, Member, Plan, plans

PROJECT = Path(__file__).resolve().parents[2]
PROGRAMMES = PROJECT / "programmes"
CATALOGUE = load_reasons(PROGRAMMES / "reasons.yaml").reasons
GENERAL_KINDS = ("missing", "warning", "queue", "place")
WAGE = "the region's minimum wage"
NUMBERS = {
    name for name, attribute in {**MEMBER_ATTRIBUTES, **SIGNAL_ATTRIBUTES}.items() if attribute.kind == "number"
} | set(FAMILY_TESTS)  # fmt: skip


@dataclass
class Shown:
    """`distances`: (where the test stands, its limit) -> distances; `birthdays`: the same in days from that birthday."""

    codes: set[str] = field(default_factory=set)
    days: set[date] = field(default_factory=set)
    refused_days: set[date] = field(default_factory=set)
    regions: dict[date, set[str]] = field(default_factory=lambda: defaultdict(set))
    distances: dict[tuple[str, Any], set[int]] = field(default_factory=lambda: defaultdict(set))
    birthdays: dict[tuple[str, Any], set[int]] = field(default_factory=lambda: defaultdict(set))
    is_off: set[str] = field(default_factory=set)  # tests that are off in a run in which somebody has a value
    signal_ages: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))  # days from the oldest that counts
    counted: dict[tuple[str, Any], set[int]] = field(default_factory=lambda: defaultdict(set))  # (cap, limit) -> how many
    cut: set[tuple[str, Any]] = field(default_factory=set)
    amounts: set[tuple[str, int]] = field(default_factory=set)
    places: set[int] = field(default_factory=set)  # rank less quota


def codes_of(programme: Programme) -> set[str]:
    """Every code of the catalogue that the programme's own file can give."""
    own = {code for codes in programme.codes.values() for code in codes}
    own |= {"TIDAK_ADA_KOMPONEN"} if programme.components else set()
    own |= {"SATU_ORANG_SATU_KOMPONEN"} if _can_be_two(programme) else set()
    return own | ({"PENERIMA_PROGRAM_LAIN"} if programme.excluded_by else set())


def _can_be_two(programme: Programme) -> bool:
    """Whether one person can meet two components: their tests of words do not contradict each other."""
    words = [{test.attribute: test.limit for test in part.who if test.operator == "is"} for part in programme.components.values()]
    return any(all(one[name] == other[name] for name in one.keys() & other.keys()) for one, other in combinations(words, 2))


def general_codes() -> set[str]:
    """The codes that persons, cards, welfare rows, places and quotas give in every programme."""
    return {code for code, reason in CATALOGUE.items() if reason.kind in GENERAL_KINDS} - {"NOMOR_KEHAMILAN_KOSONG"}


def number_tests(programme: Any) -> Iterator[tuple[str, Test, Component | None]]:
    """Every test of a number in a programme file, with its place and, in a component, that component."""
    for name, component in programme.components.items():
        for test in (*component.who, *(reason.when for reason in component.not_counted)):
            if test.attribute in NUMBERS:
                yield f"{name}: {test.attribute} {test.operator}", test, component
    for code, exclusion in programme.exclusions.items():
        if exclusion.who.attribute in NUMBERS and exclusion.who.attribute != "living_members":
            yield code, exclusion.who, None


def limits_in_file(programme: Any, test: Test) -> set[Any]:
    """The limits that the file gives a test on some day; None where it is off."""
    if isinstance(test.limit, RegionValue):
        return {WAGE}
    if isinstance(test.limit, ParameterName):
        parameter = programme.parameters[test.limit.parameter]
        return {parameter.read(dated.value) for dated in parameter.values}
    return {test.limit}


@cache
def shown_by(code: str) -> Shown:
    """What the cases of a programme show."""
    shown = Shown()
    for plan in plans(PROGRAMMES / code / "cases.yaml"):
        if plan.run.refused is not None:
            shown.refused_days.add(plan.as_of)
            continue
        run = plan.run
        rules = resolve(PROGRAMMES, plan.programmes, plan.as_of, run.scope, run.settings, run.set)
        programme = next(one for one in rules.programmes if one.code == plan.programme)
        shown.days.add(plan.as_of)
        shown.regions[plan.as_of].add(plan.region)
        for case in run.cases:
            _read_answer(shown, case, programme, plan)
            _read_values(shown, case.family, programme, plan)
            _read_signal_ages(shown, case.family, rules)
    return shown


def _answers(case: Case) -> Iterator[dict[str, Any]]:
    yield case.expect
    yield from (row for row in case.expect.get("members", {}).values() if row)


def _read_answer(shown: Shown, case: Case, programme: ProgrammeInForce, plan: Plan) -> None:
    for answer in _answers(case):
        shown.codes |= {*answer.get("reasons", []), *answer.get("warnings", []), *answer.get("expect_codes", [])}
        shown.codes |= {code for _, code in answer.get("not_counted", [])} | {answer.get("kind")} - {None}
        counted = answer.get("counted", [])
        if answer.get("outcome") == "LAYAK" and "amount_year_idr" in answer:
            shown.amounts |= {(name, answer["amount_year_idr"]) for name in counted[:1] if len(counted) == 1}
            shown.amounts |= set() if counted else {("", answer["amount_year_idr"])}
        if "rank" in answer and plan.run.quota is not None:
            shown.places.add(answer["rank"] - plan.run.quota)
        if "counted" in answer:
            _read_caps(shown, answer, programme)


def _read_caps(shown: Shown, answer: dict[str, Any], programme: ProgrammeInForce) -> None:
    for cap in programme.programme.caps:
        key = (cap.code, programme.values[cap.parameter])
        shown.counted[key].add(sum(name in cap.components for name in answer["counted"]))
        if cap.code in {code for _, code in answer.get("not_counted", [])}:
            shown.cut.add(key)


def _read_values(shown: Shown, family: Family, programme: ProgrammeInForce, plan: Plan) -> None:
    for where, test, component in number_tests(programme.programme):
        if test.attribute == "decile" and programme.gate != "decile":
            continue
        limit = _region_wage(plan) if isinstance(test.limit, RegionValue) else programme.limit(test)
        for member in family.members:
            value = _number(member, family, test.attribute, plan.as_of)
            if value is None or (component and not _meets_words(member, component)):
                continue
            if limit is None:
                shown.is_off.add(where)
                continue
            key = (where, WAGE if isinstance(test.limit, RegionValue) else limit)
            shown.distances[key].add(value - limit)
            if test.attribute == "age" and member.birth_date and (member.birth_date.month, member.birth_date.day) != (2, 29):
                years = limit + (1 if test.operator == "max" else 0)
                birthday = member.birth_date.replace(year=member.birth_date.year + years)
                shown.birthdays[key].add((birthday - plan.as_of).days)


def _number(member: Member, family: Family, attribute: str, as_of: date) -> int | None:
    """The value of a number attribute as the case gives it."""
    if attribute == "decile":
        return family.decile
    if attribute == "age":
        born = member.birth_date
        return None if born is None else as_of.year - born.year - ((as_of.month, as_of.day) < (born.month, born.day))
    if attribute == "living_members":
        return sum(
            ({"status": None} if one.register_row is None else one.register_row).get("status", "active") == "active"
            for one in family.members
        )
    if attribute == "electricity_va" and member.electricity_va is None:
        return family.electricity_va
    if attribute == "pregnancy_number" and member.pregnancy_number is None:
        return (member.welfare_row or {}).get("pregnancy_number")
    if hasattr(member, attribute):
        value = getattr(member, attribute)
        return None if value is None else int(value)
    signal = SIGNAL_ATTRIBUTES[attribute].signal
    values = [fact.value for fact in member.signals if fact.code == signal and fact.value is not None]
    return int(values[-1]) if values else None


def _meets_words(member: Member, component: Component) -> bool:
    """Whether a member meets the component's tests of words, such as the school level."""
    levels = {member.enrolled, (member.welfare_row or {}).get("school_level")}
    levels |= {fact.value for fact in member.signals if fact.code == "ENROLLED"}
    for test in component.who:
        wanted = {test.limit} if test.operator == "is" else set(test.limit) if test.operator == "in" else set()
        if test.attribute == "school_level" and not wanted & levels:
            return False
        if test.attribute == "sex" and member.sex not in wanted:
            return False
    return True


def _read_signal_ages(shown: Shown, family: Family, rules: Rules) -> None:
    for member in family.members:
        for fact in member.signals:
            months = rules.settings.get(f"signal.{fact.code}.max_age_months")
            if months is not None and isinstance(fact.observed_on, date):
                oldest = months_before(rules.as_of, int(months))
                shown.signal_ages[fact.code].add((fact.observed_on - oldest).days)


@cache
def _reference_wages() -> list[dict[str, str]]:
    with (PROJECT / "reference" / "minimum_wage.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _region_wage(plan: Plan) -> int:
    """The UMK of the plan's region on its day, else the UMP (with wage_reference ump: the UMP)."""
    rows: list[dict[str, Any]] = list(plan.run.minimum_wage) or [dict(row) for row in _reference_wages()]
    own = [row for row in rows if row["region_code"] == plan.region and int(row["year"]) == plan.as_of.year]
    begun = [row for row in own if str(row.get("valid_from") or f"{plan.as_of.year}-01-01") <= plan.as_of.isoformat()]
    newest = max(begun, key=lambda row: str(row.get("valid_from") or ""))
    is_ump = plan.run.set.get(f"{plan.programme}.wage_reference") == "ump"
    first, second = ("ump_idr", "umk_idr") if is_ump else ("umk_idr", "ump_idr")
    return int(newest[first] or newest[second])


def wage_days() -> dict[date, set[str]]:
    """The first days of minimum wages inside a year, with their regencies."""
    days: dict[date, set[str]] = defaultdict(set)
    for row in _reference_wages():
        first = date.fromisoformat(row["valid_from"] or f"{row['year']}-01-01")
        if (first.month, first.day) != (1, 1):
            days[first].add(row["region_code"])
    return days


def day_before(day: date) -> date:
    """The day before."""
    return day - timedelta(days=1)


def signals_asked(programme: Any) -> set[str]:
    """The signals with an age limit that the components of a programme rest on."""
    attributes = {test.attribute for part in programme.components.values() for test in part.who}
    codes = {"school_level": "ENROLLED", "is_enrolled": "ENROLLED", "is_pregnant": "PREGNANT"}
    return {codes[name] for name in attributes if name in codes} & {code for _, code in SHORT_SIGNALS.values()}
