"""Decide a frozen input set again, from its pinned batches and kept rule files alone: no claim, nothing is stored.

What `dispatch` froze says everything: batches by digest, repairs, minimum wages, quotas, rule files, settings, seed.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from perlinsos.context import Context
from perlinsos.engine import open_engine
from perlinsos.errors import Refused
from perlinsos.ledger.deliveries import Batch
from perlinsos.ledger.input_sets import InputSet
from perlinsos.operations.assembling import assemble_inputs
from perlinsos.operations.batches import fetch_file
from perlinsos.operations.rule_files import fetch_rules
from perlinsos.storage import Missing


def settings_of(frozen: InputSet) -> dict[str, Any]:
    """The settings of its determination: the cycle's, and the lottery seed where there is one."""
    seed = frozen.document["lottery_seed"]
    return dict(frozen.document["settings"]) | ({"lottery_seed": seed} if seed else {})


def rebuild_inputs(ctx: Context, frozen: InputSet, out: Path) -> dict[str, dict[str, Any]]:
    """Write the input folder of a determination from the pinned batches; file name → rows.

    Refused where an object of a batch is gone, naming it: then the list cannot be computed again.
    """
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open_engine(ctx.settings.threads, ctx.settings.memory_limit) as engine:
        return assemble_inputs(engine, frozen, partial(_fetch, ctx), out)


def _fetch(ctx: Context, batch: Batch, name: str) -> Path:
    try:
        return fetch_file(ctx, batch, name)
    except Missing as error:
        raise Refused(
            f"An input of the list is gone: {batch.dataset} of {batch.source_id}, {batch.snapshot_date}",
            where=error.where,
            why="the object is not in the store",
            remedy="restore it from the bucket's backup; its name is its digest",
        ) from error


def determine_frozen(ctx: Context, frozen: InputSet, folder: Path) -> dict[str, Any]:
    """Decide the input set anew in `folder` (`inputs/`, `rules/`, `out/`); the summary. Refused where something is gone."""
    from perlinsos.recipients.determine import determine

    rebuild_inputs(ctx, frozen, folder / "inputs")
    return determine(
        frozen.document["region"],
        frozen.document["stage"],
        folder / "inputs",
        folder / "out",
        programmes=tuple(frozen.document["programmes"]),
        scope=frozen.document["scope"],
        settings=settings_of(frozen),
        threads=ctx.settings.threads,
        memory_limit=ctx.settings.memory_limit,
        rules_folder=fetch_rules(ctx, frozen.document["rules"], folder / "rules"),
    )
