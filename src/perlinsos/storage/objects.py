"""What a store of objects must do, whichever it is, and the errors that all of them raise."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from perlinsos.errors import Conflict, Refused

TEMPORARY = "temporary/"  # the prefix, in any bucket, under which objects may be deleted
BLOCK = 1 << 20


class Missing(Refused):
    """The object, or its bucket, is not there (exit 1)."""


@dataclass(frozen=True)
class StoredObject:
    """One object as the store describes it. `size` in bytes; `sha256` (hex) where the writer recorded it."""

    bucket: str
    key: str
    size: int
    etag: str
    sha256: str | None = None


class Storage(Protocol):
    """What the rest of the project may do with objects.

    Every method raises Unreachable where the store does not answer within its bounded retries, and Missing where an
    object that must be there (or the bucket) is not.
    """

    def make_bucket(self, bucket: str) -> bool:
        """Create the bucket; False where it was there."""

    def put_new(self, bucket: str, key: str, source: bytes | Path, content_type: str = "application/octet-stream") -> bool:
        """Write an object that is not there: True. False where the very same bytes are. Conflict where others are."""

    def replace_if(self, bucket: str, key: str, data: bytes, etag: str | None) -> str:
        """Write if the object still has this ETag (None: does not exist), and give the new ETag. Else Conflict."""

    def put_landing(self, bucket: str, key: str, source: bytes | Path) -> None:
        """Write without a condition, as an agency does. Only in the landing bucket."""

    def get(self, bucket: str, key: str) -> bytes:
        """The whole object in memory: for small ones."""

    def fetch(self, bucket: str, key: str, to: Path) -> str:
        """Stream the object into a file that appears whole or not at all; its SHA-256 in hex."""

    def stat(self, bucket: str, key: str) -> StoredObject | None:
        """What the store says of one object; None where it is not there."""

    def list(self, bucket: str, prefix: str = "") -> Iterator[StoredObject]:
        """All objects whose key begins with the prefix, in the byte order of their keys, however many there are."""

    def delete(self, bucket: str, key: str) -> None:
        """Delete from the landing bucket or under `temporary/`; anything else is refused. Missing is no error."""


def check_conditional_writes(storage: Storage, bucket: str) -> None:
    """Prove with one temporary object that the store really refuses to overwrite (some ignore If-None-Match).

    Raises Refused where it does not: nothing may be published to such a store.
    """
    key = f"{TEMPORARY}conditional-write-{secrets.token_hex(8)}"
    try:
        storage.put_new(bucket, key, b"first")
        try:
            storage.put_new(bucket, key, b"other")
        except Conflict:
            if storage.get(bucket, key) == b"first":
                return
        raise Refused(
            "The object store overwrites objects that it should keep",
            where=bucket,
            why="it ignores If-None-Match: *, so two publishers could both win",
            remedy="use a store with conditional writes, such as SeaweedFS 4 or AWS S3",
        )
    finally:
        storage.delete(bucket, key)


def digest_of(source: bytes | Path) -> str:
    """Lower-case hex SHA-256 of bytes or of a file."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def conflict(bucket: str, key: str, why: str) -> Conflict:
    """The error for an object that is not what the writer thought."""
    return Conflict(
        "An object differs from what is to be written",
        where=f"{bucket}/{key}",
        why=why,
        remedy="nothing was overwritten; find out who wrote it (provenance.json beside a list), then publish again",
    )


def missing(bucket: str, key: str, why: str = "the store has no such object") -> Missing:
    """The error for an object or bucket that is not there."""
    remedy = "" if key else "`perlinsos up` makes the buckets; see PERLINSOS_S3_ENDPOINT"
    return Missing("An object is missing" if key else "A bucket is missing", where=f"{bucket}/{key}", why=why, remedy=remedy)


def check_deletable(bucket: str, key: str, landing: str) -> None:
    """Raise Refused unless the object lies in the landing bucket or under `temporary/`."""
    if bucket != landing and not key.startswith(TEMPORARY):
        raise Refused("A stored object is never deleted", where=f"{bucket}/{key}", why="it is immutable")


def check_landing(bucket: str, key: str, landing: str) -> None:
    """Raise Refused unless the bucket is the landing bucket."""
    if bucket != landing:
        raise Refused("Only the landing bucket takes unconditional writes", where=f"{bucket}/{key}")
