"""What is wrong with deliveries: refused ones that no later accepted one replaces, each with rule, file, words, command."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from perlinsos.ledger.connection import Connection, fetch_rows
from perlinsos.watch.words import hide

_REFUSED = """
select d.delivery_id, d.source_id, d.scope, d.snapshot_date, d.suffix, d.landing_prefix, d.error_code, d.error,
    coalesce(d.judged_at, d.landed_at) as since, d.judged_at is not null as was_read,
    (select array_agg(p.landing_key order by p.part_number) from delivery_part as p where p.delivery_id = d.delivery_id) as keys
from delivery as d
where d.state = 'refused' and not exists (
    select from delivery as l where l.source_id = d.source_id and l.scope = d.scope and l.state = 'accepted'
    and (l.snapshot_date, l.suffix) >= (d.snapshot_date, d.suffix))
    and (%(scopes)s is null or d.scope = any (%(scopes)s))
order by d.snapshot_date desc nulls last, d.suffix desc, d.delivery_id desc
"""
_OVER_SHARE = "fail a rule"


@dataclass(frozen=True)
class RefusedDelivery:
    """A delivery that waits for a better one. `rule` is what it failed, `file` the object it lies in."""

    delivery_id: int
    source: str
    scope: str
    snapshot_date: date | None
    rule: str
    file: str
    what: str
    remedy: str
    since: datetime
    is_over_share: bool
    is_read: bool

    @property
    def command(self) -> str:
        """What says more, and where the better delivery is to be laid."""
        return f"perlinsos quarantine show {self.delivery_id}"


def read_refused(connection: Connection, scopes: list[str] | None = None) -> list[RefusedDelivery]:
    """The refused deliveries of some scopes (None: all), the newest first; of one source and scope the newest only."""
    found: dict[tuple[str, str], RefusedDelivery] = {}
    for row in fetch_rows(connection, _REFUSED, {"scopes": scopes}):
        found.setdefault((row["source_id"], row["scope"]), _as_refused(row))
    return list(found.values())


def _as_refused(row: dict[str, Any]) -> RefusedDelivery:
    error = {word: hide(str(text)) for word, text in row["error"].items()}
    what, where = error.get("what", ""), error.get("where", "")
    is_over_share = what.startswith("too many rows") and _OVER_SHARE in what
    if is_over_share:
        rule = ", ".join(re.findall(r"(?:^|; )([A-Za-z0-9_.]+):", where)) or what
    else:
        rule = what if row["error_code"] in (None, "delivery_refused") else f"{row['error_code']}: {what}"
    keys = row["keys"] or [row["landing_prefix"]]
    named = [key for key in keys if key.rpartition("/")[2] and key.rpartition("/")[2] in where]
    file = named[0] if named else keys[0] if len(keys) == 1 else row["landing_prefix"]
    return RefusedDelivery(
        row["delivery_id"],
        row["source_id"],
        row["scope"],
        row["snapshot_date"],
        rule,
        hide(file),
        f"{what}; {where}" if is_over_share else what,
        error.get("remedy", ""),
        row["since"],
        is_over_share,
        row["was_read"],
    )
