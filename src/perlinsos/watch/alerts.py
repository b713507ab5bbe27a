"""The alerts that a user may see: those of their regions, and the platform's for those who see the platform."""

from __future__ import annotations

from typing import Any

from perlinsos.ledger.connection import Connection, fetch_rows
from perlinsos.watch.rights import Rights

SHOWN = 300
_ALERTS = """
select alert_id, kind, subject, region_code, stage, rule, what, owner, command, page, opened_at, seen_at, resolved_at, opening,
    ending, send_error
from alert where (%(regions)s is null or region_code = any (%(regions)s) or (%(platform)s and region_code is null))
    and (%(open)s or resolved_at is not null) and (not %(open)s or resolved_at is null)
order by opened_at desc, alert_id desc limit %(limit)s
"""


def read_alerts(connection: Connection, rights: Rights, *, is_open: bool) -> list[dict[str, Any]]:
    """The open alerts, or those that are resolved, newest first. Who is told no commands gets none."""
    regions = list(rights.regions) if rights.regions is not None else None
    names = {"regions": regions, "platform": rights.sees_platform, "open": is_open, "limit": SHOWN}
    rows = fetch_rows(connection, _ALERTS, names)
    return rows if rights.is_told_commands else [row | {"command": ""} for row in rows]
