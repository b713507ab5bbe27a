"""Sending: each message is taken from the ledger by one watcher only, sent through apprise, and settled, one at a time."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from perlinsos.context import Context
from perlinsos.ledger.connection import call, fetch_rows
from perlinsos.operations.alerts.messages import ENDING, OPENING, Message, write_messages
from perlinsos.operations.alerts.settings import AlertSettings

_WAITING = """
select *, resolved_at is not null as is_over from alert
where (opening = 'waiting' and resolved_at is null) or (opening = 'sent' and ending = 'waiting' and resolved_at is not null)
order by opened_at, alert_id
"""


@dataclass(frozen=True)
class Sending:
    """What became of a message: whether one recipient at least has it, and in words who has it not (None: all have it)."""

    is_sent: bool
    note: str | None = None


def send_waiting(ctx: Context, settings: AlertSettings) -> dict[str, int]:
    """Send what waits; gives how many messages were sent and failed. Without recipients nothing is taken: it waits.

    The first message that reaches nobody ends the round: the next would not either, and each costs a time-out. It waits
    behind the others for the next round. A message that was taken longer ago than `settings.sending` and never settled (its
    watcher died) is sent again: better twice than never.
    """
    counts = {"sent": 0, "failed": 0}
    if not settings.urls:
        return counts
    for message in _read_waiting(ctx, settings):
        if not _take(ctx, message):
            continue
        sending = send(message, settings.urls)
        with ctx.connect("watcher") as connection:
            arguments = [list(message.alert_ids), message.phase, sending.is_sent, sending.note]
            fetch_rows(connection, "select settle_alert_message(%s, %s, %s, %s)", arguments)
        counts["sent" if sending.is_sent else "failed"] += 1
        if not sending.is_sent:
            break
    return counts


def send(message: Message, urls: Sequence[str]) -> Sending:
    """Send one message to every recipient. Never raises for what a recipient's service does; addresses stay secret."""
    missed = [kind for kind in (_reach(url, message) for url in urls) if kind is not None]
    if not missed:
        return Sending(True)
    kinds = ", ".join(sorted({kind for kind in missed if kind}))
    is_sent = len(missed) < len(urls)
    if is_sent:
        words = f"{len(missed)} of {len(urls)} recipients could not be reached"
    else:
        words = f"none of {len(urls)} recipients could be reached"
    return Sending(is_sent, words + (f" ({kinds})" if kinds else ""))


def _take(ctx: Context, message: Message) -> bool:
    """Whether the message is ours to send: false where another watcher has it, or had it."""
    with ctx.connect("watcher") as connection:
        arguments = [list(message.alert_ids), message.phase, ctx.at]
        return bool(fetch_rows(connection, "select take_alert_message(%s, %s, %s) as is_ours", arguments)[0]["is_ours"])


def _reach(url: str, message: Message) -> str | None:
    """None where the recipient has the message; else the type of the error that stopped it, empty where apprise tells none."""
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    try:
        service = apprise.Apprise()
        if not service.add(url):
            return ""
        is_there = service.notify(title=message.title, body=message.body, body_format=apprise.NotifyFormat.TEXT)
    except Exception as error:  # a hundred services raise what they like; its text may hold the address: the type alone is told
        return type(error).__name__
    return None if is_there else ""


def _read_waiting(ctx: Context, settings: AlertSettings) -> list[Message]:
    """The messages that wait, those that failed before last (the longest ago first among them)."""
    with ctx.connect("watcher") as connection:
        call(connection, "release_alert_messages", [ctx.at, settings.sending.total_seconds()])
        alerts = fetch_rows(connection, _WAITING)
    tried = {alert["alert_id"]: alert["taken_at"].timestamp() if alert["taken_at"] else 0.0 for alert in alerts}
    messages = [
        *write_messages([one for one in alerts if not one["is_over"]], OPENING, settings.base_url),
        *write_messages([one for one in alerts if one["is_over"]], ENDING, settings.base_url),
    ]
    return sorted(messages, key=lambda message: max(tried[alert] for alert in message.alert_ids))
