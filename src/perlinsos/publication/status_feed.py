"""The status feed: numbered, signed records of what happens to lists after they are published, each with the digest of
the one before.

The ledger gives the number and the text of a record; then record and signature are written where there is none. A death
between the two is repaired by the next publisher of the feed, which writes the same bytes.
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
    """What a feed says of one revision. `number` and `at`: of the feed's last signed record, as of which this speaks."""

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
    """Write every record of the ledger that may not lie in the bucket, with its signature."""
    with ctx.connect("reader") as connection:
        records = read_unwritten_status(connection, feed)
    bucket, prefix = bucket_of(ctx.settings.buckets, feed), feed_prefix(feed)
    for record in records:
        name, data = f"{prefix}{record.number:06d}.json", record.document.encode()
        ctx.storage.put_new(bucket, name, data, "application/json")
        try:
            made = signature.sign(key, data, f"perlinsos status {feed} {record.number}")
            ctx.storage.put_new(bucket, f"{name}.minisig", made, "text/plain")
        except Conflict:  # signed before, with a key that was replaced since
            signature.verify(data, ctx.storage.get(bucket, f"{name}.minisig"), public_keys, where=f"{bucket}/{name}")
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

    Records at the end that are not signed yet are being written: they are left out.
    """
    numbers = sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))
    there = set(names)
    while numbers and f"{numbers[-1]:06d}.json.minisig" not in there:
        numbers.pop()
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
        record = json.loads(data)
        standing.at = standing.at or record["at"]
        if f"{record['list_id']}/r{record['revision']}" == label:
            standing.events.insert(0, {"number": number, "event": record["event"], "at": record["at"], **record["detail"]})
            if record["event"] == "published":
                break
        expected = record["previous_sha256"]
    return standing


def _check_record(
    standing: Standing, name: str, data: bytes, expected: str, read: Callable[[str], bytes] | None, public_keys: list[bytes]
) -> None:
    """The record's digest is the one that the next record names, and its signature is one of our keys'."""
    if expected and hashlib.sha256(data).hexdigest() != expected:
        standing.faults.append(f"{name} is not the record that the next one names")
    if read is None:
        standing.faults.append(f"{name} is not signed")
        return
    try:
        signature.verify(data, read(f"{name}.minisig"), public_keys, where=name)
    except Refused as error:
        standing.faults.append(f"{name}: {error.what}")
