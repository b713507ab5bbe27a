"""`perlinsos contract check|write`: the data contract of recipients (ODCS) beside its committed versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Check the data contract of recipients, and write a new version.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]
Folder = Annotated[Path | None, typer.Option(help="The committed versions; default: contracts/recipients of the project.")]


@app.command()
def check(folder: Folder = None, as_json: Json = False) -> None:
    """Compare the schema in the code with the newest committed contract. Exit 1 for a change without a version of its own."""
    from perlinsos.publication.contract import check_contract

    found = check_contract(_folder(folder))
    if as_json:
        typer.echo(json.dumps(found))
        return
    state = "as committed" if found["is_committed"] else "not committed yet: perlinsos contract write"
    typer.echo(f"recipients {found['version']}: {state}")


@app.command()
def write(folder: Folder = None, as_json: Json = False) -> None:
    """Write the contract of today under its version, after the check. A version that is there is never changed."""
    from perlinsos.errors import Conflict
    from perlinsos.publication.contract import check_contract, read_committed, write_contract
    from perlinsos.publication.schema import SCHEMA_VERSION

    target = _folder(folder)
    if read_committed(target):
        check_contract(target)
    path, text = target / f"{SCHEMA_VERSION}.odcs.yaml", write_contract()
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise Conflict("This version of the contract says something else", where=path.name, remedy="raise SCHEMA_VERSION")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    typer.echo(json.dumps({"file": str(path), "version": SCHEMA_VERSION}) if as_json else str(path))


def _folder(named: Path | None) -> Path:
    from perlinsos.settings import find_project

    return named or find_project() / "contracts" / "recipients"
