"""What of a programme's resolved rules differs between two lists: exclusions, excluding programmes, components, caps, amounts.

Reads the document that a determination keeps in its summary (`programmes.<p>.rules`), which the rules digest covers; of
the programmes that exclude it, `programmes.<p>.excluding_rules`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from perlinsos.model.vocabulary import FAMILY_TESTS

Document = Mapping[str, Any]
Kind = Literal["reason", "excluder", "component", "counting", "amount", "scope"]
GATE_CODES = ("BELUM_ADA_DESIL", FAMILY_TESTS["decile"][0])
_PUPIL, _PREGNANT = "signal.ENROLLED.max_age_months", "signal.PREGNANT.max_age_months"
_AGED_BY = {"is_enrolled": _PUPIL, "school_level": _PUPIL, "is_pregnant": _PREGNANT, "pregnancy_number": _PREGNANT}
_OFF = (None, "none")


@dataclass(frozen=True)
class RuleChange:
    """One rule that differs. `limit_…`: the numbers that it compares with; None where it is off, absent or no number.

    Of kind `excluder`, `name` is a programme that excludes in one list only, or by other rules of its own.
    """

    programme: str
    kind: Kind
    name: str
    operator: str | None = None
    limit_before: int | None = None
    limit_after: int | None = None


def find_rule_changes(
    programme: str, before: Document | None, after: Document | None, wages: tuple[int | None, int | None] = (None, None),
    excluding: tuple[Mapping[str, Document], Mapping[str, Document]] = ({}, {}),
) -> Iterator[RuleChange]:  # fmt: skip
    """Every rule of the programme that differs between two resolved documents.

    `wages` = the minimum wage that each list judged by, None where its findings do not show it: that limit is the
    region's, not the document's. Without both documents only a difference of it is found. `excluding` = of each list
    the documents of the programmes that exclude this one, and of those that exclude them.
    """
    if before is None or after is None:
        if None not in wages and wages[0] != wages[1]:
            yield RuleChange(programme, "reason", "UPAH_DI_ATAS_UMK", "above", *wages)
        return
    yield from _exclusions(programme, before, after, wages)
    yield from _components(programme, before, after)
    yield from _counting(programme, before, after)
    for name in ("family_amount_year_idr", "person_amount_year_idr", "paid_in"):
        if before.get(name) != after.get(name):
            yield RuleChange(programme, "amount", name)
    yield from _excluders(programme, before, after, excluding)
    if before.get("scope") != after.get("scope"):
        yield RuleChange(programme, "scope", "scope")
    if before.get("gate") != after.get("gate"):
        yield from (RuleChange(programme, "reason", code) for code in GATE_CODES)
    if _shared(before, "quarantine.holds") != _shared(after, "quarantine.holds"):
        yield RuleChange(programme, "reason", "DATA_DIKARANTINA")


def _excluders(
    programme: str, before: Document, after: Document, excluding: tuple[Mapping[str, Document], Mapping[str, Document]]
) -> Iterator[RuleChange]:
    """Programmes that exclude in one list only, or select by other rules. Their digests would not do: they cover the
    lottery's seed, which is another one in every stage and no rule."""
    old, new = before.get("excluded_by", {}), after.get("excluded_by", {})
    for code in sorted(old.keys() | new.keys()):
        changes = find_rule_changes(code, excluding[0].get(code), excluding[1].get(code), excluding=excluding)
        if (code in old) != (code in new) or any(change.kind != "amount" for change in changes):
            yield RuleChange(programme, "excluder", code)


def _shared(document: Document, name: str) -> Any:
    return document.get("settings", {}).get(name)


def _exclusions(programme: str, before: Document, after: Document, wages: tuple[int | None, int | None]) -> Iterator[RuleChange]:
    """Exclusions whose test differs; one that is off or absent on a side has no limit there."""
    old, new = before.get("exclusions", {}), after.get("exclusions", {})
    for code in sorted(old.keys() | new.keys()):
        tests = [_test(document, found.get(code), wage) for document, found, wage in
                 zip((before, after), (old, new), wages, strict=True)]  # fmt: skip
        if tests[0] == tests[1] or _is_unknown_wage(tests):
            continue
        is_comparable = None not in tests and tests[0][:2] == tests[1][:2]
        limits = [test[2] if test and is_comparable and _is_number(test[2]) else None for test in tests]
        yield RuleChange(programme, "reason", code, tests[1][1] if tests[1] else None, *limits)


def _is_unknown_wage(tests: list[Any]) -> bool:
    """Whether both sides ask for the region's wage and one of the figures is not known: then no change is seen."""
    return all(test and test[3] for test in tests) and None in (tests[0][2], tests[1][2])


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _test(document: Document, exclusion: Any, wage: int | None) -> Any:
    """(attribute, operator, resolved limit, whether it is the region's) of an exclusion; None where it is off or absent."""
    if exclusion is None:
        return None
    resolved = _resolve(document, exclusion["who"])
    operator = next((name for name in resolved if name != "attribute"), "is")
    limit = resolved.get(operator)
    if isinstance(limit, Mapping):  # {region_value: minimum_wage}
        reference = document.get("values", {}).get("wage_reference")
        return resolved.get("attribute"), operator, wage, True, reference
    return None if limit in _OFF else (resolved.get("attribute"), operator, limit, False)


def _resolve(document: Document, part: Any) -> Any:
    """The part with every `{parameter: name}` replaced by the value in force."""
    if isinstance(part, Mapping):
        if set(part) == {"parameter"}:
            return document.get("values", {}).get(part["parameter"])
        return {name: _resolve(document, value) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return [_resolve(document, value) for value in part]
    return part


def _components(programme: str, before: Document, after: Document) -> Iterator[RuleChange]:
    old, new = _describe_components(before), _describe_components(after)
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield RuleChange(programme, "component", name)


def _describe_components(document: Document) -> dict[str, Any]:
    """Of each component what decides who is a candidate, with which amount, and how long its signals hold."""
    described = {}
    for name, amount, *_ in document.get("components", []):
        who = _resolve(document, document["who"][name])
        attributes = {test["attribute"] for test in who.get("who", [])}
        ages = sorted({_AGED_BY[attribute] for attribute in attributes if attribute in _AGED_BY})
        described[str(name)] = (amount, who, [(age, _shared(document, age)) for age in ages])
    return described


def _counting(programme: str, before: Document, after: Document) -> Iterator[RuleChange]:
    """Caps that hold at another number or of other components; all of them where the order of counting differs."""
    old, new = _describe_caps(before), _describe_caps(after)
    has_other_order = _counting_order(before) != _counting_order(after)
    for code in sorted(old.keys() | new.keys()):
        if has_other_order or old.get(code) != new.get(code):
            yield RuleChange(programme, "counting", code)


def _describe_caps(document: Document) -> dict[str, Any]:
    values = document.get("values", {})
    return {cap["code"]: (tuple(cap["components"]), values.get(cap["parameter"])) for cap in document.get("caps", [])}


def _counting_order(document: Document) -> list[str]:
    """The components in the order of `selection`."""
    return [str(part[0]) for part in sorted(document.get("components", []), key=lambda part: int(part[3]))]
