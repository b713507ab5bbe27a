"""`perlinsos deliver`: lay a delivery into the landing bucket, as an agency does."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def deliver(
    paths: Annotated[
        list[Path],
        typer.Argument(help="A folder ordered like the bucket (`perlinsos synth` writes one), or the files of one delivery."),
    ],
    source: Annotated[str | None, typer.Option(help="Of files: whose delivery it is, a file of sources/ without .yaml.")] = None,
    scope: Annotated[str, typer.Option(help="Of files: the region's code, or national: as the source delivers.")] = "national",
    snapshot_date: Annotated[
        str | None,
        typer.Option(help="Of files: the day that the data show, 2026-01-05; a correction gets the next free number by itself."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print what was laid as JSON.")] = False,
) -> None:
    """Lay deliveries into the landing bucket, each file before the mark of completeness; `pull` takes them on its next tick."""
    import json as json_module
    from dataclasses import asdict

    from perlinsos.context import open_context
    from perlinsos.errors import WrongUsage
    from perlinsos.operations.deliver import deliver_files, deliver_folder
    from perlinsos.settings import load_settings

    ctx = open_context(load_settings())
    if source:
        if not snapshot_date:
            raise WrongUsage("The files of one delivery need their day", remedy="--snapshot-date 2026-01-05")
        day, suffix = _parse_snapshot(snapshot_date)
        laid = [asdict(deliver_files(ctx, source, scope, day, paths, suffix=suffix))]
    elif len(paths) == 1 and paths[0].is_dir():
        laid = deliver_folder(ctx, paths[0])
    else:
        raise WrongUsage(
            "Files need their source, and a folder comes alone",
            remedy="perlinsos deliver --source dtsen-family --scope 35.10 --snapshot-date 2026-01-05 FILE…, or deliver DIR",
        )
    if json:
        typer.echo(json_module.dumps({"deliveries": laid}))
        return
    for one in laid:
        typer.echo(f"{one['prefix']}: {one['parts']} files, {one['bytes']:,} bytes")
    typer.echo(f"{len(laid)} deliveries lie in {ctx.settings.buckets.landing}; `perlinsos status` shows what becomes of them")


def _parse_snapshot(text: str) -> tuple[date, int | None]:
    """The day, and the number of the correction where one is written: 2026-01-05, 2026-01-05-2."""
    from perlinsos.errors import WrongUsage
    from perlinsos.operations.landing import read_snapshot

    found = read_snapshot(text)
    if found is None:
        raise WrongUsage(f"{text!r} is no day", remedy="write it as 2026-01-05, a correction as 2026-01-05-2")
    return found
