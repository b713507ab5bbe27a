"""The status feed: numbered, signed records of what happens to lists after they are published, each with the digest of
the one before.

The ledger gives the number and the text of a record; then its signature and, last, the record are written where there is
none: so a record that has no signature lost it. A death between the two, and a lost signature of the last record, is
repaired by the next publisher of the feed, which writes the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from perlinsos.context import Context
from perlinsos.errors import Conflict, Refused
from perlinsos.ledger.consumers import (
    LISTS_FEED,
    append_status,
    find_superseded,
    note_status_written,
    read_unwritten_status,
)
from perlinsos.publication import signature
from perlinsos.publication.manifest import ListFacts, feed_prefix
from perlinsos.publication.signature import SigningKey
from perlinsos.settings import Buckets
from perlinsos.storage import Storage

_NAME = re.compile(r"(\d{6,})\.json")


@dataclass
class Standing:
    """What a feed says of one revision. `number` and `at`: of the feed's last record, as of which this speaks."""

    feed: str
    number: int
    at: str
    events: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def stands(self) -> str:
        """`published`, `superseded`, `suspended`, `withdrawn`, or `unknown` where the feed does not name the revision."""
        if not self.events:
            return "unknown"
        last = next((event for event in reversed(self.events) if event["event"] in {"suspended", "resumed", "withdrawn"}), None)
        if last is not None and last["event"] != "resumed":
            return str(last["event"])
        return "superseded" if any(event["event"] == "superseded" for event in self.events) else "published"

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**asdict(self), "stands": self.stands}


def bucket_of(buckets: Buckets, feed: str) -> str:
    """The bucket of a feed."""
    return buckets.work if feed == LISTS_FEED else buckets.published


def bucket_named(buckets: Buckets, prefix: str) -> str:
    """The bucket of the feed at that prefix."""
    return buckets.work if prefix == feed_prefix(LISTS_FEED) else buckets.published


def tell_published(ctx: Context, feed: str, facts: ListFacts, manifest_sha256: str, key: SigningKey, keys: list[bytes]) -> None:
    """Tell a feed that a revision is published and which earlier ones it supersedes, and write what it does not hold yet."""
    detail = {"status": facts.status, "list_digest": facts.list_digest, "manifest_sha256": manifest_sha256}
    with ctx.connect("publisher") as connection:
        append_status(connection, feed, "published", facts.list_id, facts.revision, detail, ctx.at)
        for earlier in find_superseded(connection, feed, facts.list_id, facts.revision):
            by = {"superseded_by": facts.revision}
            append_status(connection, feed, "superseded", facts.list_id, earlier, by, ctx.at)
    write_feed(ctx, feed, key, keys)


def write_feed(ctx: Context, feed: str, key: SigningKey, public_keys: list[bytes]) -> None:
    """Write every record of the ledger that may not lie in the bucket, each after its signature."""
    with ctx.connect("reader") as connection:
        records = read_unwritten_status(connection, feed)
    bucket, prefix = bucket_of(ctx.settings.buckets, feed), feed_prefix(feed)
    for record in records:
        name, data = f"{prefix}{record.number:06d}.json", record.document.encode()
        if record.is_written and all(ctx.storage.stat(bucket, part) for part in (name, f"{name}.minisig")):
            continue
        try:
            made = signature.sign(key, data, f"perlinsos status {feed} {record.number}")
            ctx.storage.put_new(bucket, f"{name}.minisig", made, "text/plain")
        except Conflict:  # signed before, with a key that was replaced since
            signature.verify(data, ctx.storage.get(bucket, f"{name}.minisig"), public_keys, where=f"{bucket}/{name}")
        ctx.storage.put_new(bucket, name, data, "application/json")
    if records:
        with ctx.connect("publisher") as connection:
            note_status_written(connection, feed, records[-1].number)


def read_standing(storage: Storage, bucket: str, prefix: str, label: str, public_keys: Iterable[bytes]) -> Standing | None:
    """What the feed in the store says of a revision (`2026-T1/35.10/pkh/r2`); None where there is no feed."""
    names = [found.key.removeprefix(prefix) for found in storage.list(bucket, prefix)]
    return judge_feed(prefix, names, lambda name: storage.get(bucket, prefix + name), label, list(public_keys))


def read_standing_in(folder: Path, label: str, public_keys: Iterable[bytes]) -> Standing | None:
    """The same from a local copy of the feed."""
    names = [path.name for path in folder.iterdir()]
    return judge_feed(str(folder), names, lambda name: (folder / name).read_bytes(), label, list(public_keys))


def judge_feed(
    feed: str, names: list[str], read: Callable[[str], bytes], label: str, public_keys: list[bytes]
) -> Standing | None:
    """Read a feed from its end back to the publication of the revision, checking signatures, numbers and digests.

    A record without a signature is a fault, at the end too: it comes after its signature, so that one was lost or the
    record is not ours, and what happened last is not known. A signature alone is a record that is being written.
    """
    numbers = sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))
    there = set(names)
    if not numbers:
        return None
    standing, expected = Standing(feed, numbers[-1], ""), ""
    for number in range(numbers[-1], 0, -1):
        name = f"{number:06d}.json"
        if name not in there:
            standing.faults.append(f"record {number} is missing")
            break
        data = read(name)
        _check_record(standing, name, data, expected, read if f"{name}.minisig" in there else None, public_keys)
        if (record := _parse_record(data)) is None:
            standing.faults.append(f"{name} is no record of a feed")
            break
        standing.at = standing.at or record["at"]
        if f"{record['list_id']}/r{record['revision']}" == label:
            standing.events.insert(0, {"number": number, "event": record["event"], "at": record["at"], **record["detail"]})
            if record["event"] == "published":
                break
        expected = record["previous_sha256"]
    return standing


def _parse_record(data: bytes) -> dict[str, Any] | None:
    """The record of these bytes; None where they are none."""
    try:
        record = json.loads(data)
    except ValueError:
        return None
    wanted = {"event", "list_id", "revision", "detail", "at", "previous_sha256"}
    return record if isinstance(record, dict) and wanted <= record.keys() and isinstance(record["detail"], dict) else None


def _check_record(
    standing: Standing, name: str, data: bytes, expected: str, read: Callable[[str], bytes] | None, public_keys: list[bytes]
) -> None:
    """The record's digest is the one that the next record names, and its signature is one of our keys'."""
    if expected and hashlib.sha256(data).hexdigest() != expected:
        standing.faults.append(f"{name} is not the record that the next one names")
    if read is None:
        standing.faults.append(f"{name} is not signed: what it says cannot be trusted; the next publication signs what is ours")
        return
    try:
        signature.verify(data, read(f"{name}.minisig"), public_keys, where=name)
    except Refused as error:
        standing.faults.append(f"{name}: {error.what}")
