"""Housekeeping: do bucket and ledger still agree (`reconcile`), and away with what nobody needs any more (`clean`)."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from perlinsos.context import Context
from perlinsos.errors import Conflict, Refused
from perlinsos.ledger.connection import call, fetch_rows
from perlinsos.ledger.outcomes import measure
from perlinsos.ledger.revisions import adopt_revision
from perlinsos.operations.accept import READINGS
from perlinsos.operations.batches import key_of
from perlinsos.publication import signature
from perlinsos.publication.manifest import MANIFEST, list_prefix
from perlinsos.storage import Missing, StoredObject

ROTATION_DAYS = 30  # every object is hashed anew once in so many days
TEMPORARY_KEPT = timedelta(days=1)
_UNFINISHED = (
    "select r.list_id, r.track, r.revision, r.list_digest, r.state, w.state as work_state, w.fence = r.fence as is_last "
    "from list_revision as r join work as w using (work_id) where r.state in ('reserved', 'abandoned') "
    "order by r.list_id, r.track, r.revision"
)
_PUBLISHED = (
    "select list_id, track, revision, manifest_key, manifest_sha256 from list_revision where state = 'published' "
    "order by list_id, track, revision"
)


def reconcile(ctx: Context) -> dict[str, Any]:
    """Compare bucket and ledger.

    Adopts the manifest of equal digest that a publisher left who will not come back; checks that every recorded
    manifest is there unchanged, hashes a rotating sample of batches and raw bytes, verifies the audit chain, counts
    orphans. Raises Conflict at its end where anything is not as recorded, naming it; nothing is ever overwritten.
    """
    found: dict[str, Any] = {"adopted": [], "pending": [], "alerts": [], "hashed": 0, "orphans": 0}
    with measure(ctx.connect, "publisher", "reconcile", "all") as measured:
        _settle_unfinished(ctx, found)
        _check_manifests(ctx, found)
        _hash_sample(ctx, found)
        found["orphans"] = len(_list_prefixes(ctx, "batches/") - _known_batches(ctx))
        with ctx.connect("reader") as connection:
            broken = call(connection, "find_audit_break", [])
        if broken is not None:
            found["alerts"].append(f"the audit chain is broken at row {broken}")
        measured.counts = {name: value if isinstance(value, int) else len(value) for name, value in found.items()}
        if found["alerts"]:
            raise Conflict(
                f"bucket and ledger disagree in {len(found['alerts'])} places",
                where="; ".join(found["alerts"][:20]),
                remedy="stop dispatch, compare with the backups of both; nothing was changed here",
            )
    return found


def _settle_unfinished(ctx: Context, found: dict[str, Any]) -> None:
    """Reservations whose record is missing: adopt, leave to their publisher's next run, or alert."""
    with ctx.connect("reader") as connection:
        rows = fetch_rows(connection, _UNFINISHED)
    for row in rows:
        label = f"{row['list_id']}/r{row['revision']}"
        key = list_prefix(row["list_id"], row["revision"], is_simulation=row["track"] == "simulation") + MANIFEST
        manifest = _get(ctx, key)
        if manifest is None:
            continue
        if json.loads(manifest).get("list_digest") != row["list_digest"]:
            found["alerts"].append(f"{label}: the manifest in the bucket has another list_digest than was reserved")
        elif row["work_state"] in ("due", "claimed", "failed"):
            found["pending"].append(label)  # the same work runs again, gets the same number and writes what is missing
        else:
            digest = hashlib.sha256(manifest).hexdigest()
            with ctx.connect("publisher") as connection:
                adopt_revision(
                    connection, row["list_id"], row["track"], row["revision"], list_digest=row["list_digest"],
                    manifest_key=key, manifest_sha256=digest, at=ctx.at,
                )  # fmt: skip
            found["adopted"].append(label)


def _check_manifests(ctx: Context, found: dict[str, Any]) -> None:
    """Every recorded manifest is there with its bytes; the data files of a rotating part of them too."""
    with ctx.connect("reader") as connection:
        rows = fetch_rows(connection, _PUBLISHED)
    for row in rows:
        label = f"{row['list_id']}/r{row['revision']}"
        manifest = _get(ctx, row["manifest_key"])
        if manifest is None or hashlib.sha256(manifest).hexdigest() != row["manifest_sha256"]:
            found["alerts"].append(f"{label}: the manifest is {'missing' if manifest is None else 'another'}")
        elif _is_todays(ctx, label):
            folder = row["manifest_key"].removesuffix(MANIFEST)
            for entry in json.loads(manifest).get("files", []):
                _hash_one(ctx, ctx.settings.buckets.work, folder + entry["path"], entry["sha256"], found)


