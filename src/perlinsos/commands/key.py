"""`perlinsos key rotate`: replace the key that lists and status records are signed with."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer(help="Replace the key that lists are signed with.", no_args_is_help=True)


@app.callback()
def _key() -> None:
    """Replace the key that lists are signed with."""


@app.command()
def rotate(
    apply: Annotated[bool, typer.Option("--apply", help="Do it. Without it only what would happen is said.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False,
) -> None:
    """Make a new signing key. Public keys of before stay published, so that what they signed can be verified for ever."""
    from perlinsos.publication.keys import rotate_key
    from perlinsos.publication.signature import load_key
    from perlinsos.settings import load_settings
    from perlinsos.storage import open_named_storage

    settings = load_settings()
    if not apply:
        known = load_key(settings.home / "keys").key_id
        words = f"a new key will sign from now on instead of {known}, whose public key stays; --apply does it"
        typer.echo(json.dumps({"key_id": known, "applied": False}) if as_json else words)
        return
    done = rotate_key(settings, open_named_storage(settings))
    typer.echo(json.dumps({**done, "applied": True}) if as_json else f"{done['previous_key_id']} -> {done['key_id']}")
