"""Rows that were set aside: whom they hold, and which later batch puts them right.

A held row is put right by its own delivery judged anew, by a later full delivery of its scope (which replaces every
row that was set aside before it), or by a later delta row of the same source and key (contracts.md, `quarantined`).
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from perlinsos.context import Context
from perlinsos.engine import open_engine
from perlinsos.errors import Refused
from perlinsos.ledger.connection import Connection, fetch_rows
from perlinsos.ledger.deliveries import Batch, read_in_force, read_later_batches
from perlinsos.ledger.records import NATIONAL
from perlinsos.operations.batches import ACCEPTED, HELD, QUARANTINE, fetch_file
from perlinsos.operations.landing import local_name, next_prefix

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
    """Refused deliveries and batches in force with rows set aside, newest first: ids and counts only.

    `superseded_by` is the delivery that replaced what was set aside; where it is null, the rows or the delivery are open.
    Refused for a region that is neither registered nor has deliveries.
    """
    with ctx.connect("reader") as connection:
        _refuse_unknown_scope(connection, region)
    return _list(ctx, region, None)


def _list(ctx: Context, region: str | None, delivery_id: int | None) -> list[dict[str, Any]]:
    """The same of one region, of one delivery, or of all."""
    with ctx.connect("reader") as connection:
        found = fetch_rows(connection, _LIST, {"region": region, "delivery": delivery_id})
        deltas = {
            row["delivery_id"]: (batch, read_later_batches(connection, batch))
            for row in found
            if row["coverage"] == "delta" and (batch := read_in_force(connection, row["delivery_id"]))
        }
    for row in found:
        if row["delivery_id"] in deltas:
            row["superseded_by"] = _find_last_repair(ctx, *deltas[row["delivery_id"]])
    return found


_LIST = """
select d.delivery_id, d.source_id, d.scope, d.snapshot_date, d.suffix, d.state, d.error_code, d.error ->> 'what' as reason,
    coalesce(b.received, 0) as received, coalesce(b.quarantined, 0) as quarantined, b.coverage,
    (select l.delivery_id from delivery as l join batch as lb on lb.delivery_id = l.delivery_id and lb.replaced_by is null
        where l.source_id = d.source_id and l.scope = d.scope and l.state = 'accepted'
            and (lb.coverage = 'full' or d.state = 'refused' and l.snapshot_date = d.snapshot_date)
            and (l.snapshot_date, l.suffix, l.delivery_id) > (d.snapshot_date, d.suffix, d.delivery_id)
        order by l.snapshot_date, l.suffix, l.delivery_id limit 1) as superseded_by
from delivery as d left join batch as b on b.delivery_id = d.delivery_id and b.replaced_by is null
where (d.state = 'refused' or b.quarantined > 0) and (%(region)s is null or d.scope = %(region)s)
    and (%(delivery)s is null or d.delivery_id = %(delivery)s)
