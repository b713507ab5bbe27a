"""Consumers from registration to their end: record, token key, identity at the object store, and lists that are there."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from perlinsos.context import Context
from perlinsos.errors import Conflict, Refused
from perlinsos.ledger import consumers as ledger
from perlinsos.ledger.connection import fetch_rows
from perlinsos.ledger.consumers import Consumer
from perlinsos.ledger.records import ConsumerRecord, read_record
from perlinsos.operations.services import consumer_identities
from perlinsos.operations.services.home import write_private_json
from perlinsos.operations.services.object_store import actions_of_consumer
from perlinsos.publication.commit import plan_key, publish_contract, publish_key, read_plan
from perlinsos.publication.compare import compare
from perlinsos.publication.copies import Source, write_copy
from perlinsos.publication.fetch import fetch_list
from perlinsos.publication.manifest import MANIFEST, consumer_prefix
from perlinsos.publication.signature import load_key
from perlinsos.publication.tokens import ensure_token_key, load_token_key, rotate_token_key
from perlinsos.sources.places import load_gazetteer
from perlinsos.storage import Storage, open_storage

HANDED_OVER = "consumers"
"""The folder in PERLINSOS_HOME with one file (mode 0600) for each consumer: what is to be handed over to it."""


def add(ctx: Context, path: Path) -> dict[str, Any]:
    """Register the consumer of a YAML file, make its token key and its identity where they are missing. Safe to repeat.

    The answer holds the secret key of the identity where it was made just now; it is kept in `access_file`.
    """
    read = read_record(path, ConsumerRecord)
    _check_scope(ctx, path, read.record)
    consumer_id = read.record.consumer
    with ctx.connect("registrar") as connection:  # one transaction: whom the ledger knows has a key
        is_new = ledger.add_consumer(connection, read, ctx.at)
        key = ensure_token_key(ctx.settings.home / "keys", consumer_id)
        ledger.use_key(connection, consumer_id, "token", key.key_id, ctx.at)
    done = {"consumer": consumer_id, "profile": read.record.profile, "changed": is_new, "token_key_id": key.key_id}
    return done | _give_access(ctx, consumer_id, anew=False)


def _check_scope(ctx: Context, path: Path, record: ConsumerRecord) -> None:
    """Refuse a programme that no folder of rules has, and a region that is no regency or city, naming file and place."""
    programmes = {found.parent.name for found in ctx.settings.folder("programmes").glob("*/programme.yaml")}
    regions = load_gazetteer(ctx.settings.folder("reference")).codes
    for part, wanted, known, remedy in (
        ("programmes", record.programmes, programmes, f"one of {', '.join(sorted(programmes))}"),
        ("regions", record.regions, regions, "write the Kemendagri code of a regency or city in reference/regions.csv, 35.10"),
    ):
        for place, name in enumerate(wanted):
            if name not in known:
                what = f"There is no {part.removesuffix('s')} {name}"
                raise Refused(what, where=f"{path}: {part}.{place}", why="the consumer would get no list of it", remedy=remedy)


def rotate(ctx: Context, consumer_id: str, *, tokens: bool, access: bool) -> dict[str, Any]:
    """Replace the consumer's token key, its keys at the object store, or both.

    The next revisions carry tokens of the new key beside those that the consumer holds; what is published stays as it
    is. The access comes first: where the store is not reached, no token key was replaced.
    """
    find_consumer(ctx, consumer_id)
    load_token_key(ctx.settings.home / "keys", consumer_id)
    done: dict[str, Any] = {"consumer": consumer_id} | (_give_access(ctx, consumer_id, anew=True) if access else {})
    if tokens:
        keys = rotate_token_key(ctx.settings.home / "keys", consumer_id)
        with ctx.connect("registrar") as connection:
            ledger.use_key(connection, consumer_id, "token", keys.current.key_id, ctx.at)
        done |= {"token_key_id": keys.current.key_id, "previous_token_key_id": keys.past[-1].key_id}
    return done


def revoke(ctx: Context, consumer_id: str, reason: str) -> dict[str, Any]:
    """End a consumer: no further list, and its identity reads nothing any more. What it holds, it holds."""
    with ctx.connect("registrar") as connection:
        was_active = ledger.revoke_consumer(connection, consumer_id, reason, ctx.at)
    done: dict[str, Any] = {"consumer": consumer_id, "changed": was_active, "reason": reason}
    if consumer_identities.is_embedded(ctx.settings):
        consumer_identities.end_identity(ctx.settings, consumer_id)
    elif not _is_folder(ctx):
        done["to_do"] = "remove its keys and its policy at your object store"
    _access_file(ctx, consumer_id).unlink(missing_ok=True)
    return done


def describe(ctx: Context) -> list[dict[str, Any]]:
    """All consumers, revoked ones too."""
    with ctx.connect("reader") as connection:
        return ledger.describe_consumers(connection)


def find_consumer(ctx: Context, consumer_id: str) -> Consumer:
    """The consumer of that id. Refused where there is none, or where it was revoked."""
    with ctx.connect("reader") as connection:
        found = {consumer.consumer_id: consumer for consumer in ledger.read_consumers(connection)}
    if consumer_id not in found:
        raise Refused("There is no such consumer", where=consumer_id, remedy="see `perlinsos consumer list`")
    return found[consumer_id]


def open_as(ctx: Context, consumer_id: str) -> Storage:
    """The object store as the consumer sees it, with the keys that were made for it; the own one where it has none."""
    handed_over = _access_file(ctx, consumer_id)
    if _is_folder(ctx) or not handed_over.exists():
        return ctx.storage
    keys = json.loads(handed_over.read_text(encoding="utf-8"))
    return open_storage(replace(ctx.settings, s3_access_key=keys["access_key"], s3_secret_key=keys["secret_key"]))


def _give_access(ctx: Context, consumer_id: str, *, anew: bool) -> dict[str, Any]:
    """An identity at the embedded store; of a store elsewhere the policy to apply; of a folder nothing."""
    settings, buckets = ctx.settings, ctx.settings.buckets
    if _is_folder(ctx):
        return {"access": "none: the objects lie in a folder, which knows no identities"}
    if not consumer_identities.is_embedded(settings):
        return {
            "access": "make keys for this consumer at your object store and give them this policy",
            "policy": consumer_identities.describe_policy(buckets, consumer_id),
            "seaweedfs_actions": actions_of_consumer(consumer_id, buckets),
        }
    identity = consumer_identities.keep_identity(settings, consumer_id, replace=anew)
    with ctx.connect("registrar") as connection:
        ledger.use_key(connection, consumer_id, "s3", identity.access_key, ctx.at)
    handed_over = {
        "endpoint": identity.endpoint,
        "region": settings.s3_region,
        "bucket": buckets.published,
        "prefix": f"consumer={consumer_id}/",
        "access_key": identity.access_key,
        "secret_key": identity.secret_key,
    }
    path = _access_file(ctx, consumer_id)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_private_json(path, handed_over)
    shown = {name: value for name, value in handed_over.items() if identity.is_new or name != "secret_key"}
    return {"access": shown, "access_file": str(path)}


def _access_file(ctx: Context, consumer_id: str) -> Path:
    return ctx.settings.home / HANDED_OVER / f"{consumer_id}.json"


def _is_folder(ctx: Context) -> bool:
    endpoint = ctx.settings.s3_endpoint
    return endpoint is None or endpoint.startswith("file:")


def deliver(ctx: Context, consumer_id: str) -> dict[str, list[str]]:
    """Give a consumer the newest revision of every list in its scope that it does not hold yet, as publishing would have.

    For a consumer that was added after lists were published. Safe to repeat.
    """
    consumer = find_consumer(ctx, consumer_id)
    load_token_key(ctx.settings.home / "keys", consumer_id)
    done: dict[str, list[str]] = {"delivered": [], "unchanged": []}
    for list_id, revision in _newest(ctx):
        _, region, programme = list_id.split("/")
        if not consumer.gets(region, programme):
            continue
        label, prefix = f"{list_id}/r{revision}", consumer_prefix(consumer_id, list_id, revision)
        if ctx.storage.stat(ctx.settings.buckets.published, prefix + MANIFEST) is not None:
            done["unchanged"].append(label)
            continue
        _deliver_one(ctx, consumer, list_id, revision)
        done["delivered"].append(label)
    return done


def _newest(ctx: Context) -> Iterable[tuple[str, int]]:
    with ctx.connect("reader") as connection:
        rows = fetch_rows(
            connection,
            "select list_id, max(revision) as revision from list_revision where track = 'list' and state = 'published' "
            "group by list_id order by list_id",
        )
    return [(row["list_id"], int(row["revision"])) for row in rows]


def _deliver_one(ctx: Context, consumer: Consumer, list_id: str, revision: int) -> None:
    """Make one copy from the published list and its stored plan."""
    buckets, key = ctx.settings.buckets, load_key(ctx.settings.home / "keys")
    plan = read_plan(ctx.storage.get(buckets.work, plan_key(list_id, revision)))
    publish_key(ctx.storage, buckets, key)
    publish_contract(ctx.storage, buckets)

    def still_a_consumer() -> None:
        try:
            find_consumer(ctx, consumer.consumer_id)
        except Refused as error:
            raise Conflict("The consumer was revoked meanwhile", where=consumer.consumer_id) from error

    with tempfile.TemporaryDirectory(prefix="perlinsos-deliver-") as name:
        folder = Path(name)
        fetch_list(ctx.storage, buckets, f"{list_id}/r{revision}", folder / "list")
        summary = json.loads((folder / "list" / "summary.json").read_bytes())
        compared = compare(ctx, plan.compared, folder / "list", folder / "before")
        source = Source(plan.facts, folder / "list", summary, compared)
        write_copy(ctx, source, consumer, key, folder / "copy", still_a_consumer)
