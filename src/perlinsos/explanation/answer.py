"""The answer for one number: who it is about, what was decided for whom, and where to ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perlinsos.errors import WrongUsage
from perlinsos.explanation.components import explain_components, is_concealed
from perlinsos.explanation.evidence import Evidence, Office
from perlinsos.explanation.findings import Subject, explain_reasons
from perlinsos.explanation.people import Found, Situation, find
from perlinsos.explanation.rows import Row, as_rows, find_rows
from perlinsos.explanation.words import Voice, say_day, say_moment
from perlinsos.model.reasons import LANGUAGES

Answer = dict[str, Any]
AFTER_LAST = ("proposed", "final")  # of these revisions the window is over


def explain(evidence: Evidence, line: str, language: str = "id") -> Answer:
    """The answer for a No KK or NIK, as a person writes it; without the number itself.

    Facts marked sensitive appear as a category only. Every number that stands in an input gets an answer of its kind.
    """
    return _make_answer(evidence, make_voice(evidence, language), find(evidence, line))


def explain_row(evidence: Evidence, number: int, language: str = "id") -> Answer:
    """The same for row `number` (from 1) of the decisions, in the order of the file. WrongUsage where there is none."""
    rows = as_rows(evidence.tables["decisions"].select("no_kk", "nik").limit(1, number - 1)) if number > 0 else []
    if not rows:
        raise WrongUsage("There is no such row", why=f"the list has no row {number}", remedy="rows are counted from 1")
    cards = (rows[0]["no_kk"],) if rows[0]["no_kk"] else ()
    return _make_answer(evidence, make_voice(evidence, language), Found(cards=cards, nik=rows[0]["nik"]))


def make_voice(evidence: Evidence, language: str) -> Voice:
    """The voice of an answer. WrongUsage for another language than `id` and `en`."""
    if language not in LANGUAGES:
        raise WrongUsage("There is no such language", why=f"there are {', '.join(LANGUAGES)}", remedy="--language id")
    known = {
        "stage": evidence.summary["stage"],
        "date": say_day(language, evidence.as_of),
        "deadline": _say_deadline(evidence, language),
    }
    return Voice(language, evidence.catalogue, known, evidence.agency_of)


def _say_deadline(evidence: Evidence, language: str) -> str:
    """The end of the window, else the period in words."""
    if evidence.deadline:
        return evidence.deadline
    if evidence.status in AFTER_LAST:
        return evidence.catalogue.periods["after"].in_language(language)
    if evidence.closes_at is None:
        return evidence.catalogue.periods["before"].in_language(language)
    return say_moment(language, evidence.closes_at, evidence.zone)


def _make_answer(evidence: Evidence, voice: Voice, found: Found) -> Answer:
    """All parts of an answer, in the order in which they are told."""
    summary = evidence.summary
    families = [describe_situation(voice, situation) for situation in found.situations]
    families += [_explain_card(evidence, voice, no_kk, found.nik) for no_kk in found.cards]
    families += _explain_cardless(evidence, voice, found)
    office = evidence.offices.get(summary["region"])
    return {
        "list": evidence.label,
        "region": summary["region"],
        "region_name": evidence.region_names(summary["region"]),
        "stage": summary["stage"],
        "as_of": summary["as_of"],
        "status": evidence.status,
        "simulation_only": evidence.is_simulation,
        "language": voice.language,
        "deadline": voice.known["deadline"],
        "families": families,
        "office": describe_office(voice, office),
        "letter": _judge_letter(evidence, voice, office, families),
        "remedies": voice.say(voice.catalogue.remedies.text) if evidence.status == "final" else None,
        "headings": {name: _heading(evidence, voice, name) for name in voice.catalogue.headings},
    }


def _heading(evidence: Evidence, voice: Voice, name: str) -> str:
    return voice.say(voice.catalogue.headings[name], region=evidence.region_names(evidence.summary["region"]))


def describe_office(voice: Voice, office: Office | None) -> Mapping[str, str | None]:
    """Where to ask: the region's office, else the desk that every region has, by its kind."""
    if office is None:
        return {"name": voice.say(voice.catalogue.letters["desk"]), "address": None, "hours": None, "telephone": None}
    return dict(office)


def _judge_letter(evidence: Evidence, voice: Voice, office: Office | None, families: list[Answer]) -> dict[str, Any]:
    """Whether the answer may be sent as a letter; why not."""
    codes = {reason["code"] for family in families for part in family.get("programmes", []) for reason in part["reasons"]}
    kinds = {family["kind"] for family in families}
    why = None
    if evidence.is_simulation:
        why = "simulation"
    elif "MENINGGAL" in codes or kinds & {"person_deceased", "card_deceased"}:
        why = "visit"
    elif office is None:
        why = "no_office"
    return {"is_letter": why is None, "why_not": voice.say(voice.catalogue.letters[why]) if why else None}


def describe_situation(voice: Voice, situation: Situation) -> Answer:
    """Where a number stands that no family was decided under."""
    catalogue = voice.catalogue
    values = {"source": voice.sources(situation.sources)}
    if situation.day:
        values["date"] = voice.day(situation.day)
    text = voice.say(catalogue.situations[situation.name], **values)
    return {"kind": situation.name, "text": text, "next_step": voice.step(catalogue.situation_steps[situation.name])}


