"""Deliveries and batches in the ledger: what landed, what was judged, what is in force at a cut-off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from perlinsos.ledger.connection import Connection, call, call_rows, fetch_rows


@dataclass(frozen=True)
class Part:
    """One object of a delivery: its key in the landing bucket and where its bytes were kept."""

    landing_key: str
    raw_key: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Delivery:
    """One delivery. `scope` is a region code or `national`; `fingerprint` is of what judged it last."""

    delivery_id: int
    source_id: str
    scope: str
    snapshot_date: date
    suffix: int
    landing_prefix: str
    content_digest: str
    state: str
    fingerprint: str | None
    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        """How a person names it: source, scope, snapshot date and the number of the correction."""
        later = f"-{self.suffix}" if self.suffix > 1 else ""
        return f"{self.source_id}/{self.scope}/{self.snapshot_date}{later}"


@dataclass(frozen=True)
class Batch:
    """One accepted delivery under one judgement. `files` = name → sha256 of its objects."""

    batch_digest: str
    delivery_id: int
    source_id: str
    dataset: str
    scope: str
    coverage: Literal["full", "delta"]
    snapshot_date: date
    suffix: int
    files: dict[str, str]
    received: int
    accepted: int
    accepted_with_warnings: int
    quarantined: int

    @property
    def order(self) -> tuple[date, int, int]:
        """What orders the deliveries of a source and scope, whatever their arrival."""
        return self.snapshot_date, self.suffix, self.delivery_id


_DELIVERY = (
    "select d.delivery_id, d.source_id, d.scope, d.snapshot_date, d.suffix, d.landing_prefix, d.content_digest, "
    "d.state, d.fingerprint, coalesce((select jsonb_agg(jsonb_build_object('landing_key', p.landing_key, 'raw_key', "
    "p.raw_key, 'sha256', p.sha256, 'bytes', p.bytes) order by p.part_number) from delivery_part as p "
    "where p.delivery_id = d.delivery_id), '[]') as parts from delivery as d "
)
_NEWEST = (
    "join (select distinct on (source_id) delivery_id from delivery where scope = %s and judged_at is not null "
    "order by source_id, snapshot_date desc, suffix desc, delivery_id desc) as newest using (delivery_id) "
)
_BATCH = (
    "select batch_digest, delivery_id, source_id, dataset, scope, coverage, snapshot_date, suffix, files, received, "
    "accepted, accepted_with_warnings, quarantined from batch "
)


def read_waiting(connection: Connection, key: str) -> list[Delivery]:
    """The deliveries of a region or `national` that landed and were not judged, in the order of their snapshots."""
    query = _DELIVERY + "where d.scope = %s and d.state = 'landed' order by d.snapshot_date, d.suffix, d.delivery_id"
    return [_as_delivery(row) for row in fetch_rows(connection, query, [key])]


def read_newest_judged(connection: Connection, key: str) -> list[Delivery]:
    """Of each source of a key the newest delivery that was judged, whatever the verdict."""
    query = _DELIVERY + _NEWEST + "order by d.snapshot_date, d.suffix, d.source_id"
    return [_as_delivery(row) for row in fetch_rows(connection, query, [key])]


def read_delivery_row(connection: Connection, delivery_id: int) -> Delivery | None:
    """One delivery by its id; None where there is none that was taken."""
    rows = fetch_rows(connection, _DELIVERY + "where d.delivery_id = %s and d.snapshot_date is not null", [delivery_id])
    return _as_delivery(rows[0]) if rows else None


def read_batches_until(connection: Connection, cut_off: date) -> list[Batch]:
    """The batches of every scope whose snapshot date is at most the cut-off, replaced ones left out, in order."""
    query = _BATCH + (
        "where replaced_by is null and snapshot_date <= %s order by source_id, scope, snapshot_date, suffix, delivery_id"
    )
    return [Batch(**row) for row in fetch_rows(connection, query, [cut_off])]


def read_batches(connection: Connection, digests: Sequence[str]) -> list[Batch]:
    """Batches by their digests, whether in force or not, in the same order."""
    rows = fetch_rows(connection, _BATCH + "where batch_digest = any (%s)", [list(digests)])
    found = {row["batch_digest"]: Batch(**row) for row in rows}
    return [found[digest] for digest in digests]


def read_in_force(connection: Connection, delivery_id: int) -> Batch | None:
    """The batch of a delivery that is in force; None where it was refused or not judged."""
    query = "select batch_digest from batch where delivery_id = %s and replaced_by is null"
    digests = [row["batch_digest"] for row in fetch_rows(connection, query, [delivery_id])]
    return read_batches(connection, digests)[0] if digests else None


def read_later_batches(connection: Connection, held: Batch) -> list[Batch]:
    """The batches that may repair what `held` set aside: its delivery judged anew, and later ones of its scope."""
    query = _BATCH + (
        "where replaced_by is null and source_id = %s and scope = %s and batch_digest <> %s and (delivery_id = %s "
        "or (snapshot_date, suffix, delivery_id) > (%s, %s, %s)) order by snapshot_date, suffix, delivery_id"
    )
    arguments = [held.source_id, held.scope, held.batch_digest, held.delivery_id, *held.order]
    return [Batch(**row) for row in fetch_rows(connection, query, arguments)]


def record_delivery(
    connection: Connection, entry: dict[str, Any], parts: Sequence[dict[str, Any]], at: datetime
) -> tuple[int, bool]:
    """Record a delivery whose bytes are kept: its id, and whether it is new (the same bytes in a row are not)."""
    row = call_rows(connection, "record_delivery", [entry, list(parts), at])[0]
    return int(row["id"]), bool(row["is_new"])


def accept_delivery(
    connection: Connection, delivery_id: int, batch: dict[str, Any], rules: list[dict[str, Any]], at: datetime
) -> bool:
    """Accept a delivery: batch and funnel in this transaction. False where this very batch was in force already."""
    return bool(call(connection, "accept_delivery", [delivery_id, batch, rules, at]))


def refuse_delivery(
    connection: Connection, delivery_id: int, fingerprint: str | None, code: str, reason: dict[str, str], at: datetime
) -> None:
    """Set a delivery aside with its reason. One that was accepted before stays in force as it was."""
    call(connection, "refuse_delivery", [delivery_id, fingerprint, code, reason, at])


def _as_delivery(row: dict[str, Any]) -> Delivery:
    return Delivery(**{**row, "parts": tuple(Part(**part) for part in row["parts"])})
