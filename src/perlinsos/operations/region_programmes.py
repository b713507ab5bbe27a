"""Which programmes a region can have: what its record may name, and which of them have a list at a stage."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from perlinsos.errors import Refused
from perlinsos.ledger.connection import Connection, fetch_rows
from perlinsos.ledger.records import CycleRecord, ReadRecord, RegionRecord, add_cycle, add_region
from perlinsos.model.programmes import Programme
from perlinsos.model.rule_folder import RuleFolder, describe_days, exists, find_excluders
from perlinsos.model.stages import Stage


def find_absent(rules: RuleFolder, region: str, stage: str, programmes: Collection[str]) -> dict[str, str]:
    """The programmes that do not exist at a stage's first day in a region, and why in words: they have no list there."""
    day = Stage.parse(stage).as_of
    found = {}
    for code in sorted(programmes):
        programme = rules.programmes.get(code)
        if programme is None:
            found[code] = "programmes/ does not have it"
        elif not exists(programme, day, None):
            found[code] = f"it exists {describe_days(programme)}"
        elif not exists(programme, day, region):
            found[code] = f"it is of {', '.join(programme.regions)}"
    return found


def list_absent(rules: RuleFolder, region: str, stage: str) -> list[str]:
    """Every programme that does not exist at a stage in a region, as the ledger takes it with a cycle."""
    return list(find_absent(rules, region, stage, rules.programmes))


def describe_absent(absent: dict[str, str], stage: str) -> str:
    """`2026-T1 has no list of blt-kesra (it exists from 2025-10-01 to 2025-12-31)`."""
    return f"{stage} has no list of " + ", ".join(f"{code} ({why})" for code, why in absent.items())


def register_region(connection: Connection, read: ReadRecord[RegionRecord], rules: RuleFolder, where: str) -> bool:
    """Register or change a region, as registrar; False where this very record is there. Refused for programmes that it
    cannot have; `where` is the record's file."""
    for fault in find_faults(rules, read.record.region, read.record.programmes, where):
        raise fault
    return add_region(connection, read)


def register_cycle(connection: Connection, read: ReadRecord[CycleRecord], rules: RuleFolder) -> tuple[bool, dict[str, str]]:
    """Register or change a cycle, as registrar: whether something changed, and the region's programmes that have no list at
    this stage, with why. Refused where none of them has one."""
    region, stage = read.record.region, read.record.stage
    rows = fetch_rows(connection, "select programmes from region where region_code = %s", [region])
    programmes = rows[0]["programmes"] if rows else []
    absent = find_absent(rules, region, stage, programmes)
    if absent and len(absent) == len(set(programmes)):
        raise Refused(
            f"no programme of the region {region} exists in {stage}", why=describe_absent(absent, stage),
            remedy="name a stage in which one exists, or add a programme to the region's record",
        )  # fmt: skip
    return add_cycle(connection, read, list_absent(rules, region, stage)), absent


def find_faults(rules: RuleFolder, region: str, programmes: Collection[str], where: str) -> Iterator[Refused]:
    """Why a region's record cannot name these programmes: one that is none or of another region, or one that lacks the
    programmes that exclude it. `where` is the record's file."""
    for code in programmes:
        programme = rules.programmes.get(code)
        if programme is None:
            yield Refused(
                f"{code!r} is not a programme", where=f"{where}: programmes", why=f"there are {', '.join(rules.programmes)}",
                remedy="name folders of programmes/",
            )  # fmt: skip
        elif programme.regions and region not in programme.regions:
            yield Refused(
                f"{code} is a programme of another region", where=f"{where}: programmes",
                why=f"{programme.name['en']}: {', '.join(programme.regions)}", remedy=f"take {code} out of the record",
            )  # fmt: skip
        elif missing := sorted(_find_needed(rules, programme, region) - set(programmes)):
            yield Refused(
                f"{code} cannot be determined without {' and '.join(missing)}", where=f"{where}: programmes",
                why="who receives one of these is refused, so they are decided in the same run",
                remedy=f"add {', '.join(missing)} to the record",
            )  # fmt: skip


def _find_needed(rules: RuleFolder, programme: Programme, region: str) -> set[str]:
    """The programmes that exclude this one in the region on some day. What holds changes on first days only."""
    named = {other for dated in programme.excluded_by for other in dated.value}
    parts = [*programme.excluded_by, *programme.amounts, *(a for other in named for a in rules.programmes[other].amounts)]
    days = {part.first_day for part in parts}
    return {
        other
        for day in days
        if exists(programme, day, region)
        for other in find_excluders(rules.programmes, programme.programme, day, region)
    }
