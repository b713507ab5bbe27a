"""Publish what was determined: a revision of each programme that the work asks for, by the protocol of `commit`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from perlinsos import __version__
from perlinsos.context import Context
from perlinsos.errors import Conflict, Refused
from perlinsos.ledger.consumers import LISTS_FEED, read_consumers
from perlinsos.ledger.outcomes import measure
from perlinsos.ledger.revisions import make_list_id, record_changes, record_published, reserve_revision
from perlinsos.ledger.work import DETERMINE, Claim, assert_fence, claim, ending, finish_work, parse_key
from perlinsos.publication.canonical import LIST_TABLES
from perlinsos.publication.commit import (
    AtStep,
    Plan,
    nothing,
    publish_contract,
    publish_key,
    read_public_keys,
    settle_plan,
    write_folder,
)
from perlinsos.publication.compare import compare, find_compared, sum_causes
from perlinsos.publication.copies import Source, write_copy
from perlinsos.publication.facts import read_facts, read_quality
from perlinsos.publication.files import as_json
from perlinsos.publication.manifest import MANIFEST
from perlinsos.publication.signature import SigningKey, load_key
from perlinsos.publication.snapshot import PreparedFolder, prepare_list
from perlinsos.publication.status_feed import tell_published

SUMMARY = "summary.json"


class NotDetermined(Refused):
    """The determination is not there, or not all of it: the task before was marked as successful, say."""


@dataclass(frozen=True)
class Determination:
    """What `determine` left in the work bucket: the SHA-256 of each of its files, by key."""

    files: dict[str, str]

    def fetch(self, ctx: Context) -> dict[str, Path]:
        """Verified local copies, by the file's name without its ending (`decisions`, …, `summary`)."""
        bucket = ctx.settings.buckets.work
        return {Path(key).stem: ctx.cache.get(ctx.storage, bucket, key, digest) for key, digest in self.files.items()}


def publish(ctx: Context, key: str, provenance: Mapping[str, str], at_step: AtStep = nothing) -> dict[str, Any]:
    """Publish the determination of `35.10|2026-T1`: for each programme that is asked for, a new revision or nothing new.

    `provenance` names the run (Airflow's ids). Safe to repeat and to run twice at once: the claim's fence is checked
    before each manifest and each record. Raises Conflict where the claim was lost or other bytes are in the store.
    Gives {"published": [...], "unchanged": [...]} with list ids, revisions, digests and counts; both are empty where
    no work is due. A consumer whose copy was refused stands in `undelivered` of its list: it stops nobody else's.
    """
    region, stage = parse_key(key)
    with measure(ctx.connect, "publisher", "publish", key) as outcome:
        with ctx.connect("publisher") as connection:
            held = claim(connection, DETERMINE, region, stage, holder=ctx.holder, lease_seconds=ctx.settings.lease_seconds)
        done: dict[str, Any] = {"published": [], "unchanged": []}
        if held is None:
            outcome.state = "nothing_new"
            return done
        with ending(ctx.connect, "publisher", held, finish_work, NotDetermined):
            determination = find_determination(ctx, held)
            at_step("claimed")
            for programme in sorted(held.statuses):
                published = publish_list(ctx, held, programme, determination, provenance, at_step)
                if published is None:
                    done["unchanged"].append(make_list_id(region, stage, programme))
                else:
                    done["published"].append(published)
            at_step("all recorded")
        outcome.state = "done" if done["published"] else "nothing_new"
        outcome.counts = {name: len(found) for name, found in done.items()}
        outcome.counts["undelivered"] = [
            one | {"list_id": of["list_id"]} for of in done["published"] for one in of["undelivered"]
        ]
        outcome.digests = {found["list_id"]: found["list_digest"] for found in done["published"]}
    return done


