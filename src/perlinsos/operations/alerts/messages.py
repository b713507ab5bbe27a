"""What a message says: region, stage, rule, owner, command, link; many of one kind in a province as one digest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from perlinsos.operations.alerts.found import TITLES
from perlinsos.watch.words import hide, local

OPENING, ENDING = "opening", "ending"
MOST_SINGLE = 5
"""Above so many of one kind in one province at once, they are told together."""


@dataclass(frozen=True)
class Message:
    """One message and the alerts that it is about."""

    title: str
    body: str
    phase: str
    alert_ids: tuple[int, ...]


def write_messages(alerts: Iterable[dict[str, Any]], phase: str, base_url: str) -> list[Message]:
    """A message an alert; a digest where one kind struck more than five times in a province."""
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for alert in alerts:
        grouped.setdefault((alert["kind"], (alert["region_code"] or "")[:2]), []).append(alert)
    written = []
    for (kind, province), members in grouped.items():
        if province and len(members) > MOST_SINGLE:
            written.append(_write_digest(kind, province, members, phase, base_url))
        else:
            written += [_write_one(alert, phase, base_url) for alert in members]
    return written


def _write_one(alert: dict[str, Any], phase: str, base_url: str) -> Message:
    title = f"{_begin(phase)}{_place(alert)}: {TITLES[alert['kind']]}"
    lines = [
        alert["what"] if phase == OPENING else f"This is over since {local(alert['resolved_at'])}: {alert['what']}",
        "",
        f"region: {alert['region_code'] or 'all'}",
        f"stage: {alert['stage'] or 'any'}",
        f"rule: {alert['rule'] or '-'}",
        f"owner: {alert['owner']}",
        f"since: {local(alert['opened_at'])}",
    ]
    if phase == OPENING:
        lines += [f"command: {alert['command']}", f"what to do: docs/alerts/{alert['kind']}.md"]
    lines += [f"page: {base_url}{alert['page']}"]
    return Message(hide(title), hide("\n".join(lines)), phase, (alert["alert_id"],))


def _write_digest(kind: str, province: str, alerts: Sequence[dict[str, Any]], phase: str, base_url: str) -> Message:
    title = f"{_begin(phase)}province {province}: {len(alerts)} times {TITLES[kind]}"
    lines = [f"- {_place(one)}: {one['what']}" + (f" [{one['command']}]" if phase == OPENING else "") for one in alerts]
    lines += ["", f"what to do: docs/alerts/{kind}.md", f"page: {base_url}/perlinsos/coverage?province={province}"]
    return Message(hide(title), hide("\n".join(lines)), phase, tuple(one["alert_id"] for one in alerts))


def _begin(phase: str) -> str:
    return "[Perlinsos] " if phase == OPENING else "[Perlinsos] resolved: "


def _place(alert: dict[str, Any]) -> str:
    return " ".join(word for word in (alert["region_code"], alert["stage"]) if word) or "platform"
