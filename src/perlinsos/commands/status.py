"""`perlinsos status`: region by stage."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False) -> None:
    """Region by stage: state, reason, next command."""
    from perlinsos.context import open_context
    from perlinsos.operations.status import read_status
    from perlinsos.settings import load_settings

    found = read_status(open_context(load_settings()))
    if as_json:
        typer.echo(json.dumps({"cycles": found}, ensure_ascii=False, default=str))
        return
    if not found:
        typer.echo("No cycle is registered yet: perlinsos region add FILE, then perlinsos cycle add FILE")
    for entry in found:
        purpose = "" if entry["purpose"] == "live" else f"  ({entry['purpose']})"
        typer.secho(f"{entry['region']}  {entry['stage']}{purpose}", bold=True)
        for one in entry["lists"]:
            typer.echo(f"  {_describe(one)}")
        if entry["refused_deliveries"]:
            number = entry["refused_deliveries"]
            are = "delivery is" if number == 1 else "deliveries are"
            typer.echo(f"  {number} {are} refused: perlinsos quarantine list --region {entry['region']}")
        for one in entry["undelivered"]:
            typer.echo(
                f"  {one['consumer_id']} does not hold {one['list_id']}/r{one['revision']}: "
                f"perlinsos consumer deliver {one['consumer_id']}"
            )
        if entry["reason"]:
            typer.echo(f"  {entry['reason']}")
        if entry["next_command"]:
            typer.echo(f"  → {entry['next_command']}")


def _describe(entry: dict[str, object]) -> str:
    """`pkh: provisional, r1 (provisional)`."""
    newest = entry["newest"]
    published = f", r{newest['revision']} ({newest['status']})" if isinstance(newest, dict) else ""
    return f"{entry['programme']}: {entry['state']}{published}"
