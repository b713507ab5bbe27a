"""Rows that were set aside: whom they hold, and which later batch puts them right.

A held row is put right by its own delivery judged anew, by a later full delivery of its scope (which replaces every
row that was set aside before it), or by a later delta row of the same source and key (contracts.md, `quarantined`).
"""

from __future__ import annotations

from typing import Any

from perlinsos.engine import open_engine
from perlinsos.ledger.connection import fetch_rows
from perlinsos.ledger.deliveries import Batch
from perlinsos.operations.batches import ACCEPTED, HELD, fetch_file
from perlinsos.operations.context import Context
from perlinsos.operations.landing import next_prefix

KEYS = {
    "population": ("nik",),
    "welfare_family": ("no_kk",),
    "welfare_person": ("nik",),
    "signal": ("nik", "code"),
}


def is_same_delivery(one: Batch, other: Batch) -> bool:
    """Whether two batches are judgements of one delivery."""
    return (one.source_id, one.scope, one.snapshot_date, one.suffix) == (
        other.source_id,
        other.scope,
        other.snapshot_date,
        other.suffix,
    )


def count_repaired(ctx: Context, held: Batch, later: Batch) -> int:
    """How many rows that `held` set aside `later` puts right. Rows that name nobody hold nobody and do not count."""
    key = ", ".join(KEYS[held.dataset])
    named = "coalesce(nik, no_kk)"
    with open_engine(ctx.settings.threads, ctx.settings.memory_limit) as engine:
        engine.read_parquet(str(fetch_file(ctx, held, HELD))).filter(f"{named} is not null").create_view("held")
        engine.read_parquet(str(fetch_file(ctx, later, ACCEPTED))).create_view("later_row")
        engine.read_parquet(str(fetch_file(ctx, later, HELD))).create_view("later_held")
        if is_same_delivery(held, later):
            found = engine.sql("select count(*) from held where _row in (select _row from later_row)")
        elif later.coverage == "full":
            found = engine.sql(
                "select count(*) from held where coalesce(nik, no_kk) not in "
                "(select coalesce(nik, no_kk) from later_held where coalesce(nik, no_kk) is not null)"
            )
        else:
            found = engine.table("held").join(engine.sql("from later_row").project(key).distinct().set_alias("l"), key)
            found = found.aggregate("count(*)")
        return int(found.fetchall()[0][0])


def list_quarantined(ctx: Context, region: str | None = None) -> list[dict[str, Any]]:
    """Refused deliveries and batches in force with rows set aside, newest first: ids and counts only."""
    with ctx.connect("reader") as connection:
        return fetch_rows(
            connection,
            "select d.delivery_id, d.source_id, d.scope, d.snapshot_date, d.suffix, d.state, d.error_code, "
            "d.error ->> 'what' as reason, coalesce(b.received, 0) as received, "
            "coalesce(b.quarantined, 0) as quarantined "
            "from delivery as d left join batch as b on b.delivery_id = d.delivery_id and b.replaced_by is null "
            "where (d.state = 'refused' or b.quarantined > 0) and (%(region)s is null or d.scope = %(region)s) "
            "order by d.snapshot_date desc nulls first, d.delivery_id desc",
            {"region": region},
        )


def show_quarantined(ctx: Context, delivery_id: int) -> dict[str, Any]:
    """One delivery's reason, or its counts by rule; `correction` is the prefix for a better one in place of a refused one."""
    with ctx.connect("reader") as connection:
        found = fetch_rows(
            connection,
            "select delivery_id, source_id, scope, snapshot_date, suffix, landing_prefix, state, error_code, error, "
            "judged_at from delivery where delivery_id = %s",
            [delivery_id],
        )
        newest = fetch_rows(
            connection,
            "select max(l.suffix) as suffix from delivery as d join delivery as l using (source_id, scope, snapshot_date) "
            "where d.delivery_id = %s",
            [delivery_id],
        )
        rules = fetch_rows(
            connection,
            "select q.rule, q.message_id, q.severity, q.rows from quarantine_summary as q "
            "join batch as b using (batch_digest) where b.delivery_id = %s and b.replaced_by is null "
            "order by q.severity, q.rows desc, q.rule",
            [delivery_id],
        )
    return (found[0] if found else {}) | {"rules": rules, "correction": _correction(found[0], newest[0]) if found else None}


def _correction(delivery: dict[str, Any], newest: dict[str, Any]) -> str | None:
    """Where a better delivery in place of a refused one is laid: the same prefix where nothing was read there yet."""
    if delivery["state"] != "refused" or delivery["snapshot_date"] is None:
        return None
    if delivery["judged_at"] is None:
        return str(delivery["landing_prefix"])
    return next_prefix(delivery["source_id"], delivery["scope"], delivery["snapshot_date"], newest["suffix"])
