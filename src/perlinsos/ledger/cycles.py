"""Cycles, their lists and quotas in the ledger, as dispatch needs them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from perlinsos.ledger.connection import Connection, call, fetch_rows


@dataclass(frozen=True)
class Cycle:
    """A region and stage that are to be determined, with what the region's record says of it."""

    cycle_id: str
    region_code: str
    stage: str
    purpose: str
    cut_off: date
    required: list[dict[str, Any]]
    announce_at: datetime
    window_months: int
    lottery_seed_rule: str
    settings: dict[str, Any]
    lottery_seed: str | None
    zone: str
    scope: str


@dataclass(frozen=True)
class ListState:
    """One list of a cycle. `published` = its last revision on the track of lists, not of simulations."""

    list_id: str
    programme: str
    state: str
    settled_at: datetime | None
    published: int | None


def read_cycles(connection: Connection) -> list[Cycle]:
    """Every cycle, live before backfill, oldest stage first, then by region."""
    rows = fetch_rows(
        connection,
        "select c.cycle_id, c.region_code, c.stage, c.purpose, c.cut_off, c.required, c.announce_at, c.window_months, "
        "c.lottery_seed_rule, c.settings, c.lottery_seed, r.zone, r.scope from cycle as c join region as r using (region_code) "
        "order by c.purpose desc, c.stage, c.region_code",
    )
    return [Cycle(**row) for row in rows]


def read_lists(connection: Connection, cycle_id: str) -> list[ListState]:
    """The lists of a cycle by programme."""
    rows = fetch_rows(
        connection,
        "select l.list_id, l.programme, l.state, l.settled_at, (select max(revision) from list_revision as r "
        "where r.list_id = l.list_id and r.track = 'list' and r.state = 'published') as published "
        "from list as l where l.cycle_id = %s order by l.programme",
        [cycle_id],
    )
    return [ListState(**row) for row in rows]


def read_quotas(connection: Connection, cycle: Cycle, day: date) -> dict[str, dict[str, Any]]:
    """Programme → its quota in a `kuota` decree that is registered by two people and in force on a day."""
    found: dict[str, dict[str, Any]] = {}
    decrees = fetch_rows(
        connection,
        "select decree_id, number, document_sha256, quotas from decrees_in_force('kuota', %s, %s)",
        [cycle.region_code, day],
    )
    for decree in decrees:
        for entry in decree["quotas"]:
            if entry["region_code"] == cycle.region_code and entry["stage"] == cycle.stage:
                found.setdefault(
                    entry["programme"],
                    {"programme": entry["programme"], "quota": entry["quota"], "decree_id": decree["decree_id"],
                     "number": decree["number"], "document_sha256": decree["document_sha256"]},
                )  # fmt: skip
    return found


def read_team(connection: Connection, cycle: Cycle, day: date) -> set[str] | None:
    """The programmes that decrees `tim` in force on a day cover (empty: all); None where none is in force."""
    rows = fetch_rows(
        connection,
        "select programmes from decrees_in_force('tim', %s, %s) where cardinality(stages) = 0 or %s = any (stages)",
        [cycle.region_code, day, cycle.stage],
    )
    if not rows:
        return None
    if any(not row["programmes"] for row in rows):
        return set()
    return {programme for row in rows for programme in row["programmes"]}


def set_waiting(connection: Connection, cycle_id: str, reason: str | None) -> None:
    """Say why a cycle does not move; None where it does."""
    call(connection, "set_waiting", [cycle_id, reason])


def move_list(connection: Connection, list_id: str, state: str, reason: str, at: datetime) -> None:
    """Move a list one step. Refused where the table of transitions or the role does not allow it."""
    call(connection, "move_list", [list_id, state, reason, at])
