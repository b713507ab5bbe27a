"""The landing bucket as it is listed: prefixes `<source>/<region code or national>/<snapshot date>[-N]/` and what they hold."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from perlinsos.ledger.records import NATIONAL
from perlinsos.model.regions import is_code, level
from perlinsos.storage import StoredObject

COMPLETE = "_COMPLETE"
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:-([2-9]|[1-9]\d{1,3}))?")


@dataclass(frozen=True)
class Prefix:
    """One prefix and its parts in the byte order of their keys. `problem` where the prefix has no right form."""

    text: str
    source_id: str
    scope: str
    snapshot_date: date | None
    suffix: int
    parts: tuple[StoredObject, ...]
    is_complete: bool
    problem: str = ""

    @property
    def listing_digest(self) -> str:
        """Changes when a part is added, removed or overwritten."""
        rows = [[part.key, part.size, part.etag] for part in self.parts]
        return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()

    @property
    def order(self) -> tuple[str, date, int]:
        """Scope, snapshot date, number of the correction."""
        return self.scope, self.snapshot_date or date.min, self.suffix


def local_name(number: int, landing_key: str) -> str:
    """The name of a part's local copy, by which a person knows it."""
    return f"{number:05d}-{landing_key.rpartition('/')[2][-80:]}"


def read_snapshot(word: str) -> tuple[date, int | None] | None:
    """The day and the number of the correction of `2025-12-20` or `2025-12-20-2`; None where it is neither."""
    match = _DATE.fullmatch(word)
    try:
        return (date.fromisoformat(match[1]), int(match[2]) if match[2] else None) if match else None
    except ValueError:
        return None


def next_prefix(source: str, scope: str, snapshot_date: date, suffix: int) -> str:
    """Where the correction of a delivery is laid, if `suffix` is the greatest of that date."""
    return f"{source}/{scope}/{snapshot_date}-{suffix + 1}/"


def group_prefixes(objects: Iterable[StoredObject]) -> list[Prefix]:
    """Group a listing (in the byte order of keys) by prefix. Keys that stand outside any prefix are prefixes of their own.

    Folder markers (keys that end with a slash) are nothing.
    """
    grouped: dict[str, list[StoredObject]] = {}
    for item in objects:
        if item.key.endswith("/"):
            continue
        pieces = item.key.split("/", 3)
        name = "/".join(pieces[:3]) + "/" if len(pieces) == 4 else item.key
        grouped.setdefault(name, []).append(item)
    return [_parse(name, items) for name, items in grouped.items()]


def _parse(name: str, items: list[StoredObject]) -> Prefix:
    """Read the three words of a prefix; what is wrong with them stands in `problem`."""
    source_id, scope, word = [*name.rstrip("/").split("/"), "", ""][:3]
    parts = tuple(item for item in items if item.key != name + COMPLETE)
    snapshot_date, suffix, problem = None, 1, ""
    match = _DATE.fullmatch(word)
    if not name.endswith("/"):
        problem = "the object lies outside <source>/<region code or national>/<snapshot date>/"
    elif scope != NATIONAL and not (is_code(scope) and level(scope) == "regency"):
        problem = f"{scope!r} is neither a region code such as 35.10 nor {NATIONAL!r}"
    elif not match:
        problem = f"{word!r} is no snapshot date such as 2025-12-20, 2025-12-20-2, …"
    else:
        suffix = int(match[2] or 1)
        try:
            snapshot_date = date.fromisoformat(match[1])
        except ValueError:
            problem = f"{word!r} is no day of the calendar"
    if not problem and not parts:
        problem = f"there is nothing beside {COMPLETE}"
    return Prefix(name, source_id, scope, snapshot_date, suffix, parts, len(parts) < len(items), problem)
