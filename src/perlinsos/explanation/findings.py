"""The reasons of a decision in words: source, day, value and limit, then what the family can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from perlinsos.explanation.evidence import Evidence
from perlinsos.explanation.people import is_minor
from perlinsos.explanation.rows import Row
from perlinsos.explanation.words import Voice, join, read_day, say_period
from perlinsos.model.programmes import Component, Programme
from perlinsos.model.reasons import Reason
from perlinsos.model.vocabulary import MEMBER_ATTRIBUTES, SIGNAL_ATTRIBUTES

FROM_WELFARE = ("DTSEN",)
RECEIVES_ANOTHER, NO_COMPONENT = "PENERIMA_PROGRAM_LAIN", "TIDAK_ADA_KOMPONEN"


@dataclass(frozen=True)
class Subject:
    """One decision and the findings that may be told with it. `is_discreet`: a member's candidate is concealed, so no
    sensitive component is named, not even in a list of all."""

    row: Row
    programme: Programme
    name: str
    findings: list[Row]
    is_discreet: bool = False


def explain_reasons(evidence: Evidence, voice: Voice, subject: Subject) -> list[dict[str, Any]]:
    """The reasons of a decision, the most actionable first; of sensitive facts the category alone."""
    steps = list(voice.catalogue.next_steps)
    told = [_explain_reason(evidence, voice, subject, code) for code in subject.row["reasons"]]
    told.sort(key=lambda part: (steps.index(part[0]), part[1]["code"] or ""))
    return [part for _, part in told]


def _explain_reason(evidence: Evidence, voice: Voice, subject: Subject, code: str) -> tuple[str, dict[str, Any]]:
    """One reason, with the name of its next step before it."""
    reason = voice.catalogue.reasons[code]
    own = _own_findings(subject, code)
    if reason.is_sensitive and reason.conceals == "code" and _is_kept_back(evidence, reason, own):
        return _conceal(voice, subject, reason)
    sources = sorted({row["source"] for row in own if row["source"]}) or _name_sources(evidence, subject, code, reason)
    values = {
        "source": voice.sources(sources),
        "date": _say_day(evidence, voice, subject, code, own),
        "value": "" if reason.is_sensitive else _say_value(evidence, voice, code, own),
        "limit": voice.number(_greatest(own, "limit_value")),
        "position": voice.number(subject.row["queue_position"]),
        "components": name_components(evidence, voice, subject.programme, is_discreet=subject.is_discreet),
    }
    legal = next((row["legal_basis"] for row in own if row["legal_basis"]), reason.legal_basis)
    told = _answer(voice, subject, reason, voice.say(reason.text, **values), values)
    return reason.next_step, {"code": code, **told, "sources": list(dict.fromkeys(map(voice.source, sources))),
                              "legal_basis": voice.legal(legal)}  # fmt: skip


def _name_sources(evidence: Evidence, subject: Subject, code: str, reason: Reason) -> list[str]:
    """The sources of a reason without a finding; where nobody can be counted, those that the programme's components read."""
    if code != NO_COMPONENT:
        return list(reason.sources)
    components = _begun(evidence, subject.programme)
    tests = [test for part in components for test in (*part.who, *(refused.when for refused in part.not_counted))]
    read = {agency for test in tests for agency in MEMBER_ATTRIBUTES[test.attribute].agencies}
    return [source for source in reason.sources if source in read] or list(reason.sources)


def _answer(voice: Voice, subject: Subject, reason: Reason, text: str, values: dict[str, str]) -> dict[str, Any]:
    """The sentences of a reason: a refusal opens with its source and closes with the programme."""
    catalogue = voice.catalogue
    if reason.kind == "refusal":
        closing = voice.say(catalogue.closing["refusal"], programme=subject.name)
        text = f"{voice.say(catalogue.opening['refusal'], **values)}{text} {closing}"
    elif reason.kind == "missing":
        text = voice.say(catalogue.opening["missing"]) + text
    turn = voice.say(catalogue.turns[reason.turn], **values) if reason.turn else None
    return {"kind": reason.kind, "text": text, "turn": turn, "next_step": voice.step(reason.next_step)}


def _conceal(voice: Voice, subject: Subject, reason: Reason) -> tuple[str, dict[str, Any]]:
    """A reason whose very name is for one person only: neither code nor source nor day."""
    source = voice.say(voice.catalogue.private_source_name)
    values = {"source": source, "date": voice.known["date"]}
    remark = voice.catalogue.remarks["concealed" if reason.kind == "refusal" else "concealed_missing"]
    step = reason.next_step if reason.kind == "refusal" else "ask_guardian"
    told = _answer(voice, subject, reason, voice.say(remark), values)
    told["next_step"] = voice.step(step)
    return step, {"code": None, **told, "sources": [source], "legal_basis": None}


