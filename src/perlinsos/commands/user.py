"""`perlinsos user grant|revoke|list`: who sees which regions on the pages in Airflow."""

from __future__ import annotations

import getpass
import json
from typing import Annotated

import typer

app = typer.Typer(help="Say which of Airflow's users see which regions on the pages.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name with which the user logs in to Airflow.")]


@app.command()
def grant(
    name: Name,
    region: Annotated[list[str] | None, typer.Option(help="A region code, again for each; none: all regions.")] = None,
    role: Annotated[
        str | None,
        typer.Option(
            help="operator, centre, region, or auditor (told no commands); default: region if one is named, else auditor"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Let a user see regions, in place of what was granted before. Airflow's own operators see everything without it."""
    from perlinsos.settings import load_settings
    from perlinsos.watch import rights

    chosen = role or ("region" if region else "auditor")
    done = rights.grant(load_settings(), name, chosen, region or (), getpass.getuser())
    typer.echo(json.dumps(done) if as_json else f"{done['user']}: {done['role']}, {', '.join(done['regions']) or 'all regions'}")


@app.command()
def revoke(name: Name, as_json: Json = False) -> None:
    """Take away what was granted to a user: the pages show them nothing."""
    from perlinsos.settings import load_settings
    from perlinsos.watch import rights

    was_there = rights.revoke(load_settings(), name, getpass.getuser())
    words = "sees nothing any more" if was_there else "had no rights"
    typer.echo(json.dumps({"user": name, "revoked": was_there}) if as_json else f"{name}: {words}")


@app.command("list")
def list_users(as_json: Json = False) -> None:
    """List the users with their role and regions."""
    from perlinsos.settings import load_settings
    from perlinsos.watch import rights

    found = rights.list_users(load_settings())
    if as_json:
        typer.echo(json.dumps({"users": found}, ensure_ascii=False, default=str))
        return
    for row in found:
        typer.echo(f"{row['user']}  {row['role']}  {', '.join(row['regions']) or 'all regions'}  (by {row['granted_by']})")
    typer.echo(f"{len(found)} users", err=True)
