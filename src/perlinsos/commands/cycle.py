"""`perlinsos cycle add|list`: which stage of which region is to be determined, from which deliveries, until when."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perlinsos.commands._records import Json, say, show

app = typer.Typer(help="Add and list cycles.", no_args_is_help=True)


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A cycle in YAML, as demo/cycle-35.10-2026-T1.yaml.")],
    as_json: Json = False,
) -> None:
    """Register a cycle, or put it right while none of its windows was opened.

    It has a list of each of the region's programmes that exists at the stage's first day; what has none is said.
    """
    from perlinsos.ledger.connection import transaction
    from perlinsos.ledger.records import CycleRecord, read_record
    from perlinsos.model.rule_folder import load_rule_folder
    from perlinsos.operations.region_programmes import describe_absent, register_cycle
    from perlinsos.settings import load_settings

    settings, read = load_settings(), read_record(file, CycleRecord)
    with transaction(settings, "registrar") as connection:
        is_new, absent = register_cycle(connection, read, load_rule_folder(settings.folder("programmes")))
    name = f"{read.record.stage}/{read.record.region}"
    words = f"{name}: {'registered' if is_new else 'unchanged'}"
    words += f"; {describe_absent(absent, read.record.stage)}" if absent else ""
    say({"cycle": name, "changed": is_new, "digest": read.digest, "without_list": absent}, words, as_json)


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
