"""How the pages say things: numbers hidden, times in the region's zone, spans in days and hours."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

ZONES = {"WIB": "Asia/Jakarta", "WITA": "Asia/Makassar", "WIT": "Asia/Jayapura"}
_SUPERSEDED = re.compile(r"the claim on work \d+ was lost: .*\(superseded\)")
_NUMBERS = re.compile(r"\b(?P<digest>(?=[0-9]*[a-f])[0-9a-f]{64})\b|\d(?:[ ._-]?\d){11,}")
_DATE = r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:-\d{1,2})?"
_PLACE = r"\d\d\.\d\d(?:\.\d\d(?:\.\d{4})?)?"
_HOST = r"\d{1,3}(?:\.\d{1,3}){3}"
_NO_NUMBER = re.compile(rf"{_HOST}|(?:{_DATE}|{_PLACE})(?:[ _-](?:{_DATE}|{_PLACE}))*")


def hide(text: str) -> str:
    """The text with every number of twelve or more digits hidden, also where marks stand between them: an error may quote a cell.

    Digests (with a letter in them), dates and snapshots, codes of places and addresses of machines stay.
    """
    return _NUMBERS.sub(lambda found: found[0] if found["digest"] or _NO_NUMBER.fullmatch(found[0]) else "••••", text)


def say_superseded(what: str) -> str:
    """The words of an error; of work that was superseded while it ran, which is no error, in plain words."""
    if _SUPERSEDED.fullmatch(what):
        return "newer inputs took its place while it ran, and are worked on instead; nothing is to be done"
    return what


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