def _hash_sample(ctx: Context, found: dict[str, Any]) -> None:
    """Hash today's part of the batches' and deliveries' objects and compare with the ledger."""
    with ctx.connect("reader") as connection:
        batches = fetch_rows(connection, "select batch_digest, files from batch order by batch_digest")
        parts = fetch_rows(
            connection,
            "select raw_key, sha256 from delivery_part union select raw_key, sha256 from row_correction order by raw_key",
        )
    buckets = ctx.settings.buckets
    for batch in batches:
        if _is_todays(ctx, batch["batch_digest"]):
            for name, sha256 in sorted(batch["files"].items()):
                _hash_one(ctx, buckets.work, key_of(batch["batch_digest"], name), sha256, found)
    for part in parts:
        if _is_todays(ctx, part["raw_key"]):
            _hash_one(ctx, buckets.raw, part["raw_key"], part["sha256"], found)


def _is_todays(ctx: Context, name: str) -> bool:
    """Whether a thing's turn in the rotation is on the day of this run."""
    turn = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % ROTATION_DAYS
    return turn == ctx.at.date().toordinal() % ROTATION_DAYS


def _hash_one(ctx: Context, bucket: str, key: str, sha256: str, found: dict[str, Any]) -> None:
    """Fetch one object and compare its hash."""
    found["hashed"] += 1
    with tempfile.TemporaryDirectory(prefix="perlinsos-hash-") as folder:
        try:
            if ctx.storage.fetch(bucket, key, Path(folder) / "object") != sha256:
                found["alerts"].append(f"{bucket}/{key}: other bytes than were recorded")
        except Missing:
            found["alerts"].append(f"{bucket}/{key}: missing")


def _get(ctx: Context, key: str) -> bytes | None:
    """A small object of the work bucket; None where it is not there."""
    try:
        return ctx.storage.get(ctx.settings.buckets.work, key)
    except Missing:
        return None


def _list_prefixes(ctx: Context, beginning: str) -> set[str]:
    """The names one level below a prefix of the work bucket."""
    stored = ctx.storage.list(ctx.settings.buckets.work, beginning)
    return {item.key.removeprefix(beginning).partition("/")[0] for item in stored}


def _known_batches(ctx: Context) -> set[str]:
    with ctx.connect("reader") as connection:
        return {row["batch_digest"] for row in fetch_rows(connection, "select batch_digest from batch")}


def clean(ctx: Context) -> dict[str, Any]:
    """Delete the readings of deliveries that were judged a day ago, trim the local cache, and anchor the audit chain as a
    signed object. Gives counts. Safe to repeat."""
    with measure(ctx.connect, "loader", "clean", "all") as measured:
        deleted = 0
        finished = _finished_readings(ctx)
        for item in list(_temporary(ctx)):
            if item.key.removeprefix(READINGS).partition("/")[0] in finished:
                ctx.storage.delete(ctx.settings.buckets.work, item.key)
                deleted += 1
        trimmed = ctx.cache.trim() if ctx.settings.cache.exists() else 0
        checkpoint = _anchor_audit(ctx)
        measured.counts = {"temporary_deleted": deleted, "cache_bytes_trimmed": trimmed, "audit_rows": checkpoint}
        return measured.counts


def _temporary(ctx: Context) -> Iterator[StoredObject]:
    return ctx.storage.list(ctx.settings.buckets.work, READINGS)


def _finished_readings(ctx: Context) -> set[str]:
    """The digests of readings whose delivery was accepted or refused more than a day before this run."""
    with ctx.connect("reader") as connection:
        rows = fetch_rows(
            connection,
            "select distinct digests ->> 'result' as digest from outcome where digests ? 'result' and recorded_at < %s "
            "and (step in ('accept', 'replay') or state = 'refused')",
            [ctx.at - TEMPORARY_KEPT],
        )
    return {row["digest"] for row in rows}


def _anchor_audit(ctx: Context) -> int:
    """Write the head of the audit chain as an object, signed where this machine holds the platform's key."""
    with ctx.connect("reader") as connection:
        rows = fetch_rows(
            connection,
            "select audit_id, encode(row_hash, 'hex') as row_hash from audit order by audit_id desc limit 1",
        )
    if not rows:
        return 0
    text = json.dumps(rows[0], sort_keys=True).encode()
    name = f"audit/{rows[0]['audit_id']:012d}.json"
    bucket = ctx.settings.buckets.work
    ctx.storage.put_new(bucket, name, text, "application/json")
    try:
        key = signature.load_key(ctx.settings.home / "keys")
    except Refused:
        return int(rows[0]["audit_id"])  # only the machines that publish hold the key
    ctx.storage.put_new(bucket, f"{name}.minisig", signature.sign(key, text, f"perlinsos audit {rows[0]['audit_id']}"))
    return int(rows[0]["audit_id"])


def scan(ctx: Context) -> dict[str, Any]:
    """Look for numbers of persons outside the restricted store, and note what was found. Raises Refused where there are any.

    Gives how much was looked at. Only numbers of the project's accepted batches and invented ones count.
    """
    from perlinsos.operations.leak_record import check_and_record
    from perlinsos.operations.leak_scan import scan_everything

    result = scan_everything(ctx.settings)
    check_and_record(ctx.settings, result)
    return dict(result["looked_at"])
