"""What the demo shows at its end: outcomes, quarantine, digests, a verified copy, one family explained, what to try next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from perlinsos.ledger.connection import fetch_rows
from perlinsos.operations.context import Context
from perlinsos.operations.services.airflow_api import AirflowApi

CONSUMER = "kemensos-demo"
OUTCOMES = ("LAYAK", "ANTREAN", "TIDAK_LAYAK", "TUNDA")


def show_lists(console: Console, ctx: Context, regions: tuple[str, ...]) -> list[str]:
    """The newest published revision of each list with its four outcomes; gives their labels."""
    with ctx.connect("reader") as connection:
        lists = fetch_rows(
            connection,
            "select distinct on (r.list_id, r.track) r.list_id, r.revision, r.status, r.list_digest, r.rows, w.closes_at "
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
    for closes in sorted({row["closes_at"] for row in lists if row["closes_at"]}):
        console.print(f"Objections are received until {closes:%Y-%m-%d %H:%M} UTC.")
    return [f"{row['list_id']}/r{row['revision']}" for row in lists if row["status"] != "simulation"]


def show_funnel(console: Console, ctx: Context) -> None:
    """Rows received, accepted, quarantined, of every batch; they add up (the ledger refuses them otherwise)."""
    with ctx.connect("reader") as connection:
        batches = fetch_rows(
            connection,
            "select source_id, scope, snapshot_date, received, accepted, accepted_with_warnings, quarantined from batch "
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
        table.add_row(f"{row['source_id']} {row['scope']}", *(f"{number:,}" for number in numbers))
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
    console.print(f"The copy of {CONSUMER} was fetched to {folder} and verified offline: {verdict.files} files,")
    console.print(f"{verdict.rows:,} rows, signed by key {verdict.key_id}, list digest {verdict.list_digest}.")


def show_family(console: Console, ctx: Context, label: str, folder: Path) -> None:
    """One refused family of the authoritative list, explained in plain Indonesian; its number is never shown."""
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
        answer = explain(evidence, number, "id")
    console.print(describe(answer, console.width), markup=False, highlight=False)


def _pick_refused(folder: Path) -> str | None:
    """The card number of the refused family with the most reasons, the first of them in the list's order."""
    table = pq.read_table(folder / "decisions.parquet", columns=["no_kk", "outcome", "reasons"])
    refused = table.filter(pc.equal(table["outcome"], "TIDAK_LAYAK"))
    if not refused.num_rows:
        return None
    counts = pc.list_value_length(refused["reasons"])
    return str(refused["no_kk"][pc.index(counts, pc.max(counts)).as_py()].as_py())


def show_runs(console: Console, airflow: AirflowApi) -> None:
    """How many tasks did something, by DAG, as Airflow's REST API says."""
    done: dict[str, int] = {}
    for task in airflow.task_instances(state="success"):
        done[task["dag_id"]] = done.get(task["dag_id"], 0) + 1
    said = ", ".join(f"{dag} {count}" for dag, count in sorted(done.items()))
    console.print(f"Airflow ran these tasks to success: {said}.")


def show_next(console: Console, services: dict[str, Any], label: str) -> None:
    """Where the pages are, and what to try."""
    airflow = services["airflow"]
    console.print(f"\n[bold]Airflow's pages[/bold]: {airflow['url']}", soft_wrap=True)
    console.print(f"  log in as {airflow['user']}; the password is in {airflow['password_file']}", soft_wrap=True)
    console.print("[bold]What to try next[/bold] (in .venv/bin, or after `source .venv/bin/activate`)")
    for line in (
        "perlinsos status                                     region by stage: state, reason, next command",
        f"perlinsos snapshot list --consumer {CONSUMER}      what a ministry sees",
        f"perlinsos snapshot fetch {label} --out copy --consumer {CONSUMER} && perlinsos snapshot verify copy",
        "perlinsos quarantine list                            rows that were set aside, by rule",
        "perlinsos leak-scan                                  no number of a person in logs, XCom, URLs or pages",
        "make demo-down                                       stops everything",
    ):
        console.print("  " + line, soft_wrap=True, markup=False, highlight=False)
