"""Status: region by stage, what it waits for, and the next command."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from perlinsos.context import Context
from perlinsos.ledger.connection import fetch_rows
from perlinsos.ledger.consumers import Consumer, find_undelivered, read_consumers
from perlinsos.ledger.cycles import Cycle, read_cycles
from perlinsos.ledger.records import NATIONAL
from perlinsos.ledger.work import DETERMINE, find_work, make_key
from perlinsos.operations.calendar import ZONES
from perlinsos.watch.explaining import find_counting
from perlinsos.watch.troubles import RefusedDelivery, read_refused

_LISTS = (
    "select l.list_id, l.programme, l.state::text, w.opens_at, w.closes_at, w.zone, "
    "(select jsonb_build_object('revision', r.revision, 'status', r.status, 'list_digest', r.list_digest) "
    "from list_revision as r where r.list_id = l.list_id and r.state = 'published' "
    "order by r.published_at desc, r.revision desc limit 1) as newest "
    "from list as l left join objection_window as w on w.list_id = l.list_id and w.window_number = 1 "
    "where l.cycle_id = %s order by l.programme"
)


def read_status(ctx: Context) -> list[dict[str, Any]]:
    """One entry a region and stage: key, purpose, states of its lists, reason, next command, refused deliveries,
    and the consumers that do not hold the newest revision of a list that is for them.

    `next_command` is empty where nothing is to be done. Times are in the region's own zone.
    """
    with ctx.connect("reader") as connection:
        waiting = {
            row["cycle_id"]: row["waiting_reason"] for row in fetch_rows(connection, "select cycle_id, waiting_reason from cycle")
        }
        refused = {row["scope"]: row["n"] for row in fetch_rows(connection, _REFUSED)}
        unread = {row["scope"]: row["n"] for row in fetch_rows(connection, _UNREAD)}
        consumers, troubles = read_consumers(connection), read_refused(connection)
        found = []
        for cycle in read_cycles(connection):
            lists = [_in_zone(row, cycle.zone) for row in fetch_rows(connection, _LISTS, [cycle.cycle_id])]
            work = find_work(connection, DETERMINE, cycle.region_code, cycle.stage)
            being_read = unread.get(cycle.region_code, 0) + unread.get(NATIONAL, 0)
            seen = _Seen(cycle, lists, work, waiting[cycle.cycle_id], being_read, consumers, troubles, ctx.at)
            reason, command = _explain(seen)
            found.append(
                {
                    "region": cycle.region_code,
                    "stage": cycle.stage,
                    "purpose": cycle.purpose,
                    "lists": lists,
                    "work": work["state"] if work else None,
                    "input_set": work["input_set_digest"] if work else None,
                    "reason": reason,
                    "next_command": command,
                    "refused_deliveries": refused.get(cycle.region_code, 0),
                    "undelivered": find_undelivered(connection, cycle.cycle_id),
                }
            )
    return found


@dataclass(frozen=True)
class _Seen:
    """All that the words about one region and stage are made of."""

    cycle: Cycle
    lists: list[dict[str, Any]]
    work: dict[str, Any] | None
    waiting: str | None
    being_read: int
    consumers: list[Consumer]
    troubles: list[RefusedDelivery]
    at: datetime

    @property
    def states(self) -> set[str]:
        return {entry["state"] for entry in self.lists}


def _in_zone(row: dict[str, Any], zone: str) -> dict[str, Any]:
    """A list with its window's times as the region's clocks show them."""
    times = {name: row[name].astimezone(ZoneInfo(ZONES[zone])) for name in ("opens_at", "closes_at") if row[name]}
    return row | times


_UNREAD = "select scope, count(*) as n from delivery where state = 'landed' group by scope"
_REFUSED = (
    "select scope, count(*) as n from delivery as d where state = 'refused' and not exists (select from delivery as l "
    "where l.source_id = d.source_id and l.scope = d.scope and l.state = 'accepted' "
    "and (l.snapshot_date, l.suffix) >= (d.snapshot_date, d.suffix)) group by scope"
)


def _explain(seen: _Seen) -> tuple[str, str]:
    """Why it stands where it stands, and the command that helps; empty where it goes on by itself."""
    cycle, waiting, work = seen.cycle, seen.waiting, seen.work
    if refused := _find_refused(seen):
        return f"{refused.source} of {refused.snapshot_date} is refused: {refused.what}", refused.command
    if waiting and "decree tim" in waiting:
        return waiting, "perlinsos decree add FILE"
    if waiting and "the backfill" in waiting:
        return waiting, "perlinsos backfill status"
    if waiting and (seen.being_read or "are being read" in waiting):
        left = f" ({seen.being_read} to go)" if seen.being_read else ""
        return f"deliveries have arrived and are being read{left}; nothing is to be done", ""
    if waiting:
        return waiting, f"perlinsos region check {cycle.region_code} --stage {cycle.stage}"
    if work is not None and work["state"] == "failed":
        return (
            f"refused: {work['error'].get('what', '')}",
            f"perlinsos dispatch --retry '{make_key(cycle.region_code, cycle.stage)}'",
        )
    if work is not None and work["state"] == "claimed":
        return "it is being determined; nothing is to be done", ""
    if work is not None and work["state"] == "due":
        return "it is due and begins by itself; nothing is to be done", ""
    return _explain_lists(seen)


def _find_refused(seen: _Seen) -> RefusedDelivery | None:
    """The refused delivery that the pages name too: of the region, or a national one that its inputs wait for."""
    cycle, lacks_input = seen.cycle, seen.work is None
    own = [one for one in seen.troubles if one.scope == cycle.region_code]
    national = [one for one in seen.troubles if one.scope == NATIONAL and lacks_input]
    required = [one["source"] for one in cycle.required]
    return find_counting(own, cycle.cut_off) or find_counting(national, cycle.cut_off, required)


def _explain_lists(seen: _Seen) -> tuple[str, str]:
    """The same where no work waits: what its lists say."""
    if seen.states == {"planned"}:
        return "no tick of dispatch has seen it yet", "perlinsos dispatch"
    if "simulation" in seen.states:
        return "without a decree kuota it can only be a simulation", "perlinsos decree add FILE"
    if "provisional" in seen.states:
        closes = max(entry["closes_at"] for entry in seen.lists if entry["closes_at"])
        return f"objections are open until {_say(closes, seen.cycle)}", _fetch(seen)
    if "determined" in seen.states:
        return _explain_determined(seen), _fetch(seen)
    if "window_closed" in seen.states:
        closed = [entry["closes_at"] for entry in seen.lists if entry["closes_at"]]
        since = f" since {_say(max(closed), seen.cycle)}" if closed else ""
        return f"published; objections are closed{since}", _fetch(seen)
    return "", _fetch(seen)


def _explain_determined(seen: _Seen) -> str:
    if seen.cycle.purpose == "backfill":
        return "published; a backfilled stage opens no window for objections"
    if seen.at < seen.cycle.announce_at:
        return f"published; objections open at the announcement, {_say(seen.cycle.announce_at, seen.cycle)}"
    return "published; the day of the announcement is past, so the next tick of dispatch opens its window"


def _say(moment: datetime, cycle: Cycle) -> str:
    """A moment as the region's clocks show it: 2026-02-02 23:59 WIB."""
    return f"{moment.astimezone(ZoneInfo(ZONES[cycle.zone])):%Y-%m-%d %H:%M} {cycle.zone}"


def _fetch(seen: _Seen) -> str:
    """How a list is fetched: the copy of a consumer whose scope holds it, else the authoritative list."""
    if not seen.lists:
        return ""
    region = seen.cycle.region_code
    copies = (
        (one["list_id"], f" --consumer {consumer.consumer_id}")
        for one in seen.lists
        for consumer in seen.consumers
        if consumer.gets(region, one["programme"])
    )
    list_id, consumer = next(copies, (seen.lists[0]["list_id"], ""))
    return f"perlinsos snapshot fetch {list_id}{consumer} --out DIR"
