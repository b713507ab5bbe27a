"""`perlinsos backfill plan|apply|status|cancel`: past stages for a region, by a plan that a second person has read."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(help="Give a region its past stages: plan, review, apply, watch, cancel.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]
At = Annotated[str | None, typer.Option(help="The time of the command with its zone; default: now.")]


@app.command()
def plan(
    region: Annotated[str, typer.Argument(metavar="CODE", help="A registered region, such as 35.12.")],
    first: Annotated[str, typer.Option("--from", metavar="STAGE", help="The oldest stage, such as 2025-T2.")],
    last: Annotated[str, typer.Option("--until", metavar="STAGE", help="The newest stage, included.")],
    reason: Annotated[str, typer.Option(help="Why: it stands in the record.")],
    watcher: Annotated[str | None, typer.Option(help="Who looks after it; default: your account.")] = None,
    cycle: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A cycle to make the stages' own from; default: the region's newest in the ledger."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where the plan goes; default: named after it, here.")] = None,
    at: At = None,
    as_json: Json = False,
) -> None:
    """Say what each stage would do (RUN, KEEP, BLOCKED with what is missing) and write it into a file for the reviewer.

    Nothing is changed. Batches count by snapshot date up to the stage's cut-off, whatever their arrival.
    """
    from perlinsos.context import open_context
    from perlinsos.ledger.records import CycleRecord, moment, read_record
    from perlinsos.model.regions import parse_regency
    from perlinsos.operations.backfill.plan import make_plan
    from perlinsos.operations.backfill.record import write_plan
    from perlinsos.settings import load_settings

    ctx = open_context(load_settings(), moment(at) if at else None)
    template = read_record(cycle, CycleRecord).record if cycle else None
    who = watcher or getpass.getuser()
    record = make_plan(ctx, parse_regency(region), first, last, reason=reason, watcher=who, template=template)
    path = out or Path(f"backfill-{record.backfill}.yaml")
    write_plan(record, path)
    if as_json:
        typer.echo(json.dumps({"file": str(path), **record.model_dump(mode="json", by_alias=True)}, ensure_ascii=False))
        return
    _show_plan(record, path)


def _show_plan(record: Any, path: Path) -> None:
    """A line or two for each stage, and what to do with the file."""
    for stage in record.stages:
        seconds = f", about {stage.estimate_seconds:.0f} s" if stage.estimate_seconds is not None else ""
        typer.echo(f"{stage.stage}  {stage.action:<7}  {stage.why}{seconds}")
        if stage.remedy:
            typer.echo(f"  → {stage.remedy}")
    typer.echo(f"estimate: {record.estimate}")
    typer.echo(
        f"{path}: digest {record.digest[:12]}. A second person reads it, then: perlinsos backfill apply {path} --reviewer NAME"
    )


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(metavar="PLAN", help="A file of `backfill plan`.")],
    reviewer: Annotated[str | None, typer.Option(help="Who has read it: another person than the watcher.")] = None,
    at: At = None,
    as_json: Json = False,
) -> None:
    """Apply a reviewed plan: its cycles are registered, and Airflow does the work behind the live stages.

    Refused where anything that the plan says is no longer so. Safe to repeat: what was applied is not applied again.
    """
    from perlinsos.context import open_context
    from perlinsos.ledger.records import moment
    from perlinsos.operations.backfill.apply import apply_plan
    from perlinsos.operations.backfill.record import read_plan
    from perlinsos.settings import load_settings

    record, document = read_plan(file)
    ctx = open_context(load_settings(), moment(at) if at else None)
    state = apply_plan(ctx, record, document, reviewer)
    stages = {stage.stage: stage.action for stage in record.stages}
    if as_json:
        typer.echo(json.dumps({"backfill": record.backfill, "state": state, "stages": stages, "digest": record.digest}))
        return
    typer.echo(f"{record.backfill}: {state}")
    if state != "nothing to do":
        typer.echo(f"  the next ticks of dispatch do the work: perlinsos backfill status {record.backfill}")


@app.command()
def status(
    backfill_id: Annotated[str | None, typer.Argument(metavar="[BACKFILL]", help="One of them; default: all.")] = None,
    region: Annotated[str | None, typer.Option(help="Those of one region.")] = None,
    as_json: Json = False,
) -> None:
    """Show each backfill, its stages and what they wait for, newest first."""
    from perlinsos.context import open_context
    from perlinsos.operations.backfill.status import read_backfill_status
    from perlinsos.settings import load_settings

    found = read_backfill_status(open_context(load_settings()), region, backfill_id)
    if as_json:
        typer.echo(json.dumps({"backfills": found}, ensure_ascii=False, default=str))
        return
    for one in found:
        typer.secho(f"{one['backfill_id']}: {one['state']}", bold=True)
        typer.echo(
            f"  {one['reason']} (watcher {one['watcher']}, reviewer {one['reviewer']}, applied {one['applied_at']:%Y-%m-%d})"
        )
        for stage in one["stages"]:
            _show_stage(stage)
    typer.echo("1 backfill" if len(found) == 1 else f"{len(found)} backfills", err=True)


def _show_stage(stage: dict[str, Any]) -> None:
    """One stage in a line or two, and its lists."""
    typer.echo(f"  {stage['stage']}  {stage['state']:<9}  {stage['why']}".rstrip())
    for one in stage["lists"]:
        typer.echo(f"    {one['list_id']}/r{one['revision']} ({one['status']})  {one['list_digest'][:12]}")
    if stage["next_command"]:
        typer.echo(f"    → {stage['next_command']}")


@app.command()
def cancel(
    backfill_id: Annotated[str, typer.Argument(metavar="BACKFILL", help="As `backfill status` names it.")],
    by: Annotated[str | None, typer.Option(help="Who cancels it; default: your account.")] = None,
    as_json: Json = False,
) -> None:
    """Take back the stages that nobody has begun; what has begun ends as it would have, what is there stays."""
    from perlinsos.context import open_context
    from perlinsos.operations.backfill.apply import cancel as cancel_backfill
    from perlinsos.settings import load_settings

    stages = cancel_backfill(open_context(load_settings()), backfill_id, by or getpass.getuser())
    if as_json:
        typer.echo(json.dumps({"backfill": backfill_id, "cancelled": stages}))
        return
    typer.echo(f"{backfill_id}: cancelled {', '.join(stages) or 'nothing: every stage has begun'}")
