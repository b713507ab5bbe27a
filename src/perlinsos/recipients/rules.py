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
from perlinsos.model.programmes import (
    FIRST_DAY,
    Dated,
    Parameter,
    ParameterName,
    Programme,
    RegionValue,
    Test,
    load_parameters,
    load_programme,
)

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
    """A programme as it holds on as_of. `values` are its parameters by short name; `digest` names all of `document`."""

    programme: Programme
    values: dict[str, Value]
    gate: str
    components: tuple[ComponentInForce, ...]
    family_amount_year_idr: int | None
    digest: str
    document: dict[str, Any]

    @property
    def code(self) -> str:
        """`pkh`."""
        return self.programme.programme

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
) -> Rules:
    """Rules and settings for `as_of`: programme files, then a region's settings, then values set by hand.

    Raises WrongUsage for an unknown programme, name or value; Refused for a faulty file or a day before 2020-01-01.
    """
    if as_of < FIRST_DAY:
        raise Refused(
            "No rules are known for this day", where=f"programmes/, as_of {as_of}", why=f"they begin on {FIRST_DAY}",
            remedy=f"name a stage from {FIRST_DAY.year}-T1 on, or an --as-of from {FIRST_DAY} on",
        )  # fmt: skip
    known = {path.parent.name: path for path in sorted(folder.glob("*/programme.yaml"))}
    if unknown := [code for code in codes if code not in known]:
        raise WrongUsage(f"{unknown[0]!r} is not a programme", why=f"there are {', '.join(known)}")
    programmes = {code: load_programme(path) for code, path in known.items()}
    parameters = load_parameters(folder / "parameters.yaml")
    for code, programme in programmes.items():
        parameters |= {f"{code}.{name}": parameter for name, parameter in programme.parameters.items()}
    given = {**_read(parameters, settings), **_read(parameters, set_values)}
    values = {
        name: given[name] if name in given else parameter.read(_in_force(parameter.values, as_of, name).value)
        for name, parameter in parameters.items()
        if name.split(".")[0] not in set(known) - set(codes)
    }
    chosen = tuple(_in_force_programme(programmes[code], values, as_of, scope) for code in sorted(set(codes)))
    digest = _digest({programme.code: programme.digest for programme in chosen})
    return Rules(as_of, scope, chosen, dict(sorted(values.items())), digest)


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


def _in_force(values: Sequence[Dated], as_of: date, name: str) -> Dated:
    found = _find(values, as_of)
    if found is None:
        raise Refused("A parameter has no value on this day", where=f"{name}, {as_of}", remedy="add a dated value")
    return found


def _find(values: Sequence[Dated], as_of: date) -> Dated | None:
    """The value that holds on as_of, if any."""
    begun = [value for value in values if value.first_day <= as_of]
    return begun[-1] if begun and (begun[-1].until is None or begun[-1].until >= as_of) else None


def _in_force_programme(programme: Programme, values: dict[str, Value], as_of: date, scope: str) -> ProgrammeInForce:
    own = {name: values[f"{programme.programme}.{name}"] for name in programme.parameters}
    components = _components(programme, own, as_of)
    family = _find(programme.family_amount_year_idr, as_of)
    amount = None if family is None else int(family.value)
    gate = str(_in_force(programme.gate, as_of, f"{programme.programme}: gate").value)
    shared = {name: value for name, value in values.items() if not name.startswith(f"{programme.programme}.")}
    shared = {name: value for name, value in shared.items() if name.split(".")[0] in _SHARED}
    text = {
        "form": 1,
        "programme": programme.programme,
        "unit": programme.unit,
        "payments_per_year": programme.payments_per_year,
        "gate": gate,
        "values": own,
        "settings": shared,
        "scope": scope,
        "components": [[part.name, part.amount_year_idr, part.choice_order, part.selection_order] for part in components],
        "who": {part.name: _plain(programme.components[part.name], "who", "not_counted") for part in components},
        "caps": [cap.model_dump(mode="json") for cap in programme.caps],
        "family_amount_year_idr": amount,
        "exclusions": {code: _plain(exclusion, "who", "legal_basis") for code, exclusion in programme.exclusions.items()},
    }
    return ProgrammeInForce(programme, own, gate, components, amount, _digest(text), text)


_SHARED = ("signal", "registration", "quarantine", "lottery_seed")


def _plain(model: Any, *fields: str) -> dict[str, Any]:
    return dict(model.model_dump(mode="json", include=set(fields), exclude_none=True, by_alias=True))


def _components(programme: Programme, values: dict[str, Value], as_of: date) -> tuple[ComponentInForce, ...]:
    """The components in force with both orders: of one person's best (by amount), and of counting (`selection`)."""
    found = [(name, part, _find(part.amount_year_idr, as_of)) for name, part in programme.components.items()]
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
