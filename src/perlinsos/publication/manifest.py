"""The manifest of a published folder: what it holds, what it was made from, and who stands behind it (contracts.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from perlinsos import __version__
from perlinsos.ledger.consumers import LISTS_FEED, Consumer
from perlinsos.publication.files import FileEntry, as_json
from perlinsos.publication.schema import SCHEMA_VERSION

MANIFEST_VERSION = "1"
MANIFEST = "manifest.json"
SIGNATURE = "manifest.json.minisig"
SIMULATION_NOTICE = "SIMULASI / SIMULATION"
AMOUNTS = ("amount_year_idr", "amount_stage_idr", "eligible_amount_year_idr")


@dataclass(frozen=True)
class ListFacts:
    """What the ledger says of one revision, in JSON-able values; the rest of a manifest comes from the determination."""

    list_id: str
    revision: int
    status: str
    purpose: str
    list_digest: str
    supersedes: int | None = None
    input_set: dict[str, Any] = field(default_factory=dict)
    quota: dict[str, Any] | None = None
    window: dict[str, Any] | None = None
    objections: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("filed", "upheld", "denied", "pending"), 0))
    decrees: list[dict[str, Any]] = field(default_factory=list)
    approvals: list[dict[str, Any]] = field(default_factory=list)
    code_version: str = __version__

    @property
    def stage(self) -> str:
        """`2026-T1`."""
        return self.list_id.split("/")[0]

    @property
    def region(self) -> str:
        """`35.10`."""
        return self.list_id.split("/")[1]

    @property
    def programme(self) -> str:
        """`pkh`."""
        return self.list_id.split("/")[2]

    @property
    def is_simulation(self) -> bool:
        """Whether this can never become a list."""
        return self.status == "simulation"

    @property
    def label(self) -> str:
        """`2026-T1/35.10/pkh/r2`."""
        return f"{self.list_id}/r{self.revision}"


def revision_folder(list_id: str, revision: int) -> str:
    """`programme=pkh/region=35.10/stage=2026-T1/rev=2/`."""
    stage, region, programme = list_id.split("/")
    return f"programme={programme}/region={region}/stage={stage}/rev={revision}/"


def list_prefix(list_id: str, revision: int, *, is_simulation: bool) -> str:
    """Where the authoritative list lies in the work bucket."""
    return f"{'simulations' if is_simulation else 'lists'}/v1/{revision_folder(list_id, revision)}"


def consumer_prefix(consumer_id: str, list_id: str, revision: int) -> str:
    """Where a consumer's copy lies in the published bucket."""
    return f"consumer={consumer_id}/{revision_folder(list_id, revision)}"


def feed_prefix(feed: str) -> str:
    """Where a status feed lies: a consumer's in the published bucket, that of the authoritative lists in the work bucket."""
    return "lists/v1/status/" if feed == LISTS_FEED else f"consumer={feed}/status/"


def total_by_outcome(rows: pa.Table, amounts: Sequence[str] = AMOUNTS) -> dict[str, dict[str, int]]:
    """Rows and rupiah by outcome, by name of the outcome."""
    sums = rows.group_by("outcome").aggregate([([], "count_all"), *((name, "sum") for name in amounts)])
    found = {
        str(row["outcome"]): {"rows": int(row["count_all"]), **{name: int(row[f"{name}_sum"] or 0) for name in amounts}}
        for row in sums.to_pylist()
    }
    return dict(sorted(found.items()))


def make_manifest(
    facts: ListFacts,
    summary: Mapping[str, Any],
    outcomes: Mapping[str, Mapping[str, int]],
    files: Sequence[FileEntry],
    consumer: tuple[Consumer, str] | None = None,
) -> bytes:
    """The bytes of `manifest.json`: equal for equal arguments. `consumer` comes with the id of its token key."""
    programme = summary["programmes"][facts.programme]
    document = _describe_list(facts, summary)
    if consumer:
        owner, key_id = consumer
        document["consumer"] = {"id": owner.consumer_id, "profile": owner.profile, "token_key_id": key_id}
    if not facts.is_simulation:
        document["status_feed"] = feed_prefix(consumer[0].consumer_id if consumer else LISTS_FEED)
    document |= {
        "outcomes": outcomes,
        "files": [entry.as_dict() for entry in files],
        "schema_version": SCHEMA_VERSION,
        "rules_digest": programme["rules_digest"],
        "settings": summary.get("settings", {}),
        "input_set": facts.input_set,
        "quota": facts.quota,
        "window": facts.window,
        "objections": facts.objections,
        "decrees": facts.decrees,
        "approvals": facts.approvals,
        "engine": summary.get("engine"),
        "versions": summary.get("versions", {}),
        "code_version": facts.code_version,
    }
    return as_json(document).encode()


def _describe_list(facts: ListFacts, summary: Mapping[str, Any]) -> dict[str, Any]:
    """The first fields of a manifest: which list this is."""
    document: dict[str, Any] = {"manifest_version": MANIFEST_VERSION}
    if facts.is_simulation:
        document["notice"] = SIMULATION_NOTICE
    return document | {
        "list_id": facts.list_id,
        "revision": facts.revision,
        "programme": facts.programme,
        "region_code": facts.region,
        "stage": facts.stage,
        "status": facts.status,
        "purpose": facts.purpose,
        "list_digest": facts.list_digest,
        "supersedes": facts.supersedes,
        "as_of": summary["as_of"],
        "scope": summary["scope"],
    }
