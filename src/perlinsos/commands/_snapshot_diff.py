"""`perlinsos snapshot diff`: what changed between two lists, and why."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from perlinsos.simulation.list_differences import Difference

_Side = typer.Argument(help="2026-T1/35.10/pkh/r1, 2026-T1/35.10/pkh (its newest revision), or a folder with the tables.")


def diff(
    before: Annotated[str, _Side],
    after: Annotated[str, _Side],
    simulations: Annotated[bool, typer.Option("--simulations", help="Lists named are simulations of the ledger.")] = False,
    counterfactual: Annotated[
        bool, typer.Option("--counterfactual", help="Split exactly: decide the second list's inputs by the first one's rules.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False,
) -> None:
    """Compare two revisions, two stages or two folders: one cause for each change; the parts add up to the difference."""
    from perlinsos.context import open_context
    from perlinsos.settings import load_settings
    from perlinsos.simulation.list_differences import diff_counterfactually, diff_lists, open_side

    ctx = open_context(load_settings())
    with tempfile.TemporaryDirectory(prefix="perlinsos-diff-") as name:
        work = Path(name)
        first = open_side(ctx, before, work / "before", is_simulation=simulations)
        second = open_side(ctx, after, work / "after", is_simulation=simulations)
        if counterfactual:
            found = diff_counterfactually(ctx, first, second, work / "between")
        else:
            found = diff_lists(ctx, first, second)
    if as_json:
        typer.echo(json.dumps(found.as_dict(), ensure_ascii=False))
    else:
        show(found)


def show(found: Difference) -> None:
    """Per programme: totals, causes that add up, and outcomes."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=max(100, Console().width))
    console.print(f"{found.before['list']}  →  {found.after['list']}", markup=False)
    for number, step in enumerate(found.steps, 1):
        console.print(f"  step {number}: {step}", markup=False)
    for programme, totals in found.totals.items():
        causes = Table(title=f"{programme}: by cause", title_justify="left")
        for head in ("cause", "units", "come in", "go out", "± Rp, year", "± Rp, stage"):
            causes.add_column(head, justify="left" if head == "cause" else "right")
        for row in (row for row in found.causes if row["programme"] == programme):
            words = f"{row['step']}. {row['cause']}" if "step" in row else row["cause"]
            numbers = (row[name] for name in ("families", "entered", "left", "delta_year_idr", "delta_stage_idr"))
            causes.add_row(words, *(f"{number:,}" for number in numbers))
        causes.add_section()
        parts = totals["sum_of_causes"]
        causes.add_row("sum", "", "", "", f"{parts['year_idr']:,}", f"{parts['stage_idr']:,}")
        for words, side in (("before", "before"), ("after", "after"), ("after − before", "difference")):
            causes.add_row(words, "", "", "", f"{totals[side]['year_idr']:,}", f"{totals[side]['stage_idr']:,}")
        console.print(causes)
        outcomes = Table(title=f"{programme}: by outcome (– = not in that list)", title_justify="left")
        for head in ("before", "after", "cause", "units", "± Rp, stage"):
            outcomes.add_column(head, justify="right" if head in ("units", "± Rp, stage") else "left")
        for row in (row for row in found.transitions if row["programme"] == programme):
            words = f"{row['step']}. {row['cause']}" if "step" in row else row["cause"]
            ends = (row["outcome_before"] or "–", row["outcome_after"] or "–")
            outcomes.add_row(*ends, words, f"{row['units']:,}", f"{row['delta_stage_idr']:,}")
        console.print(outcomes)
