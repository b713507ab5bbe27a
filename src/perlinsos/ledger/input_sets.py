"""Frozen input sets: one immutable JSON text each, named by its SHA-256; the determination takes nothing else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from perlinsos.errors import Refused
from perlinsos.ledger.connection import Connection, call, fetch_rows
from perlinsos.ledger.deliveries import Batch


@dataclass(frozen=True)
class InputSet:
    """A frozen input set. `document` is what the digest covers:

    version, region, stage, purpose, cut_off, scope, programmes, settings, lottery_seed, `batches` (role own, national
    or foreign), `repairs` (held, and the later batch), minimum_wage (rows), quotas (with decree), rules (file → sha256).
    """

    digest: str
    document: dict[str, Any]

    @property
    def text(self) -> str:
        """The canonical JSON."""
        return canonical_json(self.document)

    def batches(self, *roles: str) -> list[Batch]:
        """The pinned batches of some roles (default: all), in the order of their deliveries."""
        return [as_batch(entry) for entry in self.document["batches"] if not roles or entry["role"] in roles]

    @property
    def repairs(self) -> list[tuple[str, Batch]]:
        """Digest of the batch whose quarantine is repaired, and the batch that brings the rows; the first one wins."""
        return [(entry["held"], as_batch(entry["later"])) for entry in self.document["repairs"]]


def canonical_json(document: dict[str, Any]) -> str:
    """Keys sorted, no spaces, UTF-8 as it is."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def make_input_set(document: dict[str, Any]) -> InputSet:
    """An input set with its digest; not yet frozen."""
    return InputSet(hashlib.sha256(canonical_json(document).encode()).hexdigest(), document)


def describe_batch(batch: Batch) -> dict[str, Any]:
    """A batch as an input set holds it: content and order, never the time or number of its arrival."""
    return {
        "batch_digest": batch.batch_digest,
        "source": batch.source_id,
        "dataset": batch.dataset,
        "scope": batch.scope,
        "coverage": batch.coverage,
        "snapshot_date": batch.snapshot_date.isoformat(),
        "suffix": batch.suffix,
        "files": batch.files,
        "received": batch.received,
        "accepted": batch.accepted,
        "accepted_with_warnings": batch.accepted_with_warnings,
        "quarantined": batch.quarantined,
    }


def as_batch(entry: dict[str, Any]) -> Batch:
    """The batch of an input set's entry (its delivery id is not in it: 0)."""
    return Batch(
        entry["batch_digest"], 0, entry["source"], entry["dataset"], entry["scope"], entry["coverage"],
        date.fromisoformat(entry["snapshot_date"]), entry["suffix"], entry["files"], entry["received"],
        entry["accepted"], entry["accepted_with_warnings"], entry["quarantined"],
    )  # fmt: skip


def read_input_set(connection: Connection, digest: str) -> InputSet:
    """A frozen input set. Refused where the ledger has none of that digest, or its text has another."""
    rows = fetch_rows(connection, "select document from input_set where input_set_digest = %s", [digest])
    if not rows:
        raise Refused("there is no such input set", where=f"ledger, {digest[:12]}…", remedy="perlinsos status")
    found = make_input_set(json.loads(rows[0]["document"]))
    if found.digest != digest:
        raise Refused(
            "an input set in the ledger has other content than its digest says",
            where=f"ledger, {digest[:12]}…",
            remedy="restore the ledger from its backup; nothing was computed from it",
        )
    return found


def read_newest(connection: Connection, cycle_id: str) -> InputSet | None:
    """The newest input set of a cycle; None before the first was frozen."""
    rows = fetch_rows(
        connection,
        "select input_set_digest from cycle_input_set where cycle_id = %s order by number desc limit 1",
        [cycle_id],
    )
    return read_input_set(connection, rows[0]["input_set_digest"]) if rows else None


def freeze(connection: Connection, cycle_id: str, frozen: InputSet, reason: str, at: datetime) -> int:
    """Freeze an input set as the next one of its cycle, as decider; its number. The first fixes the lottery seed."""
    arguments = [cycle_id, frozen.digest, frozen.text, frozen.document["lottery_seed"], reason, at]
    return int(call(connection, "freeze_input_set", arguments))


def read_parts(connection: Connection, frozen: InputSet) -> list[dict[str, Any]]:
    """The parts of an input set as a manifest lists them: dataset, source, scope, role, snapshot_date, delivered_at,
    sha256 (of the accepted rows), batch_digest, rows."""
    digests = [batch.batch_digest for batch in frozen.batches()]
    rows = fetch_rows(
        connection,
        "select b.batch_digest, d.landed_at from batch as b join delivery as d using (delivery_id) "
        "where b.batch_digest = any (%s)",
        [digests],
    )
    landed = {row["batch_digest"]: row["landed_at"].isoformat() for row in rows}
    return [
        {
            "dataset": entry["dataset"],
            "source": entry["source"],
            "scope": entry["scope"],
            "role": entry["role"],
            "snapshot_date": entry["snapshot_date"],
            "delivered_at": landed.get(entry["batch_digest"]),
            "sha256": entry["files"]["accepted.parquet"],
            "batch_digest": entry["batch_digest"],
            "rows": entry["accepted"] + entry["accepted_with_warnings"],
        }
        for entry in frozen.document["batches"]
    ]
