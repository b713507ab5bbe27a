"""`perlinsos decree add|list`: decrees (SK), each registered by two different people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perlinsos.commands._records import Json, say, show

app = typer.Typer(help="Register and list decrees (SK).", no_args_is_help=True)


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A decree in YAML, as demo/decrees/tim-35.10.yaml.")],
    registrar: Annotated[
        list[str] | None,
        typer.Option(help="Who registers it; default: those under registered_by. It counts after the second person."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Register a decree with its document; the second person confirms by registering the same file."""
    from perlinsos.operations.decrees import register_decree_file
    from perlinsos.settings import load_settings

    done = register_decree_file(load_settings(), file, tuple(registrar or ()))
    words = {"registered": "registered by one person; a second person must register the same file", "unchanged": "unchanged"}
    say(done, f"{done['decree']}: {words.get(done['state'], 'registered by two people')}", as_json)


@app.command("list")
def list_decrees(as_json: Json = False) -> None:
    """List the decrees with kind, time in force and whether two people registered them."""
    show("decrees", _DECREES, _describe, as_json)


def _describe(row: dict[str, Any]) -> str:
    state = "two registrars" if row["is_registered"] else "waits for a second registrar"
    until = row["in_force_until"] or "…"
    return f"{row['decree_id']}  {row['kind']}  {row['in_force_from']} – {until}  {', '.join(row['regions'])}  {state}"


_DECREES = (
    "select decree_id, kind::text, number, issuer, signed_on::text, in_force_from::text, in_force_until::text, regions, "
    "programmes, stages, revokes, quotas, document_sha256, first_registrar, second_registrar, "
    "registered_at is not null as is_registered from decree order by signed_on, decree_id"
)
