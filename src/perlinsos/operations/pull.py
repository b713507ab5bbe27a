"""Pull: keep the bytes of what landed under their SHA-256, before anything reads them, and record the deliveries.

A prefix is taken when `_COMPLETE` is there or its listing was the same for `settings.landing_quiet_seconds`. What
changes in a prefix afterwards is not read: it is named, and the agency sends `…-2`.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from perlinsos.context import Context
from perlinsos.errors import PerlinsosError, Refused, WrongUsage
from perlinsos.ledger.connection import call, call_rows, fetch_rows
from perlinsos.ledger.deliveries import record_delivery
from perlinsos.ledger.outcomes import measure
from perlinsos.ledger.records import NATIONAL
from perlinsos.operations.landing import Prefix, group_prefixes
from perlinsos.operations.origins import ask, find_due
from perlinsos.sources.description import SourceDescription, load_source
from perlinsos.storage import Missing


@dataclass(frozen=True)
class _Known:
    """What the ledger knows of a prefix."""

    listing_digest: str
    listing_seen_at: datetime
    taken_listing: str | None
    changed_listing: str | None
    refused_code: str | None  # of a refusal before anything was read; None where it was taken


def load_sources(folder: Path) -> dict[str, SourceDescription | WrongUsage]:
    """The descriptions in sources/ by id; in place of a broken one its error, so that it stops no other."""
    found: dict[str, SourceDescription | WrongUsage] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            description = load_source(path)
            found[description.source] = description
        except WrongUsage as error:
            found[path.stem] = error
    return found


def list_due(ctx: Context) -> list[str]:
    """The sources for which `fetch` has something to do: answers that are due, complete prefixes not yet taken, changed
    ones not yet named, and deliveries that landed and that nobody is ingesting."""
    surveyed = _survey(ctx, "")
    due = {prefix.source_id for prefix, action in surveyed if action}
    known = load_sources(ctx.settings.folder("sources"))
    due |= {name for name, source in known.items() if not isinstance(source, WrongUsage) and find_due(ctx, source)}
    with ctx.connect("reader") as connection:
        due |= {row["source_id"] for row in fetch_rows(connection, _WAITING)}
    return sorted(due)


def fetch(ctx: Context, source_id: str) -> dict[str, Any]:
    """Take what is due of one source. Gives ids of new deliveries and refusals, the prefixes that are the delivery
    before them or that changed after they were taken, and the keys (region code or `national`) to be ingested.

    A source with an origin of its own is asked first. Where some answer could not be had the rest is taken all the
    same, and Refused or Unreachable names it at the end.
    """
    result: dict[str, Any] = {"deliveries": [], "refused": [], "same": [], "changed": [], "keys": []}
    unanswered = _ask_what_is_due(ctx, source_id)
    with measure(ctx.connect, "loader", "pull", source_id) as measured:
        surveyed = [(p, a) for p, a in _survey(ctx, source_id) if p.source_id == source_id and a]
        for prefix, action in sorted(surveyed, key=lambda pair: pair[0].order):
            if action == "changed":
                with ctx.connect("loader") as connection:
                    if call(connection, "name_changed_prefix", [prefix.text]):
                        result["changed"].append(prefix.text)
            elif action == "take":
                _take(ctx, prefix, result)
            else:
                result["refused"].append(_refuse(ctx, prefix, action))
        with ctx.connect("reader") as connection:
            rows = fetch_rows(connection, _WAITING)
        result["keys"] = sorted({row["scope"] for row in rows if row["source_id"] == source_id})
        measured.counts = {name: len(found) for name, found in result.items()} | {"changed_prefixes": result["changed"]}
        if not any(result[name] for name in ("deliveries", "refused", "changed")):
            measured.state = "nothing_new"
    if unanswered:
        raise unanswered[0]
    return result


def _ask_what_is_due(ctx: Context, source_id: str) -> list[PerlinsosError]:
    """Lay the answers that are due into the landing bucket; the errors of those that could not be had."""
    source = load_sources(ctx.settings.folder("sources")).get(source_id)
    if source is None or isinstance(source, WrongUsage):
        return []
    errors: list[PerlinsosError] = []
    for question in find_due(ctx, source):
        try:
            ask(ctx, question)
        except PerlinsosError as error:
            error.where = f"{question.name}; {error.where}"
            errors.append(error)
    return sorted(errors, key=lambda error: isinstance(error, Refused))  # what may pass by itself is tried again first


_WAITING = (
    "select distinct source_id, scope from delivery where state = 'landed' and not exists "
    "(select from ingest_lease where key = scope and lease_until > clock_timestamp())"
)


def _survey(ctx: Context, beginning: str) -> list[tuple[Prefix, str]]:
    """Every prefix with what is to be done: '' nothing, 'take', 'changed', or the code of a refusal."""
    prefixes = group_prefixes(ctx.storage.list(ctx.settings.buckets.landing, beginning))
    sources = load_sources(ctx.settings.folder("sources"))
    with ctx.connect("loader") as connection:
        regions = {row["region_code"] for row in fetch_rows(connection, "select region_code from region")}
        known = {row.pop("landing_prefix"): _Known(**row) for row in fetch_rows(connection, _KNOWN)}
        for prefix in prefixes:
            seen = known.get(prefix.text)
            if seen is None or seen.listing_digest != prefix.listing_digest:
                arguments = [prefix.text, prefix.source_id, prefix.listing_digest, ctx.at]
                noted = call_rows(connection, "note_listing", arguments)[0]
                known[prefix.text] = _Known(
                    prefix.listing_digest, noted["listing_seen_at"], *((seen.taken_listing, seen.changed_listing,
                    seen.refused_code) if seen else (None, None, None)),
                )  # fmt: skip
    quiet = timedelta(seconds=ctx.settings.landing_quiet_seconds)
    return [(p, _decide(p, known[p.text], ctx.at - quiet, _find_problem(p, sources, regions)[0])) for p in prefixes]


_KNOWN = (
    "select p.landing_prefix, p.listing_digest, p.listing_seen_at, p.taken_listing, p.changed_listing, "
    "case when d.state = 'refused' and d.judged_at is null then d.error_code end as refused_code "
    "from landing_prefix as p left join delivery as d using (delivery_id)"
)


def _decide(prefix: Prefix, known: _Known, quiet_since: datetime, problem_code: str) -> str:
    """What is to be done with a prefix."""
    if known.taken_listing is not None and known.refused_code is None:
        is_new_change = prefix.listing_digest not in (known.taken_listing, known.changed_listing)
        return "changed" if is_new_change else ""
    if not prefix.is_complete and known.listing_seen_at > quiet_since:
        return ""
    if known.refused_code is not None and known.refused_code == problem_code:
        return ""
    return problem_code or "take"


def _find_problem(
    prefix: Prefix, sources: dict[str, SourceDescription | WrongUsage], regions: set[str]
) -> tuple[str, dict[str, str]]:
    """Code and words of why a prefix cannot be taken; empty where it can."""
    source = sources.get(prefix.source_id)
    where = {"where": prefix.text}
    if source is None:
        return "source_unknown", where | {
            "what": f"no source is called {prefix.source_id!r}",
            "remedy": f"describe it in sources/{prefix.source_id}.yaml, or ask the agency for the right first word",
        }
    if isinstance(source, WrongUsage):
        return "source_invalid", source.as_dict()
    if prefix.problem:
        return "prefix_malformed", where | {"what": prefix.problem, "remedy": "the agency sends it under a right prefix"}
    if (prefix.scope == NATIONAL) != (source.scope == "national"):
        return "scope_mismatch", where | {
            "what": f"the source {source.source} delivers by {source.scope}, not {prefix.scope}",
            "remedy": "correct `scope` in the source's file, or ask the agency for the right prefix",
        }
    if prefix.scope != NATIONAL and prefix.scope not in regions:
        return "region_unregistered", where | {
            "what": f"the region {prefix.scope} does not take part",
            "remedy": "perlinsos region add FILE; the delivery is then taken by itself",
        }
    return "", {}


def _refuse(ctx: Context, prefix: Prefix, code: str) -> int:
    """Record that a prefix cannot be taken; its bytes are not read."""
    sources = load_sources(ctx.settings.folder("sources"))
    with ctx.connect("loader") as connection:
        regions = {row["region_code"] for row in fetch_rows(connection, "select region_code from region")}
        _, error = _find_problem(prefix, sources, regions)
        entry = _describe(prefix, prefix.listing_digest)
        return int(call(connection, "refuse_landing", [entry, code, error, ctx.at]))


def _describe(prefix: Prefix, content_digest: str) -> dict[str, Any]:
    """A delivery's row."""
    return {
        "source_id": prefix.source_id,
        "scope": prefix.scope,
        "snapshot_date": prefix.snapshot_date.isoformat() if prefix.snapshot_date else None,
        "suffix": prefix.suffix,
        "landing_prefix": prefix.text,
        "listing_digest": prefix.listing_digest,
        "content_digest": content_digest,
    }


