"""The folder of an authoritative list, prepared on the local disk (consumers' copies: `copies.py`).

Nothing here touches the store or the ledger; equal arguments give equal bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from perlinsos.errors import Conflict
from perlinsos.model.datasets import RESULT_TABLES
from perlinsos.publication.canonical import LIST_TABLES, list_digest
from perlinsos.publication.files import FileEntry, as_json, write_parquet, write_text
from perlinsos.publication.manifest import (
    AMOUNTS,
    ListFacts,
    list_prefix,
    make_manifest,
    total_by_outcome,
)
from perlinsos.settings import Buckets


@dataclass(frozen=True)
class PreparedFolder:
    """A folder that is ready to be written: local files, where they go, and the manifest that names them."""

    bucket: str
    prefix: str
    local: Path
    files: tuple[FileEntry, ...]
    manifest: bytes
    label: str
    list_digest: str


def prepare_list(
    facts: ListFacts,
    tables: Mapping[str, Path],
    summary: Mapping[str, Any],
    documents: Mapping[str, str],
    out: Path,
    buckets: Buckets,
) -> PreparedFolder:
    """Prepare the authoritative list of one programme from what `determine` wrote.

    `documents` are quality.json and provenance.json. Raises Conflict where the rows do not have the digest that the
    ledger reserved: then nothing is published.
    """
    out.mkdir(parents=True)
    files, written = [], {}
    for name in LIST_TABLES:
        spec, written[name] = RESULT_TABLES[name], out / f"{name}.parquet"
        files.append(write_parquet(rows_of(tables[name], facts.programme), spec, written[name]))
    rules_digest = str(summary["programmes"][facts.programme]["rules_digest"])
    if (found := list_digest(facts.programme, rules_digest, written)) != facts.list_digest:
        raise Conflict(
            "The rows do not have the digest of the list",
            where=facts.label,
            why=f"their digest begins with {found[:12]}, the summary says {facts.list_digest[:12]}",
            remedy="determine again; nothing was published",
        )
    files.append(write_text(out / "summary.json", as_json(summary_of(summary, facts.programme))))
    files += [write_text(out / name, text) for name, text in documents.items()]
    outcomes = total_by_outcome(pq.read_table(written["decisions"], columns=["outcome", *AMOUNTS]))
    manifest = make_manifest(facts, summary, outcomes, files)
    prefix = list_prefix(facts.list_id, facts.revision, is_simulation=facts.is_simulation)
    return PreparedFolder(buckets.work, prefix, out, tuple(files), manifest, facts.label, facts.list_digest)


def rows_of(path: Path, programme: str) -> pa.Table:
    """The programme's rows of a result table, in order; all rows of `not_decided`."""
    has_programme = "programme" in pq.read_schema(path).names
    return pq.read_table(path, filters=[("programme", "=", programme)] if has_programme else None)


def summary_of(summary: Mapping[str, Any], programme: str) -> dict[str, Any]:
    """The summary with this programme only."""
    return {**summary, "programmes": {programme: summary["programmes"][programme]}}
