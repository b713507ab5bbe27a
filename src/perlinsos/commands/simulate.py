"""`perlinsos simulate`: scenarios side by side on the same inputs. Never a list."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perlinsos.errors import WrongUsage

if TYPE_CHECKING:
    from perlinsos.simulation.bases import Base
    from perlinsos.simulation.run import Simulation

app = typer.Typer()


@app.command()
def simulate(
    inputs: Annotated[
        str,
        typer.Argument(
            metavar="INPUTS", help="A folder as for `determine`, a list (2026-T1/35.10/pkh/r1) or an input set's digest."
        ),
    ],
    scenario: Annotated[
        list[str] | None,
        typer.Option(help="name:pkh.max_decile=3,quota.pkh=1000,amount.pkh.AUD=3600000,draft=FOLDER; may be repeated."),
    ] = None,
    scenarios: Annotated[Path | None, typer.Option(help="YAML file of scenarios.", dir_okay=False, exists=True)] = None,
    region: Annotated[str | None, typer.Option(help="Of a folder: region code of Kemendagri, such as 35.10.")] = None,
    stage: Annotated[str | None, typer.Option(help="Of a folder: payment stage, such as 2026-T1.")] = None,
    programme: Annotated[list[str] | None, typer.Option(help="Programme; may be repeated.")] = None,
    scope: Annotated[str, typer.Option(help="Of a folder: population or registrants.")] = "population",
    settings: Annotated[Path | None, typer.Option(help="Of a folder: JSON file with a region's settings.")] = None,
    truth: Annotated[Path | None, typer.Option(help="File with no_kk and true_decile: leakage and undercoverage.")] = None,
    out: Annotated[Path | None, typer.Option(help="New folder for simulation.json, .html (charts) and .xlsx.")] = None,
    keep_tables: Annotated[
        bool, typer.Option("--keep-tables", help="Also keep every scenario's tables in OUT (restricted).")
    ] = False,
    store: Annotated[
        bool, typer.Option("--store", help="Also store page and JSON under simulations/ of the work bucket.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False,
) -> None:
    """Say what other limits, amounts, quotas, selection or a draft programme would do, on the same inputs (SIMULASI)."""
    from perlinsos.simulation.keeping import new_folder, write_results
    from perlinsos.simulation.run import simulate as run
    from perlinsos.simulation.scenarios import read_scenarios

    if keep_tables and out is None:
        raise WrongUsage("--keep-tables needs --out")
    chosen = read_scenarios(scenarios, scenario or [])
    with tempfile.TemporaryDirectory(prefix="perlinsos-simulate-") as name:
        work = Path(name)
        given = {"programmes": tuple(programme or ()), "scope": scope, "settings": settings}
        base = _open_base(inputs, region, stage, work, given)
        with new_folder(out or work / "results") as folder:
            found = run(base, chosen, truth=truth, keep=folder / "tables" if keep_tables else None)
            if out or store:
                write_results(found, folder)
            prefix = _store(found, folder) if store else None
    if json_:
        typer.echo(json.dumps(found.as_dict() | ({"stored": prefix} if store else {}), ensure_ascii=False))
        return
    show(found)
    if out:
        typer.echo(f"page: {out / 'simulation.html'}")
    if store:
        typer.echo(f"stored: {prefix}")


def _store(found: Simulation, folder: Path) -> str:
    from perlinsos.settings import load_settings
    from perlinsos.simulation.keeping import store_results
    from perlinsos.storage import open_storage

    settings = load_settings()
    return store_results(open_storage(settings), settings.buckets, found, folder)


def _open_base(inputs: str, region: str | None, stage: str | None, work: Path, given: dict[str, Any]) -> Base:
    """The base of the argument: a folder, or something of the ledger."""
    from perlinsos.commands.determine import _settings
    from perlinsos.context import open_context
    from perlinsos.settings import load_settings
    from perlinsos.simulation.bases import Base, digest_folder, is_reference, open_reference

    if not Path(inputs).is_dir():
        if not is_reference(inputs):
            raise WrongUsage(f"{inputs!r} is no folder", remedy="name a folder, a list such as 2026-T1/35.10/pkh, or a digest")
        if region or stage or given["settings"]:
            raise WrongUsage(
                "Region, stage and settings are those of the input set", remedy="leave out --region, --stage, --settings"
            )
        return open_reference(open_context(load_settings()), inputs, work, given["programmes"])
    if not (region and stage):
        raise WrongUsage("A folder does not say its region and stage", remedy="add --region 35.10 --stage 2026-T1")
    folder = Path(inputs)
    return Base(
        str(folder), digest_folder(folder), region, stage, folder, load_settings().folder("programmes"),
        given["programmes"] or ("bpnt", "pkh"), given["scope"], _settings(given["settings"]),
    )  # fmt: skip


def show(found: Simulation) -> None:
    """The scenarios side by side in the terminal."""
    from rich.console import Console
    from rich.table import Table

    from perlinsos.simulation.tables import programmes_of

    console = Console(width=max(100, Console().width))
    console.print(f"[bold]{found.notice}[/bold]: {found.stage} {found.region}, on {found.inputs['from']}")
    for scenario in found.scenarios[1:]:
        console.print(f"  {scenario['name']}: {'; '.join(scenario['changes']) or 'as the base'}", markup=False)
    for programme in programmes_of(found):
        table = Table(title=f"{programme} ({found.notice})", title_justify="left")
        table.add_column("")
        entries = [(one["name"], one["programmes"].get(programme)) for one in found.scenarios]
        for name, _ in entries:
            table.add_column(name, justify="right")
        for label, read in _LINES:
            cells = ["" if entry is None else _text(read(entry)) for _, entry in entries]
            if any(cells):
                table.add_row(label, *cells)
        console.print(table)


def _text(value: Any) -> str:
    return "" if value is None else f"{value:,}"


_LINES: list[tuple[str, Any]] = [
    ("quota", lambda entry: entry["quota"]),
    *(
        (outcome, lambda entry, outcome=outcome: entry["outcomes"][outcome])
        for outcome in ("LAYAK", "ANTREAN", "TIDAK_LAYAK", "TUNDA")
    ),
    ("come in", lambda entry: entry["difference"]["entered"]),
    ("go out", lambda entry: entry["difference"]["left"]),
    ("Rp, stage", lambda entry: entry["amount_stage_idr"]),
    ("± Rp, stage", lambda entry: entry["delta_stage_idr"]),
    ("Rp, year", lambda entry: entry["amount_year_idr"]),
    ("± Rp, year", lambda entry: entry["delta_year_idr"]),
    ("leakage %", lambda entry: entry.get("targeting", {}).get("leakage_percent")),
    ("undercoverage %", lambda entry: entry.get("targeting", {}).get("undercoverage_percent")),
    ("poor and LAYAK", lambda entry: entry.get("targeting", {}).get("poor_selected")),
]
