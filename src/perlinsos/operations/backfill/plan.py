"""Planning a backfill: for each past stage, whether it would run, stays as it is, or what it waits for. Changes nothing.

What it asks is what `dispatch` asks, by the same functions: so a stage that is to RUN names the very input set that
will be frozen. Batches count by snapshot date up to the stage's cut-off, whatever their arrival.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from perlinsos.context import Context
from perlinsos.errors import Refused
from perlinsos.ledger import backfills, cycles
from perlinsos.ledger.connection import Connection, fetch_rows
from perlinsos.ledger.cycles import Cycle, ListState
from perlinsos.ledger.deliveries import Batch, read_batches_until
from perlinsos.ledger.records import CycleRecord
from perlinsos.ledger.work import DETERMINE, find_work, make_key
from perlinsos.model.stages import Stage
from perlinsos.operations.backfill.estimate import Measured, describe_basis, estimate_seconds, read_measured
from perlinsos.operations.backfill.record import BackfillRecord, PlannedStage, parse_range
from perlinsos.operations.calendar import ZONES, local_day
from perlinsos.operations.dispatch import BEFORE_WINDOW, decide_statuses, keep_existing
from perlinsos.operations.inputs import build_input_set, find_obstacle, pick_in_force


@dataclass(frozen=True)
class _Region:
    """What the region's record says, its cycles by stage, and what was measured."""

    row: dict[str, Any]
    known: dict[str, Cycle]
    template: CycleRecord
    measured: Measured
    today: date
    batches_until: Callable[[date], list[Batch]]


def make_plan(
    ctx: Context, region: str, first: str, last: str, *, reason: str, watcher: str, template: CycleRecord | None = None
) -> BackfillRecord:
    """The plan for a region's stages `first` to `last` as things stand now.

    `template`: a cycle to make the stages' own from; default: the region's newest. Refused where the region is not
    registered, or where there is no cycle to take as a model.
    """
    stages = parse_range(first, last)
    with ctx.connect("decider") as connection:
        found = _read_region(ctx, connection, region, template)
        planned = tuple(plan_stage(ctx, connection, found, stage) for stage in stages)
    words = {"backfill": "", "digest": "", "region": region, "from": first, "until": last, "planned_at": ctx.at}
    words |= {"reason": reason, "watcher": watcher, "estimate": describe_basis(found.measured, region)}
    return BackfillRecord.model_validate(words | {"template": found.template, "stages": planned}).signed()


def _read_region(ctx: Context, connection: Connection, region: str, template: CycleRecord | None) -> _Region:
    """Everything that all stages of a region share."""
    rows = fetch_rows(connection, "select region_code, zone, scope, programmes from region where region_code = %s", [region])
    if not rows:
        raise Refused(f"the region {region} is not registered", remedy="perlinsos region add FILE")
    known = {cycle.stage: cycle for cycle in cycles.read_cycles(connection) if cycle.region_code == region}
    if template is None:
        if not known:
            remedy = "name a cycle to take as a model: --cycle FILE, such as demo/cycle-35.10-2026-T1.yaml"
            raise Refused(f"the region {region} has no cycle", why="the past stages' cycles are made after one", remedy=remedy)
        template = as_record(known[max(known)])

    @lru_cache
    def batches_until(cut_off: date) -> list[Batch]:
        return pick_in_force(read_batches_until(connection, cut_off))

    today = local_day(ctx.at, rows[0]["zone"])
    return _Region(rows[0], known, template, read_measured(connection), today, batches_until)


def as_record(cycle: Cycle) -> CycleRecord:
    """A cycle of the ledger as the record that it was read from; the announcement in the region's own time."""
    announce_at = cycle.announce_at.astimezone(ZoneInfo(ZONES[cycle.zone]))
    found = {"region": cycle.region_code, "announce_at": announce_at}
    names = ("stage", "purpose", "cut_off", "required", "window_months", "lottery_seed_rule", "settings")
    return CycleRecord.model_validate(found | {name: getattr(cycle, name) for name in names})


def follow_template(template: CycleRecord, region: str, stage: Stage) -> CycleRecord:
    """The cycle of a past stage: the template's, its days as far from the stage's first day as the template's own are."""
    shift: timedelta = stage.as_of - Stage.parse(template.stage).as_of
    changed = {"region": region, "stage": str(stage), "purpose": "backfill", "cut_off": template.cut_off + shift}
    return template.model_copy(update=changed | {"announce_at": template.announce_at + shift})


