"""The rules of a day: programme files and settings resolved for `as_of`, with their digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from perlinsos.errors import Refused, WrongUsage
from perlinsos.model.dated import FIRST_DAY, OneOf, Parameter, find_in_force
from perlinsos.model.programmes import QUARTERS, ParameterName, Programme, RegionValue, Test
from perlinsos.model.rule_folder import RuleFolder, describe_days, exists, find_excluders, load_rule_folder

Value = int | str | None


@dataclass(frozen=True)
class ComponentInForce:
    """A component with its amount on as_of and its places in the two orders (1 comes first)."""

    name: str
    amount_year_idr: int
    choice_order: int
    selection_order: int


@dataclass(frozen=True)
class ProgrammeInForce:
    """A programme as it holds on as_of. `values` are its parameters by short name; `digest` names all of `document`.

    `paid_in` are its payment quarters (1 to 4). `excluded_by` are the programmes whose recipients it refuses; it is decided
    in its `turn`, after theirs.
    """

    programme: Programme
    values: dict[str, Value]
    gate: str
    components: tuple[ComponentInForce, ...]
    unit_amount_year_idr: int | None
    paid_in: tuple[int, ...]
    excluded_by: tuple[str, ...]
    turn: int
    digest: str
    document: dict[str, Any]

    @property
    def code(self) -> str:
        """`pkh`."""
        return self.programme.programme

    @property
    def is_for_persons(self) -> bool:
        """Whether a member is judged, not the family."""
        return self.programme.unit == "person"

    def limit(self, test: Test) -> Any:
        """The limit of a test on as_of; None: off (a parameter that is `none`), or a value of the region."""
        if isinstance(test.limit, ParameterName):
            value = self.values[test.limit.parameter]
            return None if value == "none" else value
        return None if isinstance(test.limit, RegionValue) else test.limit


@dataclass(frozen=True)
class Rules:
    """The rules of one run. `settings` holds every parameter by its full name."""

    as_of: date
    scope: str
    programmes: tuple[ProgrammeInForce, ...]
    settings: dict[str, Value]
    digest: str


def resolve(
    folder: Path,
    codes: Sequence[str],
    as_of: date,
    scope: str,
    settings: Mapping[str, object],
    set_values: Mapping[str, object],
    region: str | None = None,
) -> Rules:
    """Rules and settings for `as_of`: programme files, then a region's settings, then values set by hand.

    Raises WrongUsage for an unknown programme, name or value, or where a programme that excludes another is not asked for;
    Refused for a faulty file, a day before 2020-01-01, or a programme that does not exist on that day or in that region.
    """
    if as_of < FIRST_DAY:
        raise Refused(
            "No rules are known for this day", where=f"programmes/, as_of {as_of}", why=f"they begin on {FIRST_DAY}",
            remedy=f"name a stage from {FIRST_DAY.year}-T1 on, or an --as-of from {FIRST_DAY} on",
        )  # fmt: skip
    rules = load_rule_folder(folder)
    if unknown := [code for code in codes if code not in rules.programmes]:
        raise WrongUsage(f"{unknown[0]!r} is not a programme", why=f"there are {', '.join(rules.programmes)}")
    chosen = sorted(set(codes), key=lambda code: (rules.turns[code], code))
    for code in chosen:
        _refuse_where_it_is_not(rules.programmes[code], as_of, region)
    given = {**_read(rules.parameters, settings), **_read(rules.parameters, set_values)}
    values = {
        name: given[name] if name in given else parameter.read(_in_force(parameter.values, as_of, name).value)
        for name, parameter in rules.parameters.items()
        if name.split(".")[0] not in rules.programmes.keys() - set(codes)
    }
    made: dict[str, ProgrammeInForce] = {}
    for code in chosen:
        made[code] = _in_force_programme(rules, code, values, as_of, scope, made, region)
    resolved = tuple(made[code] for code in sorted(made))
    digest = _digest({programme.code: programme.digest for programme in resolved})
    return Rules(as_of, scope, resolved, dict(sorted(values.items())), digest)


def _refuse_where_it_is_not(programme: Programme, as_of: date, region: str | None) -> None:
    """Refused outside the programme's days or regions."""
    if exists(programme, as_of, region):
        return
    code, name = programme.programme, programme.name["en"]
    if exists(programme, as_of, None):
        raise Refused(
            "The programme is of another region", where=f"{code}, region {region}", why=f"{name}: {', '.join(programme.regions)}",
            remedy="leave the programme out, or determine a region that has it",
        )  # fmt: skip
    raise Refused(
        "The programme does not exist on this day", where=f"{code}, as_of {as_of}",
        why=f"{name}: {describe_days(programme)}", remedy="leave the programme out, or name a stage inside these days",
    )  # fmt: skip


def _read(parameters: Mapping[str, Parameter], given: Mapping[str, object]) -> dict[str, Value]:
    """Values by full name in their types; WrongUsage where a name or value is unknown."""
    read: dict[str, Value] = {}
    for name, value in given.items():
        if name not in parameters:
            raise WrongUsage(f"{name!r} is not a parameter", why=f"there are {', '.join(parameters)}")
        try:
            read[name] = parameters[name].read(value)
        except ValueError as error:
            raise WrongUsage(f"{value!r} is not a value of {name}", why=f"it is {error}") from None
    return read


def _in_force(values: Sequence[OneOf], as_of: date, name: str) -> OneOf:
    found = find_in_force(values, as_of)
    if found is None:
        raise Refused("A parameter has no value on this day", where=f"{name}, {as_of}", remedy="add a dated value")
    return found