def _explain_card(evidence: Evidence, voice: Voice, no_kk: str, nik: str | None) -> Answer:
    """The answer for one card: its programmes, or where it is decided. Of single persons only `nik`, if it is given: a
    member whom none of the programmes considers is told that."""
    places = find_rows(evidence.tables["not_decided"], "no_kk", no_kk)
    if places:
        return explain_place(evidence, voice, places[0])
    rows = find_rows(evidence.tables["decisions"], "no_kk", no_kk)
    told = [row for row in rows if row["nik"] is None or nik in (None, row["nik"])]
    if rows and not told:
        return describe_situation(voice, Situation("person_not_considered"))
    own = {name: find_rows(evidence.tables[name], "no_kk", no_kk) for name in ("findings", "components")}
    return {
        "kind": "decided",
        "programmes": [explain_programme(evidence, voice, row, own["findings"], own["components"]) for row in told],
    }


def _explain_cardless(evidence: Evidence, voice: Voice, found: Found) -> list[Answer]:
    """A person that a programme decided without a card."""
    if found.nik is None:
        return []
    rows = [row for row in find_rows(evidence.tables["decisions"], "nik", found.nik) if row["no_kk"] is None]
    if not rows:
        return []
    own = {name: find_rows(evidence.tables[name], "nik", found.nik) for name in ("findings", "components")}
    told = [explain_programme(evidence, voice, row, own["findings"], own["components"]) for row in rows]
    return [{"kind": "decided", "programmes": told}]


def explain_place(evidence: Evidence, voice: Voice, row: Row) -> Answer:
    """PINDAH, decided elsewhere (with the office there, where it is known), or not registered."""
    reason, code = voice.catalogue.reasons[row["kind"]], row["region_code"]
    region = evidence.region_names(code) if code else voice.say(voice.catalogue.letters["other_region"])
    office = evidence.offices.get(code) if row["kind"] == "ELSEWHERE" and code else None
    return {
        "kind": row["kind"],
        "text": voice.start(reason.text, region=region),
        "next_step": voice.step(reason.next_step),
        "region_code": code,
        "region": region,
        "office_heading": voice.say(voice.catalogue.headings["where_elsewhere"], region=region) if office else None,
        "office": dict(office) if office else None,
    }


def explain_programme(evidence: Evidence, voice: Voice, row: Row, findings: list[Row], components: list[Row]) -> dict[str, Any]:
    """Outcome, reasons, components and warnings of one programme."""
    code, person = row["programme"], row["nik"]
    programme = evidence.programmes[code]
    parts = [part for part in components if part["programme"] == code and person in (None, part["nik"])]
    subject = Subject(
        row,
        programme,
        programme.name["id" if voice.language == "id" else "en"],
        [finding for finding in findings if finding["programme"] == code],
        is_discreet=any(is_concealed(evidence, programme.components[part["component"]], part["nik"]) for part in parts),
    )
    counted, others = explain_components(evidence, voice, programme, parts)
    selected = row["outcome"] in ("LAYAK", "ANTREAN")
    headings = voice.catalogue.headings
    return {
        "programme": code,
        "name": subject.name,
        "unit": row["unit"],
        "member": voice.remark("member", value=person[-3:]) if person else None,
        "outcome": row["outcome"],
        "outcome_name": voice.say(voice.catalogue.outcome_names[row["outcome"]]),
        "text": _say_outcome(voice, row, subject.name),
        "remarks": _remarks(voice, row, programme.components != {}, counted),
        "amount_year_idr": row["amount_year_idr"],
        "amount_stage_idr": row["amount_stage_idr"],
        "eligible_amount_year_idr": row["eligible_amount_year_idr"],
        "queue_position": row["queue_position"],
        "reasons": explain_reasons(evidence, voice, subject),
        "headings": {
            "counted": voice.say(headings["counted" if selected else "would_count"]),
            "not_counted": voice.say(headings["not_counted"]),
        },
        "counted": counted,
        "not_counted": others,
        "warnings": [_explain_warning(voice, warning) for warning in row["warnings"]],
    }


def _say_outcome(voice: Voice, row: Row, name: str) -> str:
    """The outcome with its amount; a payment that is made once has no amount a year."""
    year = row["eligible_amount_year_idr"] if row["outcome"] == "ANTREAN" else row["amount_year_idr"]
    values = {"amount": voice.number(row["amount_stage_idr"]), "year": voice.number(year)}
    is_once = row["outcome"] == "LAYAK" and row["amount_stage_idr"] == row["amount_year_idr"]
    amounts = voice.say(voice.catalogue.remarks["amount_once" if is_once else "amounts"], **values)
    unit = "person" if row["unit"] == "person" else "family"
    return voice.start(voice.catalogue.outcomes[unit][row["outcome"]], programme=name, amounts=amounts, **values)


def _remarks(voice: Voice, row: Row, has_components: bool, counted: list[dict[str, Any]]) -> list[str]:
    """What else belongs to an outcome: what moves the queue, why single amounts are not told."""
    found = [voice.remark("queue")] if row["outcome"] == "ANTREAN" else []
    if row["outcome"] == "LAYAK" and not has_components and row["unit"] != "person":
        found.append(voice.remark("one_amount"))
    if any(part["amount"] is None for part in counted):
        found.append(voice.remark("amounts_together"))
    return found


def _explain_warning(voice: Voice, code: str) -> dict[str, Any]:
    """Something that should be put right, while nothing is lost."""
    reason = voice.catalogue.reasons[code]
    return {"code": code, "kind": reason.kind, "text": voice.start(reason.text), "next_step": voice.step(reason.next_step)}