def _take(ctx: Context, prefix: Prefix, result: dict[str, Any]) -> None:
    """Copy the parts to the raw bucket and record the delivery; left for the next tick where it changes meanwhile."""
    try:
        parts = [_keep(ctx, item.key) for item in prefix.parts]
    except Missing:
        return
    landing = ctx.settings.buckets.landing
    again = [p for p in group_prefixes(ctx.storage.list(landing, prefix.text)) if p.text == prefix.text]
    if not again or again[0].listing_digest != prefix.listing_digest:
        return
    content = hashlib.sha256(json.dumps([part["sha256"] for part in parts]).encode()).hexdigest()
    with ctx.connect("loader") as connection:
        delivery_id, is_new = record_delivery(connection, _describe(prefix, content), parts, ctx.at)
    if is_new:
        result["deliveries"].append(delivery_id)
    else:
        result["same"].append(prefix.text)


def _keep(ctx: Context, key: str) -> dict[str, Any]:
    """Copy one object to the raw bucket under its SHA-256."""
    buckets = ctx.settings.buckets
    with tempfile.TemporaryDirectory(prefix="perlinsos-pull-") as folder:
        copy = Path(folder) / "part"
        sha256 = ctx.storage.fetch(buckets.landing, key, copy)
        raw_key = f"sha256/{sha256[:2]}/{sha256}"
        ctx.storage.put_new(buckets.raw, raw_key, copy)
        return {"landing_key": key, "raw_key": raw_key, "sha256": sha256, "bytes": copy.stat().st_size}