def _is_kept_back(evidence: Evidence, reason: Reason, findings: list[Row]) -> bool:
    """Whether the name of a fact is kept back: always, or where one of its persons is a minor."""
    return not reason.only_of_minors or not findings or any(is_minor(evidence, row["nik"]) for row in findings)


def _own_findings(subject: Subject, code: str) -> list[Row]:
    """The findings of a reason; in a programme for persons those of the person, else of the family."""
    found = [row for row in subject.findings if row["code"] == code]
    person = subject.row["nik"]
    if person is None:
        return found
    return [row for row in found if row["nik"] == person] or [row for row in found if row["nik"] is None] or found


def _say_value(evidence: Evidence, voice: Voice, code: str, findings: list[Row]) -> str:
    """The greatest value; of a programme that excludes this one, the name (of another list's: its code in capitals)."""
    if code != RECEIVES_ANOTHER:
        return voice.number(_greatest(findings, "observed_value"))
    codes = sorted({str(row["observed_value"]) for row in findings if row["observed_value"]})
    known = {name: programme.name["id" if voice.language == "id" else "en"] for name, programme in evidence.programmes.items()}
    return join(voice.language, [known.get(one, one.upper()) for one in codes])


def _greatest(findings: list[Row], column: str) -> str | None:
    """Of several members the greatest value that counted; numbers as numbers."""
    values = [str(row[column]) for row in findings if row[column] is not None]
    return max(values, key=lambda text: (int(text) if text.isascii() and text.isdigit() else -1, text), default=None)


def name_components(evidence: Evidence, voice: Voice, programme: Programme, *, is_discreet: bool) -> str:
    """Whom the programme counts on as_of, by the names in its file, in brackets; `is_discreet`: without the sensitive ones."""
    told = [part for part in _begun(evidence, programme) if not (is_discreet and part.is_sensitive)]
    told.sort(key=lambda part: (part.first, part.is_sensitive))
    names = ", ".join(dict.fromkeys(part.name["id" if voice.language == "id" else "en"] for part in told))
    return f" ({names})" if names else ""


def _begun(evidence: Evidence, programme: Programme) -> list[Component]:
    """The components that exist on as_of."""
    return [part for part in programme.components.values() if part.amount_year_idr[0].first_day <= evidence.as_of]


def _say_day(evidence: Evidence, voice: Voice, subject: Subject, code: str, findings: list[Row]) -> str:
    """The day of the record: of a signal the day it was observed, of welfare data its period, else the day of the answer."""
    if evidence.inputs is None or not findings:
        return voice.known["date"]
    if all(row["source"] in FROM_WELFARE for row in findings):
        rows = evidence.inputs.find("welfare_family", "no_kk", subject.row["no_kk"]) if subject.row["no_kk"] else []
        periods = [str(row["dtsen_period"]) for row in rows if _has_begun(str(row["dtsen_period"]), evidence)]
        return say_period(voice.language, max(periods)) if periods else voice.known["date"]
    signal = _signal_of(subject.programme, code)
    days = [day for row in findings for day in _observed(evidence, row, signal)] if signal else []
    return voice.day(max(days)) if days else voice.known["date"]


def _has_begun(period: str, evidence: Evidence) -> bool:
    """Whether the quarter of a DTSEN period began before as_of: then the determination saw it."""
    year, _, quarter = period.partition("-Q")
    as_of = evidence.as_of
    return year.isdigit() and quarter.isdigit() and (int(year), 3 * int(quarter) - 2, 1) < (as_of.year, as_of.month, as_of.day)


def _signal_of(programme: Programme, code: str) -> str | None:
    """The signal that an exclusion rests on; None for a fact of the register or the welfare data."""
    exclusion = programme.exclusions.get(code)
    if exclusion is None:
        return None
    attribute = exclusion.who.attribute
    if attribute == "electricity_va":
        return "ELECTRICITY"
    return SIGNAL_ATTRIBUTES[attribute].signal if attribute in SIGNAL_ATTRIBUTES else None


def _observed(evidence: Evidence, finding: Row, signal: str) -> list[Any]:
    """The newest day up to as_of on which the finding's source observed the person; none where it has no day."""
    assert evidence.inputs is not None
    if finding["nik"] is None:
        return []
    days = [
        read_day(row["observed_on"])
        for row in evidence.inputs.find("signal", "nik", finding["nik"])
        if str(row["code"]).upper() == signal and row["source"] == finding["source"]
    ]
    return sorted(day for day in days if day is not None and day <= evidence.as_of)[-1:]
