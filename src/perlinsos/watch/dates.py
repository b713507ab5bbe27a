"""The next date that the law or the cycle sets for a region and stage. A backfilled stage has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from perlinsos.watch.words import ZONES

CUT_OFF, ANNOUNCEMENT, WINDOW_CLOSES = "cut-off", "announcement", "objections close"


@dataclass(frozen=True)
class LegalDate:
    """One date: what happens then. `cut-off`: the input set is frozen; `announcement`: the window may open;
    `objections close`: the last second of the window."""

    name: str
    at: datetime


def find_next_date(
    purpose: str,
    cut_off: date,
    announce_at: datetime,
    zone: str,
    states: Sequence[str],
    closes_at: Sequence[datetime],
    *,
    is_frozen: bool,
    at: datetime,
) -> LegalDate | None:
    """The date that a cycle goes towards, or is behind: without an input set its cut-off, then its announcement, then the
    first close of an open window."""
    if purpose != "live":
        return None
    if not is_frozen:
        return LegalDate(CUT_OFF, datetime.combine(cut_off, time(), ZoneInfo(ZONES[zone])))
    if "provisional" in states and closes_at:
        return LegalDate(WINDOW_CLOSES, min(closes_at))
    if announce_at > at and {"collecting", "determined", "simulation"} & set(states):
        return LegalDate(ANNOUNCEMENT, announce_at)
    return None
