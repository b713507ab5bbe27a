"""`perlinsos cycle add|list`: which stage of which region is to be determined, from which deliveries, until when."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perlinsos.commands._records import Json, register, show

app = typer.Typer(help="Add and list cycles.", no_args_is_help=True)


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A cycle in YAML, as demo/cycle-35.10-2026-T1.yaml.")],
    as_json: Json = False,
) -> None:
    """Register a cycle, or put it right while none of its windows was opened."""
    from perlinsos.ledger.records import CycleRecord, add_cycle

    register(file, CycleRecord, add_cycle, lambda cycle: f"{cycle.stage}/{cycle.region}", as_json)


@app.command("list")
def list_cycles(as_json: Json = False) -> None:
    """List the cycles with purpose, cut-off and announcement."""
    show("cycles", _CYCLES, _describe, as_json)


def _describe(row: dict[str, Any]) -> str:
    return f"{row['cycle_id']}  {row['purpose']}  cut-off {row['cut_off']}  announced {row['announce_at']}"


_CYCLES = (
    "select cycle_id, region_code, stage, purpose, cut_off::text, required, announce_at::text, window_months, settings, "
    "waiting_reason from cycle order by stage, region_code"
)
