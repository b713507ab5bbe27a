"""`perlinsos quarantine list|show|replay`: what was set aside, why, and judging it anew."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer(help="List, show and replay what was set aside.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]
Delivery = Annotated[int, typer.Argument(metavar="DELIVERY", help="The number of a delivery, from `quarantine list`.")]


@app.command("list")
def list_deliveries(
    region: Annotated[str | None, typer.Option(help="A region code or `national`.")] = None, as_json: Json = False
) -> None:
    """List refused deliveries, and accepted ones with rows set aside: counts only."""
    from perlinsos.operations.context import open_context
    from perlinsos.operations.quarantine import list_quarantined
    from perlinsos.settings import load_settings

    found = list_quarantined(open_context(load_settings()), region)
    if as_json:
        typer.echo(json.dumps({"deliveries": found}, ensure_ascii=False, default=str))
        return
    for row in found:
        what = row["reason"] if row["state"] == "refused" else f"{row['quarantined']} of {row['received']} rows set aside"
        typer.echo(f"{row['delivery_id']}  {row['source_id']}  {row['scope']}  {row['snapshot_date']}  {what}")
    typer.echo(f"{len(found)} deliveries", err=True)


@app.command()
def show(delivery: Delivery, as_json: Json = False) -> None:
    """Show why a delivery was refused, or how many of its rows failed which rule."""
    from perlinsos.operations.context import open_context
    from perlinsos.operations.quarantine import show_quarantined
    from perlinsos.settings import load_settings

    found = show_quarantined(open_context(load_settings()), delivery)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, default=str))
        return
    typer.echo(f"{found['source_id']}  {found['scope']}  {found['snapshot_date']}  {found['state']}")
    for word, text in (found["error"] or {}).items():
        typer.echo(f"  {word}: {text}")
    if found["correction"]:
        typer.echo(f"  lay the corrected file under {found['correction']} of the landing bucket, then _COMPLETE beside it")
    for rule in found["rules"]:
        typer.echo(f"  {rule['rows']:>9}  {rule['severity']}  {rule['rule']}  {rule['message_id']}")


@app.command()
def replay(
    delivery: Delivery,
    apply: Annotated[bool, typer.Option("--apply", help="Put the new judgement in force; else only show it.")] = False,
    as_json: Json = False,
) -> None:
    """Read and judge a delivery anew from its stored bytes, under the descriptions and rules of today."""
    from perlinsos.operations.accept import replay as judge_anew
    from perlinsos.operations.context import open_context
    from perlinsos.settings import load_settings

    done = judge_anew(open_context(load_settings()), delivery, apply=apply)
    if as_json:
        typer.echo(json.dumps(done, ensure_ascii=False))
        return
    before, after = done["before"], done["after"]
    typer.echo(f"{done['delivery']}: set aside before {before.get('quarantined', '–')}, now {after['quarantined']}")
    typer.echo("in force" if done["applied"] else "nothing changed; add --apply to put this in force", err=True)
