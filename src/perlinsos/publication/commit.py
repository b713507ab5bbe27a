"""How a revision comes into the store, so that a reader who follows the manifest never sees a part of it.

plan → data objects → read back and hash → signature → `manifest.json` last. Every object is written only where none is
(`If-None-Match: *`). The plan fixes everything that could differ between two attempts (what the ledger said, who ran
it); the first plan of a revision stays. So a publisher that recovers from a death, or runs beside another one, writes
the same bytes again, and those are no news to the store.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from perlinsos.errors import Conflict
from perlinsos.publication import signature
from perlinsos.publication.contract import CONTRACT_KEY, write_contract
from perlinsos.publication.manifest import MANIFEST, SIGNATURE, ListFacts, list_prefix
from perlinsos.publication.signature import SigningKey
from perlinsos.publication.snapshot import PreparedFolder
from perlinsos.settings import Buckets
from perlinsos.storage import Storage, digest_of

AtStep = Callable[[str], None]
KEYS_PREFIX = "keys/"


@dataclass(frozen=True)
class Plan:
    """What one revision is made from.

    `determination` = the SHA-256 of each file of the determination, by its key; `compared` = what it is compared with.
    """

    facts: ListFacts
    documents: dict[str, str]
    determination: dict[str, str]
    compared: dict[str, dict[str, Any]] = field(default_factory=dict)


def nothing(step: str) -> None:
    """The default of `at_step`, which tests use to stop a publisher at a named step."""


def plan_key(list_id: str, revision: int, *, is_simulation: bool = False) -> str:
    """Where the plan of a revision lies in the work bucket."""
    return f"publishing/{list_prefix(list_id, revision, is_simulation=is_simulation)}plan.json"


def read_plan(text: bytes) -> Plan:
    """A plan as it was stored."""
    found = json.loads(text)
    return Plan(ListFacts(**found["facts"]), found["documents"], found["determination"], found.get("compared", {}))


def settle_plan(storage: Storage, buckets: Buckets, plan: Plan) -> Plan:
    """Store the plan, or give the one that is stored for this revision. Conflict where that is of another decision."""
    facts = plan.facts
    key = plan_key(facts.list_id, facts.revision, is_simulation=facts.is_simulation)
    text = json.dumps(asdict(plan), ensure_ascii=False, sort_keys=True).encode()
    try:
        storage.put_new(buckets.work, key, text, "application/json")
    except Conflict:
        text = storage.get(buckets.work, key)
    settled = read_plan(text)  # in both cases: the order of keys goes into the manifest
    if (settled.facts.list_digest, settled.facts.status) != (facts.list_digest, facts.status):
        raise Conflict("Another decision was planned under this revision", where=facts.label, why=f"see {key}")
    return settled


def publish_contract(storage: Storage, buckets: Buckets) -> str:
    """Put the data contract of this version beside the lists; its object key. Conflict where another text has its number."""
    storage.put_new(buckets.published, CONTRACT_KEY, write_contract().encode(), "application/yaml")
    return CONTRACT_KEY


def publish_key(storage: Storage, buckets: Buckets, key: SigningKey) -> str:
    """Put the public key under `keys/`, where past ones stay; its object key."""
    name = f"{KEYS_PREFIX}{key.key_id}.pub"
    storage.put_new(buckets.published, name, key.public, "text/plain")
    return name


def read_public_keys(storage: Storage, buckets: Buckets) -> list[bytes]:
    """All public keys that were ever published."""
    return [
        storage.get(buckets.published, found.key)
        for found in storage.list(buckets.published, KEYS_PREFIX)
        if found.key.endswith(".pub")
    ]


def write_folder(
    storage: Storage,
    folder: PreparedFolder,
    key: SigningKey,
    public_keys: Sequence[bytes],
    before_manifest: Callable[[], None],
    at_step: AtStep = nothing,
) -> str:
    """Write one prepared folder in the order of the protocol; the SHA-256 of its manifest.

    `before_manifest` raises where this publisher no longer holds the work. Raises Conflict where other bytes are
    there, or where the store gives back other bytes than were written: then there is no manifest.
    """
    for entry in folder.files:
        at_step(f"{folder.bucket} data {entry.path}")
        storage.put_new(folder.bucket, folder.prefix + entry.path, folder.local / entry.path, entry.media_type)
    at_step(f"{folder.bucket} read back")
    _read_back(storage, folder)
    at_step(f"{folder.bucket} signature")
    _write_signature(storage, folder, key, public_keys)
    before_manifest()
    at_step(f"{folder.bucket} manifest")
    storage.put_new(folder.bucket, folder.prefix + MANIFEST, folder.manifest, "application/json")
    at_step(f"{folder.bucket} written")
    return digest_of(folder.manifest)


def _read_back(storage: Storage, folder: PreparedFolder) -> None:
    """Fetch every object and compare its hash with what the manifest will say."""
    with tempfile.TemporaryDirectory(prefix="perlinsos-read-back-", dir=folder.local.parent) as aside:
        for entry in folder.files:
            if storage.fetch(folder.bucket, folder.prefix + entry.path, Path(aside) / "object") != entry.sha256:
                raise Conflict(
                    "The store gives back other bytes than were written",
                    where=f"{folder.bucket}/{folder.prefix}{entry.path}",
                    remedy="examine the object store; no manifest was written, so no reader follows this revision",
                )


def _write_signature(storage: Storage, folder: PreparedFolder, key: SigningKey, public_keys: Sequence[bytes]) -> None:
    """Sign the manifest. A signature that an earlier attempt left, of this manifest and one of our keys, stays."""
    comment = f"perlinsos {folder.label} {folder.list_digest}"
    try:
        made = signature.sign(key, folder.manifest, comment)
        storage.put_new(folder.bucket, folder.prefix + SIGNATURE, made, "text/plain")
    except Conflict:
        found = storage.get(folder.bucket, folder.prefix + SIGNATURE)
        signature.verify(folder.manifest, found, public_keys, where=f"{folder.bucket}/{folder.prefix}{MANIFEST}")


def advance_latest(storage: Storage, buckets: Buckets, consumer_id: str, facts: ListFacts, manifest_sha256: str) -> bool:
    """Name the revision in the consumer's `latest.json` by compare-and-swap; never backwards. False where it was known.

    `latest.json` is for people: a program follows manifests, and the ledger.
    """
    key, entry = f"consumer={consumer_id}/latest.json", _latest_entry(facts, manifest_sha256)
    for attempt in range(20):
        found = storage.stat(buckets.published, key)
        document: dict[str, Any] = json.loads(storage.get(buckets.published, key)) if found else {"lists": {}}
        if document["lists"].get(facts.list_id, {"revision": 0})["revision"] >= facts.revision:
            return False
        document["lists"] = dict(sorted({**document["lists"], facts.list_id: entry}.items()))
        data = (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
        try:
            storage.replace_if(buckets.published, key, data, found.etag if found else None)
            return True
        except Conflict:
            if attempt == 19:
                raise
    return False


def _latest_entry(facts: ListFacts, manifest_sha256: str) -> dict[str, Any]:
    return {
        "revision": facts.revision,
        "status": facts.status,
        "list_digest": facts.list_digest,
        "manifest_sha256": manifest_sha256,
    }


def list_manifests(storage: Storage, bucket: str, prefix: str) -> Iterator[str]:
    """The keys of all manifests below a prefix: of all complete folders."""
    return (found.key for found in storage.list(bucket, prefix) if found.key.endswith(f"/{MANIFEST}"))
