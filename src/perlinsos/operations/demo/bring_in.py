"""A third region is brought in with two past stages, by the commands that an operator types (docs/bring-in-a-region.md)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from perlinsos.context import Context
from perlinsos.operations.backfill.status import read_backfill_status
from perlinsos.operations.demo.lay import Say, call_command

REGION, STAGES = "35.12", ("2025-T3", "2025-T4")
SNAPSHOTS = ("2025-06-20", "2025-09-20")
FAMILIES = 1_000
Wait = Callable[[str, Callable[[], bool]], None]


def past_commands(out: Path, families: int = FAMILIES, seed: int = 7) -> list[list[str]]:
    """The commands (after `perlinsos`) that invent the region's two past snapshots: the same people on two days."""
    return [
        ["synth", "--region", REGION, "--families", str(families), "--format", "both", "--seed", str(seed),
         "--snapshot-date", day, "--out", str(out / day)]
        for day in SNAPSHOTS
    ]  # fmt: skip


def register_region(demo: Path, say: Say) -> None:
    """Register the region and its team: its deliveries are taken from then on. `demo` is the project's folder demo/."""
    call_command(["region", "add", str(demo / "third-region" / f"region-{REGION}.yaml")], say)
    call_command(["decree", "add", str(demo / "third-region" / f"tim-{REGION}.yaml")], say)


def bring_in(ctx: Context, demo: Path, plan: Path, say: Say, wait: Wait) -> dict[str, Any]:
    """Plan, review and apply the backfill once the snapshots were accepted, and wait for its lists.

    `plan` is where the reviewed record goes; `wait(what, holds)` returns when `holds()` does. Gives the backfill with its
    stages, as `backfill status --json` does.
    """
    wait("the past snapshots", lambda: _count(ctx, _WAITING) == 0)
    plan.unlink(missing_ok=True)
    model = str(demo / "third-region" / f"cycle-{REGION}-2026-T1.yaml")
    words = ["backfill", "plan", REGION, "--from", STAGES[0], "--until", STAGES[-1], "--cycle", model]
    call_command([*words, "--reason", "tahun pertama", "--watcher", "Operator Contoh", "--out", str(plan)], say)
    call_command(["backfill", "apply", str(plan), "--reviewer", "Pemeriksa Contoh"], say)
    wait("the past stages", lambda: all(one["state"] != "running" for one in read_backfill_status(ctx, REGION)))
    call_command(["backfill", "status", "--region", REGION], say)
    return read_backfill_status(ctx, REGION)[0]


_WAITING = "select count(*) as n from delivery where state = 'landed' and snapshot_date = any (%s::date[])"


def _count(ctx: Context, query: str) -> int:
    from perlinsos.ledger.connection import fetch_rows

    with ctx.connect("reader") as connection:
        return int(fetch_rows(connection, query, [list(SNAPSHOTS)])[0]["n"])
