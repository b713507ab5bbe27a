"""Region codes of a delivery: checked, nested, carried forward, converted from BPS; never guessed."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from pathlib import Path

from perlinsos.errors import Refused
from perlinsos.model.regions import is_code, level, parent, with_points

PLACE_COLUMNS = ("region_code", "district_code", "village_code")
LEVEL_OF = dict(zip(PLACE_COLUMNS, ("regency", "district", "village"), strict=True))
_BPS_FORM = re.compile(r"\d{2}|\d{4}|\d{7}|\d{10}")
_LOST_ZERO = re.compile(r"\d{2}\.\d")
Codes = tuple[str | None, str | None, str | None]


@dataclass(frozen=True)
class Gazetteer:
    """Today's Kemendagri codes, the retired ones with their successors, and what BPS codes mean."""

    codes: frozenset[str]
    successors: dict[str, str]
    retired: frozenset[str]
    of_bps: dict[str, str] = field(repr=False)


@dataclass(frozen=True)
class Place:
    """The codes of one row as they are to be stored, and its issues (`column.message_id`)."""

    codes: Codes
    issues: tuple[str, ...] = ()


def load_gazetteer(reference: Path) -> Gazetteer:
    """Read `regions.csv` and `region_changes.csv` of the reference folder."""
    paths = (reference / "regions.csv", reference / "region_changes.csv")
    for path in paths:
        if not path.exists():
            raise Refused(
                f"the reference table {path.name} is missing", where=str(reference), remedy="restore reference/ or name it"
            )
    return _load(*paths, tuple(path.stat().st_mtime_ns for path in paths))


@lru_cache(maxsize=2)
def _load(regions: Path, changes: Path, _written: tuple[int, ...]) -> Gazetteer:
    of_bps: dict[str, str] = {}
    successors: dict[str, str] = {}
    retired: list[str] = []
    for code, successor, bps_code in _rows(changes, ("retired_code", "successor_code", "bps_code")):
        retired.append(code)
        if successor:
            successors[code] = successor
        if bps_code:
            of_bps[bps_code] = code
    codes = []
    for code, bps_code in _rows(regions, ("code", "bps_code")):
        codes.append(code)
        if bps_code:
            of_bps[bps_code] = code
    return Gazetteer(frozenset(codes), successors, frozenset(retired), of_bps)


def _rows(path: Path, names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        yield from map(itemgetter(*(header.index(name) for name in names)), reader)


def resolve_place(
    arrived: Codes, gazetteer: Gazetteer, systems: tuple[str, str, str], *, is_province_allowed: bool = False
) -> Place:
    """Judge the region, district and village code of one row together."""
    written: list[str | None] = []
    issues: list[str] = []
    for name, text, system in zip(PLACE_COLUMNS, arrived, systems, strict=True):
        code = _as_written(text, system, gazetteer)
        levels = {LEVEL_OF[name]} | ({"province"} if is_province_allowed else set())
        if text is not None and (code is None or level(code) not in levels):
            if not (name == "region_code" and system == "kemendagri" and _LOST_ZERO.fullmatch(text)):
                issues.append(f"{name}.region_unknown")
            code = None
        written.append(code)
    region = arrived[0]
    if not issues and region is not None and written[0] is None:
        written[0], issue = _repair_region(region, written, gazetteer)
        issues.append(issue)
        if issue.endswith("unknown"):
            return Place(_kept(written, gazetteer), tuple(issues))
    elif region is not None and written[0] is None:
        issues.append("region_code.region_unknown")
    if any(issue.endswith("unknown") for issue in issues):
        return Place(_kept(written, gazetteer), tuple(dict.fromkeys(issues)))
    return _nest((written[0], written[1], written[2]), gazetteer, tuple(issues))


def _as_written(text: str | None, system: str, gazetteer: Gazetteer) -> str | None:
    """The Kemendagri code with points that a cell means, today's or a retired one; None where it is none."""
    if text is None:
        return None
    if system == "bps":
        return gazetteer.of_bps.get(text) if _BPS_FORM.fullmatch(text) else None
    code = with_points(text) if re.fullmatch(r"\d{2}|\d{4}|\d{6}|\d{10}", text, re.ASCII) else text
    is_known = is_code(code) and (code in gazetteer.codes or code in gazetteer.retired)
    return code if is_known else None


def _repair_region(text: str, written: list[str | None], gazetteer: Gazetteer) -> tuple[str | None, str]:
    """`35.1` is `35.10` where the row's district or village proves it."""
    code = f"{text}0"
    below = [lower for lower in written[1:] if lower is not None]
    if code in gazetteer.codes and below and all(lower.startswith(f"{code}.") for lower in below):
        return code, "region_code.region_repaired"
    return None, "region_code.region_unknown"


def _nest(codes: Codes, gazetteer: Gazetteer, issues: tuple[str, ...]) -> Place:
    """Carry retired codes forward and check that the codes nest, as they arrived or after that."""
    today: list[str | None] = []
    for name, code in zip(PLACE_COLUMNS, codes, strict=True):
        if code is None or code in gazetteer.codes:
            today.append(code)
        elif code in gazetteer.successors:
            today.append(gazetteer.successors[code])
            issues = (*issues, f"{name}.region_repaired")
        else:
            return Place(_kept(codes, gazetteer), (f"{name}.region_unknown",))
    if conflict := _conflict((today[0], today[1], today[2])):
        if _conflict(codes) is not None:
            return Place(_kept(codes, gazetteer), (f"{conflict}.region_conflict",))
        today = _lifted(today)
    return Place((today[0], today[1], today[2]), issues)


def _kept(codes: Sequence[str | None], gazetteer: Gazetteer) -> Codes:
    """What is known of the codes of a row that is set aside."""
    known = [c if c in gazetteer.codes else gazetteer.successors.get(c) if c is not None else None for c in codes]
    return known[0], known[1], known[2]


def _lifted(today: list[str | None]) -> list[str | None]:
    """District and region of the lowest code: a village that moved takes its new parents."""
    region, district, village = today
    if village is not None:
        district = parent(village) if district is not None else None
        region = parent(parent(village)) if region is not None else None
    elif district is not None:
        region = parent(district) if region is not None else None
    return [region, district, village]


def _conflict(codes: Codes) -> str | None:
    """The first column whose code does not lie in the codes above it."""
    above: str | None = None
    for name, code in zip(PLACE_COLUMNS, codes, strict=True):
        if code is None:
            continue
        if above is not None and not code.startswith(f"{above}."):
            return name
        above = code
    return None


def refuse_bps_codes(places: list[tuple[Codes, int]], gazetteer: Gazetteer, systems: tuple[str, str, str]) -> None:
    """Raise Refused where most rows make sense only if a Kemendagri column holds BPS codes.

    `places`: the distinct codes as they arrived and their rows.
    """
    if "kemendagri" not in systems:
        return
    as_bps = ("bps", "bps", "bps")
    judged = proving = 0
    example = ""
    for arrived, rows in places:
        if not any(arrived):
            continue
        judged += rows
        if not resolve_place(arrived, gazetteer, systems).issues:
            continue
        if not resolve_place(arrived, gazetteer, as_bps).issues:
            proving += rows
            example = example or " / ".join(code or "-" for code in arrived)
    if proving >= 2 and proving * 2 >= judged:
        raise Refused(
            f"the region codes are BPS codes, not Kemendagri codes, in {proving} of {judged} rows",
            where="columns region_code, district_code, village_code",
            why=f"for example {example}: unknown or not nested as Kemendagri codes, a place as BPS codes",
            remedy="write `code_system: bps` for these columns in the source's file if the agency delivers BPS codes",
        )
