"""What counts and what does not, member by member; of a sensitive fact the category alone, without an amount."""

from __future__ import annotations

from typing import Any, Literal

from perlinsos.explanation.evidence import Evidence
from perlinsos.explanation.people import is_minor
from perlinsos.explanation.rows import Row
from perlinsos.explanation.words import Voice
from perlinsos.model.programmes import Component, ParameterName, Programme

Part = dict[str, Any]


def explain_components(evidence: Evidence, voice: Voice, programme: Programme, parts: list[Row]) -> tuple[list[Part], list[Part]]:
    """The candidates that count, and those that do not with the reason.

    Where one that counts is concealed, no single amount is told: the total less the others would name it. Concealed
    ones stand last, so that their place says nothing.
    """
    concealed = [is_concealed(evidence, programme.components[part["component"]], part["nik"]) for part in parts]
    hides_amounts = any(hidden and part["is_counted"] for hidden, part in zip(concealed, parts, strict=True))
    counted, others = [], []
    for hidden, part in sorted(zip(concealed, parts, strict=True), key=lambda pair: pair[0]):
        named = _name(voice, programme.components[part["component"]], part, is_hidden=hidden, hides_amount=hides_amounts)
        if part["is_counted"]:
            counted.append(named)
        else:
            others.append(named | _why_not(evidence, voice, programme, part, is_hidden=hidden))
    return counted, others


def is_concealed(evidence: Evidence, component: Component, nik: str | None) -> bool:
    """Whether a component is shown by its category only: a sensitive one, but not the pregnancy of an adult."""
    if not component.is_sensitive:
        return False
    return not _is_pregnancy(component) or is_minor(evidence, nik)


def _is_pregnancy(component: Component) -> bool:
    return any(test.attribute == "is_pregnant" for test in component.who)


def _name(voice: Voice, component: Component, part: Row, *, is_hidden: bool, hides_amount: bool) -> Part:
    language: Literal["id", "en"] = "id" if voice.language == "id" else "en"
    amount = None if is_hidden or (hides_amount and part["is_counted"]) else part["amount_year_idr"]
    return {
        "component": None if is_hidden else part["component"],
        "name": (component.category if is_hidden else component.name)[language],
        "amount_year_idr": amount,
        "amount": None if amount is None else f"Rp{voice.number(amount)}",
        "is_counted": part["is_counted"],
    }


def _why_not(evidence: Evidence, voice: Voice, programme: Programme, part: Row, *, is_hidden: bool) -> Part:
    """The reason why a candidate does not count, and what to do."""
    code = part["not_counted_reason"]
    reason = voice.catalogue.reasons[code]
    if reason.is_sensitive and reason.conceals == "code" and (is_hidden or not reason.only_of_minors):
        return {"code": None, "text": voice.remark("concealed_not_counted"), "next_step": voice.step("ask_guardian")}
    text = voice.start(reason.text, n=_limit(evidence, voice, programme, part))
    return {"code": code, "text": text, "next_step": voice.step(reason.next_step)}


def _limit(evidence: Evidence, voice: Voice, programme: Programme, part: Row) -> str:
    """The number of a cap or of a test of the component, from the settings of the determination."""
    code = part["not_counted_reason"]
    names = [cap.parameter for cap in programme.caps if cap.code == code]
    for refused in programme.components[part["component"]].not_counted:
        if refused.code == code and isinstance(refused.when.limit, ParameterName):
            names.append(refused.when.limit.parameter)
    settings = evidence.summary["settings"]
    return voice.number(next((settings[f"{programme.programme}.{name}"] for name in names), None))