def _in_force_programme(
    rules: RuleFolder,
    code: str,
    values: dict[str, Value],
    as_of: date,
    scope: str,
    before: Mapping[str, ProgrammeInForce],
    region: str | None,
) -> ProgrammeInForce:
    """One programme on as_of; `before` holds those of the run that are decided in earlier turns."""
    programme = rules.programmes[code]
    own = {name: values[f"{code}.{name}"] for name in programme.parameters}
    components = _components(programme, own, as_of)
    unit = find_in_force(programme.unit_amount_year_idr, as_of)
    amount = None if unit is None else int(unit.value)
    gate = str(_in_force(programme.gate, as_of, f"{code}: gate").value)
    excluders = _excluders(rules, programme, as_of, region, before)
    shared = {name: value for name, value in values.items() if name.split(".")[0] in _SHARED}
    text = {
        "form": 1,
        "programme": code,
        "unit": programme.unit,
        "payments_per_year": programme.payments_per_year,
        "gate": gate,
        "values": own,
        "settings": shared,
        "scope": scope,
        "components": [[part.name, part.amount_year_idr, part.choice_order, part.selection_order] for part in components],
        "who": {part.name: _plain(programme.components[part.name], "who", "not_counted") for part in components},
        "caps": [cap.model_dump(mode="json") for cap in programme.caps],
        "family_amount_year_idr": None if programme.person_amount_year_idr else amount,
        "exclusions": {code: _plain(exclusion, "who", "legal_basis") for code, exclusion in programme.exclusions.items()},
        **_said_by_few(programme, amount, as_of, excluders),
    }
    turn = 1 + max((other.turn for other in excluders), default=0)
    names = tuple(other.code for other in excluders)
    paid_in = _payment_quarters(programme, as_of)
    return ProgrammeInForce(programme, own, gate, components, amount, paid_in, names, turn, _digest(text), text)


def _said_by_few(programme: Programme, amount: int | None, as_of: date, excluders: Sequence[ProgrammeInForce]) -> dict[str, Any]:
    """What only some programmes say; those that do not say it keep the digest that they had."""
    said: dict[str, Any] = {}
    if programme.considered:
        said |= {"considered": programme.considered}
    if programme.person_amount_year_idr:
        said |= {"person_amount_year_idr": amount}
    if programme.regions:
        said |= {"regions": list(programme.regions)}
    if programme.paid_in:
        said |= {"paid_in": list(_payment_quarters(programme, as_of))}
    if excluders:
        legal_basis = _in_force(programme.excluded_by, as_of, "excluded_by").legal_basis
        said |= {"excluded_by": {other.code: other.digest for other in excluders}, "excluded_by_legal_basis": legal_basis}
    return said


def _payment_quarters(programme: Programme, as_of: date) -> tuple[int, ...]:
    """The quarters in which it pays, 1 to 4."""
    if not programme.paid_in:
        return tuple(range(1, len(QUARTERS) + 1))
    dated = _in_force(programme.paid_in, as_of, f"{programme.programme}: paid_in")
    return tuple(QUARTERS.index(quarter) + 1 for quarter in dated.value)


def describe_rules(rules: Rules, programme: ProgrammeInForce) -> dict[str, Any]:
    """What a summary says of a programme's rules: digest and document. `excluding_rules`, where there are some: the
    documents of those that exclude it, and of those that exclude them (its own document has their digests alone)."""
    known = {other.code: other for other in rules.programmes}
    excluding: dict[str, Any] = {}
    left = list(programme.excluded_by)
    while left:
        other = known[left.pop()]
        excluding[other.code] = other.document
        left += other.excluded_by
    said = {"rules_digest": programme.digest, "rules": programme.document}
    return said | ({"excluding_rules": dict(sorted(excluding.items()))} if excluding else {})


def _excluders(
    rules: RuleFolder, programme: Programme, as_of: date, region: str | None, before: Mapping[str, ProgrammeInForce]
) -> tuple[ProgrammeInForce, ...]:
    """The programmes whose recipients this one refuses. WrongUsage where one exists here and is not part of the run."""
    named = find_excluders(rules.programmes, programme.programme, as_of, region)
    if missing := [code for code in named if code not in before]:
        raise WrongUsage(
            f"{programme.programme} cannot be determined without {' and '.join(missing)}",
            why="who receives one of these is refused, so they are decided in the same run",
            remedy="add " + " ".join(f"--programme {code}" for code in missing),
        )
    return tuple(before[code] for code in named)


_SHARED = ("signal", "registration", "quarantine", "lottery_seed")


def _plain(model: Any, *fields: str) -> dict[str, Any]:
    return dict(model.model_dump(mode="json", include=set(fields), exclude_none=True, by_alias=True))


def _components(programme: Programme, values: dict[str, Value], as_of: date) -> tuple[ComponentInForce, ...]:
    """The components in force with both orders: of one person's best (by amount), and of counting (`selection`)."""
    found = [(name, part, find_in_force(part.amount_year_idr, as_of)) for name, part in programme.components.items()]
    listed = [(name, not part.first, int(dated.value)) for name, part, dated in found if dated is not None]
    written = sorted(listed, key=lambda part: part[1])
    by_amount = sorted(written, key=lambda part: (part[1], -part[2]))
    choice = sorted(written, key=lambda part: -part[2])
    selected = by_amount if values.get("selection") == "highest_amount" else written
    return tuple(ComponentInForce(part[0], part[2], choice.index(part) + 1, selected.index(part) + 1) for part in written)


def _digest(value: object) -> str:
    """SHA-256 of canonical JSON: UTF-8, keys sorted, no spaces, no floats."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
