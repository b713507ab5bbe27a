"""The evidence of a published list: its rows, the inputs that it was made from and the rule texts of that day, from the store.

All of these are immutable and named by digests that the ledger holds: a later delivery changes no byte of an answer.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from perlinsos.context import Context
from perlinsos.engine import open_engine
from perlinsos.errors import Conflict, Refused
from perlinsos.explanation.evidence import Evidence, Office, name_region, open_tables
from perlinsos.explanation.rows import InputRows, Relation, find_rows, open_file
from perlinsos.ledger.connection import Connection, fetch_rows
from perlinsos.ledger.deliveries import Batch
from perlinsos.ledger.input_sets import InputSet, read_input_set
from perlinsos.ledger.revisions import Revision, parse_label, read_revisions, read_window
from perlinsos.model.datasets import RESULT_TABLES
from perlinsos.model.programmes import load_programme
from perlinsos.model.reasons import load_reasons
from perlinsos.operations.calendar import ZONES
from perlinsos.operations.rule_files import fetch_rules, load_agencies
from perlinsos.storage import Missing, digest_of

ID_COLUMNS = ("nik", "no_kk")


@dataclass(frozen=True)
class _Stored:
    """What the ledger says of a revision, and its manifest."""

    revision: Revision
    manifest: dict[str, Any]
    frozen: InputSet
    window: dict[str, Any] | None
    offices: dict[str, Office]


@contextmanager
def open_stored(ctx: Context, label: str, *, simulations: bool = False) -> Iterator[Evidence]:
    """The evidence of `2026-T1/35.10/pkh/r1` (the newest revision where none is named; `simulations`: of those).

    Office and window are what the ledger says now. Raises WrongUsage for another form, Missing where there is no such
    list, Conflict where a stored object is not the one that was recorded.
    """
    with ctx.connect("reader") as connection:
        stored = _read_stored(ctx, connection, label, simulations=simulations)
    with open_engine(threads=1) as engine, tempfile.TemporaryDirectory(prefix="perlinsos-rules-") as folder:
        files = _fetch_list(ctx, stored)
        rules = fetch_rules(ctx, stored.frozen.document["rules"], Path(folder))
        summary = json.loads(files["summary.json"].read_bytes())
        evidence = Evidence(
            open_tables(engine, {name: files[f"{name}.parquet"] for name in RESULT_TABLES}, label),
            summary,
            load_reasons(rules / "reasons.yaml"),
            {code: load_programme(rules / code / "programme.yaml") for code in summary["programmes"]},
            lambda code: name_region(ctx.settings, code),
            inputs=InputRows(engine, lambda dataset: _fetch_input(ctx, stored.frozen, dataset)),
            find_raw=lambda text: _find_delivered(ctx, engine, stored.frozen, text),
            agency_of=load_agencies(rules).get,
            offices=stored.offices,
            label=f"{stored.revision.list_id}/r{stored.revision.revision}",
            status=stored.manifest["status"],
            closes_at=_closing(stored.window),
            zone=stored.window["zone"] if stored.window else "WIB",
        )
        yield evidence


def _read_stored(ctx: Context, connection: Connection, label: str, *, simulations: bool) -> _Stored:
    """The revision, its manifest as it was recorded, its input set, window and the offices of all regions."""
    list_id, number = parse_label(label)
    revisions = read_revisions(connection, list_id, "simulation" if simulations else "list")
    if not revisions and not simulations:
        revisions = read_revisions(connection, list_id, "simulation")
    chosen = [one for one in revisions if number in (None, one.revision)]
    if not chosen:
        raise Missing("There is no such list", where=label, remedy="see `perlinsos snapshot list`")
    revision = chosen[-1]
    text = ctx.storage.get(ctx.settings.buckets.work, revision.manifest_key)
    if digest_of(text) != revision.manifest_sha256:
        raise Conflict(
            "The manifest is not the one that was recorded", where=revision.manifest_key,
            remedy="`perlinsos snapshot verify` a fetched copy, and compare with the backups",
        )  # fmt: skip
    offices = fetch_rows(connection, "select region_code, office from region")
    return _Stored(
        revision,
        json.loads(text),
        read_input_set(connection, revision.input_set_digest),
        read_window(connection, list_id) if revision.track == "list" else None,
        {row["region_code"]: row["office"] for row in offices},
    )


def _closing(window: dict[str, Any] | None) -> Any:
    """The end of the window in the region's own time."""
    return window["closes_at"].astimezone(ZoneInfo(ZONES[window["zone"]])) if window else None


def _fetch_list(ctx: Context, stored: _Stored) -> dict[str, Path]:
    """Verified local copies of the list's tables and summary, by name."""
    prefix = stored.revision.manifest_key.rpartition("/")[0]
    needed = {"summary.json", *(f"{name}.parquet" for name in RESULT_TABLES)}
    return {
        entry["path"]: ctx.cache.get(ctx.storage, ctx.settings.buckets.work, f"{prefix}/{entry['path']}", entry["sha256"])
        for entry in stored.manifest["files"]
        if entry["path"] in needed
    }


def _fetch_input(ctx: Context, frozen: InputSet, dataset: str) -> Sequence[Path]:
    """The assembled file of a dataset; none where the input set has no batch of it."""
    prefix, bucket = f"assembled/{frozen.digest}", ctx.settings.buckets.work
    try:
        files = json.loads(ctx.storage.get(bucket, f"{prefix}/assembled.json"))
    except Missing as error:
        raise Refused(
            "The inputs of this list are not in the store", where=error.where, why="they were removed",
            remedy="restore assembled/ from the bucket's backup",
        ) from None  # fmt: skip
    name = f"{dataset}.parquet"
    return [ctx.cache.get(ctx.storage, bucket, f"{prefix}/{name}", files[name]["sha256"])] if name in files else []


def _find_delivered(ctx: Context, engine: duckdb.DuckDBPyConnection, frozen: InputSet, text: str) -> list[tuple[str, str]]:
    """Where a number stands in the pinned batches beside what the determination took: (dataset, source), where
    `quarantined` is the dataset of a row that was set aside."""
    from perlinsos.operations.batches import ACCEPTED, HELD, INDEX, QUARANTINE, fetch_file  # slow to import, seldom needed

    def open_part(batch: Batch, name: str) -> Relation:
        return open_file(engine, fetch_file(ctx, batch, name))

    found: list[tuple[str, str]] = []
    is_number = text.isascii() and text.isdigit() and len(text) == 16
    for batch in [*frozen.batches(), *(later for _, later in frozen.repairs)]:
        if is_number and find_rows(open_part(batch, INDEX), "number", str(int(text))) and _has(open_part(batch, ACCEPTED), text):
            found.append((batch.dataset, batch.source_id))
        elif batch.quarantined and (source := _find_held(open_part(batch, HELD), open_part(batch, QUARANTINE), text)) is not None:
            found.append(("quarantined", source or batch.source_id))
    return found


def _has(rows: Relation, number: str) -> bool:
    """Whether an accepted row has the number."""
    return any(find_rows(rows, column, number) for column in ("nik", "no_kk") if column in rows.columns)


def _find_held(held: Relation, cells: Relation, text: str) -> str | None:
    """The source of a row that was set aside and names the number, as it was read or as it arrived in a column of numbers
    of persons or cards; empty where the row names none, None where no row does."""
    for column in ID_COLUMNS:
        if rows := find_rows(held, column, text):
            return str(rows[0]["source"] or "")
    names = [name for name in ID_COLUMNS if name in cells.columns]
    return "" if any(find_rows(cells, name, text, loosely=loosely) for name in names for loosely in (False, True)) else None
