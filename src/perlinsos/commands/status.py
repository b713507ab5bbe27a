"""`perlinsos status`: region by stage."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer()


@app.callback(invoke_without_command=True)
def status(as_json: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False) -> None:
    """Region by stage: state, reason, next command."""
    from perlinsos.operations.context import open_context
    from perlinsos.operations.status import read_status
    from perlinsos.settings import load_settings

    found = read_status(open_context(load_settings()))
    if as_json:
        typer.echo(json.dumps({"cycles": found}, ensure_ascii=False, default=str))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("region", "stage", "lists", "reason", "next command")
    for entry in found:
        lists = "\n".join(_describe(one) for one in entry["lists"])
        table.add_row(entry["region"], entry["stage"], lists, entry["reason"], entry["next_command"])
    Console().print(table)


def _describe(entry: dict[str, object]) -> str:
    """`pkh: provisional, r1 (provisional)`."""
    newest = entry["newest"]
    published = f", r{newest['revision']} ({newest['status']})" if isinstance(newest, dict) else ""
    return f"{entry['programme']}: {entry['state']}{published}"
