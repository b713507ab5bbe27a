"""What the demo shows at its end: outcomes, quarantine, digests, a verified copy, one family explained, what to try next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow.parquet as pq
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from perlinsos.context import Context
from perlinsos.ledger.connection import fetch_rows
from perlinsos.operations.calendar import ZONES
from perlinsos.operations.services.airflow_api import AirflowApi

CONSUMER = "kemensos-demo"
OUTCOMES = ("LAYAK", "ANTREAN", "TIDAK_LAYAK", "TUNDA")
SHORT_ANSWER = 30
"""Lines up to which a family's answer is shown in English too."""


@dataclass(frozen=True)
class Before:
    """How far the ledger was when a demo began, and when that was."""

    at: datetime
    delivery: int
    revisions: int


def note_before(ctx: Context) -> Before:
    """What was there before this demo laid anything down."""
    with ctx.connect("reader") as connection:
        row = fetch_rows(connection, f"select {_COUNTS}", [0])[0]
    return Before(ctx.at, row["newest"], row["revisions"])


_COUNTS = (
    "(select coalesce(max(delivery_id), 0) from delivery) as newest, "
    "(select count(*) from list_revision where state = 'published') as revisions, "
    "(select count(*) from delivery where delivery_id > %s) as deliveries"
)


def show_new(console: Console, ctx: Context, before: Before) -> None:
    """What this demo brought, beside what an earlier one left; plainly where it brought nothing."""
    with ctx.connect("reader") as connection:
        row = fetch_rows(connection, f"select {_COUNTS}", [before.delivery])[0]
    revisions = row["revisions"] - before.revisions
    if not row["deliveries"] and not revisions:
        console.print(
            "Nothing was new: the same bytes are the same deliveries, so no list has a new revision. Below is what stands."
        )
        return
    deliveries = "1 new delivery" if row["deliveries"] == 1 else f"{row['deliveries']} new deliveries"
    told = "1 new revision" if revisions == 1 else f"{revisions} new revisions"
    console.print(f"This demo brought {deliveries} and {told} of lists.")


def show_lists(console: Console, ctx: Context, regions: tuple[str, ...]) -> list[str]:
    """The newest published revision of each list with its four outcomes; gives their labels."""
    with ctx.connect("reader") as connection:
        lists = fetch_rows(
            connection,
            "select distinct on (r.list_id, r.track) r.list_id, r.revision, r.status, r.list_digest, r.rows, w.closes_at, w.zone "
            "from list_revision as r join list as l using (list_id) "
            "left join objection_window as w on w.list_id = r.list_id and w.window_number = 1 "
            "where r.state = 'published' and l.region_code = any(%s) order by r.list_id, r.track, r.revision desc",
            [list(regions)],
        )
    console.rule("The lists", align="left", style="none")
    for row in lists:
        counted = row["rows"] or {}
        outcomes = " · ".join(f"{outcome} {counted.get(outcome, {}).get('rows', 0):,}" for outcome in OUTCOMES)
        rupiah = sum(of.get("amount_stage_idr", 0) for of in counted.values())
        console.print(f"[bold]{row['list_id']}/r{row['revision']}[/bold] ({row['status']})  {outcomes}")
        console.print(f"  Rp{rupiah:,} this stage; list digest {row['list_digest']}", soft_wrap=True, highlight=False)
    for closes, zone in sorted({(row["closes_at"], row["zone"]) for row in lists if row["closes_at"]}):
        console.print(f"Objections are received until {closes.astimezone(ZoneInfo(ZONES[zone])):%Y-%m-%d %H:%M} {zone}.")
    return [f"{row['list_id']}/r{row['revision']}" for row in lists if row["status"] != "simulation"]


def show_funnel(console: Console, ctx: Context) -> None:
    """Rows received, accepted, quarantined, of every batch; they add up (the ledger refuses them otherwise)."""
    with ctx.connect("reader") as connection:
        batches = fetch_rows(
            connection,
            "select source_id, scope, snapshot_date, suffix, received, accepted, accepted_with_warnings, quarantined from batch "
            "where replaced_by is null order by source_id, scope, snapshot_date, suffix",
        )
        rules = fetch_rows(
            connection,
            "select b.source_id, s.message_id, sum(s.rows)::bigint as rows from quarantine_summary as s "
            "join batch as b using (batch_digest) where s.severity = 'critical' and b.replaced_by is null "
            "group by 1, 2 order by 3 desc, 1, 2",
        )
    table = Table("delivery", "received", "accepted", "warned", "quarantined", title="The funnel of the deliveries", box=SIMPLE)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in batches:
        numbers = (row["received"], row["accepted"], row["accepted_with_warnings"], row["quarantined"])
        later = f"-{row['suffix']}" if row["suffix"] > 1 else ""
        table.add_row(f"{row['source_id']} {row['scope']} {row['snapshot_date']}{later}", *(f"{number:,}" for number in numbers))
    console.print(table)
    said = ", ".join(f"{row['rows']:,} {row['message_id']} ({row['source_id']})" for row in rules[:8])
    console.print(f"Quarantined, every row kept with its rule: {said or 'none'}.")


