"""Why a region and stage stands where it stands, and the command that helps: one sentence, one command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from perlinsos.ledger.work import make_key
from perlinsos.watch.troubles import RefusedDelivery
from perlinsos.watch.words import hide

TROUBLE, WAITS, WORKS, FINE = "trouble", "waits", "works", "fine"
RELEVANT = timedelta(days=200)
"""A refused delivery concerns the stages whose cut-off is at most this long after its snapshot."""


@dataclass(frozen=True)
class Explanation:
    """The level of a cell, what is so in one sentence, the first failing rule with its file, and the command to run."""

    level: str
    words: str
    command: str
    rule: str | None = None
    file: str | None = None
    since: datetime | None = None


def explain(
    cycle: dict[str, Any],
    lists: Sequence[dict[str, Any]],
    own: Sequence[RefusedDelivery],
    national: Sequence[RefusedDelivery],
) -> Explanation:
    """The first that holds: a refused delivery of the region, work that failed, an error of dispatch, a refused national
    delivery that is waited for, something that is waited for, work under way; else it is fine."""
    steps: tuple[Callable[[], Explanation | None], ...] = (
        lambda: _of_delivery(find_counting(own, cycle["cut_off"])),
        lambda: _of_work(cycle),
        lambda: _of_error(cycle),
        lambda: _of_delivery(find_counting(national, cycle["cut_off"], cycle["required"] or ()) if _lacks_input(cycle) else None),
        lambda: _of_waiting(cycle),
        lambda: _of_lists(cycle, lists),
    )
    for step in steps:
        if told := step():
            return told
    return Explanation(FINE, _tell_states(lists), _fetch(lists))


def find_counting(
    refused: Sequence[RefusedDelivery], cut_off: date, sources: Sequence[str] | None = None
) -> RefusedDelivery | None:
    """The first that counts for a cut-off, of the named sources (None: any)."""
    for one in refused:
        day = one.snapshot_date
        if (day is None or cut_off - RELEVANT < day <= cut_off) and (sources is None or one.source in sources):
            return one
    return None


def _lacks_input(cycle: dict[str, Any]) -> bool:
    return cycle["frozen_at"] is None


def _of_delivery(delivery: RefusedDelivery | None) -> Explanation | None:
    if delivery is None:
        return None
    words = f"{delivery.source} of {delivery.snapshot_date} is refused: {delivery.what}"
    return Explanation(TROUBLE, words, delivery.command, delivery.rule, delivery.file, delivery.since)


def _of_work(cycle: dict[str, Any]) -> Explanation | None:
    if cycle["work_state"] != "failed":
        return None
    what = hide(str((cycle["work_error"] or {}).get("what", "")))
    command = f"perlinsos dispatch --retry '{make_key(cycle['region_code'], cycle['stage'])}'"
    return Explanation(TROUBLE, f"its work is set aside: {what}", command, what, None, cycle["work_since"])


def _of_error(cycle: dict[str, Any]) -> Explanation | None:
    waiting = hide(cycle["waiting_reason"] or "")
    if not waiting.startswith("error: "):
        return None
    return Explanation(TROUBLE, f"dispatch stops at it: {waiting.removeprefix('error: ')}", "perlinsos dispatch", waiting)


def _of_waiting(cycle: dict[str, Any]) -> Explanation | None:
    waiting = hide(cycle["waiting_reason"] or "")
    if not waiting:
        return None
    if "decree tim" in waiting:
        return Explanation(WAITS, waiting, "perlinsos decree add FILE")
    return Explanation(WAITS, waiting, f"perlinsos region check {cycle['region_code']}")


def _of_lists(cycle: dict[str, Any], lists: Sequence[dict[str, Any]]) -> Explanation | None:
    states = {one["state"] for one in lists}
    if cycle["work_state"] in ("due", "claimed"):
        words = "it is being determined" if cycle["work_state"] == "claimed" else "it is due"
        return Explanation(WORKS, words, "perlinsos status", since=cycle["work_since"])
    if states == {"planned"}:
        return Explanation(WAITS, "no tick of dispatch has seen it yet", "perlinsos dispatch")
    if "simulation" in states and cycle["purpose"] == "live":
        return Explanation(WAITS, "without a decree kuota it can only be a simulation", "perlinsos decree add FILE")
    return None


def _tell_states(lists: Sequence[dict[str, Any]]) -> str:
    states = {one["state"] for one in lists}
    if "provisional" in states:
        return "published; objections are open"
    if "determined" in states:
        return "published; its window opens at the announcement"
    return "done" if states else "no programme takes part"


def _fetch(lists: Sequence[dict[str, Any]]) -> str:
    return f"perlinsos snapshot fetch {lists[0]['list_id']} --out DIR" if lists else ""
