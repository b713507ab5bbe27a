"""Backfills in the ledger: the reviewed plans, their stages, and which input set a past stage is decided from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from perlinsos.errors import Conflict
from perlinsos.ledger.connection import Connection, call, call_rows, fetch_rows


@dataclass(frozen=True)
class Pin:
    """What the newest plan says of a stage that it runs: decided from this input set, unless it was cancelled."""

    backfill_id: str
    input_set_digest: str
    is_cancelled: bool


def lock_region(connection: Connection, region: str) -> None:
    """Hold the region's plans until the transaction ends, as registrar. Conflict where another apply is at work."""
    if not call(connection, "lock_backfill", [region]):
        raise Conflict(
            "another backfill of this region is being applied at this moment",
            where=region,
            remedy="perlinsos backfill status; then plan again if something is still to be done",
        )


def apply_plan(
    connection: Connection, entry: dict[str, Any], stages: Sequence[dict[str, Any]], document: str, at: datetime
) -> bool:
    """Write a reviewed plan and register its cycles in one act, as registrar. False where it was applied before."""
    return bool(call(connection, "apply_backfill", [entry, list(stages), document, at]))


def cancel_plan(connection: Connection, backfill_id: str, who: str, at: datetime) -> list[str]:
    """Take back the stages that nobody has begun, as registrar; gives them. Refused where there is no such backfill."""
    return [row["cancel_backfill"] for row in call_rows(connection, "cancel_backfill", [backfill_id, who, at])]


def is_applied(connection: Connection, backfill_id: str) -> bool:
    """Whether a plan is in the ledger."""
    return bool(fetch_rows(connection, "select 1 from backfill where backfill_id = %s", [backfill_id]))


def read_pin(connection: Connection, region: str, stage: str) -> Pin | None:
    """What the plan that was applied last says of a stage; None where no plan runs it."""
    rows = fetch_rows(
        connection,
        "select b.backfill_id, s.input_set_digest, s.cancelled_at is not null as is_cancelled "
        "from backfill_stage as s join backfill as b using (backfill_id) "
        "where b.region_code = %s and s.stage = %s and s.action = 'RUN' order by b.number desc limit 1",
        [region, stage],
    )
    return Pin(**rows[0]) if rows else None


def read_backfills(connection: Connection, region: str | None = None) -> list[dict[str, Any]]:
    """The reviewed plans, newest first, each with its stages in order."""
    rows = fetch_rows(
        connection,
        "select b.backfill_id, b.region_code, b.first_stage, b.last_stage, b.reason, b.watcher, b.reviewer, b.planned_at, "
        "b.applied_at, b.cancelled_at, b.cancelled_by, b.plan_digest, (select jsonb_agg(jsonb_build_object('stage', s.stage, "
        "'action', s.action, 'why', s.why, 'remedy', s.remedy, 'input_set', s.input_set_digest, "
        "'is_cancelled', s.cancelled_at is not null) order by s.stage) "
        "from backfill_stage as s where s.backfill_id = b.backfill_id) as stages from backfill as b "
        "where %(region)s::text is null or b.region_code = %(region)s order by b.number desc",
        {"region": region},
    )
    return rows
