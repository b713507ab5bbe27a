"""The folder `programmes/` as a whole: every programme, the shared parameters, and what no single file can show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from perlinsos.errors import Refused
from perlinsos.model.dated import Parameter
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
