"""What a list is decided from: which batches are in force at a cut-off, what is missing, and the document that is frozen."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from perlinsos.context import Context
from perlinsos.ledger.connection import Connection, call, fetch_rows
from perlinsos.ledger.cycles import Cycle
from perlinsos.ledger.deliveries import Batch, read_later_batches
from perlinsos.ledger.input_sets import InputSet, describe_batch, make_input_set
from perlinsos.ledger.records import NATIONAL
from perlinsos.model.datasets import DATASETS
from perlinsos.operations.batches import find_sharing
from perlinsos.operations.quarantine import count_repaired
from perlinsos.operations.rule_files import store_rules

NEEDED = ("population", "welfare_family", "welfare_person", "signal")
JOINED = ("population", "welfare_family", "welfare_person")  # their numbers bring other regions' rows in


def pick_in_force(batches: Iterable[Batch]) -> list[Batch]:
    """Of each source and scope the newest full batch and every delta after it, in the order of their deliveries."""
    grouped: dict[tuple[str, str], list[Batch]] = {}
    for batch in sorted(batches, key=lambda b: (b.source_id, b.scope, b.order)):
        group = grouped.setdefault((batch.source_id, batch.scope), [])
        if batch.coverage == "full":
            group.clear()
        group.append(batch)
    return [batch for group in grouped.values() for batch in group]


def find_missing(cycle: Cycle, in_force: Iterable[Batch]) -> list[str]:
    """Why nothing can be frozen yet: a required source or a dataset without a batch, or one that is too old."""
    own = [batch for batch in in_force if batch.scope in (cycle.region_code, NATIONAL)]
    absent, reasons = [], []
    for required in cycle.required:
        days = [batch.snapshot_date for batch in own if batch.source_id == required["source"]]
        oldest = cycle.cut_off - timedelta(days=required["max_age_days"])
        if not days:
            absent.append(required["source"])
        elif max(days) < oldest:
            reasons.append(f"{required['source']}: the newest is of {max(days)}, needed is {oldest} or later")
    if absent:
        reasons.insert(0, f"no accepted delivery until {cycle.cut_off} of {', '.join(absent)}")
    datasets = {batch.dataset for batch in own}
    needed = NEEDED if cycle.scope == "population" else (*NEEDED, "registration")
    if not absent:
        reasons += [f"no delivery of {dataset}" for dataset in needed if dataset not in datasets]
    return reasons


def find_silent(ctx: Context, cycle: Cycle, in_force: Iterable[Batch]) -> list[str]:
    """Required national sources whose deliveries name nobody of the region's register: they were made without it.

    Unknown is never eligible: where no agency's file knows the region, nobody there would seem to have a wage or an
    office. A required source of the cycle with `may_name_nobody: true` is not asked.
    """
    batches = list(in_force)
    anchors = [batch for batch in batches if batch.scope == cycle.region_code and batch.dataset in JOINED]
    asked = {required["source"] for required in cycle.required if not required.get("may_name_nobody")}
    national = [batch for batch in batches if batch.scope == NATIONAL and batch.source_id in asked]
    heard = find_sharing(ctx, anchors, national) if anchors else set()
    speaking = {batch.source_id for batch in national if batch.batch_digest in heard}
    return [
        f"{source}: its national deliveries name nobody of {cycle.region_code}"
        for source in sorted({batch.source_id for batch in national} - speaking)
        if anchors
    ]


def count_unread(ctx: Context, connection: Connection, cut_off: date) -> int:
    """The deliveries of any region that may count until the cut-off, have arrived and are not judged yet.

    Freezing waits for them: a family that stands in two registers must be seen by both regions' lists, whichever is read
    first. No longer than the lease after their arrival: then a region whose reading never ends holds up nobody but itself.
    """
    rows = fetch_rows(
        connection,
        "select count(*) as n from delivery where state = 'landed' and snapshot_date <= %s "
        "and landed_at > %s - make_interval(secs => %s)",
        [cut_off, ctx.at, ctx.settings.lease_seconds],
    )
    return int(rows[0]["n"])


def find_obstacle(
    ctx: Context, connection: Connection, cycle: Cycle, today: date, batches_until: Callable[[date], list[Batch]]
) -> str | None:
    """Why nothing can be frozen for a cycle on a day, in a person's words; None where it can."""
    if today < cycle.cut_off:
        return f"the cut-off is on {cycle.cut_off}"
    if unread := count_unread(ctx, connection, cycle.cut_off):
        return f"{unread} deliveries that may count have arrived and are being read"
    in_force = batches_until(cycle.cut_off)
    missing = find_missing(cycle, in_force)
    return "; ".join(missing or find_silent(ctx, cycle, in_force)) or None


