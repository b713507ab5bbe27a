"""One look of the DAG `watch`: what is wrong now, noted in the ledger, and told once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg2.extras import Json

from perlinsos.context import Context
from perlinsos.ledger.connection import Connection, fetch_rows
from perlinsos.ledger.outcomes import measure
from perlinsos.operations.alerts import backfills, cycles, deliveries, machine
from perlinsos.operations.alerts.found import FROM_INSIDE, FoundAlert
from perlinsos.operations.alerts.sending import send_waiting
from perlinsos.operations.alerts.settings import AlertSettings, read_alert_settings
from perlinsos.operations.pull import load_sources


def watch(ctx: Context) -> dict[str, Any]:
    """Judge everything at the time of the run, note it, send what is new and what is over.

    Gives counts: found, opened, resolved, sent, failed. Two at once are safe: an alert is opened once and its message
    taken once.
    """
    settings = read_alert_settings(ctx.settings)
    with measure(ctx.connect, "watcher", "watch", "all") as measured:
        with ctx.connect("watcher") as connection:
            found = find_all(ctx, connection, settings)
            counts = observe(connection, found, FROM_INSIDE, ctx)
        measured.counts = {"found": len(found), **counts, **send_waiting(ctx, settings)}
        measured.state = "done" if any(measured.counts.values()) else "nothing_new"
    return measured.counts


def find_all(ctx: Context, connection: Connection, settings: AlertSettings) -> list[FoundAlert]:
    """Everything that is wrong at the time of the run."""
    sources = load_sources(ctx.settings.folder("sources"))
    told = [
        *deliveries.find_late(connection, sources, settings, ctx.at),
        *deliveries.find_refused(connection, sources),
        *deliveries.find_over_share(connection, sources, settings),
    ]
    cells = cycles.read_live_cells(connection, ctx.at)
    open_ones = [row["subject"] for row in fetch_rows(connection, "select subject from alert where resolved_at is null")]
    return [
        *told,
        *cycles.find_stuck(connection, cells, told, settings, ctx.at),
        *backfills.find_standing(connection, settings, ctx.at),
        *cycles.find_near_dates(connection, cells, open_ones, ctx.at),
        *machine.find_conflicts(connection),
        *machine.find_recorded(connection),
        *machine.find_full_disk(ctx.settings.home, settings, open_ones),
    ]


def observe(connection: Connection, found: Sequence[FoundAlert], kinds: Sequence[str], ctx: Context) -> dict[str, int]:
    """Bring the ledger's alerts of these kinds up to what was found."""
    entries = {(one.kind, one.subject): one.as_entry() for one in found}
    arguments = [Json(list(entries.values())), list(kinds), ctx.at]
    row = fetch_rows(connection, "select * from observe_alerts(%s, %s, %s)", arguments)[0]
    return {"opened": int(row["opened"]), "resolved": int(row["resolved"])}