def plan_stage(ctx: Context, connection: Connection, region: _Region, stage: Stage) -> PlannedStage:
    """What would be done with one stage."""
    known = region.known.get(str(stage))
    if known is not None and known.purpose == "live":
        return PlannedStage(stage=str(stage), action="KEEP", why="it has a live cycle, which dispatch brings")
    record = follow_template(region.template, region.row["region_code"], stage)
    cycle = known or _as_cycle(record, region.row)
    lists, left_out = keep_existing(ctx, cycle, _lists_of(connection, cycle, region, is_known=known is not None))
    if left_out and not lists:
        return PlannedStage(stage=str(stage), action="KEEP", why=left_out)
    if any(one.state not in ("planned", *BEFORE_WINDOW) for one in lists):
        return PlannedStage(stage=str(stage), action="KEEP", why="its lists went further than a backfill may touch")
    covered = cycles.read_team(connection, cycle, region.today)
    counted = _begin(lists, covered)
    if not counted:
        why = f"no decree tim is in force for {cycle.region_code} on {region.today}"
        return PlannedStage(stage=str(stage), action="BLOCKED", why=why, remedy="perlinsos decree add FILE")
    if obstacle := find_obstacle(ctx, connection, cycle, region.today, region.batches_until):
        remedy = f"perlinsos region check {cycle.region_code} --stage {stage}"
        return PlannedStage(stage=str(stage), action="BLOCKED", why=obstacle, remedy=remedy)
    planned = _compare(ctx, connection, region, cycle, None if known else record, counted)
    return planned.model_copy(update={"why": f"{planned.why}; {left_out}"}) if left_out else planned


def _as_cycle(record: CycleRecord, region: dict[str, Any]) -> Cycle:
    """The cycle that a record would be in the ledger."""
    return Cycle(
        f"{record.stage}/{record.region}", record.region, record.stage, record.purpose, record.cut_off,
        [required.model_dump() for required in record.required], record.announce_at, record.window_months,
        record.lottery_seed_rule, dict(record.settings), None, region["zone"], region["scope"],
    )  # fmt: skip


def _lists_of(connection: Connection, cycle: Cycle, region: _Region, *, is_known: bool) -> list[ListState]:
    """The cycle's lists, or those that it would have."""
    if is_known:
        return cycles.read_lists(connection, cycle.cycle_id)
    names = sorted(region.row["programmes"])
    return [ListState(f"{cycle.cycle_id}/{name}", name, "planned", None, None) for name in names]


def _begin(lists: list[ListState], covered: set[str] | None) -> list[ListState]:
    """The lists that dispatch would count: those that a team may begin, and those that were begun. None without a team."""
    working = [one for one in lists if covered is not None and (not covered or one.programme in covered)]
    return [one for one in lists if working and (one in working or one.state != "planned")]


def _compare(
    ctx: Context, connection: Connection, region: _Region, cycle: Cycle, record: CycleRecord | None, lists: list[ListState]
) -> PlannedStage:
    """RUN where today's input set is another than that of the work in force, else KEEP; BLOCKED where that was refused."""
    quotas = cycles.read_quotas(connection, cycle, Stage.parse(cycle.stage).as_of)
    programmes = sorted(one.programme for one in lists)
    wanted = build_input_set(ctx, cycle, programmes, region.batches_until(cycle.cut_off), quotas)
    statuses = decide_statuses(ctx, lists, wanted)
    work = find_work(connection, DETERMINE, cycle.region_code, cycle.stage)
    pin = backfills.read_pin(connection, cycle.region_code, cycle.stage)
    planned = PlannedStage(stage=cycle.stage, action="KEEP", why="", input_set=wanted.digest, statuses=statuses)
    if work is not None and (work["input_set_digest"], work["statuses"]) == (wanted.digest, statuses):
        return planned.model_copy(update=_describe_work(cycle, work))
    if pin is not None and not pin.is_cancelled and work is None and pin.input_set_digest == wanted.digest:
        return planned.model_copy(update={"why": f"the backfill {pin.backfill_id} brings it"})
    why = "there is no list yet" if work is None else "it was determined from other inputs"
    seconds = estimate_seconds(region.measured, cycle.region_code, wanted)
    return planned.model_copy(update={"action": "RUN", "why": why, "cycle": record, "estimate_seconds": seconds})


def _describe_work(cycle: Cycle, work: dict[str, Any]) -> dict[str, Any]:
    """What is to be said of work on these very inputs: it is done, on its way, or was refused."""
    if work["state"] == "failed":
        remedy = f"perlinsos dispatch --retry '{make_key(cycle.region_code, cycle.stage)}'"
        return {"action": "BLOCKED", "why": f"refused: {work['error'].get('what', '')}", "remedy": remedy}
    is_done = work["state"] == "done"
    return {"why": "it was determined from these inputs" if is_done else "it is being determined from these inputs"}
