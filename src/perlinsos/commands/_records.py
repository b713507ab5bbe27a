"""The one shape of the commands about what people decide: `add FILE` registers a record once, `list` shows what is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]


def say(done: dict[str, Any], words: str, as_json: bool) -> None:
    """The result for a program, or in words for a person."""
    typer.echo(json.dumps(done, ensure_ascii=False) if as_json else words)


def register(file: Path, kind: Any, add: Callable[[Any, Any], bool], name_of: Callable[[Any], str], as_json: bool) -> None:
    """Read one record and register it, as registrar. A file that is malformed names its keys (exit 2)."""
    from perlinsos.ledger.connection import transaction
    from perlinsos.ledger.records import read_record
    from perlinsos.settings import load_settings

    read = read_record(file, kind)
    with transaction(load_settings(), "registrar") as connection:
        is_new = add(connection, read)
    name = name_of(read.record)
    done = {kind.__name__.removesuffix("Record").lower(): name.split()[0], "changed": is_new, "digest": read.digest}
    say(done, f"{name}: {'registered' if is_new else 'unchanged'}", as_json)


def show(what: str, query: str, line_of: Callable[[dict[str, Any]], str], as_json: bool) -> None:
    """The rows of a query of the ledger: all their columns as JSON, or a line each and their number."""
    from perlinsos.ledger.connection import fetch_rows, transaction
    from perlinsos.settings import load_settings

    with transaction(load_settings(), "reader") as connection:
        rows = fetch_rows(connection, query)
    if as_json:
        typer.echo(json.dumps({what: rows}, ensure_ascii=False, default=str))
        return
    for row in rows:
        typer.echo(line_of(row))
    typer.echo(f"{len(rows)} {what}", err=True)
