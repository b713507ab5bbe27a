"""The referee: the determination of every programme row by row, in plain Python, from the text of the rules alone.

It shares no code with the product. Clarity before speed: it is for populations of some hundred families.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from oracle import parameters
from oracle.inputs import Row, read_all
from oracle.persons import Refused, Signals, nulls_first, read_register
from oracle.programmes import PROGRAMMES
from oracle.units import Verdict, judge, selected_on
from oracle.verdicts import Candidate, Case, Family, Finding
from oracle.welfare import build_families, consenting_cards, read_welfare, sort_out


@dataclass
class Answer:
    """The four tables as sorted rows, and the funnel. `legal_basis` is not the referee's: it is left out."""

    decisions: list[Row]
    components: list[Row]
    findings: list[Row]
    not_decided: list[Row]
    funnel: dict[str, int]


def stage_start(stage: str) -> date:
    """`2026-T1` begins on 2026-01-01."""
    return date(int(stage[:4]), 3 * int(stage[6]) - 2, 1)


def _wage_limits(rows: list[Row], region: str, as_of: date) -> dict[str, int | None]:
    """Of the rows of the region and year the one with the newest `valid_from` <= as_of (null: 1 January)."""
    by_day: dict[date, Row] = {}
    for row in rows:
        if row["region_code"] == region and row["year"] == as_of.year:
            valid_from = row["valid_from"] or date(as_of.year, 1, 1)
            if valid_from in by_day:
                raise Refused("two minimum wages of the same day")
            by_day[valid_from] = row
    there = [day for day in by_day if day <= as_of]
    return by_day[max(there)] if there else {}


def _has_wage(decided: list[Family], signals: Signals) -> bool:
    """Whether a member of a decided family has a wage above 0: asked whatever the programmes of the run."""
    return any(signals.greatest(member["nik"], "WAGE") for family in decided for member in family.members)


def _quota(rows: list[Row], region: str, programme: str, stage: str) -> int | None:
    """The quota of this list, None where there is no row of it."""
    found = [
        row["quota"] for row in rows if (row["region_code"], row["programme"], row["stage"]) == (region, programme.upper(), stage)
    ]
    if len(found) > 1 or any(quota is None or quota < 0 for quota in found):
        raise Refused("the quota is null, negative or there twice")
    return found[0] if found else None


def _lottery(stage: str, programme: str, region: str, number: str, seed: str | None) -> str:
    """The number is the unit's: of persons the NIK, else the No KK."""
    text = f"{stage}|{programme}|{region}|{number}" + (f"|{seed}" if seed is not None else "")
    return hashlib.sha256(text.encode()).hexdigest()


def _decision(family: Family, case: Case, stage: str, verdict: Verdict) -> Row:
    """Step 8 of one unit, before rank and quota: an eligible one is LAYAK."""
    outcome = "TIDAK_LAYAK" if verdict.against else "TUNDA" if verdict.lacking else "LAYAK"
    amount = verdict.amount if outcome == "LAYAK" else 0
    return {
        "programme": case.rules.code,
        "stage": stage,
        "as_of": case.as_of,
        "region_code": family.place[0],
        "district_code": family.place[1],
        "village_code": family.place[2],
        "unit": verdict.unit,
        "no_kk": family.no_kk,
        "nik": verdict.nik,
        "outcome": outcome,
        "reasons": sorted(verdict.lacking | verdict.against),
        "warnings": sorted(verdict.warnings),
        "amount_year_idr": amount,
        "amount_stage_idr": case.rules.of_stage(amount, stage),
        "eligible_amount_year_idr": amount,
        "decile": family.welfare["decile"] if family.welfare else None,
        "national_rank": family.welfare["national_rank"] if family.welfare else None,
        "rank": None,
        "queue_position": None,
        "family_size": len(family.members),
        "head_nik": family.head["nik"] if family.head else None,
    }


def _rank(decisions: list[Row], quota: int | None, seed: str | None) -> None:
    """Step 8: the order of the eligible families or persons and who is beyond the quota."""

    def order(row: Row) -> tuple[Any, ...]:
        number = row["nik"] if row["unit"] == "person" else row["no_kk"]
        lottery = _lottery(row["stage"], row["programme"], row["region_code"], number, seed)
        last = [(row[name] is None, row[name] or 0) for name in ("decile", "national_rank")]
        return (*last, lottery, number)

    eligible = sorted((row for row in decisions if row["outcome"] == "LAYAK"), key=order)
    for rank, row in enumerate(eligible, start=1):
        row["rank"] = rank
        if quota is not None and rank > quota:
            row |= {"outcome": "ANTREAN", "queue_position": rank - quota, "reasons": ["DI_LUAR_KUOTA"]}
            row |= {"amount_year_idr": 0, "amount_stage_idr": 0}


