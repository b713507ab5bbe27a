"""Consumers of published lists: who they are, the ids of their keys, and what their status feeds say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from perlinsos.ledger.connection import Connection, call, fetch_rows
from perlinsos.ledger.records import ConsumerRecord, ReadRecord

KeyKind = Literal["token", "s3"]
Event = Literal["published", "superseded", "suspended", "resumed", "withdrawn"]
LISTS_FEED = "lists"


@dataclass(frozen=True)
class Consumer:
    """Who gets a folder of its own, under which profile, of which programmes and regions (empty: all)."""

    consumer_id: str
    profile: str
    name: str
    programmes: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()

    def gets(self, region: str, programme: str) -> bool:
        """Whether lists of that region and programme are for this consumer."""
        return (not self.regions or region in self.regions) and (not self.programmes or programme in self.programmes)


@dataclass(frozen=True)
class StatusRecord:
    """One record of a feed, as it lies in the bucket."""

    number: int
    document: str
    sha256: str
    is_written: bool


def add_consumer(connection: Connection, read: ReadRecord[ConsumerRecord], at: datetime) -> bool:
    """Register a consumer or change its name or scope, as registrar; False where this very record is there.

    Refused for another profile, and for a consumer that was revoked.
    """
    return bool(call(connection, "add_consumer", [read.record.model_dump(mode="json"), read.digest, read.document, at]))


def use_key(connection: Connection, consumer_id: str, kind: KeyKind, key_id: str, at: datetime) -> bool:
    """Note the id of the key that is in use from now on, as registrar; False where it was in use."""
    return bool(call(connection, "use_consumer_key", [consumer_id, kind, key_id, at]))


def revoke_consumer(connection: Connection, consumer_id: str, reason: str, at: datetime) -> bool:
    """Give the consumer no further list, as registrar; False where it was revoked. Refused for an unknown one."""
    return bool(call(connection, "revoke_consumer", [consumer_id, reason, at]))


def read_consumers(connection: Connection) -> list[Consumer]:
    """The consumers that get lists, by id."""
    rows = fetch_rows(
        connection,
        "select consumer_id, profile, name, programmes, regions from consumer where revoked_at is null order by consumer_id",
    )
    return [Consumer(**{**row, "programmes": tuple(row["programmes"]), "regions": tuple(row["regions"])}) for row in rows]


def describe_consumers(connection: Connection) -> list[dict[str, Any]]:
    """All consumers, revoked ones too, with the ids of their keys in use and how many records their feed has."""
    return fetch_rows(
        connection,
        "select c.consumer_id, c.name, c.profile, c.programmes, c.regions, c.legal_basis, c.added_at::text, c.revoked_at::text, "
        "c.revoked_reason, t.key_id as token_key_id, s.key_id as access_key, "
        "(select count(*) from status_record as f where f.feed = c.consumer_id) as status_records from consumer as c "
        "left join consumer_key as t on t.consumer_id = c.consumer_id and t.kind = 'token' and t.used_until is null "
        "left join consumer_key as s on s.consumer_id = c.consumer_id and s.kind = 's3' and s.used_until is null "
        "order by c.consumer_id",
    )


def find_undelivered(connection: Connection, cycle_id: str) -> list[dict[str, Any]]:
    """Consumers that do not hold the newest revision of a list of the cycle that is for them: list_id, revision, consumer_id."""
    return fetch_rows(
        connection,
        "select r.list_id, r.revision, c.consumer_id from ("
        "select n.list_id, l.programme, split_part(n.list_id, '/', 2) as region, max(n.revision) as revision "
        "from list_revision as n join list as l using (list_id) "
        "where l.cycle_id = %s and n.track = 'list' and n.state = 'published' group by n.list_id, l.programme) as r "
        "join consumer as c on c.revoked_at is null and (c.regions = '{}' or r.region = any (c.regions)) "
        "and (c.programmes = '{}' or r.programme = any (c.programmes)) "
        "where not exists (select from status_record as s where s.feed = c.consumer_id and s.event = 'published' "
        "and s.list_id = r.list_id and s.revision = r.revision) order by r.list_id, c.consumer_id",
        [cycle_id],
    )


def append_status(
    connection: Connection, feed: str, event: Event, list_id: str, revision: int, detail: dict[str, Any], at: datetime
) -> int:
    """Append a record to a feed, as publisher; its number. What is told once gives the number it has."""
    return int(call(connection, "append_status", [feed, event, list_id, revision, detail, at]))


def read_unwritten_status(connection: Connection, feed: str) -> list[StatusRecord]:
    """The records that may not lie in the bucket yet, and the last one that should, oldest first."""
    rows = fetch_rows(
        connection,
        "select number, document, sha256, is_written from status_record where feed = %(feed)s and (not is_written or "
        "number = (select max(w.number) from status_record as w where w.feed = %(feed)s and w.is_written)) order by number",
        {"feed": feed},
    )
    return [StatusRecord(**row) for row in rows]


def find_superseded(connection: Connection, feed: str, list_id: str, revision: int) -> list[int]:
    """Earlier revisions that the feed called published and not superseded."""
    rows = fetch_rows(
        connection,
        "select p.revision from status_record as p where p.feed = %(feed)s and p.list_id = %(list_id)s "
        "and p.event = 'published' and p.revision < %(revision)s and not exists (select from status_record as s "
        "where s.feed = p.feed and s.list_id = p.list_id and s.revision = p.revision and s.event = 'superseded') "
        "order by p.revision",
        {"feed": feed, "list_id": list_id, "revision": revision},
    )
    return [int(row["revision"]) for row in rows]


def find_last_copy(connection: Connection, feed: str, list_id: str, revision: int) -> tuple[str, int] | None:
    """The revision that the feed told last beside this one: of the same region and programme where there is any."""
    rows = fetch_rows(
        connection,
        "select list_id, revision from status_record where feed = %s and event = 'published' and (list_id, revision) <> (%s, %s) "
        "order by split_part(list_id, '/', 2) = %s and split_part(list_id, '/', 3) = %s desc, number desc limit 1",
        [feed, list_id, revision, *list_id.split("/")[1:]],
    )
    return (rows[0]["list_id"], int(rows[0]["revision"])) if rows else None


def note_status_written(connection: Connection, feed: str, up_to: int) -> None:
    """Note that all records up to that number lie in the bucket, signed, as publisher."""
    call(connection, "note_status_written", [feed, up_to])
