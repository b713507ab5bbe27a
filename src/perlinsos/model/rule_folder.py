"""The folder `programmes/` as a whole: every programme, the shared parameters, and what no single file can show."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass
from datetime import date
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from perlinsos.errors import Refused
from perlinsos.model.dated import Parameter, find_in_force
from perlinsos.model.programmes import Programme, load_parameters, load_programme
from perlinsos.model.reasons import Catalogue, Kind, check_codes, load_reasons

# What a code may be, by the place in a programme file. A pregnancy without its number is data that is missing.
KINDS: dict[str, tuple[Kind, ...]] = {"components": ("not_counted",), "caps": ("not_counted",), "exclusions": ("refusal",)}
MISSING_DATA = "NOMOR_KEHAMILAN_KOSONG"


@dataclass(frozen=True)
class RuleFolder:
    """All programmes by their code, the parameters by their full name, and the turn in which each programme is decided.

    A programme that another one excludes comes in a later turn; turns begin at 1.
    """

    programmes: dict[str, Programme]
    parameters: dict[str, Parameter]
    turns: dict[str, int]


def load_rule_folder(folder: Path) -> RuleFolder:
    """Read and check every programme of the folder. Raises Refused with file, place and remedy."""
    paths = sorted(folder.glob("*/programme.yaml"))
    programmes = {path.parent.name: load_programme(path) for path in paths}
    catalogue = load_reasons(folder / "reasons.yaml")
    check_codes(catalogue, programmes.values())
    for programme in programmes.values():
        _check_kinds(programme, catalogue)
    turns = _take_turns(programmes)
    parameters = load_parameters(folder / "parameters.yaml")
    for code, programme in programmes.items():
        parameters |= {f"{code}.{name}": parameter for name, parameter in programme.parameters.items()}
    return RuleFolder(programmes, parameters, turns)


def _refuse(code: str, place: str, why: str, remedy: str) -> Refused:
    where = f"programmes/{code}/programme.yaml: {place}"
    return Refused("A rule file is not valid", where=where, why=why, remedy=remedy)


def _check_kinds(programme: Programme, catalogue: Catalogue) -> None:
    """Refused where a code is of a kind that cannot stand there."""
    for place, codes in programme.codes.items():
        for code in codes:
            kind = catalogue.reasons[code].kind
            if kind not in KINDS[place] and (place, code) != ("components", MISSING_DATA):
                why = f"{code} is of kind {kind}, not {' or '.join(KINDS[place])}"
                raise _refuse(programme.programme, place, why, "use a code of that kind")


def _take_turns(programmes: Mapping[str, Programme]) -> dict[str, int]:
    """The turn of each programme: after those that exclude it, on whatever day. Refused for a circle."""
    before = {code: {other for dated in programme.excluded_by for other in dated.value} for code, programme in programmes.items()}
    for code, others in before.items():
        if unknown := sorted(others - programmes.keys()):
            why = f"unknown programme {', '.join(unknown)}; there are {', '.join(programmes)}"
            raise _refuse(code, "excluded_by", why, "name a folder of programmes/")
    turns: dict[str, int] = {}
    try:
        for code in TopologicalSorter(before).static_order():
            turns[code] = 1 + max((turns[other] for other in before[code]), default=0)
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        why = f"programmes exclude each other in a circle: {' → '.join(circle)}"
        raise _refuse(circle[0], "excluded_by", why, "let one of them give way: drop its excluded_by") from None
    return turns


def exists(programme: Programme, day: date, region: str | None) -> bool:
    """Whether the programme pays anything on a day in a region (None: in any)."""
    is_here = region is None or not programme.regions or region in programme.regions
    return is_here and any(find_in_force([dated], day) for dated in programme.amounts)


def describe_days(programme: Programme) -> str:
    """Since when it pays, and until when: `from 2025-10-01 to 2025-12-31`."""
    first = min(dated.first_day for dated in programme.amounts)
    ends = [dated.until for dated in programme.amounts if dated.until]
    return f"from {first}" + (f" to {max(ends)}" if len(ends) == len(programme.amounts) else "")


def find_excluders(programmes: Mapping[str, Programme], code: str, day: date, region: str | None) -> tuple[str, ...]:
    """The programmes whose recipients this one refuses on a day in a region: named then, and existing there then."""
    dated = find_in_force(programmes[code].excluded_by, day)
    return () if dated is None else tuple(other for other in sorted(dated.value) if exists(programmes[other], day, region))


def find_without_quota(excluders: Mapping[str, Collection[str]], with_quota: Container[str]) -> set[str]:
    """The programmes that have no quota, or whose answer rests on one that has none.

    `excluders`: programme → those that exclude it, in the order in which the programmes are decided.
    """
    found: set[str] = set()
    for code, others in excluders.items():
        if code not in with_quota or found.intersection(others):
            found.add(code)
    return found
