"""What the ledger says of a revision: its input set, decrees, window, objections and approvals, for the manifest."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from perlinsos.ledger.connection import Connection, fetch_rows
from perlinsos.ledger.input_sets import read_input_set
from perlinsos.ledger.revisions import make_list_id, read_revisions, read_window, track_of
from perlinsos.ledger.work import Claim
from perlinsos.publication.manifest import ListFacts

ZONES = {"WIB": "Asia/Jakarta", "WITA": "Asia/Makassar", "WIT": "Asia/Jayapura"}


def read_facts(connection: Connection, claim: Claim, programme: str, list_digest: str, revision: int, as_of: date) -> ListFacts:
    """The facts of a revision that is reserved and about to be written."""
    list_id = make_list_id(claim.region, claim.stage, programme)
    status = claim.statuses[programme]
    earlier = [found.revision for found in read_revisions(connection, list_id, track_of(status)) if found.revision < revision]
    return ListFacts(
        list_id=list_id,
        revision=revision,
        status=status,
        purpose=claim.purpose,
        list_digest=list_digest,
        supersedes=max(earlier, default=None),
        input_set=_read_input_set(connection, claim.input_set_digest),
        quota=_read_quota(connection, claim.input_set_digest, programme),
        window=_read_window(connection, list_id),
        objections=_count_objections(connection, list_id),
        decrees=_read_decrees(connection, claim, programme, as_of),
        approvals=_read_approvals(connection, list_id, list_digest),
    )


def read_quality(connection: Connection, input_set_digest: str) -> list[dict[str, Any]]:
    """The funnel of every batch of the input set, with the rules that rows failed: counts, never values."""
    batches = fetch_rows(
        connection,
        "select batch_digest, source_id as source, dataset, scope, snapshot_date::text, received, accepted, "
        "accepted_with_warnings, quarantined from batch where batch_digest = any(%s) order by dataset, source_id, batch_digest",
        [_batches_of(connection, input_set_digest)],
    )
    for batch in batches:
        batch["rules"] = fetch_rows(
            connection,
            "select rule, message_id, severity, rows from quarantine_summary where batch_digest = %s "
            "order by rule, message_id, severity",
            [batch["batch_digest"]],
        )
    return batches


def _batches_of(connection: Connection, input_set_digest: str) -> list[str]:
    """The digests of all batches of the input set: the pinned ones, and those that repair rows that were set aside."""
    found = read_input_set(connection, input_set_digest).document
    later = [repair["later"]["batch_digest"] for repair in found.get("repairs", [])]
    return sorted({*later, *(batch["batch_digest"] for batch in found.get("batches", []))})


def _read_quota(connection: Connection, input_set_digest: str, programme: str) -> dict[str, Any] | None:
    """The quota of the programme that was frozen, and its decree."""
    found = read_input_set(connection, input_set_digest).document.get("quotas", [])
    return next(({"value": one["quota"], "decree": one["decree_id"]} for one in found if one["programme"] == programme), None)


def _read_input_set(connection: Connection, input_set_digest: str) -> dict[str, Any]:
    """The digest of the input set and its parts: dataset, source, delivered_at, sha256, rows."""
    parts = fetch_rows(
        connection,
        "select b.dataset, b.source_id as source, b.scope, d.landed_at as delivered_at, b.batch_digest, "
        "b.files ->> 'accepted.parquet' as sha256, b.accepted + b.accepted_with_warnings as rows "
        "from batch as b join delivery as d using (delivery_id) where b.batch_digest = any(%s) "
        "order by b.dataset, b.source_id, b.snapshot_date, b.batch_digest",
        [_batches_of(connection, input_set_digest)],
    )
    return {"digest": input_set_digest, "parts": [{**part, "delivered_at": part["delivered_at"].isoformat()} for part in parts]}


def _read_decrees(connection: Connection, claim: Claim, programme: str, as_of: date) -> list[dict[str, Any]]:
    """The decrees in force on `as_of` that concern the list."""
    found = []
    for kind in ("tim", "kuota", "parameter"):
        rows = fetch_rows(
            connection,
            "select decree_id, kind::text, number, issuer, signed_on::text, in_force_from::text, in_force_until::text, "
            "document_sha256 from decrees_in_force(%s, %s, %s) "
            "where (programmes = '{}' or %s = any (programmes)) and (stages = '{}' or %s = any (stages))",
            [kind, claim.region, as_of, programme, claim.stage],
        )
        found += rows
    return found


def _read_window(connection: Connection, list_id: str) -> dict[str, Any] | None:
    """Opening and closing of the first window, in the region's own time with its offset."""
    window = read_window(connection, list_id)
    if window is None:
        return None
    zone = ZoneInfo(ZONES[window["zone"]])

    def local(moment: datetime) -> str:
        return moment.astimezone(zone).isoformat()

    return {"opens": local(window["opens_at"]), "closes": local(window["closes_at"]), "zone": window["zone"]}


def _count_objections(connection: Connection, list_id: str) -> dict[str, int]:
    """How many claims were filed, upheld (also in part), denied, and wait."""
    rows = fetch_rows(
        connection,
        "select count(*) as filed, count(*) filter (where v.verdict in ('upheld', 'partly')) as upheld, "
        "count(*) filter (where v.verdict in ('denied', 'inadmissible', 'withdrawn')) as denied, "
        "count(*) filter (where v.verdict is null) as pending "
        "from objection as o cross join unnest(o.claims) as c (claim) "
        "left join verdict as v on v.objection_id = o.objection_id and v.claim = c.claim where o.list_id = %s",
        [list_id],
    )
    return {name: int(count) for name, count in rows[0].items()}


def _read_approvals(connection: Connection, list_id: str, list_digest: str) -> list[dict[str, Any]]:
    """The approvals of this very digest that were not voided."""
    rows = fetch_rows(
        connection,
        "select side, name, office, capacity, list_digest, signed_at as at, key_id, signature from approval "
        "where list_id = %s and list_digest = %s and voided_at is null order by side",
        [list_id, list_digest],
    )
    return [{**row, "at": row["at"].isoformat()} for row in rows]