def _component(programme: str, no_kk: str, candidate: Candidate) -> Row:
    return {
        "programme": programme,
        "no_kk": no_kk,
        "nik": candidate.member["nik"],
        "component": candidate.component,
        "amount_year_idr": candidate.amount,
        "is_counted": candidate.reason is None,
        "not_counted_reason": candidate.reason,
    }


def _finding(programme: str, no_kk: str, finding: Finding) -> Row:
    return {
        "programme": programme,
        "no_kk": no_kk,
        "nik": finding.nik,
        "code": finding.code,
        "source": finding.source,
        "observed_value": finding.observed,
        "limit_value": finding.limit,
    }


def _sorted(rows: list[Row], names: str) -> list[Row]:
    return sorted(rows, key=lambda row: tuple(nulls_first(row[name]) for name in names.split()))


def in_turn(programmes: tuple[str, ...], region: str, as_of: date) -> list[str]:
    """The excluding programmes first. Refused where one does not exist here on that day, or one that excludes is missing."""
    if not all(PROGRAMMES[programme].exists(region, as_of) for programme in programmes):
        raise Refused("a programme does not exist here on this day")
    for programme in programmes:
        for other in PROGRAMMES[programme].excluded_by:
            if other not in programmes and PROGRAMMES[other].exists(region, as_of):
                raise Refused("an excluding programme is not in the run")

    def turn(programme: str) -> int:
        return 1 + max((turn(other) for other in PROGRAMMES[programme].excluded_by), default=0)

    return sorted(programmes, key=turn)


def determine(
    inputs: Path,
    region: str,
    stage: str,
    programmes: tuple[str, ...] = ("pkh", "bpnt"),
    as_of: date | None = None,
    settings: dict[str, str] | None = None,
    scope: str = "population",
) -> Answer:
    """The answer of the rules for one region and stage. Raises Refused where the run must end with exit 1."""
    as_of = as_of or stage_start(stage)
    if as_of < parameters.FIRST_DAY:
        raise Refused("no rule is in force")
    order = in_turn(programmes, region, as_of)
    data = read_all(inputs)
    values = parameters.resolve(as_of, settings or {})
    register = read_register(data["population"], as_of)
    signals = Signals(data["signal"], as_of, values)
    welfare = read_welfare(data["welfare_family"], data["welfare_person"], as_of)
    families = build_families(register, welfare)
    cards = None
    if scope == "registrants":
        last_day = as_of + timedelta(days=values["registration.window_days"])
        cards = consenting_cards(data["registration"], register, last_day)
    sort_out(families, register, region, cards)
    if not any(family.place[0] == region for family in families):
        raise Refused("no family is placed in the region")
    wage_limits = _wage_limits(data["minimum_wage"], region, as_of)
    decided = [family for family in families if family.kind == "DECIDED"]
    if not any(wage_limits.get(name) is not None for name in ("umk_idr", "ump_idr")) and _has_wage(decided, signals):
        raise Refused("a wage, and no minimum wage to compare it with")
    answer = Answer([], [], [], _not_decided(families), _funnel(families))
    selected: dict[str, set[tuple[str, str | None]]] = {}
    for programme in order:
        rules = PROGRAMMES[programme]
        case = Case(rules, as_of, values, register, welfare, signals, data["quarantined"], wage_limits)
        rows = []
        for family in decided:
            judged = judge(family, case, selected_on(family.no_kk, rules, selected))
            rows += [_decision(family, case, stage, verdict) for verdict in judged.verdicts]
            answer.components += [_component(programme, family.no_kk, candidate) for candidate in judged.candidates]
            answer.findings += [_finding(programme, family.no_kk, finding) for finding in judged.findings]
        _rank(rows, _quota(data["quota"], region, programme, stage), values["lottery_seed"])
        selected[programme] = {(row["no_kk"], row["nik"]) for row in rows if row["outcome"] == "LAYAK"}
        answer.decisions += rows
    answer.decisions = _sorted(answer.decisions, "programme no_kk nik")
    answer.components = _sorted(answer.components, "programme no_kk nik component")
    answer.findings = _sorted(answer.findings, "programme no_kk nik code source observed_value")
    return answer


def _not_decided(families: list[Family]) -> list[Row]:
    return [
        {
            "no_kk": family.no_kk,
            "kind": family.kind,
            "region_code": None if family.kind == "PINDAH" else family.place[0],
        }
        for family in families
        if family.kind != "DECIDED"
    ]


def _funnel(families: list[Family]) -> dict[str, int]:
    kinds = [family.kind for family in families]
    return {
        "families_seen": len(kinds),
        "elsewhere": kinds.count("ELSEWHERE"),
        "PINDAH": kinds.count("PINDAH"),
        "TIDAK_MENDAFTAR": kinds.count("TIDAK_MENDAFTAR"),
        "decided": kinds.count("DECIDED"),
    }
