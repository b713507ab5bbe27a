"""Find published revisions and bring one to the local disk, whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from perlinsos.errors import Conflict, Refused, WrongUsage
from perlinsos.ledger.revisions import parse_label as parse_label  # where callers of this module look for it
from perlinsos.publication.commit import list_manifests
from perlinsos.publication.manifest import MANIFEST, SIGNATURE, consumer_prefix, list_prefix
from perlinsos.settings import Buckets, Settings
from perlinsos.storage import Missing, Storage


def list_published(
    storage: Storage, buckets: Buckets, consumer: str | None = None, *, simulations: bool = False
) -> Iterator[dict[str, Any]]:
    """What is published: of the consumer, else the authoritative lists (with `simulations`, those instead)."""
    bucket = buckets.published if consumer else buckets.work
    prefix = f"consumer={consumer}/" if consumer else ("simulations/v1/" if simulations else "lists/v1/")
    for key in list_manifests(storage, bucket, prefix):
        found = json.loads(storage.get(bucket, key))
        yield {
            "list": f"{found['list_id']}/r{found['revision']}",
            "status": found["status"],
            "list_digest": found["list_digest"],
            "rows": sum(of["rows"] for of in found["outcomes"].values()),
            "amount_stage_idr": sum(of["amount_stage_idr"] for of in found["outcomes"].values()),
            "key": key,
        }


def refuse_unknown_consumer(settings: Settings, storage: Storage, consumer: str | None) -> None:
    """Refused where nobody of that name has a folder in the store, nor stands in the ledger where one is configured."""
    if consumer is None or next(storage.list(settings.buckets.published, f"consumer={consumer}/"), None) is not None:
        return
    from perlinsos.ledger.connection import fetch_rows, transaction

    if settings.database_url:
        with transaction(settings, "reader") as connection:
            if fetch_rows(connection, "select from consumer where consumer_id = %s", [consumer]):
                return
    remedy = "see `perlinsos consumer list`, or ask who publishes for the name of your folder"
    raise Refused(f"there is no consumer {consumer}", where=settings.buckets.published, remedy=remedy)


def fetch_list(
    storage: Storage, buckets: Buckets, label: str, out: Path, consumer: str | None = None, *, simulations: bool = False
) -> dict[str, Any]:
    """Fetch a revision (the newest where none is named) into a new folder; list, files and bytes.

    Follows the manifest, so it never sees a part of a list; each file is compared with the manifest's hash. The folder
    appears whole or not at all, and is its owner's alone. Raises WrongUsage where `out` holds something, Missing where
    there is no such list.
    """
    list_id, revision = parse_label(label)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise WrongUsage("The folder for the list holds something", where=str(out), remedy="name a new folder")
    bucket = buckets.published if consumer else buckets.work
    prefix = _find_prefix(storage, bucket, list_id, revision, consumer, simulations)
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        manifest = _fetch_files(storage, bucket, prefix, aside)
        aside.replace(out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return {
        "list": f"{manifest['list_id']}/r{manifest['revision']}",
        "status": manifest["status"],
        "list_digest": manifest["list_digest"],
        "files": len(manifest["files"]) + 2,
        "bytes": sum(entry["bytes"] for entry in manifest["files"]),
        "folder": str(out),
    }


def _find_prefix(
    storage: Storage, bucket: str, list_id: str, revision: int | None, consumer: str | None, simulations: bool
) -> str:
    """Where the revision lies, found by its manifest."""

    def prefix_of(number: int) -> str:
        if consumer:
            return consumer_prefix(consumer, list_id, number)
        return list_prefix(list_id, number, is_simulation=simulations)

    if revision is None:
        above = prefix_of(1).removesuffix("rev=1/")
        numbers = [int(key.split("/rev=")[1].split("/")[0]) for key in list_manifests(storage, bucket, above)]
        revision = max(numbers, default=1)
    if storage.stat(bucket, prefix_of(revision) + MANIFEST) is None:
        remedy = f"see `perlinsos snapshot list{f' --consumer {consumer}' if consumer else ''}`"
        raise Missing("There is no such list", where=f"{bucket}/{prefix_of(revision)}", remedy=remedy)
    return prefix_of(revision)


def _fetch_files(storage: Storage, bucket: str, prefix: str, folder: Path) -> dict[str, Any]:
    """Fetch manifest, signature and every file that the manifest names, each under a plain name."""
    for name in (MANIFEST, SIGNATURE):
        storage.fetch(bucket, prefix + name, folder / name)
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
    for entry in manifest["files"]:
        name = entry["path"]
        if PurePosixPath(name).name != name or name in {MANIFEST, SIGNATURE, "..", "."}:
            raise Refused("The manifest names a file outside its folder", where=prefix + MANIFEST)
        if storage.fetch(bucket, prefix + name, folder / name) != entry["sha256"]:
            why = "its SHA-256 is not the manifest's"
            raise Conflict("A published file was changed", where=f"{bucket}/{prefix}{name}", why=why, remedy="do not load it")
    return manifest
