"""`perlinsos snapshot list|fetch|verify|digest`: find published lists, fetch one, verify it, compare its content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from perlinsos.commands._snapshot_diff import diff

app = typer.Typer(help="List, fetch, verify and compare published lists.", no_args_is_help=True)
app.command()(diff)

Json = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]
Consumer = Annotated[str | None, typer.Option(help="The consumer's copy; without it the authoritative list (restricted).")]
Simulations = Annotated[bool, typer.Option("--simulations", help="The simulations instead of the lists.")]


@app.command("list")
def list_snapshots(consumer: Consumer = None, simulations: Simulations = False, as_json: Json = False) -> None:
    """List what is published: one line a revision."""
    from perlinsos.publication.fetch import list_published, refuse_unknown_consumer
    from perlinsos.settings import load_settings
    from perlinsos.storage import open_named_storage

    settings = load_settings()
    storage = open_named_storage(settings)
    refuse_unknown_consumer(settings, storage, consumer)
    found = list(list_published(storage, settings.buckets, consumer, simulations=simulations))
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
    from perlinsos.publication.fetch import fetch_list, refuse_unknown_consumer
    from perlinsos.settings import load_settings
    from perlinsos.storage import open_named_storage

    settings = load_settings()
    storage = open_named_storage(settings)
    refuse_unknown_consumer(settings, storage, consumer)
    done = fetch_list(storage, settings.buckets, label, out, consumer, simulations=simulations)
    if done["status"] == "simulation":
        typer.echo("SIMULASI / SIMULATION: this is no list", err=True)
    typer.echo(json.dumps(done, ensure_ascii=False) if as_json else f"{done['list']} ({done['status']}) -> {done['folder']}")


@app.command()
def inputs(
    label: Annotated[str, typer.Argument(metavar="LIST_ID[/rN]", help="2026-T1/35.10/pkh, or with its revision.")],
    out: Annotated[Path, typer.Option(help="A new folder; it will hold rows of persons.")],
    simulations: Simulations = False,
    as_json: Json = False,
) -> None:
    """Write the frozen inputs of a list as plain files, with the command that decides them again offline (restricted)."""
    import shlex

    from perlinsos.context import open_context
    from perlinsos.operations.export import export_inputs
    from perlinsos.publication.fetch import parse_label
    from perlinsos.settings import load_settings

    list_id, revision = parse_label(label)
    done = export_inputs(open_context(load_settings()), list_id, revision, out, simulations=simulations)
    if as_json:
        typer.echo(json.dumps(done, ensure_ascii=False))
        return
    typer.echo(f"{done['list_id']}/r{done['revision']} -> {done['folder']}; this must give list digest {done['list_digest']}:")
    typer.echo(shlex.join(done["command"]))


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that was fetched.", file_okay=False, exists=True)],
    public_key: Annotated[Path | None, typer.Option(help="A minisign public key; default: those in PERLINSOS_HOME/keys.")] = None,
    status: Annotated[
        Path | None, typer.Option(help="A copy of the status feed; default: the feed in the store.", file_okay=False, exists=True)
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no store: the status feed is not read.")] = False,
    allow_simulation: Annotated[bool, typer.Option(help="Accept a simulation, which is no list.")] = False,
    as_json: Json = False,
) -> None:
    """Verify a folder: signature, every file, totals, list digest, and what the status feed says of it since.

    Exit 1 names each file at fault. Without a store the status feed is left out, and the answer says so.
    """
    from perlinsos.publication.verify import add_standing, check_verdict, find_public_keys, verify_folder
    from perlinsos.settings import load_settings

    settings = load_settings()
    keys = find_public_keys(settings.home, public_key)
    verdict = verify_folder(folder, keys)
    add_standing(verdict, _read_standing(settings, folder, verdict.label, keys, status, offline))
    check_verdict(verdict, allow_simulation=allow_simulation)
    standing = verdict.standing
    if as_json:
        told = standing.as_dict() if standing else None
        document: dict[str, Any] = {**vars(verdict), "standing": told, "folder": str(folder)}
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    typer.echo(f"{verdict.label} ({verdict.status}) is sound: {verdict.files} files, signed by key {verdict.key_id}")
    typer.echo(f"list digest {verdict.list_digest}")
    if standing is None:
        typer.echo("no status feed was read: this says nothing of what happened to the list since it was published")
    else:
        typer.echo(f"{standing.stands}, as of record {standing.number} of its status feed, {standing.at}")


def _read_standing(settings: Any, folder: Path, label: str, keys: list[bytes], status: Path | None, offline: bool) -> Any:
    """What the status feed says of the list: of the named copy, else of the store where one is configured."""
    from perlinsos.publication.status_feed import bucket_named, read_standing, read_standing_in
    from perlinsos.storage import open_storage

    if status is not None:
        return read_standing_in(status, label, keys)
    prefix = json.loads((folder / "manifest.json").read_bytes()).get("status_feed")
    if offline or settings.s3_endpoint is None or prefix is None:
        return None
    return read_standing(open_storage(settings), bucket_named(settings.buckets, prefix), prefix, label, keys)


@app.command()
def digest(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="recipients as .parquet, .csv, .csv.gz or .xlsx.", exists=True)],
    package: Annotated[Path | None, typer.Option(help="Its datapackage.json; default: the one beside the file.")] = None,
    as_json: Json = False,
) -> None:
    """Tell the content digest of recipients that any program has saved; it is the manifest's where nothing was changed."""
    from perlinsos.publication.package import read_table_shape
    from perlinsos.publication.restore import digest_of_rows, read_file

    table = read_table_shape(package or file.parent / "datapackage.json")
    rows = read_file(file, table)
    found = {"file": file.name, "rows": rows.num_rows, "content_digest": digest_of_rows(rows, table)}
    typer.echo(json.dumps(found) if as_json else found["content_digest"])
