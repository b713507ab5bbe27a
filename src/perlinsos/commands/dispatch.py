"""`perlinsos dispatch`: one tick for every region, as the DAG does it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer()


@app.callback(invoke_without_command=True)
def dispatch(
    at: Annotated[str | None, typer.Option(help="The time of the tick with its zone; default: now.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False,
) -> None:
    """Advance every region by one tick: freeze input sets, open and close windows, call for what is due."""
    from perlinsos.ledger.records import moment
    from perlinsos.operations.context import open_context
    from perlinsos.operations.dispatch import advance
    from perlinsos.settings import load_settings

    done = advance(open_context(load_settings(), moment(at) if at else None))
    if as_json:
        typer.echo(json.dumps(done, ensure_ascii=False))
        return
    for key in done["keys"]:
        typer.echo(f"due: {key}")
    for key, words in done["errors"].items():
        typer.echo(f"error: {key}: {words}")
    typer.echo(f"{len(done['keys'])} due, {len(done['frozen'])} input sets frozen, {len(done['errors'])} errors", err=True)
