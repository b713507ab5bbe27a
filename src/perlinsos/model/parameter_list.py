"""Every value of the rules that somebody must look after, with its legal basis and the day somebody last checked it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from perlinsos.errors import WrongUsage
from perlinsos.model.dated import Dated, DatedWords
from perlinsos.model.programmes import Programme, load_parameters, load_programme


@dataclass(frozen=True)
class DatedValue:
    """One value of one rule file. `name` is the one that `--set` takes, or the place in the file; `last_day` None: open."""

    programme: str
    name: str
    value: str
    first_day: date
    last_day: date | None
    legal_basis: str
    source: str
    checked_on: date

    def as_dict(self) -> dict[str, Any]:
        """For JSON: days in ISO form."""
        return {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(self).items()}


def list_values(folder: Path, programmes: Sequence[str] = ()) -> list[DatedValue]:
    """Every dated value and exclusion of the programmes (none named: of all) and of `parameters.yaml`, in file order.

    Raises WrongUsage for an unknown programme, Refused for a faulty file.
    """
    known = sorted(path.parent.name for path in folder.glob("*/programme.yaml"))
    if unknown := [code for code in programmes if code not in known]:
        raise WrongUsage(f"{unknown[0]!r} is not a programme", where="--programme", why=f"there are {', '.join(known)}")
    found: list[DatedValue] = []
    for code in programmes or known:
        found += _of_programme(load_programme(folder / code / "programme.yaml"))
    for name, parameter in load_parameters(folder / "parameters.yaml").items():
        found += _dated("", name, parameter.values)
    return found


def _of_programme(programme: Programme) -> Iterable[DatedValue]:
    code = programme.programme
    yield from _dated(code, f"{code}.gate", programme.gate)
    for name, parameter in programme.parameters.items():
        yield from _dated(code, f"{code}.{name}", parameter.values)
    for name, component in programme.components.items():
        yield from _dated(code, f"{code}: amount of {name}", component.amount_year_idr)
    yield from _dated(code, f"{code}: amount of the {programme.unit}", programme.unit_amount_year_idr)
    yield from _dated(code, f"{code}: paid in", programme.paid_in)
    yield from _dated(code, f"{code}: excluded by", programme.excluded_by)
    for name, exclusion in programme.exclusions.items():
        begin = programme.gate[0].first_day
        yield DatedValue(
            code, f"{code}: exclusion {name}", "", begin, None, exclusion.legal_basis, exclusion.source, exclusion.checked_on
        )


def _dated(code: str, name: str, values: Sequence[Dated | DatedWords]) -> Iterable[DatedValue]:
    for place, dated in enumerate(values):
        following = values[place + 1].first_day - timedelta(days=1) if place + 1 < len(values) else None
        value = " ".join(dated.value) if isinstance(dated, DatedWords) else str(dated.value)
        yield DatedValue(
            code, name, value, dated.first_day, dated.until or following, dated.legal_basis, dated.source,
            dated.checked_on,
        )  # fmt: skip


def unchecked(values: Iterable[DatedValue], since: date, in_force_from: date) -> list[DatedValue]:
    """Those last checked before `since` that may still decide something: they end on `in_force_from` or later."""
    return [value for value in values if value.checked_on < since and (value.last_day is None or value.last_day >= in_force_from)]
