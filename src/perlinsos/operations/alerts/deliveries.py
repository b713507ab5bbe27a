"""Deliveries that are late, refused, or of which too many rows were set aside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from perlinsos.errors import WrongUsage
from perlinsos.ledger.connection import Connection, fetch_rows
from perlinsos.ledger.records import NATIONAL
from perlinsos.operations.alerts.found import DELIVERY_LATE, DELIVERY_REFUSED, QUARANTINE_SHARE, FoundAlert, region_page
from perlinsos.operations.alerts.settings import AlertSettings
from perlinsos.operations.calendar import local_day
from perlinsos.sources.description import SourceDescription
from perlinsos.watch.troubles import RefusedDelivery, read_refused

Sources = Mapping[str, SourceDescription | WrongUsage]
_WAITING_CYCLES = """
select c.region_code, c.stage, c.cut_off, c.required, r.zone, d.recorded_at
from cycle as c join region as r using (region_code) join record as d on d.record_digest = c.record_digest
where c.purpose = 'live' and not exists (select from cycle_input_set as s where s.cycle_id = c.cycle_id)
order by c.region_code, c.stage
"""
_ARRIVED = """
select source_id, scope, snapshot_date from delivery
where snapshot_date is not null and (state in ('landed', 'accepted') or (state = 'refused' and judged_at is not null))
"""
_SHARES = """
select b.source_id, b.scope, b.snapshot_date, b.suffix, b.delivery_id, b.received, b.quarantined,
    (select q.rule from quarantine_summary as q where q.batch_digest = b.batch_digest and q.severity = 'critical'
     order by q.rows desc, q.rule limit 1) as rule
from batch as b where b.replaced_by is null and b.quarantined >= 10 and b.quarantined > %s * b.received
    and not exists (select from batch as l where l.source_id = b.source_id and l.scope = b.scope and l.replaced_by is null
        and (l.snapshot_date, l.suffix, l.delivery_id) > (b.snapshot_date, b.suffix, b.delivery_id))
"""


def find_late(connection: Connection, sources: Sources, settings: AlertSettings, at: datetime) -> Iterator[FoundAlert]:
    """A required source of a live cycle that has no input set yet, without any delivery young enough, once its day is over.

    The day is the source's own due day with its grace in the period of the cut-off, at the latest the cut-off. A national
    source is told once a stage. A delivery that came and was refused is not late: it is told as refused.
    """
    arrived: dict[tuple[str, str], list[date]] = {}
    for row in fetch_rows(connection, _ARRIVED):
        arrived.setdefault((row["source_id"], row["scope"]), []).append(row["snapshot_date"])
    told: set[str] = set()
    for cycle in fetch_rows(connection, _WAITING_CYCLES):
        if at < cycle["recorded_at"] + settings.patience:
            continue
        for required in cycle["required"]:
            found = _judge_late(cycle, required, sources.get(required["source"]), arrived, at)
            if found and found.subject not in told:
                told.add(found.subject)
                yield found


def _judge_late(
    cycle: dict[str, Any],
    required: dict[str, Any],
    source: SourceDescription | WrongUsage | None,
    arrived: dict[tuple[str, str], list[date]],
    at: datetime,
) -> FoundAlert | None:
    name, cut_off = required["source"], cycle["cut_off"]
    is_national = isinstance(source, SourceDescription) and source.scope == NATIONAL
    scope = NATIONAL if is_national else cycle["region_code"]
    oldest = cut_off - timedelta(days=required["max_age_days"])
    if any(oldest <= day <= cut_off for day in arrived.get((name, scope), ())):
        return None
    if local_day(at, cycle["zone"]) < _due_day(source, cut_off):
        return None
    what = f"{name} for {cycle['stage']} has not come: needed is a snapshot of {oldest} to {cut_off}"
    agency = source.agency if isinstance(source, SourceDescription) else name
    region = None if is_national else cycle["region_code"]
    return FoundAlert(
        DELIVERY_LATE, f"{name}/{scope}/{cycle['stage']}", what, f"perlinsos region check {cycle['region_code']}",
        region_page(region) if region else "/perlinsos/coverage", region, cycle["stage"], None, agency,
    )  # fmt: skip


def _due_day(source: SourceDescription | WrongUsage | None, cut_off: date) -> date:
    """The first day on which a source is late for a cut-off."""
    schedule = source.schedule if isinstance(source, SourceDescription) else None
    if schedule is None or schedule.every not in ("quarter", "month"):
        return cut_off
    last = cut_off - timedelta(days=1)
    month = (last.month - 1) // 3 * 3 + 1 if schedule.every == "quarter" else last.month
    return min(date(last.year, month, 1) + timedelta(days=schedule.due_day + schedule.grace_days), cut_off)


def find_refused(connection: Connection, sources: Sources) -> Iterator[FoundAlert]:
    """Refused deliveries that no later accepted one replaces; those above the share of a rule under their own kind."""
    for one in read_refused(connection):
        yield _of_refused(one, sources)


def _of_refused(one: RefusedDelivery, sources: Sources) -> FoundAlert:
    source = sources.get(one.source)
    region = one.scope if one.scope[:2].isdigit() and len(one.scope) == 5 else None
    return FoundAlert(
        QUARANTINE_SHARE if one.is_over_share else DELIVERY_REFUSED,
        f"{one.source}/{one.scope}",
        f"{one.source} of {one.snapshot_date} for {one.scope} is refused: {one.what} ({one.file})",
        one.command,
        region_page(region) if region else "/perlinsos/coverage",
        region,
        None,
        one.rule,
        source.agency if isinstance(source, SourceDescription) else one.source,
    )


def find_over_share(connection: Connection, sources: Sources, settings: AlertSettings) -> Iterator[FoundAlert]:
    """Newest accepted deliveries of which, by all rules together, more rows were set aside than the share, and at least 10.

    A source that is allowed more by its own description is told above that.
    """
    for row in fetch_rows(connection, _SHARES, [settings.quarantine_share]):
        source = sources.get(row["source_id"])
        allowed = source.shares.max_percent if isinstance(source, SourceDescription) else 0
        if row["quarantined"] * 100 <= allowed * row["received"]:
            continue
        region = None if row["scope"] == NATIONAL else row["scope"]
        what = f"{row['quarantined']} of {row['received']} rows of {row['source_id']} of {row['snapshot_date']} are set aside"
        yield FoundAlert(
            QUARANTINE_SHARE, f"accepted {row['source_id']}/{row['scope']}", what,
            f"perlinsos quarantine show {row['delivery_id']}", region_page(region) if region else "/perlinsos/coverage", region,
            None, row["rule"], source.agency if isinstance(source, SourceDescription) else row["source_id"],
        )  # fmt: skip