def find_determination(ctx: Context, held: Claim) -> Determination:
    """The files under `determinations/<input set digest>/`. NotDetermined where one is missing."""
    prefix, bucket = f"determinations/{held.input_set_digest}/", ctx.settings.buckets.work
    found = {stored.key: stored for stored in ctx.storage.list(bucket, prefix)}
    wanted = [f"{prefix}{name}" for name in (*(f"{table}.parquet" for table in LIST_TABLES), SUMMARY)]
    if missing := [name.removeprefix(prefix) for name in wanted if name not in found]:
        raise NotDetermined(
            "There is nothing to publish yet",
            where=held.key,
            why=f"the determination lacks {', '.join(missing)}",
            remedy="none: a later tick of dispatch calls for this work again, from the task `assemble`",
        )
    return Determination({name: _digest_of_object(ctx, bucket, name) for name in wanted})


def _digest_of_object(ctx: Context, bucket: str, key: str) -> str:
    """The SHA-256 that the writer recorded with the object, else that of its bytes."""
    stored = ctx.storage.stat(bucket, key)
    if stored is not None and stored.sha256:
        return stored.sha256
    with tempfile.TemporaryDirectory(prefix="perlinsos-hash-") as folder:
        return ctx.storage.fetch(bucket, key, Path(folder) / "object")


def publish_list(
    ctx: Context, held: Claim, programme: str, determination: Determination, provenance: Mapping[str, str], at_step: AtStep
) -> dict[str, Any] | None:
    """Publish one programme's list; None where its last revision has this digest and status."""
    files = determination.fetch(ctx)
    summary = json.loads(files["summary"].read_bytes())
    _check_may_be(held, programme, summary)
    digest, status = str(summary["programmes"][programme]["list_digest"]), held.statuses[programme]
    list_id = make_list_id(held.region, held.stage, programme)
    with ctx.connect("publisher") as connection:
        revision = reserve_revision(connection, list_id, digest, status, held.work_id, held.fence)
    at_step(f"{programme} reserved")
    if revision is None:
        return None
    plan = settle_plan(
        ctx.storage, ctx.settings.buckets, make_plan(ctx, held, programme, revision, determination, summary, provenance)
    )
    at_step(f"{programme} planned")
    published = write_plan(ctx, held, plan, at_step)
    at_step(f"{programme} written")
    _record(ctx, held, plan, published)
    at_step(f"{programme} recorded")
    return {name: published[name] for name in ("list_id", "revision", "status", "list_digest", "rows", "undelivered")}


def _check_may_be(held: Claim, programme: str, summary: Mapping[str, Any]) -> None:
    """Refuse a determination of something else, or one that may be a simulation only."""
    if programme not in summary["programmes"] or (summary["region"], summary["stage"]) != (held.region, held.stage):
        raise Conflict("The determination is of another list", where=f"{held.key} {programme}")
    is_simulation = summary["programmes"][programme].get("simulation_only", summary["simulation_only"])
    if is_simulation and held.statuses[programme] != "simulation":
        why = "it has no quota in force, or a parameter set by hand"
        raise Refused("This determination can only be a simulation", where=f"{held.key} {programme}", why=why)


def make_plan(
    ctx: Context,
    held: Claim,
    programme: str,
    revision: int,
    determination: Determination,
    summary: Mapping[str, Any],
    provenance: Mapping[str, str],
) -> Plan:
    """Everything that goes into the revision beside the rows, as it is known now."""
    of_programme = summary["programmes"][programme]
    with ctx.connect("publisher") as connection:
        as_of = date.fromisoformat(str(summary["as_of"]))
        facts = read_facts(connection, held, programme, str(of_programme["list_digest"]), revision, as_of)
        compared = find_compared(connection, facts)
        quality = {"funnel": summary.get("funnel"), "batches": read_quality(connection, held.input_set_digest)}
    made_by = {
        "list": facts.label,
        "run": dict(provenance),
        "work": {"work_id": held.work_id, "fence": held.fence, "holder": ctx.holder},
        "at": ctx.at.isoformat(),
        "input_set_digest": held.input_set_digest,
        "determination": determination.files,
        "code_version": __version__,
        "engine": summary.get("engine"),
    }
    return Plan(facts, {"quality.json": as_json(quality), "provenance.json": as_json(made_by)}, determination.files, compared)


