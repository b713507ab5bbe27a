"""`perlinsos snapshot list|fetch|verify`: find published lists, fetch one, verify it without any service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(help="List, fetch and verify published lists.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]
Consumer = Annotated[str | None, typer.Option(help="The consumer's copy; without it the authoritative list (restricted).")]
Simulations = Annotated[bool, typer.Option("--simulations", help="The simulations instead of the lists.")]


@app.command("list")
def list_snapshots(consumer: Consumer = None, simulations: Simulations = False, as_json: Json = False) -> None:
    """List what is published: one line a revision."""
    from perlinsos.publication.fetch import list_published
    from perlinsos.settings import load_settings
    from perlinsos.storage import open_storage

    settings = load_settings()
    found = list(list_published(open_storage(settings), settings.buckets, consumer, simulations=simulations))
    if as_json:
        typer.echo(json.dumps({"lists": found}, ensure_ascii=False))
        return
    for entry in found:
        typer.echo(f"{entry['list']}  {entry['status']}  {entry['rows']} rows  {entry['list_digest'][:12]}")
    typer.echo(f"{len(found)} revisions", err=True)


@app.command()
def fetch(
    label: Annotated[str, typer.Argument(metavar="LIST_ID[/rN]", help="2026-T1/35.10/pkh, or with its revision.")],
    out: Annotated[Path, typer.Option(help="A new folder.")],
    consumer: Consumer = None,
    simulations: Simulations = False,
    as_json: Json = False,
) -> None:
    """Fetch one revision (the newest where none is named) into a new folder, whole or not at all."""
    from perlinsos.publication.fetch import fetch_list
    from perlinsos.settings import load_settings
    from perlinsos.storage import open_storage

    settings = load_settings()
    done = fetch_list(open_storage(settings), settings.buckets, label, out, consumer, simulations=simulations)
    if done["status"] == "simulation":
        typer.echo("SIMULASI / SIMULATION: this is no list", err=True)
    typer.echo(json.dumps(done, ensure_ascii=False) if as_json else f"{done['list']} ({done['status']}) -> {done['folder']}")


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that was fetched.", file_okay=False, exists=True)],
    public_key: Annotated[Path | None, typer.Option(help="A minisign public key; default: those in PERLINSOS_HOME/keys.")] = None,
    allow_simulation: Annotated[bool, typer.Option(help="Accept a simulation, which is no list.")] = False,
    as_json: Json = False,
) -> None:
    """Verify a folder without any service: signature, every file, totals, list digest. Exit 1 names each file at fault."""
    from perlinsos.publication.verify import check_verdict, find_public_keys, verify_folder
    from perlinsos.settings import load_settings

    verdict = verify_folder(folder, find_public_keys(load_settings().home, public_key))
    check_verdict(verdict, allow_simulation=allow_simulation)
    document: dict[str, Any] = {**vars(verdict), "folder": str(folder)}
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    typer.echo(f"{verdict.label} ({verdict.status}) is sound: {verdict.files} files, signed by key {verdict.key_id}")
    typer.echo(f"list digest {verdict.list_digest}")
