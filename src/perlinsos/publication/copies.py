"""A consumer's copy of a list: its own rows, columns and tokens, in a folder of its own.

Which keys it is made with is settled in the store at the first attempt, so that a key that is rotated between a death
and the repair changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from perlinsos.context import Context
from perlinsos.errors import Conflict, Refused
from perlinsos.ledger.consumers import Consumer, find_last_copy
from perlinsos.publication.commit import AtStep, advance_latest, nothing, read_public_keys, write_folder
from perlinsos.publication.compare import Compared, name_file
from perlinsos.publication.files import FileEntry, as_json, write_csv_gz, write_parquet, write_sheet, write_text
from perlinsos.publication.load_sql import write_load_sql
from perlinsos.publication.manifest import ListFacts, consumer_prefix, list_prefix, make_manifest, total_by_outcome
from perlinsos.publication.package import describe_package
from perlinsos.publication.readme import write_readme
from perlinsos.publication.recipients import classify_changes, make_changes, make_evidence, make_recipients
from perlinsos.publication.schema import Profile, find_profile, recipients_table, tables_of
from perlinsos.publication.signature import SigningKey
from perlinsos.publication.snapshot import PreparedFolder
from perlinsos.publication.status_feed import tell_published
from perlinsos.publication.tokens import TokenKey, TokenKeys, load_token_keys
from perlinsos.settings import Buckets
from perlinsos.storage import Storage


@dataclass(frozen=True)
class CopyPlan:
    """For whom a copy is made and with which keys."""

    consumer: Consumer
    key: TokenKey
    previous_key: TokenKey | None = None


@dataclass(frozen=True)
class Source:
    """What copies are made from: the facts, the folder of the authoritative list, its summary, the comparisons."""

    facts: ListFacts
    local: Path
    summary: Mapping[str, Any]
    compared: Mapping[str, Compared]


def settle_copy(
    storage: Storage, buckets: Buckets, facts: ListFacts, consumer: Consumer, keys: TokenKeys, previous: str | None
) -> CopyPlan:
    """Store with which keys the copy is made, or give what is stored. Refused where one of those keys is missing.

    `previous` is the id of the key whose tokens the new ones are linked to.
    """
    name = _place_of(facts.list_id, facts.revision, consumer.consumer_id)
    wanted = {"consumer": asdict(consumer), "token_key_id": keys.current.key_id, "previous_key_id": previous}
    text = as_json(wanted).encode()
    try:
        storage.put_new(buckets.work, name, text, "application/json")
    except Conflict:
        text = storage.get(buckets.work, name)
    found = json.loads(text)
    scope = {part: tuple(found["consumer"][part]) for part in ("programmes", "regions")}
    earlier = found["previous_key_id"]
    return CopyPlan(
        Consumer(**{**found["consumer"], **scope}),
        keys.find(found["token_key_id"]),
        keys.find(earlier) if earlier else None,
    )


def _place_of(list_id: str, revision: int, consumer_id: str) -> str:
    """Where it is stored with which keys a copy is made."""
    return f"publishing/{list_prefix(list_id, revision, is_simulation=False)}consumer={consumer_id}.json"


def find_previous_key(ctx: Context, facts: ListFacts, consumer_id: str, keys: TokenKeys) -> str | None:
    """The id of the key to link new tokens to: the one that the consumer's last copy was made with, however many came since.

    That copy is of the same region and programme where there is one. Where it has the key in use, its own link stays.
    """
    with ctx.connect("reader") as connection:
        last = find_last_copy(connection, consumer_id, facts.list_id, facts.revision)
    bucket, place = ctx.settings.buckets.work, _place_of(*last, consumer_id) if last else ""
    if last is None or ctx.storage.stat(bucket, place) is None:
        return keys.previous.key_id if keys.previous else None
    settled = json.loads(ctx.storage.get(bucket, place))
    used: str = settled["token_key_id"]
    earlier: str | None = settled["previous_key_id"]
    return earlier if used == keys.current.key_id else used


def write_copy(
    ctx: Context,
    source: Source,
    consumer: Consumer,
    key: SigningKey,
    aside: Path,
    still_held: Callable[[], None],
    at_step: AtStep = nothing,
) -> None:
    """Write one consumer's folder, tell its status feed, then advance its `latest.json`."""
    buckets, facts = ctx.settings.buckets, source.facts
    keys = load_token_keys(ctx.settings.home / "keys", consumer.consumer_id)
    previous = find_previous_key(ctx, facts, consumer.consumer_id, keys)
    plan = settle_copy(ctx.storage, buckets, facts, consumer, keys, previous)
    public_keys = read_public_keys(ctx.storage, buckets)
    folder = prepare_consumer(source, plan, aside, buckets)
    digest = write_folder(ctx.storage, folder, key, public_keys, still_held, at_step)
    at_step(f"{consumer.consumer_id} status")
    tell_published(ctx, consumer.consumer_id, facts, digest, key, public_keys)
    at_step(f"{consumer.consumer_id} latest")
    advance_latest(ctx.storage, buckets, consumer.consumer_id, facts, digest)