def build_input_set(
    ctx: Context, cycle: Cycle, programmes: list[str], in_force: list[Batch], quotas: dict[str, dict[str, Any]]
) -> InputSet:
    """The input set of today's batches: the region's, the national ones, and of other regions those that hold a
    number which the region's (or a national register's) rows hold too."""
    own = [batch for batch in in_force if batch.scope == cycle.region_code]
    national = [batch for batch in in_force if batch.scope == NATIONAL]
    foreign = [batch for batch in in_force if batch.scope not in (cycle.region_code, NATIONAL)]
    anchors = own + [batch for batch in national if batch.dataset in JOINED]
    sharing = find_sharing(ctx, anchors, foreign)
    pinned = [("own", batch) for batch in own] + [("national", batch) for batch in national]
    pinned += [("foreign", batch) for batch in foreign if batch.batch_digest in sharing]
    document = {
        "version": 1,
        "region": cycle.region_code,
        "stage": cycle.stage,
        "purpose": cycle.purpose,
        "cut_off": cycle.cut_off.isoformat(),
        "scope": cycle.scope,
        "programmes": programmes,
        "settings": cycle.settings,
        "batches": [describe_batch(batch) | {"role": role} for role, batch in pinned],
        "repairs": [],
        "minimum_wage": read_minimum_wage(ctx, cycle.region_code),
        "quotas": [quotas[programme] for programme in programmes if programme in quotas],
        "rules": store_rules(ctx, programmes, {batch.source_id for _, batch in pinned}),
    }
    document["lottery_seed"] = cycle.lottery_seed or _make_seed(cycle, [batch for _, batch in pinned])
    return make_input_set(document)


def _make_seed(cycle: Cycle, batches: list[Batch]) -> str | None:
    """SHA-256 over the cycle's id and the digests of the batches of its first input set: nobody can steer it."""
    if cycle.lottery_seed_rule == "none":
        return None
    words = [cycle.cycle_id, *sorted(batch.batch_digest for batch in batches)]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()


def read_minimum_wage(ctx: Context, region: str) -> list[dict[str, str | None]]:
    """The rows of reference/minimum_wage.csv of a region, in the columns of the dataset."""
    columns = DATASETS["minimum_wage"].names
    with (ctx.settings.folder("reference") / "minimum_wage.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["region_code"] == region]
    found = [{name: row.get(name) or None for name in columns} for row in rows]
    return sorted(found, key=lambda row: [row[name] or "" for name in columns])


def repair_input_set(
    ctx: Context, connection: Connection, newest: InputSet, quotas: dict[str, dict[str, Any]], open_lists: set[str]
) -> InputSet:
    """The input set of a cycle with an open window: the batches as they were pinned, and what later batches bring of
    the rows that were set aside. A list whose window is open keeps its quota."""
    repairs = list(newest.document["repairs"])
    known = {(entry["held"], entry["later"]["batch_digest"]) for entry in repairs}
    for held in _read_held(connection, newest):
        for later in read_later_batches(connection, held):
            pair = (held.batch_digest, later.batch_digest)
            if pair not in known and _read_repaired(ctx, connection, held, later):
                repairs.append({"held": held.batch_digest, "later": describe_batch(later)})
    kept = {entry["programme"]: entry for entry in newest.document["quotas"] if entry["programme"] in open_lists}
    merged = {name: entry for name, entry in quotas.items() if name not in open_lists} | kept
    programmes = newest.document["programmes"]
    changed = {"repairs": repairs, "quotas": [merged[name] for name in programmes if name in merged]}
    return make_input_set(newest.document | changed)


def _read_held(connection: Connection, newest: InputSet) -> list[Batch]:
    """The pinned batches that set rows aside, with their deliveries."""
    from perlinsos.ledger.deliveries import read_batches

    digests = [batch.batch_digest for batch in newest.batches() if batch.quarantined and batch.dataset in NEEDED]
    return read_batches(connection, digests)


def _read_repaired(ctx: Context, connection: Connection, held: Batch, later: Batch) -> int:
    """How many rows or ids that `held` set aside a later batch puts right; counted once in the life of the pair."""
    rows = fetch_rows(
        connection,
        "select repaired from batch_repair where held = %s and later = %s",
        [held.batch_digest, later.batch_digest],
    )
    if rows:
        return int(rows[0]["repaired"])
    repaired = count_repaired(ctx, held, later)
    with ctx.connect("decider") as own_transaction:
        call(own_transaction, "record_repair", [held.batch_digest, later.batch_digest, repaired])
    return repaired
