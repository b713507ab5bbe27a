"""The objects of a batch: accepted and quarantined rows, and the index of its numbers that joins regions at the edges.

`batches/<batch_digest>/`: `accepted.parquet`, `quarantine.parquet` (as quality/check.py writes them), `held.parquet`
(_row, source, nik, no_kk, code of the quarantined rows as far as they could be read: whom they hold) and
`index.parquet` (kind `nik` or `no_kk`, number as bigint, distinct, sorted).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from perlinsos.context import Context
from perlinsos.engine import open_engine
from perlinsos.ledger.connection import call, fetch_rows
from perlinsos.ledger.deliveries import Batch, Delivery
from perlinsos.sources.description import SourceDescription
from perlinsos.storage import digest_of

ACCEPTED, QUARANTINE, INDEX, HELD = "accepted.parquet", "quarantine.parquet", "index.parquet", "held.parquet"
_HELD_COLUMNS = ("source", "nik", "no_kk", "code")


def key_of(batch_digest: str, name: str) -> str:
    """Where an object of a batch lies in the work bucket."""
    return f"batches/{batch_digest}/{name}"


def store_batch(
    ctx: Context, delivery: Delivery, source: SourceDescription, folder: Path, outcome: dict[str, Any], fingerprint: str
) -> dict[str, Any]:
    """Write the objects of a judged delivery and give the row of its batch. Safe to repeat; nothing is in force yet.

    `folder` holds accepted.parquet and quarantine.parquet; `outcome` the funnel as in outcome.json.
    The digest covers the content and the delivery's place in order, not the rules that judged it: the same rows are
    the same batch.
    """
    _write_held(ctx, source, folder)
    with open_engine(ctx.settings.threads, ctx.settings.memory_limit) as engine:
        numbers = _write_index(engine, folder)
    files = {name: digest_of(folder / name) for name in (ACCEPTED, QUARANTINE, HELD, INDEX)}
    identity = [source.source, source.dataset, source.coverage, delivery.scope, str(delivery.snapshot_date)]
    identity += [str(delivery.suffix), files[ACCEPTED], files[QUARANTINE]]
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
    for name in files:
        ctx.storage.put_new(ctx.settings.buckets.work, key_of(digest, name), folder / name)
    return {
        "batch_digest": digest,
        "dataset": source.dataset,
        "coverage": source.coverage,
        "fingerprint": fingerprint,
        "files": files,
        "numbers": numbers,
        "profile": outcome.get("profile"),
        **{word: outcome[word] for word in ("received", "accepted", "accepted_with_warnings", "quarantined")},
    }


def _write_held(ctx: Context, source: SourceDescription, folder: Path) -> None:
    """Write held.parquet: whom the quarantined rows are about, in the order of the rows."""
    from perlinsos.quality.quarantine import quarantined_rows

    held = quarantined_rows(folder / QUARANTINE, source, settings=ctx.settings)
    pq.write_table(held.select(["_row", *_HELD_COLUMNS]), folder / HELD, compression="zstd")


def _write_index(engine: duckdb.DuckDBPyConnection, folder: Path) -> int:
    """Write index.parquet: every NIK and No KK of 16 digits in accepted and held rows; how many there are."""
    engine.execute("create or replace table number_seen (kind text, number bigint)")
    for name in (ACCEPTED, HELD):
        rows = engine.read_parquet(str(folder / name))
        for column in {"nik", "no_kk"} & set(rows.columns):
            found = rows.filter(f"regexp_full_match({column}, '[0-9]{{16}}')")
            found.project(f"'{column}' as kind, cast({column} as bigint) as number").insert_into("number_seen")
    distinct = engine.sql("select distinct kind, number from number_seen order by kind, number")
    distinct.write_parquet(str(folder / INDEX), compression="zstd")
    return int(engine.sql("select count(*) from (select distinct kind, number from number_seen)").fetchall()[0][0])


def fetch_file(ctx: Context, batch: Batch, name: str) -> Path:
    """A verified local copy of an object of a batch."""
    return ctx.cache.get(ctx.storage, ctx.settings.buckets.work, key_of(batch.batch_digest, name), batch.files[name])


def find_sharing(ctx: Context, anchors: Iterable[Batch], others: Iterable[Batch]) -> set[str]:
    """The digests of those of `others` that hold a number which an anchor holds too.

    A pair is compared once in its life; the ledger keeps the count.
    """
    anchors, others = list(anchors), list(others)
    with ctx.connect("reader") as connection:
        known = _read_overlaps(connection, [b.batch_digest for b in anchors], [b.batch_digest for b in others])
    sharing = set()
    for anchor in anchors:
        unknown = [o for o in others if _pair(anchor, o) not in known]
        if unknown:
            found = _count_shared(ctx, anchor, unknown)
            with ctx.connect("decider") as connection:
                for other in unknown:
                    shared = found.get(other.batch_digest, 0)
                    call(connection, "record_overlap", [anchor.batch_digest, other.batch_digest, shared])
                    known[_pair(anchor, other)] = shared
        sharing |= {o.batch_digest for o in others if known[_pair(anchor, o)]}
    return sharing


def _pair(one: Batch, other: Batch) -> tuple[str, str]:
    low, high = sorted((one.batch_digest, other.batch_digest))
    return low, high


def _read_overlaps(connection: Any, anchors: list[str], others: list[str]) -> dict[tuple[str, str], int]:
    """The counts that the ledger has, by pair."""
    rows = fetch_rows(
        connection,
        "select batch_a, batch_b, shared from batch_overlap where batch_a = any (%(a)s) and batch_b = any (%(o)s) "
        "or batch_a = any (%(o)s) and batch_b = any (%(a)s)",
        {"a": anchors, "o": others},
    )
    return {(row["batch_a"], row["batch_b"]): row["shared"] for row in rows}


def _count_shared(ctx: Context, anchor: Batch, others: list[Batch]) -> dict[str, int]:
    """Numbers that an anchor shares with each of the others, in one pass over their indexes."""
    paths = {str(fetch_file(ctx, other, INDEX)): other.batch_digest for other in others}
    with open_engine(ctx.settings.threads, ctx.settings.memory_limit) as engine:
        rows = engine.execute(
            "select filename, count(*) from read_parquet(?, filename = true) as other "
            "semi join read_parquet(?) as anchor on other.kind = anchor.kind and other.number = anchor.number "
            "group by filename",
            [list(paths), str(fetch_file(ctx, anchor, INDEX))],
        ).fetchall()
    return {paths[path]: shared for path, shared in rows}
