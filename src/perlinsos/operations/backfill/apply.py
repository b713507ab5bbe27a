"""Applying a reviewed plan, and cancelling it. Neither computes: `dispatch` and `determine` do the work."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Any, Literal

from perlinsos.context import Context
from perlinsos.errors import Conflict, Refused, WrongUsage
from perlinsos.ledger import backfills
from perlinsos.operations.backfill.plan import make_plan
from perlinsos.operations.backfill.record import BackfillRecord, PlannedStage, plan_command, write_cycle
from perlinsos.operations.region_programmes import list_absent
from perlinsos.operations.rule_files import load_today

Applied = Literal["applied", "unchanged", "nothing to do"]


def apply_plan(ctx: Context, record: BackfillRecord, document: str, reviewer: str | None = None) -> Applied:
    """Write the plan into the ledger and register its cycles, all in one transaction: `applied`; `unchanged` where it
    was before, `nothing to do` where all stages stay as they are.

    `document` is the text that the reviewer saw. Raises Conflict where anything that the plan says is no longer so, or
    where another plan of the region is being applied; Refused where all that is to do is blocked; WrongUsage without a
    reviewer.
    """
    with ctx.connect("registrar") as connection:
        backfills.lock_region(connection, record.region)
        if backfills.is_applied(connection, record.backfill):
            return "unchanged"
        name = _check_reviewer(record, reviewer)
        _check_unchanged(ctx, record)
        if not _find_runs(record):
            return "nothing to do"
        entry = {
            "backfill_id": record.backfill,
            "region_code": record.region,
            "first_stage": record.first,
            "last_stage": record.last,
            "reason": record.reason,
            "watcher": record.watcher,
            "reviewer": name,
            "planned_at": record.planned_at.isoformat(),
            "plan_digest": record.digest,
        }
        is_new = backfills.apply_plan(
            connection, entry, [_as_entry(ctx, record.region, one) for one in record.stages], document, ctx.at
        )
        return "applied" if is_new else "unchanged"


def cancel(ctx: Context, backfill_id: str, who: str) -> list[str]:
    """Take back the stages that nobody has begun; gives them. What has begun ends as it would have."""
    with ctx.connect("registrar") as connection:
        return backfills.cancel_plan(connection, backfill_id, who, ctx.at)


def _check_reviewer(record: BackfillRecord, reviewer: str | None) -> str:
    """Who has read the plan: another person than the watcher."""
    name = (reviewer or record.reviewed_by or "").strip()
    if not name:
        raise WrongUsage("nobody has reviewed this plan", where=record.backfill, remedy="add --reviewer NAME")
    if _letters(name) == _letters(record.watcher):
        why = "the watcher has made it, so a second person reads it"
        raise Refused("a plan is not reviewed by its watcher", where=record.backfill, why=why, remedy="--reviewer NAME")
    return name


def _letters(name: str) -> str:
    """What is left of a name when case, spaces and what nobody sees are gone."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", name).casefold() if letter.isalnum())


def _check_unchanged(ctx: Context, record: BackfillRecord) -> None:
    """Make the plan again and compare, stage by stage."""
    words = {"reason": record.reason, "watcher": record.watcher}
    now = make_plan(ctx, record.region, record.first, record.last, template=record.template, **words)
    changed = [] if len(record.stages) == len(now.stages) else [f"it has {len(record.stages)} stages of {len(now.stages)}"]
    pairs = zip(record.stages, now.stages, strict=not changed)
    changed += [_describe_change(then, today) for then, today in pairs if then.essence != today.essence]
    if changed:
        raise Conflict(
            "the plan is no longer what would be done",
            where=record.backfill,
            why="; ".join(changed),
            remedy=plan_command(record.region, record.first, record.last),
        )


def _find_runs(record: BackfillRecord) -> list[PlannedStage]:
    """The stages that run. Refused where there is none, and something is blocked."""
    runs = [stage for stage in record.stages if stage.action == "RUN"]
    blocked = [stage for stage in record.stages if stage.action == "BLOCKED"]
    if blocked and not runs:
        why = "; ".join(f"{stage.stage}: {stage.why}" for stage in blocked)
        raise Refused("nothing of this plan can run", where=record.backfill, why=why, remedy=blocked[0].remedy)
    return runs


def _describe_change(then: PlannedStage, now: PlannedStage) -> str:
    if then.action != now.action:
        return f"{then.stage} was {then.action} and is {now.action} ({now.why})"
    return f"{then.stage} would be decided from other inputs"


def _as_entry(ctx: Context, region: str, stage: PlannedStage) -> dict[str, Any]:
    """A stage as the ledger takes it, with the cycle's record where one is to be registered."""
    entry: dict[str, Any] = {
        "stage": stage.stage,
        "action": stage.action,
        "why": stage.why,
        "remedy": stage.remedy,
        "input_set_digest": stage.input_set,
        "cycle": None,
    }
    if stage.action == "RUN" and stage.cycle is not None:
        text = write_cycle(stage.cycle)
        cycle = stage.cycle.model_dump(mode="json")
        cycle["region_code"] = cycle.pop("region")
        cycle["absent"] = list_absent(load_today(ctx), region, stage.stage)
        entry |= {"cycle": cycle, "record_digest": hashlib.sha256(text.encode()).hexdigest(), "record_document": text}
    return entry
