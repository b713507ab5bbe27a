"""How far the stages of each backfill are, from the ledger alone."""

from __future__ import annotations

from typing import Any

from perlinsos.context import Context
from perlinsos.errors import Refused
from perlinsos.ledger import backfills
from perlinsos.ledger.connection import Connection, fetch_rows
from perlinsos.ledger.work import make_key
from perlinsos.operations.backfill.record import plan_command

_WORK = {"due": "DUE", "claimed": "RUNNING", "done": "DONE", "failed": "FAILED"}
_OPEN = ("WAITING", "DUE", "RUNNING", "FAILED")


def read_backfill_status(ctx: Context, region: str | None = None, backfill_id: str | None = None) -> list[dict[str, Any]]:
    """Each backfill (of a region, or one) with its record, its state and its stages.

    A stage is WAITING (for the next tick of dispatch, or for what `why` names), DUE, RUNNING, DONE (with its lists),
    FAILED, CANCELLED, REPLACED (by a later plan), KEEP or BLOCKED; `next_command` helps where one can. The backfill is
    `running`, `done` or `cancelled`. Refused where the one that is asked for is not there.
    """
    with ctx.connect("reader") as connection:
        found = backfills.read_backfills(connection, region)
        found = [one for one in found if backfill_id in (None, one["backfill_id"])]
        if backfill_id and not found:
            raise Refused(f"there is no backfill {backfill_id}", remedy="perlinsos backfill status")
        for one in found:
            one["stages"] = [_describe(connection, one, stage) for stage in one["stages"]]
            states = {stage["state"] for stage in one["stages"]}
            one["state"] = "running" if states & set(_OPEN) else ("cancelled" if one["cancelled_at"] else "done")
    return found


def _describe(connection: Connection, backfill: dict[str, Any], stage: dict[str, Any]) -> dict[str, Any]:
    """One stage with its state, why, the command that helps, and its lists from this input set."""
    region, name = backfill["region_code"], stage["stage"]
    found = {"stage": name, "state": stage["action"], "why": stage["why"], "next_command": stage["remedy"], "lists": []}
    found["input_set"] = stage["input_set"]
    if stage["input_set"]:
        found["lists"] = fetch_rows(connection, _LISTS, [f"{name}/{region}", stage["input_set"]])
    if stage["action"] != "RUN":
        return found
    if stage["is_cancelled"]:
        return found | {"state": "CANCELLED", "why": f"cancelled by {backfill['cancelled_by']} before it began"}
    again = plan_command(region, name, name)
    work = fetch_rows(connection, _WORK_OF, [region, name, stage["input_set"]])
    if not work:
        waits = fetch_rows(connection, "select waiting_reason from cycle where cycle_id = %s", [f"{name}/{region}"])
        why = (waits[0]["waiting_reason"] if waits else None) or "the next tick of dispatch freezes it"
        return found | {"state": "WAITING", "why": why, "next_command": again if "no longer" in why else "perlinsos status"}
    if work[0]["state"] == "superseded":
        return found | {"state": "REPLACED", "why": "another input set took its place"}
    found |= {"state": _WORK[work[0]["state"]], "why": "", "next_command": ""}
    if found["state"] == "FAILED":
        retry = f"perlinsos dispatch --retry '{make_key(region, name)}'"
        found |= {"why": work[0]["error"].get("what", ""), "next_command": retry}
    return found


_WORK_OF = (
    "select state, error from work where kind = 'determine' and region_code = %s and stage = %s and input_set_digest = %s "
    "order by (state = 'superseded'), work_id desc limit 1"
)
_LISTS = (
    "select r.list_id, r.track, r.revision, r.status, r.list_digest from list_revision as r join list as l using (list_id) "
    "where l.cycle_id = %s and r.state = 'published' and (r.input_set_digest = %s or r.revision = (select max(n.revision) "
    "from list_revision as n where n.list_id = r.list_id and n.track = r.track and n.state = 'published')) "
    "order by r.list_id, r.track, r.revision"
)
