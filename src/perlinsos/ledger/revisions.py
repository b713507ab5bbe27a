"""Revisions of lists: reserve a number, write the objects, record the manifest; and what a reconciler adopts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from perlinsos.errors import WrongUsage
from perlinsos.ledger.connection import Connection, call, fetch_rows

Track = Literal["list", "simulation"]
_FORM = re.compile(r"(?P<list_id>\d{4}-T[1-4]/\d{2}\.\d{2}/[a-z][a-z0-9_-]*)(?:/r(?P<revision>[1-9]\d*))?")


@dataclass(frozen=True)
class Revision:
    """One published revision of a list. Simulations are counted on a track of their own."""

    list_id: str
    track: Track
    revision: int
    status: str
    list_digest: str
    input_set_digest: str
    supersedes: int | None
    manifest_key: str
    manifest_sha256: str
    published_at: datetime
    rows: dict[str, Any] | None


def make_list_id(region: str, stage: str, programme: str) -> str:
    """`2026-T1/35.10/pkh`."""
    return f"{stage}/{region}/{programme}"


def parse_label(label: str) -> tuple[str, int | None]:
    """`2026-T1/35.10/pkh/r2` -> list id and revision (None where none is named). WrongUsage for another form."""
    match = _FORM.fullmatch(label)
    if match is None:
        raise WrongUsage(f"{label!r} is no list", remedy="write 2026-T1/35.10/pkh, or 2026-T1/35.10/pkh/r2")
    return match["list_id"], int(match["revision"]) if match["revision"] else None


def track_of(status: str) -> Track:
    """The track that a status is counted on."""
    return "simulation" if status == "simulation" else "list"


def reserve_revision(connection: Connection, list_id: str, list_digest: str, status: str, work_id: int, fence: int) -> int | None:
    """The revision number to write under, as publisher; None where the last one has this digest and status.

    An unfinished reservation of the same digest and status gives the same number again. Conflict where the fence is
    lost. Commit before writing objects.
    """
    number = call(connection, "reserve_revision", [list_id, list_digest, status, work_id, fence])
    return None if number is None else int(number)


def record_published(
    connection: Connection,
    list_id: str,
    revision: int,
    *,
    status: str,
    list_digest: str,
    manifest_key: str,
    manifest_sha256: str,
    work_id: int,
    fence: int,
    at: datetime,
    rows: dict[str, Any] | None = None,
) -> None:
    """Record that the manifest of a reserved revision lies in the bucket; moves the list's state. Safe to repeat.

    `rows` = counts and rupiah by outcome, as in the manifest. Conflict where the fence is lost, the digest is not the
    reserved one, or another manifest was recorded.
    """
    arguments = [list_id, track_of(status), revision, list_digest, manifest_key, manifest_sha256, rows or {}]
    call(connection, "record_published", [*arguments, work_id, fence, at])


def record_changes(
    connection: Connection, list_id: str, revision: int, list_digest: str, changes: dict[str, Any], *, work_id: int, fence: int
) -> None:
    """Record what a revision changed, by cause, as publisher: {revision | stage: {compared_with, causes}}. Safe to repeat."""
    call(connection, "record_changes", [list_id, "list", revision, list_digest, changes, work_id, fence])


def adopt_revision(
    connection: Connection, list_id: str, track: Track, revision: int, *, list_digest: str, manifest_key: str,
    manifest_sha256: str, at: datetime,
) -> None:  # fmt: skip
    """Record a complete manifest of equal digest that a dead publisher left, as publisher. Conflict otherwise."""
    call(connection, "adopt_revision", [list_id, track, revision, list_digest, manifest_key, manifest_sha256, at])


def read_revisions(connection: Connection, list_id: str, track: Track = "list") -> list[Revision]:
    """The published revisions of a list, oldest first."""
    rows = fetch_rows(
        connection,
        "select list_id, track, revision, status, list_digest, input_set_digest, supersedes, manifest_key, "
        "manifest_sha256, published_at, rows from list_revision "
        "where list_id = %s and track = %s and state = 'published' order by revision",
        [list_id, track],
    )
    return [Revision(**row) for row in rows]


def read_window(connection: Connection, list_id: str) -> dict[str, Any] | None:
    """The first window of a list: opens_at, closes_at (timestamptz), zone; None where none was opened."""
    rows = fetch_rows(
        connection,
        "select opens_at, closes_at, zone, first_revision from objection_window where list_id = %s and window_number = 1",
        [list_id],
    )
    return rows[0] if rows else None
