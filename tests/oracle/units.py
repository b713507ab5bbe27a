"""What one programme says of one decided family: one verdict for the card, or one for each considered person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from oracle.inputs import Row
from oracle.persons import is_valid, nulls_first
from oracle.programmes import Rules, value_on
from oracle.verdicts import (
    HIDES_NO_COMPONENT,
    Candidate,
    Case,
    Finding,
    components,
    missing,
    missing_by_component,
    refusals,
)
from oracle.welfare import Family, own_warnings


@dataclass
class Verdict:
    """The codes of one unit and what it would be given; `nik` of persons only."""

    unit: str
    nik: str | None
    lacking: set[str]
    against: set[str]
    warnings: set[str]
    amount: int


@dataclass
class Judged:
    """Everything that is said of one card."""

    verdicts: list[Verdict] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def _codes(findings: list[Finding]) -> set[str]:
    return {finding.code for finding in findings}


def _amount(candidates: list[Candidate], case: Case) -> int:
    """The sum of what counts, or the one amount of each unit."""
    if not case.rules.components:
        return value_on(case.rules.amount, case.as_of) or 0
    return sum(candidate.amount for candidate in candidates if candidate.reason is None)


def _without_component(family: Family, lacking: list[Finding], candidates: list[Candidate], case: Case) -> bool:
    """Whether `TIDAK_ADA_KOMPONEN` is said (step 6)."""
    is_counted = any(candidate.reason is None for candidate in candidates)
    is_hidden = HIDES_NO_COMPONENT & _codes(lacking)
    return bool(case.rules.components and family.members and not is_counted and not is_hidden)


def selected_on(no_kk: str, rules: Rules, selected: Mapping[str, set[tuple[str, str | None]]]) -> list[Finding]:
    """Who of a card an excluding programme has selected: card and NIK, the NIK null where it is about families."""
    found = [(other, nik) for other in rules.excluded_by for card, nik in selected.get(other, ()) if card == no_kk]
    return [Finding("PENERIMA_PROGRAM_LAIN", nik, "PERLINSOS", other) for other, nik in found]


def judge(family: Family, case: Case, given: list[Finding]) -> Judged:
    """Steps 5 to 9 of one decided family. `given` = what excluding programmes have given to the card or to one of it:
    between two programmes for persons it is the same person's affair."""
    lacking, against = missing(family, case), refusals(family, case)
    is_own = case.rules.unit == "person"
    against += [finding for finding in given if finding.nik is None or not is_own]
    given = [finding for finding in given if finding.nik is not None and is_own]
    candidates = components(family, case) if case.rules.components else []
    persons = _considered(family, candidates, case) if case.rules.unit == "person" else {}
    judged = Judged(candidates=candidates)
    if not persons:
        if case.rules.unit == "family":
            lacking += missing_by_component(candidates)
        if _without_component(family, lacking, candidates, case):
            against.append(Finding("TIDAK_ADA_KOMPONEN"))
        amount = _amount(candidates, case)
        judged.verdicts.append(Verdict("family", None, _codes(lacking), _codes(against), family.warnings, amount))
    for nik, members in persons.items():
        own = [finding for finding in given if finding.nik == nik]
        _judge_person(judged, (family, nik, members), (lacking, against, own), case)
    judged.findings += lacking + against
    return judged


def _considered(family: Family, candidates: list[Candidate], case: Case) -> dict[str | None, list[Row]]:
    """The considered members by NIK: those of one card who share a wrong number, or have none, are one."""
    by_nik: dict[str | None, list[Row]] = defaultdict(list)
    for member in family.members:
        if case.rules.considers == "members" or any(candidate.member is member for candidate in candidates):
            by_nik[member["nik"]].append(member)
    return {nik: by_nik[nik] for nik in sorted(by_nik, key=nulls_first)}


def _judge_person(
    judged: Judged,
    person: tuple[Family, str | None, list[Row]],
    told: tuple[list[Finding], list[Finding], list[Finding]],
    case: Case,
) -> None:
    """The criteria of the card hold for the person; its own are the number, the pregnancy and the components."""
    (family, nik, members), (of_card, against_card, against) = person, told
    own = [candidate for candidate in judged.candidates if candidate.member["nik"] == nik]
    lacking = [Finding(code, nik) for code in sorted(_codes(missing_by_component(own)) - {"NIK_TIDAK_VALID"})]
    if not is_valid(nik):
        lacking.append(Finding("NIK_TIDAK_VALID", nik))
    if _without_component(family, [*of_card, *lacking], own, case):
        against.append(Finding("TIDAK_ADA_KOMPONEN", nik))
    warnings = family.card_warnings.union(*(own_warnings(member) for member in members))
    codes = _codes(of_card + lacking), _codes(against_card + against)
    judged.verdicts.append(Verdict("person", nik, *codes, warnings, _amount(own, case)))
    judged.findings += lacking + against
