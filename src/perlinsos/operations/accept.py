"""Ingest: read, check and accept the deliveries that wait for one key, in the order of their snapshot dates.

Every result lies in the work bucket under a digest of what made it (bytes, description, rules, references), so each
of the three steps may run again, alone, or not at all: what is missing is made by the next one. A refused delivery is
recorded where it is refused and stops no other; only `accept` fails, at its end, naming the refused ones.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from perlinsos.context import Context
from perlinsos.errors import Conflict, PerlinsosError, Refused, WrongUsage
from perlinsos.ledger.connection import call, fetch_rows
from perlinsos.ledger.deliveries import (
    Delivery,
    accept_delivery,
    read_delivery_row,
    read_in_force,
    read_newest_judged,
    read_waiting,
    refuse_delivery,
)
from perlinsos.ledger.outcomes import Measured, measure
from perlinsos.operations.batches import store_batch
from perlinsos.operations.correcting import (
    CorrectedRows,
    judge_with,
    keep_bytes,
    read_corrected,
    record,
    take_corrected,
)
from perlinsos.operations.landing import local_name
from perlinsos.operations.pull import load_sources
from perlinsos.sources.description import SourceDescription
from perlinsos.storage import Missing, digest_of

READINGS = "temporary/readings/"
REFERENCES = ("regions.csv", "region_changes.csv")


@dataclass(frozen=True)
class Task:
    """One delivery with what judges it. `fingerprint` changes when description, rules or references do."""

    delivery: Delivery
    source: SourceDescription
    fingerprint: str
    corrected: tuple[CorrectedRows, ...] = ()

    @property
    def digest(self) -> str:
        """Names the verdict: what the reading is named by, and the corrected rows."""
        corrected = [f"{one.base} {one.sha256}" for one in self.corrected]
        return _digest_of([self.reading_digest, *corrected]) if corrected else self.reading_digest

    @property
    def reading_digest(self) -> str:
        """Names the reading: the bytes and their place in order, and what judges them."""
        delivery = self.delivery
        words = [delivery.content_digest, delivery.source_id, delivery.scope, str(delivery.snapshot_date)]
        return _digest_of([*words, delivery.suffix, self.fingerprint])


def _digest_of(words: list[Any]) -> str:
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()


def read(ctx: Context, key: str) -> dict[str, Any]:
    """Read what waits into canonical rows (temporary objects). Gives the ids read, new, and refused."""
    return _each(ctx, key, "read", partial(_read, ctx))


def check(ctx: Context, key: str) -> dict[str, Any]:
    """Judge what was read: accepted rows, quarantine, gate. Gives the ids checked, new, and refused."""
    return _each(ctx, key, "check", partial(_check, ctx))


def accept(ctx: Context, key: str) -> dict[str, Any]:
    """Accept what was checked, one transaction a delivery: batch, funnel, index. Gives the ids accepted and new.

    Raises Refused at its end naming the deliveries that this run (its `at`) refused in any step; the others stand.
    """
    result = _each(ctx, key, "accept", partial(_accept, ctx))
    with ctx.connect("loader") as connection:
        call(connection, "lease_ingest", [key, 0])
        refused = fetch_rows(connection, _REFUSED_NOW, [key, ctx.at, result["refused"]])
    if refused:
        names = [f"{r['source_id']} of {r['snapshot_date']} (delivery {r['delivery_id']}): {r['what']}" for r in refused]
        raise Refused(
            f"{len(refused)} of the deliveries of {key} are refused",
            where="; ".join(names),
            why="each is set aside with its reason; the others were accepted",
            remedy="perlinsos quarantine list; correct the source's file, or ask the agency for another delivery",
        )
    return result


_REFUSED_NOW = (
    "select delivery_id, source_id, snapshot_date, coalesce(error ->> 'what', 'judged anew it would be refused; what was "
    "accepted stays in force') as what from delivery where scope = %s and judged_at = %s "
    "and (state = 'refused' or delivery_id = any (%s)) order by snapshot_date, suffix, delivery_id"
)


def replay(
    ctx: Context, delivery_id: int, *, apply: bool, corrected: Path | None = None, reason: str = "", by: str = ""
) -> dict[str, Any]:
    """Judge one delivery anew from its stored bytes and corrected rows, under the descriptions and rules of today.

    `corrected` is a file of `quarantine show --out` with corrected cells. Gives the funnel before and after, whether the
    judgement `differs`, and whether it was put in force (`applied`, only with `apply`). Refused where there is no such
    delivery, where it is refused as a whole again, and for a file as `take_corrected` says.
    """
    with ctx.connect("reader") as connection:
        delivery = read_delivery_row(connection, delivery_id)
        before = read_in_force(connection, delivery_id)
    if delivery is None or not delivery.parts:
        raise Refused(f"there is no delivery {delivery_id} whose bytes were kept", remedy="perlinsos quarantine list")
    with measure(ctx.connect, "loader", "replay", delivery.name) as measured:
        task, added = _prepare(ctx, delivery), None
        if corrected is not None:
            added = take_corrected(ctx, delivery, task.source, corrected, reason, by)
            task = replace(task, corrected=(*task.corrected, added))
        _run(partial(_check, ctx), task, measured)
        verdict = _load(ctx, _verdict_key(task))
        differs = before is None or verdict is None or verdict["batch"]["batch_digest"] != before.batch_digest
        applied = apply and differs and _accept(ctx, task, measured, added)
        measured.digests |= {"corrected": added.sha256} if added else {}
        measured.state = "done" if applied else "nothing_new"
    after = {word: measured.counts[word] for word in FUNNEL}
    found = {word: getattr(before, word) for word in FUNNEL} if before else {}
    told = {"delivery": delivery_id, "before": found, "after": after, "differs": differs, "applied": applied}
    return told | ({"corrected_rows": added.rows, "sha256": added.sha256} if added else {})


FUNNEL = ("received", "accepted", "accepted_with_warnings", "quarantined")


def _each(ctx: Context, key: str, step: str, do: Callable[[Task, Measured], bool]) -> dict[str, Any]:
    """Run one step for every delivery of the key; a refusal is recorded and the next delivery follows."""
    with ctx.connect("loader") as connection:
        call(connection, "lease_ingest", [key, ctx.settings.lease_seconds])
    result: dict[str, Any] = {"deliveries": [], "new": [], "refused": []}
    for delivery in _find_deliveries(ctx, key):
        try:
            with measure(ctx.connect, "loader", step, delivery.name) as measured:
                is_new = _run(do, _prepare(ctx, delivery), measured)
                measured.state = "done" if is_new else "nothing_new"
            result["deliveries"].append(delivery.delivery_id)
            result["new"] += [delivery.delivery_id] if is_new else []
        except Conflict:
            raise  # an object or the ledger disagrees: not the delivery's fault
        except (Refused, WrongUsage) as error:
            _set_aside(ctx, delivery, error)
            result["refused"].append(delivery.delivery_id)
    return result


def _run(do: Callable[[Task, Measured], bool], task: Task, measured: Measured) -> bool:
    """Run a step; the counts of a delivery that it refuses stand in its outcome row."""
    from perlinsos.sources.read import RefusedDelivery

    try:
        return do(task, measured)
    except RefusedDelivery as error:
        measured.counts = {word: error.outcome[word] for word in ("received", "rules")}
        raise


def _find_deliveries(ctx: Context, key: str) -> list[Delivery]:
    """What waits for the key, and of each source the newest one if other rules judged it than those of today."""
    with ctx.connect("reader") as connection:
        waiting = read_waiting(connection, key)
        judged = read_newest_judged(connection, key)
    return waiting + [delivery for delivery in judged if delivery.fingerprint != _fingerprint_today(ctx, delivery)]


def _fingerprint_today(ctx: Context, delivery: Delivery) -> str | None:
    """The fingerprint under which a delivery would be judged now; None where its source has no valid file."""
    source = load_sources(ctx.settings.folder("sources")).get(delivery.source_id)
    return _make_fingerprint(ctx, source) if isinstance(source, SourceDescription) else None


def _make_fingerprint(ctx: Context, source: SourceDescription) -> str:
    """Digest of all that judges a delivery of a source: its description, its dataset's rules, the region tables."""
    rules = ctx.settings.folder("expectations") / f"{source.dataset}.yaml"
    words = [source.fingerprint, digest_of(rules) if rules.exists() else ""]
    words += [digest_of(ctx.settings.folder("reference") / name) for name in REFERENCES]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()


