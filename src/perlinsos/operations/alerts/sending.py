"""Sending: each message is taken from the ledger by one watcher only, sent through apprise, and settled."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from perlinsos.context import Connect
from perlinsos.ledger.connection import call_rows, fetch_rows
from perlinsos.operations.alerts.messages import ENDING, OPENING, Message, write_messages
from perlinsos.operations.alerts.settings import AlertSettings

_TAKEN = "select * from alert where alert_id = any (%s) order by opened_at, alert_id"


def send_waiting(connect: Connect, settings: AlertSettings) -> dict[str, int]:
    """Send what waits; gives how many messages were sent and failed. Without recipients nothing is taken: it waits.

    A watcher that dies between taking and sending has its message lost, never doubled; the page shows it as taken.
    """
    counts = {"sent": 0, "failed": 0}
    if not settings.urls:
        return counts
    with connect("watcher") as connection:
        taken = call_rows(connection, "take_alert_messages", [])
        alerts = {row["alert_id"]: row for row in fetch_rows(connection, _TAKEN, [[row["alert_id"] for row in taken]])}
    for phase in (OPENING, ENDING):
        ours = [alerts[row["alert_id"]] for row in taken if row["phase"] == phase]
        for message in write_messages(ours, phase, settings.base_url):
            error = send(message, settings.urls)
            with connect("watcher") as connection:
                fetch_rows(connection, "select settle_alert_messages(%s, %s, %s)", [list(message.alert_ids), phase, error])
            counts["failed" if error else "sent"] += 1
    return counts


def send(message: Message, urls: Sequence[str]) -> str | None:
    """Send one message to every recipient; None where at least one has it, else why not. Addresses stay secret."""
    import apprise

    logging.getLogger("apprise").setLevel(logging.ERROR)
    reached = 0
    for url in urls:
        service = apprise.Apprise()
        if service.add(url):
            reached += bool(service.notify(title=message.title, body=message.body, body_format=apprise.NotifyFormat.TEXT))
    return None if reached else f"none of {len(urls)} recipients could be reached"
