"""`perlinsos dispatch`: one tick for every region, as the DAG does it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def dispatch(
    at: Annotated[str | None, typer.Option(help="The time of the tick with its zone; default: now.")] = None,
    retry: Annotated[str | None, typer.Option(metavar="KEY", help="Ask again for work that was refused: 35.10|2026-T1.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False,
) -> None:
    """Advance every region by one tick: freeze input sets, open and close windows, show what is due.

    What is due is started by the DAG `dispatch` at its next tick, never by this command.
    """
    from perlinsos.context import open_context
    from perlinsos.ledger.records import moment
    from perlinsos.ledger.work import DETERMINE, parse_key, retry_work
    from perlinsos.operations.dispatch import advance
    from perlinsos.settings import load_settings

    ctx = open_context(load_settings(), moment(at) if at else None)
    if retry:
        with ctx.connect("decider") as connection:
            is_due = retry_work(connection, DETERMINE, *parse_key(retry))
        typer.echo(f"{retry}: {'is due again' if is_due else 'has not failed'}", err=True)
    done = advance(ctx, is_calling=False)
    if as_json:
        typer.echo(json.dumps(done, ensure_ascii=False))
        return
    for key in done["keys"]:
        typer.echo(f"due: {key}")
    for key, words in done["errors"].items():
        typer.echo(f"error: {key}: {words}")
    typer.echo(f"{len(done['keys'])} due, {len(done['frozen'])} input sets frozen, {len(done['errors'])} errors", err=True)