def _prepare(ctx: Context, delivery: Delivery) -> Task:
    """The delivery with its description of today, kept in the ledger. Raises what is wrong with the description."""
    source = load_sources(ctx.settings.folder("sources")).get(delivery.source_id)
    if source is None:
        raise Refused(f"no source is called {delivery.source_id}", where="sources/", remedy="restore its file")
    if isinstance(source, WrongUsage):
        raise source
    fingerprint = _make_fingerprint(ctx, source)
    document = json.dumps(source.model_dump(mode="json", by_alias=True), sort_keys=True, ensure_ascii=False)
    with ctx.connect("loader") as connection:
        call(connection, "record_source", [source.source, fingerprint, document])
        return Task(delivery, source, fingerprint, read_corrected(connection, delivery.delivery_id))


def _set_aside(ctx: Context, delivery: Delivery, error: PerlinsosError) -> None:
    """Record a refused delivery with its reason."""
    with ctx.connect("loader") as connection:
        judged_by = _fingerprint_today(ctx, delivery)
        refuse_delivery(connection, delivery.delivery_id, judged_by, "delivery_refused", error.as_dict(), ctx.at)


def _read(ctx: Context, task: Task, measured: Measured) -> bool:
    """Make the reading of a delivery unless it, or its verdict, is there."""
    measured.digests["result"] = task.digest
    if _load(ctx, _verdict_key(task)) or _load(ctx, _reading_key(task)):
        return False
    from perlinsos.sources.read import read_delivery

    with tempfile.TemporaryDirectory(prefix="perlinsos-read-") as name:
        folder = Path(name)
        files = [_bring(ctx, ctx.settings.buckets.raw, part.raw_key, part.sha256, folder / "parts", number, part.landing_key)
                 for number, part in enumerate(task.delivery.parts, 1)]  # fmt: skip
        out = folder / "read"
        reference = ctx.settings.folder("reference")
        read_delivery(
            task.source, files, out, reference=reference, snapshot_date=task.delivery.snapshot_date, settings=ctx.settings
        )
        found = {str(path.relative_to(out)): digest_of(path) for path in sorted(out.rglob("*")) if path.is_file()}
        attempt = f"{READINGS}{task.reading_digest}/{secrets.token_hex(8)}/"
        for file_name in found:
            ctx.storage.put_new(ctx.settings.buckets.work, attempt + file_name, out / file_name)
        _put_first(ctx, _reading_key(task), {"under": attempt, "files": found})
    return True


