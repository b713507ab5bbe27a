"""Publications that conflict, a bucket that differs from the ledger, leaks, and the disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from perlinsos.ledger.connection import Connection, fetch_rows
from perlinsos.operations.alerts.found import (
    DISK_FULL,
    LEAK_FOUND,
    PUBLISH_CONFLICT,
    STORE_DIFFERS,
    FoundAlert,
    region_page,
)
from perlinsos.operations.alerts.settings import AlertSettings
from perlinsos.watch.strip import read_disk

LOST_CLAIM = "the claim on work"
_CONFLICTS = """
select distinct on (key) key, state, error from outcome where step = 'publish' order by key, outcome_id desc
"""
_NEWEST = """
select distinct on (step) step, state, error from outcome
where step in ('reconcile', 'leak-scan') order by step, outcome_id desc
"""


def find_conflicts(connection: Connection) -> Iterator[FoundAlert]:
    """Keys whose last publication met other bytes, another digest or another plan than its own. Losing a claim is none."""
    for row in fetch_rows(connection, _CONFLICTS):
        error = row["error"] or {}
        if error.get("kind") != "Conflict" or str(error.get("what", "")).startswith(LOST_CLAIM):
            continue
        region, _, stage = row["key"].partition("|")
        what = f"{error['what']}: {error.get('where', '')}"
        yield FoundAlert(
            PUBLISH_CONFLICT, row["key"], what, f"perlinsos snapshot list --region {region}", region_page(region), region, stage,
        )  # fmt: skip


def find_recorded(connection: Connection) -> Iterator[FoundAlert]:
    """What the last comparison of bucket and ledger, and the last leak scan, found."""
    for row in fetch_rows(connection, _NEWEST):
        if row["state"] != "refused":
            continue
        error = row["error"]
        kind, command = (STORE_DIFFERS, "perlinsos doctor") if row["step"] == "reconcile" else (LEAK_FOUND, "perlinsos leak-scan")
        yield FoundAlert(kind, row["step"], f"{error['what']}: {str(error.get('where', ''))[:500]}", command)


def find_full_disk(home: Path, settings: AlertSettings, open_subjects: Iterable[str]) -> Iterator[FoundAlert]:
    """The disk of the home below its least share of free space; once that is told, until it has a margin more."""
    disk = read_disk(home)
    margin = settings.disk_margin if str(home) in open_subjects else 0.0
    if disk.free_share < settings.least_free_disk + margin:
        what = f"{disk.free / 2**30:.1f} GiB of the disk of {home} are free ({disk.free_share:.0%})"
        yield FoundAlert(DISK_FULL, str(home), what, "perlinsos doctor")