def show_copy(console: Console, ctx: Context, label: str, folder: Path) -> None:
    """Fetch one consumer's copy with its own keys, which read its folder only, and verify it without any service."""
    from perlinsos.operations.consumers import open_as
    from perlinsos.publication.fetch import fetch_list
    from perlinsos.publication.verify import check_verdict, find_public_keys, verify_folder

    fetch_list(open_as(ctx, CONSUMER), ctx.settings.buckets, label, folder, CONSUMER)
    verdict = verify_folder(folder, find_public_keys(ctx.settings.home))
    check_verdict(verdict)
    outcomes = pq.read_table(folder / "recipients.parquet", columns=["outcome"])["outcome"].to_pylist()
    counted = f"{len(outcomes):,} rows, {outcomes.count('LAYAK'):,} of them receive"
    console.print(f"The copy of {CONSUMER} was fetched to {folder} and verified offline: {counted}, the same in")
    console.print(
        f"Parquet, CSV and XLSX; {verdict.files} files, signed by key {verdict.key_id}, list digest {verdict.list_digest}."
    )


def show_family(console: Console, ctx: Context, label: str, folder: Path) -> None:
    """One refused family of the authoritative list, near the limit, as it is told why; its number is never shown."""
    from perlinsos.explanation.answer import explain
    from perlinsos.explanation.stored import open_stored
    from perlinsos.explanation.terminal import describe
    from perlinsos.publication.fetch import fetch_list

    fetch_list(ctx.storage, ctx.settings.buckets, label, folder)
    number = _pick_refused(folder)
    if number is None:
        console.print("No family was refused in this list.")
        return
    console.print(f"\n[bold]One family of {label}, as it is told why[/bold] (its card number is not shown)")
    with open_stored(ctx, label) as evidence:
        told = {language: describe(explain(evidence, number, language), console.width) for language in ("id", "en")}
    console.print(told["id"], markup=False, highlight=False)
    if told["en"].count("\n") < SHORT_ANSWER:
        console.print("\n[bold]The same in English[/bold]")
        console.print(told["en"], markup=False, highlight=False)


def _pick_refused(folder: Path) -> str | None:
    """The card number of the refused family that is nearest to a limit that may be told, with the fewest reasons; where no
    reason is a number, the first with the most reasons."""
    tables = [str(folder / f"{name}.parquet") for name in ("decisions", "findings")]
    return next((row[0] for row in duckdb.execute(_NEAREST, tables).fetchall()), None)


_NEAREST = """
with refused as (select no_kk, len(reasons) as reasons from read_parquet($1) where outcome = 'TIDAK_LAYAK'),
distance as (
    select no_kk, min(try_cast(observed_value as double) / try_cast(limit_value as double)) as times
    from read_parquet($2)
    where code in ('DESIL_DI_ATAS_BATAS', 'DAYA_LISTRIK') and try_cast(limit_value as double) > 0 group by no_kk
)
select no_kk from refused left join distance using (no_kk)
order by times nulls last, case when times is null then -reasons else reasons end, no_kk limit 1
"""


def show_runs(console: Console, airflow: AirflowApi, since: datetime) -> None:
    """How many tasks this demo had done, by DAG, and how many were skipped, as Airflow's REST API says."""
    done: dict[str, int] = {}
    skipped = 0
    for task in airflow.task_instances(start_date_gte=since.isoformat()):
        skipped += task["state"] == "skipped"
        if task["state"] == "success":
            done[task["dag_id"]] = done.get(task["dag_id"], 0) + 1
    said = ", ".join(f"{dag} {count}" for dag, count in sorted(done.items()))
    console.print(f"Since this demo began Airflow ran these tasks to success: {said}; {skipped} were skipped: nothing was due.")


def show_next(console: Console, services: dict[str, Any], label: str) -> None:
    """Where the pages are, and what to try."""
    url = services["airflow"]["url"]
    console.print(f"\n[bold]Pages in Airflow[/bold]: {url}", soft_wrap=True)
    for page, what in (("coverage", "every region and stage"), ("regions/35.10", "one region"), ("alerts", "what is wrong")):
        console.print(f"  {url}/perlinsos/{page}  {what}", soft_wrap=True, highlight=False)
    console.print("  log in as admin (sees everything), officer (sees 35.10 only) or auditor (is told no commands)")
    console.print(f"  the passwords are in {services['airflow']['password_file']}", soft_wrap=True)
    console.print("[bold]What to try next[/bold] (in .venv/bin, or after `source .venv/bin/activate`)")
    for line in (
        "perlinsos status                                     region by stage: state, reason, next command",
        f"perlinsos snapshot list --consumer {CONSUMER}      what a ministry sees",
        f"perlinsos snapshot fetch {label} --out copy --consumer {CONSUMER} && perlinsos snapshot verify copy",
        "perlinsos quarantine list                            rows that were set aside, by rule",
        "perlinsos region check 35.12 --stage 2026-T1         what the new region needs for the present stage",
        "perlinsos backfill status                            its past stages, with who planned and reviewed them",
        "perlinsos leak-scan                                  no number of a person in logs, XCom, URLs or pages",
        "make demo-down                                       stops everything",
    ):
        console.print("  " + line, soft_wrap=True, markup=False, highlight=False)