def write_plan(ctx: Context, held: Claim, plan: Plan, at_step: AtStep) -> dict[str, Any]:
    """Write the authoritative list, then each consumer's copy; what the ledger must record."""
    buckets, keys = ctx.settings.buckets, ctx.settings.home / "keys"
    key = load_key(keys)
    publish_key(ctx.storage, buckets, key)
    files = Determination(plan.determination).fetch(ctx)
    summary = json.loads(files["summary"].read_bytes())
    with tempfile.TemporaryDirectory(prefix="perlinsos-publish-") as name:
        folder = Path(name)
        authoritative = prepare_list(plan.facts, files, summary, plan.documents, folder / "list", buckets)
        compared = compare(ctx, plan.compared, authoritative.local, folder / "before")
        digest = _write(ctx, held, authoritative, key, at_step)
        undelivered: list[dict[str, str]] = []
        if not plan.facts.is_simulation:
            at_step("lists status")
            tell_published(ctx, LISTS_FEED, plan.facts, digest, key, read_public_keys(ctx.storage, buckets))
            source = Source(plan.facts, authoritative.local, summary, compared)
            undelivered = _write_copies(ctx, held, source, key, folder, at_step)
    outcomes = json.loads(authoritative.manifest)["outcomes"]
    return {
        "list_id": plan.facts.list_id,
        "revision": plan.facts.revision,
        "status": plan.facts.status,
        "list_digest": plan.facts.list_digest,
        "rows": {outcome: of["rows"] for outcome, of in outcomes.items()},
        "outcomes": outcomes,
        "changes": sum_causes(compared),
        "manifest_key": authoritative.prefix + MANIFEST,
        "manifest_sha256": digest,
        "undelivered": undelivered,
    }


def _write_copies(
    ctx: Context, held: Claim, source: Source, key: SigningKey, folder: Path, at_step: AtStep
) -> list[dict[str, str]]:
    """Write the copy of every consumer for whom the list is, and the contract beside them; whose copy was refused, and why.

    What is refused of one consumer (its token key is missing, say) is its own matter: `consumer deliver` catches up. A
    Conflict, where bytes differ or the claim is lost, stops everything.
    """
    undelivered = []
    publish_contract(ctx.storage, ctx.settings.buckets)
    with ctx.connect("reader") as connection:
        consumers = read_consumers(connection)
    for consumer in consumers:
        if not consumer.gets(source.facts.region, source.facts.programme):
            continue
        still_held = partial(_check_held, ctx, held, consumer.consumer_id)
        try:
            write_copy(ctx, source, consumer, key, folder / consumer.consumer_id, still_held, at_step)
        except Conflict:
            raise
        except Refused as refused:
            undelivered.append({"consumer": consumer.consumer_id} | refused.as_dict())
    return undelivered


def _check_held(ctx: Context, held: Claim, consumer_id: str | None = None) -> None:
    """Raise Conflict where this publisher no longer holds the work, Refused where the consumer was revoked meanwhile."""
    with ctx.connect("publisher") as connection:
        assert_fence(connection, held.work_id, held.fence)
        if consumer_id and consumer_id not in {consumer.consumer_id for consumer in read_consumers(connection)}:
            raise Refused("The consumer was revoked meanwhile", where=consumer_id, remedy="none: it gets no further list")


def _write(ctx: Context, held: Claim, folder: PreparedFolder, key: SigningKey, at_step: AtStep) -> str:
    """Write one folder; before its manifest the fence is checked."""
    public_keys = read_public_keys(ctx.storage, ctx.settings.buckets)
    return write_folder(ctx.storage, folder, key, public_keys, partial(_check_held, ctx, held), at_step)


def _record(ctx: Context, held: Claim, plan: Plan, published: Mapping[str, Any]) -> None:
    """Tell the ledger that the manifest is there."""
    with ctx.connect("publisher") as connection:
        record_published(
            connection,
            plan.facts.list_id,
            plan.facts.revision,
            status=plan.facts.status,
            list_digest=plan.facts.list_digest,
            manifest_key=published["manifest_key"],
            manifest_sha256=published["manifest_sha256"],
            work_id=held.work_id,
            fence=held.fence,
            at=ctx.at,
            rows=published["outcomes"],
        )
        if published["changes"]:
            record_changes(
                connection, plan.facts.list_id, plan.facts.revision, plan.facts.list_digest, published["changes"],
                work_id=held.work_id, fence=held.fence,
            )  # fmt: skip