def _check(ctx: Context, task: Task, measured: Measured) -> bool:
    """Make the verdict on a delivery, and the objects of its batch, unless they are there; reads it where needed."""
    measured.digests["result"] = task.digest
    if verdict := _load(ctx, _verdict_key(task)):
        measured.counts = _funnel(verdict["outcome"])
        return False
    _read(ctx, task, measured)
    from perlinsos.quality.check import check_delivery

    with tempfile.TemporaryDirectory(prefix="perlinsos-check-") as name:
        folder = Path(name)
        _bring_reading(ctx, task, folder / "read")
        out = folder / "checked"
        checked = check_delivery(
            task.source,
            folder / "read" / "canonical.parquet",
            out,
            expectations=ctx.settings.folder("expectations"),
            reference=ctx.settings.folder("reference"),
            previous=_read_previous(ctx, task.delivery),
            settings=ctx.settings,
        )
        if task.corrected:
            out = folder / "corrected"
            judge_with(ctx, task.source, checked, task.corrected, out)
        outcome = json.loads((out / "outcome.json").read_text())
        batch = store_batch(ctx, task.delivery, task.source, out, outcome, task.fingerprint)
    _put_first(ctx, _verdict_key(task), {"outcome": outcome, "batch": batch})
    measured.counts = _funnel(outcome)
    return True