def prepare_consumer(source: Source, plan: CopyPlan, out: Path, buckets: Buckets) -> PreparedFolder:
    """Prepare a consumer's folder on the local disk. Refused for a simulation: it never goes to a consumer."""
    facts, consumer = source.facts, plan.consumer
    if facts.is_simulation:
        raise Refused("A simulation is not for consumers", where=facts.label)
    out.mkdir(parents=True)
    profile = find_profile(consumer.profile)
    decisions = pq.read_table(source.local / "decisions.parquet")
    outcomes = total_by_outcome(decisions)
    files = _write_recipients(source, plan, profile, decisions, out)
    files += _write_more(source, plan, profile, out)
    files.append(write_text(out / "load.sql", write_load_sql(profile)))
    names = [entry.path for entry in files]
    for language in ("id", "en"):
        files.append(write_text(out / f"README.{language}.md", write_readme(language, facts, outcomes, profile, names)))
    package = describe_package(profile, facts.label.lower().replace("/", "-"), facts.label, files)
    files.append(write_text(out / "datapackage.json", as_json(package)))
    files.append(write_text(out / "SHA256SUMS", "".join(f"{entry.sha256}  {entry.path}\n" for entry in files)))
    manifest = make_manifest(facts, source.summary, outcomes, files, (consumer, plan.key.key_id))
    prefix = consumer_prefix(consumer.consumer_id, facts.list_id, facts.revision)
    return PreparedFolder(buckets.published, prefix, out, tuple(files), manifest, facts.label, facts.list_digest)


def _write_recipients(source: Source, plan: CopyPlan, profile: Profile, decisions: Any, out: Path) -> list[FileEntry]:
    """`recipients` in its three forms; all have the same content digest."""
    stage = source.compared.get("stage")
    classes = classify_changes(decisions, stage.comparison) if stage and "change_class" in profile.columns else None
    rows = make_recipients(
        source.facts.list_id, decisions, profile, plan.key, previous_key=plan.previous_key, change_classes=classes
    )
    table = recipients_table(profile)
    writers = ((write_parquet, "parquet"), (write_csv_gz, "csv.gz"), (write_sheet, "xlsx"))
    return [write(rows, table, out / f"recipients.{ending}") for write, ending in writers]


def _write_more(source: Source, plan: CopyPlan, profile: Profile, out: Path) -> list[FileEntry]:
    """The changes and, for an auditor, components and findings."""
    files, tables, list_id = [], tables_of(profile), source.facts.list_id
    if profile.has_changes:
        for against, one in source.compared.items():
            rows = make_changes(list_id, one.comparison, profile, plan.key)
            files.append(write_parquet(rows, tables["changes"], out / name_file(against, one.comparison.label)))
    if profile.has_evidence:
        for name in ("components", "findings"):
            found = pq.read_table(source.local / f"{name}.parquet")
            rows = make_evidence(list_id, name, found, profile, plan.key)
            files.append(write_parquet(rows, tables[name], out / f"{name}.parquet"))
    return files
