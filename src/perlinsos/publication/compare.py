"""What a new revision changes: against the last revision of the list, and against the newest one of the stage before.

What it is compared with is fixed when the revision is planned, so that a second attempt tells the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from perlinsos.context import Context
from perlinsos.errors import Conflict
from perlinsos.ledger.connection import Connection
from perlinsos.ledger.revisions import Revision, make_list_id, read_revisions
from perlinsos.model.stages import Stage
from perlinsos.publication.canonical import LIST_TABLES
from perlinsos.publication.manifest import MANIFEST, ListFacts
from perlinsos.publication.recipients import Comparison
from perlinsos.storage import digest_of


@dataclass(frozen=True)
class Compared:
    """One comparison: what consumers get of it, and its sums by cause, which hold no number of a person."""

    comparison: Comparison
    causes: list[dict[str, Any]]


def find_compared(connection: Connection, facts: ListFacts) -> dict[str, dict[str, Any]]:
    """What the revision is to be compared with, as it goes into the plan: label and manifest of each. Of a simulation nothing."""
    if facts.is_simulation:
        return {}
    found: dict[str, dict[str, Any]] = {}
    own = [one for one in read_revisions(connection, facts.list_id) if one.revision == facts.supersedes]
    before = str(Stage.parse(facts.stage).previous())
    earlier = read_revisions(connection, make_list_id(facts.region, before, facts.programme))
    for against, revisions in (("revision", own), ("stage", earlier)):
        if revisions:
            found[against] = _describe(revisions[-1])
    return found


def _describe(revision: Revision) -> dict[str, Any]:
    return {
        "label": f"{revision.list_id}/r{revision.revision}",
        "manifest_key": revision.manifest_key,
        "manifest_sha256": revision.manifest_sha256,
    }


def name_file(against: str, label: str) -> str:
    """`changes_from_rev_1.parquet`, `changes_from_stage_2025-T4.parquet`."""
    number = label.rpartition("/r")[2]
    return f"changes_from_{f'rev_{number}' if against == 'revision' else 'stage_' + label.split('/')[0]}.parquet"


def compare(ctx: Context, compared: Mapping[str, Mapping[str, Any]], after: Path, aside: Path) -> dict[str, Compared]:
    """Compare the prepared list in `after` with each planned one; `aside` is a folder for the earlier ones."""
    return {against: _compare_one(ctx, with_what, after, aside / against) for against, with_what in compared.items()}


def _compare_one(ctx: Context, with_what: Mapping[str, Any], after: Path, aside: Path) -> Compared:
    import duckdb

    from perlinsos.engine import DEFAULT_MEMORY
    from perlinsos.publication.differences import compare_lists, summarise_changes

    before = _fetch_list(ctx, with_what, aside)
    with duckdb.connect(
        ":memory:", config={"threads": ctx.settings.threads, "memory_limit": ctx.settings.memory_limit or DEFAULT_MEMORY}
    ) as base:
        changes = compare_lists(base, before, after).to_arrow_table()
        causes = [one.as_dict() for one in summarise_changes(base)]
    decisions = pq.read_table(before / "decisions.parquet", columns=["no_kk", "nik", "outcome", "amount_stage_idr"])
    return Compared(Comparison(str(with_what["label"]), decisions, changes), causes)


def _fetch_list(ctx: Context, with_what: Mapping[str, Any], folder: Path) -> Path:
    """The tables and summary of an authoritative list in a folder, from the local cache."""
    bucket, key = ctx.settings.buckets.work, str(with_what["manifest_key"])
    manifest = ctx.storage.get(bucket, key)
    if digest_of(manifest) != with_what["manifest_sha256"]:
        why = "its SHA-256 is not the ledger's"
        raise Conflict("A published manifest was changed", where=f"{bucket}/{key}", why=why, remedy="restore it from its backup")
    folder.mkdir(parents=True)
    wanted = {f"{name}.parquet" for name in LIST_TABLES} | {"summary.json"}
    for entry in json.loads(manifest)["files"]:
        if entry["path"] in wanted:
            found = ctx.cache.get(ctx.storage, bucket, key.removesuffix(MANIFEST) + entry["path"], entry["sha256"])
            (folder / entry["path"]).symlink_to(found.resolve())
    return folder


def sum_causes(compared: Mapping[str, Compared]) -> dict[str, Any]:
    """What the ledger keeps of the comparisons: {revision | stage: {compared_with, causes}}."""
    return {against: {"compared_with": one.comparison.label, "causes": one.causes} for against, one in compared.items()}