def _accept(ctx: Context, task: Task, measured: Measured, added: CorrectedRows | None = None) -> bool:
    """Put a verdict in force: batch, funnel, index and the newly corrected rows in one transaction. False where it was in
    force already."""
    verdict = _load(ctx, _verdict_key(task))
    if verdict is None:
        _check(ctx, task, measured)
        verdict = _load(ctx, _verdict_key(task))
        assert verdict is not None
    batch, outcome = verdict["batch"], verdict["outcome"]
    measured.counts = _funnel(outcome)
    measured.digests = {"result": task.digest, "batch": batch["batch_digest"]}
    if added is not None:
        keep_bytes(ctx, added)
    with ctx.connect("loader") as connection:
        if added is not None:
            record(connection, task.delivery.delivery_id, added, ctx.at)
        return accept_delivery(connection, task.delivery.delivery_id, batch, _rules(outcome), ctx.at)


def _read_previous(ctx: Context, delivery: Delivery) -> dict[str, Any] | None:
    """The profile of the accepted delivery before this one, for warnings about drift."""
    with ctx.connect("reader") as connection:
        rows = fetch_rows(connection, _PREVIOUS, [delivery.source_id, delivery.scope, delivery.snapshot_date, delivery.suffix])
    return {"profile": rows[0]["profile"]} if rows else None


_PREVIOUS = (
    "select profile from batch where source_id = %s and scope = %s and (snapshot_date, suffix) < (%s, %s) "
    "and profile is not null and replaced_by is null order by snapshot_date desc, suffix desc limit 1"
)


def _funnel(outcome: dict[str, Any]) -> dict[str, Any]:
    """The buckets of the funnel; they add up, or the delivery does not enter."""
    counts = {word: outcome[word] for word in FUNNEL}
    if counts["received"] != counts["accepted"] + counts["accepted_with_warnings"] + counts["quarantined"]:
        raise Refused("the funnel does not add up", why=str(counts), remedy="report this: it is a fault of the check")
    return counts


def _rules(outcome: dict[str, Any]) -> list[dict[str, Any]]:
    """How many rows failed which rule."""
    return [dict(rule) for rule in outcome.get("rules", []) if rule["rows"]]


def _reading_key(task: Task) -> str:
    return f"{READINGS}{task.reading_digest}/reading.json"


def _verdict_key(task: Task) -> str:
    return f"checks/{task.digest}.json"


def _load(ctx: Context, key: str) -> dict[str, Any] | None:
    """A small JSON object of the work bucket; None where it is not there."""
    try:
        found: dict[str, Any] = json.loads(ctx.storage.get(ctx.settings.buckets.work, key))
    except Missing:
        return None
    return found


def _put_first(ctx: Context, key: str, found: dict[str, Any]) -> None:
    """Write a small JSON object; what another run wrote first stays."""
    with suppress(Conflict):
        text = json.dumps(found, sort_keys=True, ensure_ascii=False)
        ctx.storage.put_new(ctx.settings.buckets.work, key, text.encode())


def _bring_reading(ctx: Context, task: Task, folder: Path) -> None:
    """Local copies of the files of a reading."""
    reading = _load(ctx, _reading_key(task))
    assert reading is not None, "read was called before"
    for name, sha256 in reading["files"].items():
        key = reading["under"] + name
        _link(ctx.cache.get(ctx.storage, ctx.settings.buckets.work, key, sha256), folder / name)


def _bring(ctx: Context, bucket: str, key: str, sha256: str, folder: Path, number: int, landing_key: str) -> Path:
    """A part under a name by which a person knows it."""
    return _link(ctx.cache.get(ctx.storage, bucket, key, sha256), folder / local_name(number, landing_key))


def _link(target: Path, link: Path) -> Path:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)
    return link
