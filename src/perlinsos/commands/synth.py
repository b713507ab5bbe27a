"""`perlinsos synth`: an invented population and its agencies' deliveries, in the layout of the landing bucket."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


class Errors(StrEnum):
    """Profiles of errors: as in 2025, as in 2020, or none."""

    like_2025 = "2025"
    like_2020 = "2020"
    none = "none"


class Form(StrEnum):
    """File formats; `both` = DTSEN as Parquet, the others as CSV."""

    csv = "csv"
    parquet = "parquet"
    both = "both"


@app.command()
def synth(
    region: Annotated[list[str], typer.Option(help="A regency's code, 35.10; may be repeated.")],
    out: Annotated[Path, typer.Option(help="Folder for deliveries and truth; must be empty or new.")],
    families: Annotated[
        list[str] | None,
        typer.Option(help="Families per region in the same order, or one number for all: 300 or more, or `full`."),
    ] = None,
    scale: Annotated[
        float | None, typer.Option(help="Instead of --families: a share of the regency, above 0 and up to 1.")
    ] = None,
    errors: Annotated[Errors, typer.Option(help="Profile of errors.")] = Errors.like_2025,
    format: Annotated[Form, typer.Option(help="File format of the deliveries.")] = Form.csv,
    seed: Annotated[int, typer.Option(help="Everything is repeatable by this number.")] = 1,
    snapshot_date: Annotated[str, typer.Option(help="The day of the deliveries.")] = "2025-12-20",
    share_with: Annotated[
        list[str] | None, typer.Option(help="Other regencies that know some of the same families; may be repeated.")
    ] = None,
    share: Annotated[bool, typer.Option("--share", help="The regions of this call share families with each other.")] = False,
    canonical: Annotated[bool, typer.Option("--canonical", help="Also write clean inputs for `perlinsos determine`.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print what was made as JSON.")] = False,
) -> None:
    """Make an invented population: deliveries under OUT/<source>/<region or national>/<date>/, the truth under OUT/truth/."""
    from perlinsos.synthesis.order import SynthOrder, parse_day, parse_sizes, run_order

    sizes = parse_sizes(region, families, scale)
    with_others = tuple(share_with or ()) + (tuple(region) if share else ())
    order = SynthOrder(sizes, out, errors.value, format.value, seed, parse_day(snapshot_date), with_others, canonical)
    summary = run_order(order, progress=lambda text: typer.echo(text, err=True))
    if json:
        import json as json_module

        typer.echo(json_module.dumps(summary, ensure_ascii=False, indent=1))
    else:
        for row in summary["deliveries"]:
            typer.echo(f"{row['source']:28} {row['scope']:9} {row['rows']:>9} rows  {row['path']}")
        typer.echo(f"truth: {summary['errors']} errors, {summary['truth']}")
