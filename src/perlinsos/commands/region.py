"""`perlinsos region add|check|list`: the regions that take part, and what each still needs."""

from __future__ import annotations

import json
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from perlinsos.commands._records import Json, register, show

app = typer.Typer(help="Add, check and list regions.", no_args_is_help=True)


class Language(StrEnum):
    """The page's language."""

    id = "id"
    en = "en"


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A region in YAML, as demo/region-35.10.yaml.")],
    as_json: Json = False,
) -> None:
    """Register a region, or change its record; its earlier texts stay in the ledger.

    Refused where the record names a programme of another region, or one without the programmes that exclude it.
    """
    from perlinsos.ledger.records import RegionRecord
    from perlinsos.model.rule_folder import load_rule_folder
    from perlinsos.operations.region_programmes import register_region
    from perlinsos.settings import load_settings

    rules = load_rule_folder(load_settings().folder("programmes"))
    add_checked = partial(register_region, rules=rules, where=str(file))
    register(file, RegionRecord, add_checked, lambda region: f"{region.region} {region.name}", as_json)


@app.command()
def check(
    code: Annotated[str, typer.Argument(metavar="CODE", help="A region's code, such as 35.12; it need not be registered.")],
    stage: Annotated[str | None, typer.Option(help="A stage; default: of the region's newest cycle.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the two pages for the region's head as HTML.")] = None,
    language: Annotated[Language, typer.Option(help="The language of these pages.")] = Language.id,
    desks: Annotated[int | None, typer.Option(help="How many desks take objections; default: one in each district.")] = None,
    at: Annotated[str | None, typer.Option(help="The time of the check with its zone; default: now.")] = None,
    as_json: Json = False,
) -> None:
    """Say what is there for a stage, what is missing, and which command brings it. Exit 0: ready; 1: something is missing.

    With a determination of the stage it counts, per district, the families that begin to receive, cease to, and wait,
    and estimates the objections. Nothing is changed.
    """
    from perlinsos.context import open_context
    from perlinsos.ledger.records import moment
    from perlinsos.model.regions import parse_regency
    from perlinsos.model.stages import Stage
    from perlinsos.operations.readiness.checks import check_region
    from perlinsos.operations.readiness.outlook import read_outlook
    from perlinsos.settings import load_settings

    ctx = open_context(load_settings(), moment(at) if at else None)
    readiness = check_region(ctx, parse_regency(code), str(Stage.parse(stage)) if stage else None)
    outlook = read_outlook(ctx, code, readiness.stage, desks)
    if html:
        from perlinsos.operations.readiness.page import render_page

        html.write_text(render_page(readiness, outlook, ctx.at.date(), language.value), encoding="utf-8")
    if as_json:
        found = readiness.as_dict() | {"outlook": outlook.as_dict() if outlook else None, "html": str(html) if html else None}
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        _show(readiness, outlook)
    raise typer.Exit(0 if readiness.is_ready else 1)


def _show(readiness: Any, outlook: Any) -> None:
    """The checks, a line each; then counts, objections, and what to do next."""
    purpose = f" ({readiness.purpose})" if readiness.purpose else ""
    typer.secho(f"{readiness.region} {readiness.name}, {readiness.stage}{purpose}", bold=True)
    for check in readiness.checks:
        typer.echo(f"  {'ok     ' if check.is_ready else 'missing'}  {check.name}: {check.found}")
        if check.command:
            typer.echo(f"           → {check.command}")
    if outlook:
        against = f"against {outlook.before}" if outlook.before else "no earlier list"
        for programme in outlook.programmes:
            counts = ", ".join(f"{name} {n:,}" for name, n in outlook.total(programme).items() if n is not None)
            typer.echo(f"  {programme} ({against}): {counts}")
        e = outlook.estimate
        typer.echo(
            f"  objections to expect (estimate): {e.objections:,}, {e.per_desk_and_day} per desk and day at {e.desks} desks"
        )
    first = readiness.first_missing
    words = "ready" if readiness.is_ready else f"not ready: {first.name}: {first.found}"
    typer.echo(f"{words}{f'; next: {first.command}' if first else ''}")


@app.command("list")
def list_regions(as_json: Json = False) -> None:
    """List the regions with zone, programmes and scope."""
    show("regions", _REGIONS, _describe, as_json)


def _describe(row: dict[str, Any]) -> str:
    return f"{row['region_code']}  {row['name']}  {row['zone']}  {', '.join(row['programmes'])}  {row['scope']}"


_REGIONS = "select region_code, name, zone, programmes, scope, office from region order by region_code"
