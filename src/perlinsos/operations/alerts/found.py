"""One trouble as it is found, and the kinds of trouble that there are. Each kind has a runbook: docs/alerts/<kind>.md."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from perlinsos.watch.words import hide

PLATFORM = "platform operators"
DELIVERY_LATE, DELIVERY_REFUSED, QUARANTINE_SHARE = "delivery_late", "delivery_refused", "quarantine_share"
REGION_STUCK, LEGAL_DATE, PUBLISH_CONFLICT = "region_stuck", "legal_date", "publish_conflict"
STORE_DIFFERS, LEAK_FOUND, DISK_FULL, AIRFLOW_DEAD = "store_differs", "leak_found", "disk_full", "airflow_dead"
FROM_INSIDE = (
    *(DELIVERY_LATE, DELIVERY_REFUSED, QUARANTINE_SHARE, REGION_STUCK, LEGAL_DATE),
    *(PUBLISH_CONFLICT, STORE_DIFFERS, LEAK_FOUND, DISK_FULL),
)
"""What the DAG `watch` judges. Whether Airflow itself lives is judged from outside."""
FROM_OUTSIDE = (AIRFLOW_DEAD,)
TITLES = {
    DELIVERY_LATE: "a delivery is late",
    DELIVERY_REFUSED: "a delivery is refused",
    QUARANTINE_SHARE: "too many rows are set aside",
    REGION_STUCK: "a region stands still",
    LEGAL_DATE: "a date comes near",
    PUBLISH_CONFLICT: "a publication conflicts",
    STORE_DIFFERS: "bucket and ledger differ",
    LEAK_FOUND: "a number of a person stands where it must not",
    DISK_FULL: "the disk is nearly full",
    AIRFLOW_DEAD: "Airflow is dead",
}


@dataclass(frozen=True)
class FoundAlert:
    """One trouble. `subject` is the same as long as it lasts; `page` is the path of the page that shows it."""

    kind: str
    subject: str
    what: str
    command: str
    page: str = "/perlinsos/alerts"
    region_code: str | None = None
    stage: str | None = None
    rule: str | None = None
    owner: str = PLATFORM

    def as_entry(self) -> dict[str, Any]:
        """The same for the ledger; a run of twelve or more digits never gets there."""
        return {name: hide(value) if isinstance(value, str) else value for name, value in asdict(self).items()}


def region_page(region: str) -> str:
    """The path of a region's page."""
    return f"/perlinsos/regions/{region}"
