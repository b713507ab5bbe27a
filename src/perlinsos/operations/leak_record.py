"""What a leak scan found, noted in the ledger: `watch` tells people, and tells them when a later scan finds nothing."""

from __future__ import annotations

from functools import partial
from typing import Any

from perlinsos.ledger.connection import transaction
from perlinsos.ledger.outcomes import measure
from perlinsos.operations.leak_scan import check_leaks
from perlinsos.settings import Settings

STEP = "leak-scan"


def check_and_record(settings: Settings, result: dict[str, Any]) -> None:
    """Note the result of a scan where there is a ledger. Raises Refused as `check_leaks` does."""
    if not settings.database_url:
        check_leaks(result)
        return
    with measure(partial(transaction, settings), "watcher", STEP, "all") as measured:
        measured.counts = {"looked_at": result["looked_at"], "leaks": len(result["leaks"]), "unread": len(result["unread"])}
        check_leaks(result)
