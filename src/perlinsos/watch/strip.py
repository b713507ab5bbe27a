"""The strip above the pages: what waits, how much was set aside, the disk. The heartbeats come from Airflow itself."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perlinsos.ledger.connection import Connection, fetch_rows
from perlinsos.watch.rights import Rights

_STRIP = """
select
    (select count(*) from delivery where state = 'landed' and (%(regions)s is null or scope = any (%(scopes)s))) as landed,
    (select count(*) from work where state = 'due' and (%(regions)s is null or region_code = any (%(regions)s))) as due,
    (select count(*) from work where state = 'claimed' and (%(regions)s is null or region_code = any (%(regions)s))) as claimed,
    coalesce(sum(b.received), 0)::bigint as received, coalesce(sum(b.quarantined), 0)::bigint as quarantined,
    (select max(recorded_at) from outcome where step = 'dispatch') as ticked_at,
    (select max(recorded_at) from outcome where step = 'watch') as watched_at
from batch as b where b.replaced_by is null and (%(regions)s is null or b.scope = any (%(scopes)s))
"""


@dataclass(frozen=True)
class Disk:
    """The disk of the platform's home, in bytes."""

    free: int
    total: int

    @property
    def free_share(self) -> float:
        """0 to 1."""
        return self.free / self.total


def read_strip(connection: Connection, rights: Rights) -> dict[str, Any]:
    """Counts of what waits and of rows received and set aside, of the regions that a user sees and of national sources."""
    regions = list(rights.regions) if rights.regions is not None else None
    scopes = [*(regions or []), "national"]
    return fetch_rows(connection, _STRIP, {"regions": regions, "scopes": scopes})[0]


def read_disk(home: Path) -> Disk:
    """The disk on which the home lies."""
    usage = shutil.disk_usage(home)
    return Disk(usage.free, usage.total)
