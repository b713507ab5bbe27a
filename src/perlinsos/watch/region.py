"""One region: its cells, deliveries with funnel and volume, quarantine by rule and sender, input sets, revisions, last error."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from perlinsos.ledger.connection import Connection, fetch_rows
from perlinsos.watch.coverage import Cell, read_cells
from perlinsos.watch.rights import Rights
from perlinsos.watch.troubles import RefusedDelivery, read_refused
from perlinsos.watch.words import hide, say_superseded

HELD = "DATA_DIKARANTINA"
COMPARED = 5  # the newest delivery and the last four before it
_REGION = "select region_code, name, zone, programmes, scope, office ->> 'name' as office from region where region_code = %s"
_VOLUMES = """
with numbered as (
    select b.*, row_number() over (
        partition by source_id, scope order by snapshot_date desc, suffix desc, delivery_id desc
    ) as place
    from batch as b where b.replaced_by is null and b.scope in (%(region)s, 'national')
)
select n.source_id, n.scope, n.dataset, n.coverage, n.snapshot_date, n.suffix, n.received, n.accepted,
    n.accepted_with_warnings, n.quarantined, n.accepted_at, n.place,
    (select s.document::jsonb ->> 'agency' from source_fingerprint as s where s.source_id = n.source_id
     order by s.first_used_at desc limit 1) as sender
from numbered as n where n.place <= %(compared)s order by n.scope desc, n.source_id, n.place desc
"""
_QUARANTINE = """
select b.source_id, b.scope, q.rule, q.message_id, q.severity, sum(q.rows)::bigint as rows
from quarantine_summary as q join batch as b using (batch_digest)
where b.replaced_by is null and b.scope in (%(region)s, 'national')
group by b.source_id, b.scope, q.rule, q.message_id, q.severity
order by q.severity, rows desc, b.source_id, q.rule
"""
_INPUT_SETS = """
select c.stage, s.number, s.input_set_digest, s.reason, s.at,
    (select jsonb_agg(jsonb_build_object('source', e ->> 'source', 'dataset', e ->> 'dataset', 'scope', e ->> 'scope',
        'snapshot_date', e ->> 'snapshot_date', 'role', e ->> 'role', 'received', e -> 'received'))
     from jsonb_array_elements(i.document::jsonb -> 'batches') as e) as batches,
    jsonb_array_length(coalesce(i.document::jsonb -> 'repairs', '[]')) as repairs
from cycle_input_set as s join cycle as c using (cycle_id) join input_set as i using (input_set_digest)
where c.region_code = %(region)s and s.number = (select max(number) from cycle_input_set as n where n.cycle_id = s.cycle_id)
order by c.stage desc
"""
_REVISIONS = """
select l.stage, l.programme, v.list_id, v.track, v.revision, v.status, v.state, v.list_digest, v.rows, v.published_at,
    to_jsonb(v) -> 'changes' as changes
from list_revision as v join list as l using (list_id)
where l.region_code = %(region)s and v.state = 'published'
order by l.stage desc, l.programme, v.published_at desc, v.revision desc
"""
_FUNNELS = """
select distinct on (key) split_part(key, '|', 2) as stage, counts, recorded_at
from outcome where step = 'determine' and key like %(keys)s and state in ('done', 'nothing_new') and counts ? 'funnel'
order by key, outcome_id desc
"""
_LAST_ERROR = """
select o.step, o.key, o.state, o.error ->> 'what' as what, o.recorded_at from outcome as o
where o.error is not null and (o.key = %(region)s or o.key like %(keys)s or o.key like %(deliveries)s)
    and not exists (select from outcome as n where n.key = o.key and n.step = o.step and n.outcome_id > o.outcome_id
        and n.state in ('done', 'nothing_new'))
order by o.outcome_id desc limit 1
"""


@dataclass(frozen=True)
class Delivery:
    """One accepted delivery of a source: how fresh, how many rows, and where they went."""

    snapshot_date: date
    suffix: int
    received: int
    accepted: int
    accepted_with_warnings: int
    quarantined: int
    accepted_at: datetime


@dataclass(frozen=True)
class Source:
    """The newest deliveries of one source, oldest first, with the sender."""

    source: str
    scope: str
    dataset: str
    sender: str
    deliveries: tuple[Delivery, ...]

    @property
    def newest(self) -> Delivery:
        """The delivery in force."""
        return self.deliveries[-1]

    @property
    def usual(self) -> float | None:
        """The mean number of rows of the deliveries before the newest; None where it is the first."""
        before = [one.received for one in self.deliveries[:-1]]
        return sum(before) / len(before) if before else None


@dataclass(frozen=True)
class RegionReport:
    """Everything on a region's page, in counts, codes and digests."""

    region: dict[str, Any]
    cells: tuple[Cell, ...]
    sources: tuple[Source, ...]
    refused: tuple[RefusedDelivery, ...]
    quarantine: tuple[dict[str, Any], ...]
    input_sets: tuple[dict[str, Any], ...]
    revisions: tuple[dict[str, Any], ...]
    funnels: tuple[dict[str, Any], ...]
    last_error: dict[str, Any] | None

    @property
    def held_families(self) -> dict[str, int]:
        """Stage and programme → families that the quarantine holds (`DATA_DIKARANTINA`) in the newest determination."""
        return {
            f"{one['stage']} {programme}": reasons[HELD]
            for one in self.funnels
            for programme, reasons in one["counts"].get("reasons", {}).items()
            if HELD in reasons
        }


def read_region(connection: Connection, rights: Rights, region: str, at: datetime) -> RegionReport | None:
    """One region's report; None where there is no such region, or this user does not see it: the two look the same."""
    found = fetch_rows(connection, _REGION, [region]) if rights.sees(region) else []
    if not found:
        return None
    names = {"region": region, "keys": f"{region}|%", "deliveries": f"%/{region}/%", "compared": COMPARED}
    only = Rights(rights.user, rights.role, (region,))
    errors = fetch_rows(connection, _LAST_ERROR, names)
    return RegionReport(
        found[0],
        tuple(read_cells(connection, only, at)),
        tuple(_group(fetch_rows(connection, _VOLUMES, names))),
        tuple(read_refused(connection, [region, "national"])),
        tuple(fetch_rows(connection, _QUARANTINE, names)),
        tuple(_show_seen(one, rights) for one in fetch_rows(connection, _INPUT_SETS, names)),
        tuple(fetch_rows(connection, _REVISIONS, names)),
        tuple(fetch_rows(connection, _FUNNELS, names)),
        errors[0] | {"what": hide(say_superseded(errors[0]["what"] or ""))} if errors else None,
    )


def _show_seen(input_set: dict[str, Any], rights: Rights) -> dict[str, Any]:
    """The input set without the batches of other regions that this user does not see."""
    batches = [one for one in input_set["batches"] or [] if one["role"] != "foreign" or rights.sees(one["scope"])]
    return input_set | {"batches": batches}


def _group(rows: list[dict[str, Any]]) -> list[Source]:
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault((row["source_id"], row["scope"]), []).append(row)
    return [
        Source(
            source,
            scope,
            members[-1]["dataset"],
            members[-1]["sender"] or source,
            tuple(Delivery(**{name: row[name] for name in Delivery.__dataclass_fields__}) for row in members),
        )
        for (source, scope), members in grouped.items()
    ]
