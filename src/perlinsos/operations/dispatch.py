"""Dispatch: one tick for every cycle. Opens and closes windows, freezes input sets, asks for work, calls for due keys.

Each cycle in one transaction of its own under its own lock: two dispatches at once are safe, and what is wrong with
one region is its own. The only clock is the time of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache
from typing import Any

from perlinsos.context import Context
from perlinsos.errors import PerlinsosError, Unreachable
from perlinsos.ledger import backfills, cycles, input_sets
from perlinsos.ledger.connection import Connection, call, call_rows, fetch_rows
from perlinsos.ledger.cycles import Cycle, ListState
from perlinsos.ledger.deliveries import Batch, read_batches_until
from perlinsos.ledger.outcomes import measure
from perlinsos.ledger.work import DETERMINE, find_work, make_key, read_due
from perlinsos.model.rule_folder import find_excluders, find_without_quota
from perlinsos.model.stages import Stage
from perlinsos.operations.calendar import Holidays, close_window, load_holidays, local_day
from perlinsos.operations.inputs import build_input_set, find_obstacle, pick_in_force, repair_input_set
from perlinsos.operations.region_programmes import describe_absent, find_absent
from perlinsos.operations.rule_files import load_pinned, load_today

BACKFILLS_AT_ONCE = 2
OPEN, BEFORE_WINDOW = "provisional", ("collecting", "determined", "simulation")


def advance(ctx: Context, *, is_calling: bool = True) -> dict[str, Any]:
    """Advance every cycle by one tick. Gives {"keys": due keys, live before backfill, "errors": key → words,
    "frozen": keys with a new input set}. Raises only where ledger or store cannot be reached.

    The caller starts the work of these keys: the ledger notes that it was called for, and calls again after the lease.
    With `is_calling` False (a person's tick, which starts nothing) the keys are only read.
    """
    result: dict[str, Any] = {"keys": [], "errors": {}, "frozen": []}
    with measure(ctx.connect, "decider", "dispatch", "all") as measured:
        holidays = load_holidays(ctx.settings.folder("reference") / "holidays.csv")
        with ctx.connect("decider") as connection:
            known = cycles.read_cycles(connection)

        @lru_cache
        def batches_until(cut_off: date) -> list[Batch]:
            with ctx.connect("decider") as connection:
                return pick_in_force(read_batches_until(connection, cut_off))

        for cycle in known:
            key = make_key(cycle.region_code, cycle.stage)
            try:
                if _advance_cycle(ctx, cycle, holidays, batches_until):
                    result["frozen"].append(key)
            except Unreachable:
                raise
            except Exception as error:  # the next region must not wait; the reason is kept where people look
                result["errors"][key] = _keep_error(ctx, cycle, error)
        with ctx.connect("decider") as connection:
            if is_calling:
                wanted = [DETERMINE, ctx.at, ctx.settings.lease_seconds, BACKFILLS_AT_ONCE]
                result["keys"] = [row["emit_work"] for row in call_rows(connection, "emit_work", wanted)]
            else:
                result["keys"] = read_due(connection, DETERMINE)
        measured.counts = {"cycles": len(known), **{name: len(found) for name, found in result.items()}}
        measured.state = "done" if result["keys"] or result["frozen"] or result["errors"] else "nothing_new"
    return result


def _keep_error(ctx: Context, cycle: Cycle, error: Exception) -> str:
    """Write a cycle's error where `status` shows it; of an unforeseen one only its type, since it may quote a value."""
    words = error.what if isinstance(error, PerlinsosError) else f"unforeseen error: {type(error).__name__}"
    with ctx.connect("decider") as connection:
        cycles.set_waiting(connection, cycle.cycle_id, f"error: {words}")
    return words


def _advance_cycle(ctx: Context, cycle: Cycle, holidays: Holidays, batches_until: Callable[[date], list[Batch]]) -> bool:
    """One cycle, one transaction. True where a new input set was frozen."""
    with ctx.connect("decider") as connection:
        call(connection, "lock_cycle", [cycle.cycle_id])
        today = local_day(ctx.at, cycle.zone)
        _close_windows(ctx, connection, cycle)
        lists, reason = _start_collecting(ctx, connection, cycle, today)
        if lists and not reason:
            _open_windows(ctx, connection, cycle, holidays)
            frozen, reason = _freeze(ctx, connection, cycle, today, batches_until)
        else:
            frozen = False
        cycles.set_waiting(connection, cycle.cycle_id, reason)
        return frozen


def _start_collecting(ctx: Context, connection: Connection, cycle: Cycle, today: date) -> tuple[list[ListState], str | None]:
    """The lists that a team may work on; planned ones begin to collect. A reason where no decree `tim` is in force."""
    covered = cycles.read_team(connection, cycle, today)
    lists = cycles.read_lists(connection, cycle.cycle_id)
    working = [one for one in lists if covered is not None and (not covered or one.programme in covered)]
    if not working:
        return [], f"no decree tim is in force for {cycle.region_code} on {today}"
    planned = [one for one in working if one.state == "planned"]
    beginning, reason = keep_existing(ctx, cycle, planned) if planned else ([], None)
    for one in beginning:
        cycles.move_list(connection, one.list_id, "collecting", "a decree tim is in force", ctx.at)
    begun = [one for one in working if one not in planned] + beginning
    return begun, None if begun else reason


def keep_existing(ctx: Context, cycle: Cycle, lists: list[ListState]) -> tuple[list[ListState], str | None]:
    """The lists whose programmes exist at the cycle's stage, and in words which do not, where some do not or none is left."""
    absent = find_absent(load_today(ctx), cycle.region_code, cycle.stage, [one.programme for one in lists])
    there = [one for one in lists if one.programme not in absent]
    return there, describe_absent(absent, cycle.stage) if absent or not there else None


def _close_windows(ctx: Context, connection: Connection, cycle: Cycle) -> None:
    """Close the windows whose last second is over."""
    rows = fetch_rows(
        connection,
        "select w.list_id, w.window_number, l.state from objection_window as w join list as l using (list_id) "
        "where l.cycle_id = %s and w.closed_seen_at is null and w.closes_at < %s order by w.list_id, w.window_number",
        [cycle.cycle_id, ctx.at],
    )
    for row in rows:
        call(connection, "close_window", [row["list_id"], row["window_number"], ctx.at])
        if row["window_number"] == 1 and row["state"] == OPEN:
            cycles.move_list(connection, row["list_id"], "window_closed", "the window is over", ctx.at)


def _open_windows(ctx: Context, connection: Connection, cycle: Cycle, holidays: Holidays) -> None:
    """Open the window of each list whose newest input set is published: at the later of the cycle's `announce_at` and
    the dispatch time that saw it. A backfilled stage opens none."""
    work = find_work(connection, DETERMINE, cycle.region_code, cycle.stage)
    if cycle.purpose != "live" or work is None or work["state"] != "done":
        return
    for one in cycles.read_lists(connection, cycle.cycle_id):
        if one.state != "determined" or one.published is None or work["statuses"].get(one.programme) != OPEN:
            continue
        call(connection, "settle_list", [one.list_id, ctx.at])
        opens_at = max(cycle.announce_at, one.settled_at or ctx.at)
        if opens_at > ctx.at:
            continue
        closes_at = close_window(opens_at, cycle.window_months, cycle.zone, holidays)
        call(connection, "open_window", [one.list_id, one.published, opens_at, closes_at, cycle.zone])
        cycles.move_list(connection, one.list_id, OPEN, "the window opens", ctx.at)


def _freeze(
    ctx: Context, connection: Connection, cycle: Cycle, today: date, batches_until: Callable[[date], list[Batch]]
) -> tuple[bool, str | None]:
    """Freeze a new input set where something changed that may still count, and ask for the work on it."""
    lists = [one for one in cycles.read_lists(connection, cycle.cycle_id) if one.state in (OPEN, *BEFORE_WINDOW)]
    pin = backfills.read_pin(connection, cycle.region_code, cycle.stage) if cycle.purpose == "backfill" else None
    if not lists or (pin is not None and _has_begun(connection, cycle, pin)):
        return False, None
    if pin is not None and pin.is_cancelled:
        return False, f"the backfill {pin.backfill_id} was cancelled"
    newest = input_sets.read_newest(connection, cycle.cycle_id)
    quotas = cycles.read_quotas(connection, cycle, Stage.parse(cycle.stage).as_of)
    open_lists = {one.programme for one in lists if one.state == OPEN}
    if open_lists and newest is not None:
        wanted, why = repair_input_set(ctx, connection, newest, quotas, open_lists), "rows set aside were repaired"
        lists = [one for one in lists if one.programme in wanted.document["programmes"]]
    elif obstacle := find_obstacle(ctx, connection, cycle, today, batches_until):
        return False, obstacle
    else:
        lists, left_out = keep_existing(ctx, cycle, lists)
        if not lists:
            return False, left_out
        programmes = sorted(one.programme for one in lists)
        wanted = build_input_set(ctx, cycle, programmes, batches_until(cycle.cut_off), quotas)
        why = "batches, rules or settings changed" if newest else "cut-off"
    if pin is not None and pin.input_set_digest != wanted.digest:
        return False, f"the inputs are no longer those of the backfill {pin.backfill_id}: plan it again"
    is_new = newest is None or newest.digest != wanted.digest
    if is_new:
        input_sets.freeze(connection, cycle.cycle_id, wanted, why, ctx.at)
    _require_work(ctx, connection, cycle, lists, wanted)
    return is_new, None


def _has_begun(connection: Connection, cycle: Cycle, pin: backfills.Pin) -> bool:
    """Whether the work of a plan's stage was asked for: from then on nothing changes it but another plan."""
    work = find_work(connection, DETERMINE, cycle.region_code, cycle.stage)
    return work is not None and work["input_set_digest"] == pin.input_set_digest


def decide_statuses(ctx: Context, lists: Iterable[ListState], wanted: input_sets.InputSet) -> dict[str, str]:
    """The status that each programme may have: a simulation where it, or one that excludes it, has no quota by decree.

    As the determination of the input set will say it. A list whose window is open stays provisional.
    """
    statuses = {one.programme: "provisional" for one in lists}
    if closed := {one.programme for one in lists if one.state != OPEN}:
        statuses |= dict.fromkeys(closed & _find_without_quota(ctx, wanted), "simulation")
    return statuses


def _find_without_quota(ctx: Context, wanted: input_sets.InputSet) -> set[str]:
    """The programmes of an input set that have no quota, or rest on one without."""
    document, rules = wanted.document, load_pinned(ctx, wanted.document["rules"])
    day, region = Stage.parse(document["stage"]).as_of, document["region"]
    in_turn = sorted(document["programmes"], key=lambda code: rules.turns[code])
    excluders = {code: find_excluders(rules.programmes, code, day, region) for code in in_turn}
    return find_without_quota(excluders, {entry["programme"] for entry in document["quotas"]})


def _require_work(
    ctx: Context, connection: Connection, cycle: Cycle, lists: list[ListState], wanted: input_sets.InputSet
) -> None:
    """Ask for the determination, each programme with the status it may have."""
    statuses = decide_statuses(ctx, lists, wanted)
    for one in lists:
        if one.state == "simulation" and statuses[one.programme] != "simulation":
            cycles.move_list(connection, one.list_id, "collecting", "a decree kuota is in force", ctx.at)
    call(connection, "require_work", [DETERMINE, cycle.cycle_id, wanted.digest, statuses])
