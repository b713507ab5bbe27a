"""`perlinsos watch`: one look at everything, as the DAG does it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def watch(
    at: Annotated[str | None, typer.Option(help="The time of the look with its zone; default: now.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False,
) -> None:
    """Judge deliveries, regions, dates, publications and the disk; note the alerts and tell those that are new or over."""
    from perlinsos.context import open_context
    from perlinsos.ledger.records import moment
    from perlinsos.operations.alerts.watching import watch as look
    from perlinsos.settings import load_settings

    done = look(open_context(load_settings(), moment(at) if at else None))
    words = f"{done['found']} troubles: {done['opened']} new, {done['resolved']} over; {done['sent']} messages sent"
    typer.echo(json.dumps(done) if as_json else words)
