"""`perlinsos replay`: build an old list again from what was frozen for it, and compare."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def replay(
    label: Annotated[str, typer.Argument(metavar="LIST_ID[/rN]", help="2026-T1/35.10/pkh, or with its revision.")],
    simulations: Annotated[bool, typer.Option("--simulations", help="A simulation of the ledger instead of a list.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False,
) -> None:
    """Build a published list again from its pinned inputs and rules. Exit 0: equal; 1: different or impossible, and why."""
    from perlinsos.context import open_context
    from perlinsos.publication.replay import replay_list
    from perlinsos.settings import load_settings

    found = replay_list(open_context(load_settings()), label, is_simulation=simulations)
    if json_:
        typer.echo(json.dumps(found.as_dict(), ensure_ascii=False))
    else:
        typer.echo(f"{found.label} ({found.status}) was {'built again, equal' if found.is_equal else 'built again and DIFFERS'}")
        typer.echo(f"  list digest  {found.list_digest}")
        typer.echo(f"  built again  {found.replayed_digest}")
        for name, table in found.tables.items():
            words = "equal" if table["has_equal_content"] else "DIFFERENT"
            typer.echo(f"  {name:12} {table['replayed_rows']:>9,} rows, content {words}")
        bytes_ = {True: "equal", False: "different", None: "not comparable (another version of the engine)"}
        typer.echo(f"  file bytes   {bytes_[found.has_equal_bytes]}")
        for cause in found.causes:
            typer.echo(f"  cause: {cause}")
    if not found.is_equal:
        raise typer.Exit(1)
