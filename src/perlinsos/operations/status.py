"""Status: region by stage, what it waits for, and the next command."""

from __future__ import annotations

from typing import Any

from perlinsos.ledger.connection import fetch_rows
from perlinsos.ledger.cycles import read_cycles
from perlinsos.ledger.work import DETERMINE, find_work, make_key
from perlinsos.operations.context import Context

_LISTS = (
    "select l.list_id, l.programme, l.state::text, w.opens_at, w.closes_at, w.zone, "
    "(select jsonb_build_object('revision', r.revision, 'status', r.status, 'list_digest', r.list_digest) "
    "from list_revision as r where r.list_id = l.list_id and r.state = 'published' "
    "order by r.published_at desc, r.revision desc limit 1) as newest "
    "from list as l left join objection_window as w on w.list_id = l.list_id and w.window_number = 1 "
    "where l.cycle_id = %s order by l.programme"
)


def read_status(ctx: Context) -> list[dict[str, Any]]:
    """One entry a region and stage: key, purpose, states of its lists, reason, next command, refused deliveries."""
    with ctx.connect("reader") as connection:
        found = []
        waiting = {
            row["cycle_id"]: row["waiting_reason"] for row in fetch_rows(connection, "select cycle_id, waiting_reason from cycle")
        }
        refused = {row["scope"]: row["n"] for row in fetch_rows(connection, _REFUSED)}
        for cycle in read_cycles(connection):
            lists = fetch_rows(connection, _LISTS, [cycle.cycle_id])
            work = find_work(connection, DETERMINE, cycle.region_code, cycle.stage)
            reason, command = _explain(cycle.region_code, cycle.stage, lists, work, waiting[cycle.cycle_id])
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
                }
            )
    return found


_REFUSED = (
    "select scope, count(*) as n from delivery as d where state = 'refused' and not exists (select from delivery as l "
    "where l.source_id = d.source_id and l.scope = d.scope and l.state = 'accepted' "
    "and (l.snapshot_date, l.suffix) >= (d.snapshot_date, d.suffix)) group by scope"
)


def _explain(
    region: str, stage: str, lists: list[dict[str, Any]], work: dict[str, Any] | None, waiting: str | None
) -> tuple[str, str]:
    """Why it stands where it stands, and the command that helps."""
    states = {entry["state"] for entry in lists}
    if waiting and "decree tim" in waiting:
        return waiting, "perlinsos decree add FILE"
    if waiting and "the backfill" in waiting:
        return waiting, "perlinsos backfill status"
    if waiting:
        return waiting, f"perlinsos region check {region} --stage {stage}"
    if work is not None and work["state"] == "failed":
        return f"refused: {work['error'].get('what', '')}", f"perlinsos dispatch --retry '{make_key(region, stage)}'"
    if work is not None and work["state"] in ("due", "claimed"):
        return "it is being determined" if work["state"] == "claimed" else "it is due", "perlinsos status"
    if states == {"planned"}:
        return "no tick of dispatch has seen it yet", "perlinsos dispatch"
    if "simulation" in states:
        return "without a decree kuota it can only be a simulation", "perlinsos decree add FILE"
    if "provisional" in states:
        closes = max(entry["closes_at"] for entry in lists if entry["closes_at"])
        return f"objections are open until {closes:%Y-%m-%d}", f"perlinsos snapshot fetch {lists[0]['list_id']} --out DIR"
    if "determined" in states:
        return "published; its window opens at the announcement", "perlinsos dispatch"
    return "", f"perlinsos snapshot fetch {stage}/{region}/{lists[0]['programme']}" if lists else ""
