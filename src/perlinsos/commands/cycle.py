"""`perlinsos cycle add|list`: which stage of which region is to be determined, from which deliveries, until when."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Add and list cycles.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A cycle in YAML, as demo/cycle-35.10-2026-T1.yaml.")],
    as_json: Json = False,
) -> None:
    """Register a cycle, or put it right while none of its windows was opened."""
    from perlinsos.ledger.connection import transaction
    from perlinsos.ledger.records import CycleRecord, add_cycle, read_record
    from perlinsos.settings import load_settings

    read = read_record(file, CycleRecord)
    with transaction(load_settings(), "registrar") as connection:
        is_new = add_cycle(connection, read)
    name = f"{read.record.stage}/{read.record.region}"
    done = {"cycle": name, "changed": is_new, "digest": read.digest}
    typer.echo(json.dumps(done) if as_json else f"{name}: {'registered' if is_new else 'unchanged'}")


@app.command("list")
def list_cycles(as_json: Json = False) -> None:
    """List the cycles with purpose, cut-off and announcement."""
    from perlinsos.ledger.connection import fetch_rows, transaction
    from perlinsos.settings import load_settings

    with transaction(load_settings(), "reader") as connection:
        rows = fetch_rows(
            connection,
            "select cycle_id, region_code, stage, purpose, cut_off::text, required, announce_at::text, window_months, "
            "settings, waiting_reason from cycle order by stage, region_code",
        )
    if as_json:
        typer.echo(json.dumps({"cycles": rows}, ensure_ascii=False))
        return
    for row in rows:
        typer.echo(f"{row['cycle_id']}  {row['purpose']}  cut-off {row['cut_off']}  announced {row['announce_at']}")
    typer.echo(f"{len(rows)} cycles", err=True)
