"""The funnel of a delivery: received = accepted + accepted with warnings + quarantined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perlinsos.errors import PerlinsosError

PLACES = ("accepted", "accepted_with_warnings", "quarantined")


def funnel_rows(outcome: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row for each place: step, place, rows; then the reasons inside warnings and quarantine (they overlap).

    Raises PerlinsosError where a received row ended in no place or in two.
    """
    received = int(outcome["received"])
    parts = {place: int(outcome[place]) for place in PLACES}
    if outcome.get("refused") is None and sum(parts.values()) != received:
        raise PerlinsosError(
            "the rows of a delivery do not add up",
            where=str(outcome.get("source", "")),
            why=f"received {received}, " + ", ".join(f"{place} {rows}" for place, rows in parts.items()),
            remedy="report this as an error of the product",
        )
    found = [{"step": "received", "place": "received", "rows": received}]
    found += [{"step": "placed", "place": place, "rows": rows} for place, rows in parts.items()]
    found += [
        {
            "step": "reason",
            "place": "quarantined" if rule["severity"] == "critical" else "accepted_with_warnings",
            "rule": rule["rule"],
            "message_id": rule["message_id"],
            "rows": int(rule["rows"]),
        }
        for rule in outcome.get("rules", [])
    ]
    return found
