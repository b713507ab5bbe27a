"""`perlinsos leak-scan`: prove that no number of a person stands where it must not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def leak_scan(
    folder: Annotated[list[Path] | None, typer.Option(help="More folders: pages, validation results, other logs.")] = None,
    database: Annotated[list[str] | None, typer.Option(help="More PostgreSQL databases, by address.")] = None,
    least_serial: Annotated[int, typer.Option(help="The least serial of a number by form; 1 where people are real.")] = 7000,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False,
) -> None:
    """Scan logs, Airflow's database, the ledger, the keys of all buckets and all published objects.

    Reports place and count, never the number; exit 1 where something was found, or could not be looked at.
    """
    from perlinsos.errors import Refused
    from perlinsos.operations.leak_record import check_and_record
    from perlinsos.operations.leak_scan import scan_everything
    from perlinsos.settings import load_settings

    settings = load_settings()
    result = scan_everything(settings, folder or (), database or (), least_serial=least_serial)
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False))
    try:
        check_and_record(settings, result)
    except Refused as error:
        if not as_json:
            raise
        typer.echo(f"perlinsos: {error}", err=True)  # stdout holds the one document that says it all
        raise typer.Exit(error.exit_code) from None
    if not as_json:
        looked = ", ".join(f"{count} {kind}" for kind, count in result["looked_at"].items())
        typer.echo(f"No number of a person in {looked}.")
