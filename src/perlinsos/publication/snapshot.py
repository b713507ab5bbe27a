"""The folders of one revision, prepared on the local disk: the authoritative list and a copy for each consumer.

Nothing here touches the store or the ledger; equal arguments give equal bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from perlinsos.errors import Conflict, Refused
from perlinsos.model.datasets import RESULT_TABLES
from perlinsos.publication.canonical import LIST_TABLES, list_digest
from perlinsos.publication.files import FileEntry, as_json, write_csv_gz, write_parquet, write_text
from perlinsos.publication.manifest import (
    AMOUNTS,
    ListFacts,
    consumer_prefix,
    list_prefix,
    make_manifest,
    total_by_outcome,
)
from perlinsos.publication.readme import write_readme
from perlinsos.publication.schema import KEY, Consumer, describe_package, fields_of, find_profile, recipients_table
from perlinsos.publication.tokens import TokenKey, make_tokens
from perlinsos.settings import Buckets

CONSUMERS = (Consumer("kemensos-demo", "programme_owner", "Kementerian Sosial (demonstration)"),)


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


def prepare_consumer(
    facts: ListFacts,
    authoritative: PreparedFolder,
    summary: Mapping[str, Any],
    consumer: Consumer,
    key: TokenKey,
    out: Path,
    buckets: Buckets,
) -> PreparedFolder:
    """Prepare a consumer's folder from the authoritative list. Refused for a simulation: it never goes to a consumer."""
    if facts.is_simulation:
        raise Refused("A simulation is not for consumers", where=facts.label)
    out.mkdir(parents=True)
    profile = find_profile(consumer.profile)
    spec = recipients_table(profile)
    decisions = pq.read_table(authoritative.local / "decisions.parquet")
    outcomes = total_by_outcome(decisions)
    rows = make_recipients(facts.list_id, decisions, consumer, key)
    csv = write_csv_gz(rows, spec, out / "recipients.csv.gz")
    files = [write_parquet(rows, spec, out / "recipients.parquet"), csv]
    described = {"path": csv.path, "bytes": csv.bytes, "hash": f"sha256:{csv.sha256}"}
    package = describe_package(profile, facts.label.lower().replace("/", "-"), facts.label, described)
    files.append(write_text(out / "datapackage.json", as_json(package)))
    files += [write_text(out / f"README.{language}.md", write_readme(language, facts, outcomes)) for language in ("id", "en")]
    files.append(write_text(out / "SHA256SUMS", "".join(f"{entry.sha256}  {entry.path}\n" for entry in files)))
    manifest = make_manifest(facts, summary, outcomes, files, (consumer, key.key_id))
    prefix = consumer_prefix(consumer.consumer_id, facts.list_id, facts.revision)
    return PreparedFolder(buckets.published, prefix, out, tuple(files), manifest, facts.label, facts.list_digest)


def make_recipients(list_id: str, decisions: pa.Table, consumer: Consumer, key: TokenKey) -> pa.Table:
    """The consumer's rows and columns, with tokens for numbers, in the order of the tokens.

    That order says nothing about the numbers, and neither does anything else in the table.
    """
    profile = find_profile(consumer.profile)
    if profile.outcomes is not None:
        decisions = decisions.filter(pc.is_in(decisions.column("outcome"), value_set=pa.array(profile.outcomes)))
    count = decisions.num_rows
    made = {
        "list_id": pa.array([list_id] * count, pa.string()),
        "family_token": make_tokens(key, "family", decisions.column("no_kk")),
        "person_token": make_tokens(key, "person", decisions.column("nik")),
        **{name: pa.nulls(count, pa.string()) for name in ("previous_family_token", "objection_status", "change_class")},
    }
    columns = {
        field.name: made[field.name] if field.name in made else decisions.column(field.name) for field in fields_of(profile)
    }
    rows = pa.table(columns)
    order = pc.sort_indices(rows, sort_keys=[(name, "ascending", "at_start") for name in KEY])
    return rows.take(order).combine_chunks()
