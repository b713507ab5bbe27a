"""How the pages say things: numbers hidden, times in the region's zone, spans in days and hours."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

ZONES = {"WIB": "Asia/Jakarta", "WITA": "Asia/Makassar", "WIT": "Asia/Jayapura"}
_NUMBERS = re.compile(r"\b(?P<digest>[0-9a-f]{64})\b|\d{12,}")


def hide(text: str) -> str:
    """The text with every run of twelve or more digits hidden, but those of digests: an error may quote a cell."""
    return _NUMBERS.sub(lambda found: found["digest"] or "••••", text)


def local(moment: datetime, zone: str = "WIB") -> str:
    """`2026-01-22 23:59 WIB`."""
    return f"{moment.astimezone(ZoneInfo(ZONES[zone])):%Y-%m-%d %H:%M} {zone}"


def span(length: timedelta) -> str:
    """The two greatest units of a span: `12 d 3 h`, `4 h 10 min`, `40 s`; a past one begins with a minus."""
    seconds = round(length.total_seconds())
    sign, seconds = ("−", -seconds) if seconds < 0 else ("", seconds)
    parts = [(seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    while len(parts) > 1 and not parts[0][0]:
        parts = parts[1:]
    told = [f"{number} {unit}" for number, unit in parts[:2] if number] or ["0 s"]
    return sign + " ".join(told)
