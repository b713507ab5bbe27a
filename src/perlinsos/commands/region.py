"""`perlinsos region add|list`: the regions that take part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Add and list regions.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A region in YAML, as demo/region-35.10.yaml.")],
    as_json: Json = False,
) -> None:
    """Register a region, or change its record; its earlier texts stay in the ledger."""
    from perlinsos.ledger.connection import transaction
    from perlinsos.ledger.records import RegionRecord, add_region, read_record
    from perlinsos.settings import load_settings

    read = read_record(file, RegionRecord)
    with transaction(load_settings(), "registrar") as connection:
        is_new = add_region(connection, read)
    done = {"region": read.record.region, "changed": is_new, "digest": read.digest}
    words = f"{read.record.region} {read.record.name}: {'registered' if is_new else 'unchanged'}"
    typer.echo(json.dumps(done) if as_json else words)


@app.command("list")
def list_regions(as_json: Json = False) -> None:
    """List the regions with zone, programmes and scope."""
    from perlinsos.ledger.connection import fetch_rows, transaction
    from perlinsos.settings import load_settings

    with transaction(load_settings(), "reader") as connection:
        rows = fetch_rows(
            connection, "select region_code, name, zone, programmes, scope, office from region order by region_code"
        )
    if as_json:
        typer.echo(json.dumps({"regions": rows}, ensure_ascii=False))
        return
    for row in rows:
        typer.echo(f"{row['region_code']}  {row['name']}  {row['zone']}  {', '.join(row['programmes'])}  {row['scope']}")
    typer.echo(f"{len(rows)} regions", err=True)
