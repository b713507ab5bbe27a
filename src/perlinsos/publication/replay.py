"""Replay: build a published list again from its manifest and its pinned input set, and compare.

Everything comes from the store and the ledger: batches and rule files by digest, repairs, minimum wages, quotas, settings
and lottery seed from the input set. Nothing is written to either; no local copy is trusted.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from perlinsos import __version__
from perlinsos.context import Context
from perlinsos.errors import Conflict, Refused
from perlinsos.ledger.input_sets import InputSet, read_input_set
from perlinsos.ledger.revisions import Revision, Track, read_revisions
from perlinsos.model.datasets import RESULT_TABLES
from perlinsos.operations.rebuild import determine_frozen
from perlinsos.publication.canonical import LIST_TABLES
from perlinsos.publication.fetch import parse_label
from perlinsos.publication.files import write_parquet
from perlinsos.publication.snapshot import rows_of
from perlinsos.storage import Cache, Missing


@dataclass(frozen=True)
class Replay:
    """What came out. `is_equal`: the decision is the same; `has_equal_bytes`: its files too, None where another version
    of the engine may write the same rows in other bytes. `causes`: why not, in a person's words."""

    label: str
    status: str
    input_set: str
    list_digest: str
    replayed_digest: str
    is_equal: bool
    has_equal_bytes: bool | None
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    causes: list[str] = field(default_factory=list)
    versions: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


def replay_list(ctx: Context, label: str, *, is_simulation: bool = False) -> Replay:
    """Build `2026-T1/35.10/pkh/r1` again (the newest revision where none is named) and compare it with its manifest.

    Raises Refused where it cannot be built, naming what is gone or has other bytes; a list that comes out otherwise is
    no error here: see `is_equal` and `causes`.
    """
    revision = _find_revision(ctx, label, "simulation" if is_simulation else "list")
    manifest = _read_manifest(ctx, revision)
    with ctx.connect("reader") as connection:
        frozen = read_input_set(connection, revision.input_set_digest)
    with tempfile.TemporaryDirectory(prefix="perlinsos-replay-") as name:
        folder = Path(name)
        fresh = replace(ctx, cache=Cache(folder / "store", ctx.settings.cache_max_bytes))
        summary = determine_frozen(fresh, frozen, folder)
        return _compare(revision, manifest, frozen, summary, folder)


def _find_revision(ctx: Context, label: str, track: Track) -> Revision:
    list_id, number = parse_label(label)
    with ctx.connect("reader") as connection:
        found = read_revisions(connection, list_id, track)
    chosen = [revision for revision in found if number in (None, revision.revision)]
    if not chosen:
        raise Refused("There is no such list", where=label, why="the ledger has no published revision of it",
                      remedy="perlinsos snapshot list" + (" --simulations" if track == "simulation" else ""))  # fmt: skip
    return chosen[-1]


def _read_manifest(ctx: Context, revision: Revision) -> dict[str, Any]:
    """The manifest as it was recorded. Refused where it is gone, Conflict where it has other bytes."""
    where = f"{ctx.settings.buckets.work}/{revision.manifest_key}"
    try:
        data = ctx.storage.get(ctx.settings.buckets.work, revision.manifest_key)
    except Missing as error:
        raise Refused("The manifest of the list is gone", where=where, remedy="restore it from the backup") from error
    if hashlib.sha256(data).hexdigest() != revision.manifest_sha256:
        raise Conflict("The manifest has other bytes than the ledger recorded", where=where, remedy="restore it from the backup")
    found: dict[str, Any] = json.loads(data)
    return found


def _compare(
    revision: Revision, manifest: Mapping[str, Any], frozen: InputSet, summary: Mapping[str, Any], folder: Path
) -> Replay:
    programme = revision.list_id.split("/")[2]
    digest = str(summary["programmes"][programme]["list_digest"])
    tables = _compare_tables(manifest, programme, folder)
    same_versions = manifest.get("versions") == summary["versions"]
    has_equal_bytes = all(table["has_equal_bytes"] for table in tables.values())
    is_equal = digest == manifest["list_digest"] == revision.list_digest
    return Replay(
        label=f"{revision.list_id}/r{revision.revision}",
        status=revision.status,
        input_set=frozen.digest,
        list_digest=revision.list_digest,
        replayed_digest=digest,
        is_equal=is_equal,
        has_equal_bytes=has_equal_bytes if same_versions or has_equal_bytes else None,
        tables=tables,
        causes=[] if is_equal else list(_name_causes(revision, manifest, programme, summary, tables)),
        versions={"then": manifest.get("versions", {}), "now": summary["versions"]},
    )


def _compare_tables(manifest: Mapping[str, Any], programme: str, folder: Path) -> dict[str, dict[str, Any]]:
    """Of each table rows, content digest and bytes, beside what the manifest says."""
    described = {entry["path"]: entry for entry in manifest["files"]}
    found = {}
    for name in LIST_TABLES:
        path = folder / f"{name}.parquet"
        entry = write_parquet(rows_of(folder / "out" / path.name, programme), RESULT_TABLES[name], path)
        then = described[path.name]
        found[name] = {
            "rows": then["rows"],
            "replayed_rows": entry.rows,
            "has_equal_content": entry.content_digest == then["content_digest"],
            "has_equal_bytes": entry.sha256 == then["sha256"],
        }
    return found


def _name_causes(
    revision: Revision,
    manifest: Mapping[str, Any],
    programme: str,
    summary: Mapping[str, Any],
    tables: Mapping[str, Mapping[str, Any]],
) -> Any:
    """What is known of why the list came out otherwise."""
    if manifest["list_digest"] != revision.list_digest:
        yield "the manifest quotes another list digest than the ledger"
    if manifest["rules_digest"] != summary["programmes"][programme]["rules_digest"]:
        then, now = manifest.get("settings", {}), summary["settings"]
        names = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
        yield f"the rules resolve otherwise: {', '.join(names) or 'amounts, tests or their legal basis'}"
    for name, table in tables.items():
        if not table["has_equal_content"]:
            yield f"{name} differ: {table['rows']} rows then, {table['replayed_rows']} now"
    then_versions, now_versions = manifest.get("versions", {}), summary["versions"]
    for part in sorted(then_versions.keys() | now_versions.keys()):
        if then_versions.get(part) != now_versions.get(part):
            yield f"another version of {part}: {then_versions.get(part)} then, {now_versions.get(part)} now"
    if manifest.get("code_version") != __version__:
        yield f"another version of the product: {manifest.get('code_version')} then, {__version__} now"
