"""`perlinsos migrate`: bring the ledger's schema up to date."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def migrate(as_json: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False) -> None:
    """Apply the migrations of sql/schema that the ledger does not have."""
    from perlinsos.ledger import migrations
    from perlinsos.ledger.connection import connect
    from perlinsos.settings import load_settings

    settings = load_settings()
    connection = connect(settings)
    try:
        applied = migrations.migrate(connection, settings.folder("sql") / "schema")
    finally:
        connection.close()
    typer.echo(json.dumps({"applied": applied}) if as_json else "\n".join(applied) or "the schema is up to date")