order by d.snapshot_date desc nulls first, d.delivery_id desc
"""


def _refuse_unknown_scope(connection: Connection, scope: str | None) -> None:
    if scope is None or scope == NATIONAL:
        return
    query = "select from region where region_code = %(code)s union all select from delivery where scope = %(code)s limit 1"
    if not fetch_rows(connection, query, {"code": scope}):
        remedy = "perlinsos region list; national deliveries: --region national"
        raise Refused(f"no region {scope} is registered and nothing was delivered for it", remedy=remedy)


def _find_last_repair(ctx: Context, held: Batch, later: list[Batch]) -> int | None:
    """Of a delta delivery the one whose rows made up the last of what was set aside; None while a row is open."""
    keys = KEYS.get(held.dataset)
    if keys is None or not later:
        return None
    with open_engine(ctx.settings.threads, ctx.settings.memory_limit) as engine:
        rows = engine.read_parquet(str(fetch_file(ctx, held, HELD)))
        left = set(rows.project(", ".join(keys)).fetchall())
        if not left or any(None in key for key in left):
            return None
        for batch in later:
            there = engine.read_parquet(str(fetch_file(ctx, batch, ACCEPTED))).project(", ".join(keys)).distinct()
            left -= set(there.fetchall())
            if not left:
                return batch.delivery_id
    return None


def show_quarantined(ctx: Context, delivery_id: int) -> dict[str, Any]:
    """One delivery's reason, or its counts by rule and who corrected rows of it.

    `correction` is the prefix for a better one in place of a refused one, `command` what lays it there; both are None where
    nothing is to be laid: also where `superseded_by` names a later delivery that took its place. Where the error names a
    file by its digest, the key that it was delivered under stands there. Refused where there is no such delivery.
    """
    with ctx.connect("reader") as connection:
        found = fetch_rows(
            connection,
            "select delivery_id, source_id, scope, snapshot_date, suffix, landing_prefix, state, error_code, error, "
            "judged_at from delivery where delivery_id = %s",
            [delivery_id],
        )
        if not found:
            raise Refused(f"there is no delivery {delivery_id}", where="ledger", remedy="perlinsos quarantine list")
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
        corrected = fetch_rows(
            connection,
            "select number, rows, reason, corrected_by, corrected_at, sha256 from row_correction where delivery_id = %s "
            "order by number",
            [delivery_id],
        )
        part_columns = "select part_number, landing_key, sha256 from delivery_part where delivery_id = %s order by part_number"
        parts = fetch_rows(connection, part_columns, [delivery_id])
    told = {"error": _name_files(found[0]["error"], parts), "rules": rules, "corrected": corrected}
    superseded_by = next((row["superseded_by"] for row in _list(ctx, None, delivery_id)), None)
    correction = None if superseded_by else _correction(found[0], newest[0])
    command = _delivery_command(found[0]) if correction and found[0]["judged_at"] else None
    return found[0] | told | {"superseded_by": superseded_by, "correction": correction, "command": command}


def _name_files(error: dict[str, Any] | None, parts: list[dict[str, Any]]) -> dict[str, Any] | None:
    """An error whose `where` names the keys of the landing bucket, not the local copies or digests of its files."""
    where = str((error or {}).get("where", ""))
    for part in parts:
        for name in (part["sha256"], local_name(part["part_number"], part["landing_key"])):
            where = where.replace(name, part["landing_key"])
    return error | {"where": where} if error else error


def _delivery_command(delivery: dict[str, Any]) -> str:
    """What lays a better delivery beside a refused one: it finds the next free prefix of the day by itself."""
    words = ["--source", delivery["source_id"], "--scope", delivery["scope"], "--snapshot-date", str(delivery["snapshot_date"])]
    return shlex.join(["perlinsos", "deliver", *words, "FILE"])


def list_rows(ctx: Context, delivery_id: int, *, after: int = 0, limit: int = 20) -> tuple[int, list[dict[str, Any]]]:
    """How many rows of a delivery are set aside, and of those after the row `after` the first `limit`: `_row` and
    `errors` (rule, column, message_id); never a cell."""
    batch = _find_batch(ctx, delivery_id)
    if batch is None:
        return 0, []
    with open_engine(ctx.settings.threads, ctx.settings.memory_limit) as engine:
        rows = engine.read_parquet(str(fetch_file(ctx, batch, QUARANTINE)))
        named = "list_transform(_errors, lambda e: {'rule': e.rule, 'column': e.column, 'message_id': e.message_id})"
        page = rows.filter(f"_row > {int(after)}").project(f"_row, {named} as errors").order("_row").limit(limit)
        return batch.quarantined, [{"_row": row, "errors": errors} for row, errors in page.fetchall()]


def write_out(ctx: Context, delivery_id: int, out: Path) -> int:
    """Write all rows that a delivery has set aside, whole, to a new file of mode 0600 (restricted); how many.

    Refused where it has none, and as `write_rows` says.
    """
    from perlinsos.quality.correction_files import write_rows

    batch = _find_batch(ctx, delivery_id)
    if batch is None or not batch.quarantined:
        why = "it is refused as a whole, or every row of it was accepted"
        raise Refused(f"delivery {delivery_id} has no rows set aside", why=why, remedy=f"perlinsos quarantine show {delivery_id}")
    return write_rows(fetch_file(ctx, batch, QUARANTINE), out)


def _find_batch(ctx: Context, delivery_id: int) -> Batch | None:
    with ctx.connect("reader") as connection:
        return read_in_force(connection, delivery_id)


def _correction(delivery: dict[str, Any], newest: dict[str, Any]) -> str | None:
    """Where a better delivery in place of a refused one is laid: the same prefix where nothing was read there yet."""
    if delivery["state"] != "refused" or delivery["snapshot_date"] is None:
        return None
    if delivery["judged_at"] is None:
        return str(delivery["landing_prefix"])
    return next_prefix(delivery["source_id"], delivery["scope"], delivery["snapshot_date"], newest["suffix"])
