"""Regions that stand still, and dates that come near."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from perlinsos.ledger.connection import Connection, fetch_rows
from perlinsos.ledger.records import NATIONAL
from perlinsos.operations.alerts.found import LEGAL_DATE, REGION_STUCK, FoundAlert, region_page
from perlinsos.operations.alerts.settings import AlertSettings
from perlinsos.watch.coverage import Cell, read_cells
from perlinsos.watch.explaining import TROUBLE, WAITS, WORKS
from perlinsos.watch.rights import Rights
from perlinsos.watch.words import local, span

EVERYTHING = Rights("watch", "operator", None)
BEFORE = (timedelta(days=7), timedelta(days=1))
_CUT_OFFS = """
select c.region_code, c.stage, c.cut_off, r.office ->> 'name' as office, d.recorded_at,
    exists (select from cycle_input_set as s where s.cycle_id = c.cycle_id) as is_frozen
from cycle as c join region as r using (region_code) join record as d on d.record_digest = c.record_digest
"""
_UNREAD = """
select scope, count(*) as deliveries, min(landed_at) as since from delivery where state = 'landed' and landed_at < %s
group by scope order by scope
"""


def read_live_cells(connection: Connection, at: datetime) -> list[Cell]:
    """Every live cell, as an operator sees them."""
    return [cell for cell in read_cells(connection, EVERYTHING, at) if cell.purpose == "live"]


def find_stuck(
    connection: Connection,
    cells: Iterable[Cell],
    told: Iterable[FoundAlert],
    settings: AlertSettings,
    at: datetime,
) -> Iterator[FoundAlert]:
    """Live regions and stages that will not move by themselves: work set aside, an error of dispatch, work that takes too
    long, deliveries that nobody reads, or, a while after the cut-off, something that is missing. What `told` already says
    is not told twice."""
    known = {(row["region_code"], row["stage"]): row for row in fetch_rows(connection, _CUT_OFFS)}
    explained = {(one.region_code, one.stage) for one in told if one.region_code}
    refused = {one.region_code for one in told if one.region_code and one.stage is None}
    late_for_all = {one.stage for one in told if one.region_code is None and one.stage}
    long = at - settings.slow
    for cell in cells:
        cycle = known[cell.region, cell.stage]
        is_set_aside = cell.level == TROUBLE and cell.file is None
        is_slow = cell.level == WORKS and cell.since is not None and cell.since < long
        is_overdue = cell.level == WAITS and _is_overdue(cycle, settings, at)
        is_told = (cell.region, cell.stage) in explained or cell.region in refused or cell.stage in late_for_all
        if is_set_aside or is_slow or (is_overdue and not is_told):
            yield FoundAlert(
                REGION_STUCK, f"{cell.stage}/{cell.region}", cell.words, cell.command, region_page(cell.region), cell.region,
                cell.stage, cell.rule, cycle["office"] if is_overdue else "platform operators",
            )  # fmt: skip
    yield from _find_unread(connection, long, at)


def _is_overdue(cycle: dict[str, Any], settings: AlertSettings, at: datetime) -> bool:
    """Whether the cut-off is so long ago, and the cycle registered so long, that it should have been frozen."""
    if cycle["is_frozen"]:
        return False
    is_past = at.date() >= cycle["cut_off"] + settings.patience
    return bool(is_past and at >= cycle["recorded_at"] + settings.patience)


def _find_unread(connection: Connection, long: datetime, at: datetime) -> Iterator[FoundAlert]:
    for row in fetch_rows(connection, _UNREAD, [long]):
        region = None if row["scope"] == NATIONAL else row["scope"]
        what = f"{row['deliveries']} deliveries have waited {span(at - row['since'])} to be read"
        page = region_page(region) if region else "/perlinsos/coverage"
        yield FoundAlert(REGION_STUCK, f"unread/{row['scope']}", what, "perlinsos doctor", page, region)


def find_near_dates(
    connection: Connection, cells: Iterable[Cell], open_subjects: Iterable[str], at: datetime
) -> Iterator[FoundAlert]:
    """The next legal date of each live region and stage, seven days and one day before. The word of seven days ago stays
    until the date is past; a date that is first seen on its last day is told once."""
    offices = {row["region_code"]: row["office"] for row in fetch_rows(connection, _CUT_OFFS)}
    open_ones = set(open_subjects)
    for cell in cells:
        left = cell.time_left(at)
        if cell.next_date is None or left is None or left <= timedelta(0):
            continue
        for before in BEFORE:
            subject = f"{cell.stage}/{cell.region}/{cell.next_date.name}/{before.days}"
            is_last_day = left <= BEFORE[-1]
            if left > before or (is_last_day and before != BEFORE[-1] and subject not in open_ones):
                continue
            day = "day" if before.days == 1 else "days"
            what = f"{cell.next_date.name} in less than {before.days} {day}: {local(cell.next_date.at, cell.zone)}; {cell.words}"
            yield FoundAlert(
                LEGAL_DATE, subject, what, cell.command, region_page(cell.region), cell.region, cell.stage, None,
                offices[cell.region] or "the region's office",
            )  # fmt: skip
