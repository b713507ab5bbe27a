"""Determine, up to publishing: assemble the inputs of a frozen input set and run the determination on them.

Each task finds the work by its key in the ledger and claims it; what an earlier task should have made and did not is
made here. The results are immutable objects under the digest of the input set.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from perlinsos.context import Context
from perlinsos.engine import open_engine
from perlinsos.errors import Refused
from perlinsos.ledger.input_sets import InputSet, read_input_set
from perlinsos.ledger.outcomes import Measured, measure
from perlinsos.ledger.work import DETERMINE, Claim, assert_fence, claim, ending, parse_key
from perlinsos.operations.assembling import assemble_inputs
from perlinsos.operations.batches import ACCEPTED, fetch_file
from perlinsos.operations.rebuild import settings_of
from perlinsos.operations.rule_files import fetch_rules
from perlinsos.storage import Missing, digest_of

TABLES = ("decisions", "components", "findings", "not_decided")
SUMMARY = "summary.json"


def assemble(ctx: Context, key: str) -> dict[str, Any]:
    """Write the inputs of `35.10|2026-T1` as they were frozen. Gives the input set's digest and rows by file; an
    empty `input_set` where no work is due or another run has it."""
    return _with_claim(ctx, key, "assemble", _assemble)


def determine(ctx: Context, key: str) -> dict[str, Any]:
    """Decide every family from the assembled inputs. Gives the input set's digest and counts by outcome; an empty
    `input_set` where no work is due or another run has it. The rules are those that were frozen with the inputs."""
    return _with_claim(ctx, key, "determine", _determine)


def _with_claim(
    ctx: Context, key: str, step: str, do: Callable[[Context, Claim, InputSet, Measured], dict[str, Any]]
) -> dict[str, Any]:
    """Run a step under a claim: given back when it is done or a service failed, set aside when it is refused."""
    with measure(ctx.connect, "decider", step, key) as measured:
        with ctx.connect("decider") as connection:
            lease = ctx.settings.lease_seconds
            held = claim(connection, DETERMINE, *parse_key(key), holder=ctx.holder, lease_seconds=lease)
            frozen = read_input_set(connection, held.input_set_digest) if held else None
        if held is None or frozen is None:
            measured.state = "nothing_new"
            return {"input_set": ""}
        with ending(ctx.connect, "decider", held):
            measured.digests["input_set"] = frozen.digest
            found = do(ctx, held, frozen, measured)
        return {"input_set": frozen.digest, **found}


def _assemble(ctx: Context, held: Claim, frozen: InputSet, measured: Measured) -> dict[str, Any]:
    """The assembled files, made unless they are there."""
    done = _load(ctx, f"assembled/{frozen.digest}/assembled.json")
    if done is None:
        with tempfile.TemporaryDirectory(prefix="perlinsos-assemble-") as name:
            done = _write_assembled(ctx, frozen, Path(name))
            prefix = f"assembled/{frozen.digest}/"
            _store(ctx, held, prefix, Path(name), [*done])
            measured.counts["cross_checks"] = _cross_check(ctx, held, frozen, Path(name))
            _put(ctx, f"{prefix}assembled.json", done)
    else:
        measured.state = "nothing_new"
    rows = {name: entry["rows"] for name, entry in done.items()}
    measured.counts |= rows
    return {"rows": rows}


def _cross_check(ctx: Context, held: Claim, frozen: InputSet, folder: Path) -> dict[str, int]:
    """Compare the region's welfare persons with the register's rows: counts; the rows' warnings lie beside the batches."""
    from perlinsos.quality.crosschecks import cross_check

    register = [fetch_file(ctx, batch, ACCEPTED) for batch in frozen.batches() if batch.dataset == "population"]
    totals: Counter[str] = Counter()
    for batch in frozen.batches("own"):
        if batch.dataset == "welfare_person" and register:
            out = folder / f"{batch.batch_digest}.parquet"
            totals.update(cross_check(fetch_file(ctx, batch, ACCEPTED), register, out, settings=ctx.settings))
            _store(ctx, held, f"cross-checks/{frozen.digest}/", folder, [out.name])
    return dict(totals)


def _write_assembled(ctx: Context, frozen: InputSet, folder: Path) -> dict[str, Any]:
    """Write the input folder; file → rows and sha256."""
    with open_engine(ctx.settings.threads, ctx.settings.memory_limit) as engine:
        written = assemble_inputs(engine, frozen, partial(fetch_file, ctx), folder)
    return {name: entry | {"sha256": digest_of(folder / name)} for name, entry in sorted(written.items())}


def _determine(ctx: Context, held: Claim, frozen: InputSet, measured: Measured) -> dict[str, Any]:
    """The determination of the assembled files, made unless it is there."""
    prefix = f"determinations/{frozen.digest}/"
    summary = _load(ctx, prefix + SUMMARY)
    if summary is None:
        _assemble(ctx, held, frozen, Measured())
        with tempfile.TemporaryDirectory(prefix="perlinsos-determine-") as name:
            summary = _run_determination(ctx, frozen, Path(name))
            _check_funnel(summary)
            _store(ctx, held, prefix, Path(name) / "out", [f"{table}.parquet" for table in TABLES])
            _store(ctx, held, prefix, Path(name) / "out", [SUMMARY])
    else:
        measured.state = "nothing_new"
    measured.counts = {
        "funnel": summary["funnel"],
        **{name: entry["outcomes"] for name, entry in summary["programmes"].items()},
        "reasons": {name: entry["reasons"] for name, entry in summary["programmes"].items()},
    }
    measured.digests |= {name: entry["list_digest"] for name, entry in summary["programmes"].items()}
    return {"programmes": {name: entry["outcomes"] for name, entry in summary["programmes"].items()}}


def _run_determination(ctx: Context, frozen: InputSet, folder: Path) -> dict[str, Any]:
    """Bring the assembled files, run the engine on them; the summary."""
    from perlinsos.recipients.determine import determine as run

    done = _load(ctx, f"assembled/{frozen.digest}/assembled.json")
    assert done is not None, "assemble was called before"
    inputs = folder / "inputs"
    inputs.mkdir()
    for name, entry in done.items():
        key = f"assembled/{frozen.digest}/{name}"
        (inputs / name).symlink_to(ctx.cache.get(ctx.storage, ctx.settings.buckets.work, key, entry["sha256"]))
    document = frozen.document
    return run(
        document["region"],
        document["stage"],
        inputs,
        folder / "out",
        programmes=tuple(document["programmes"]),
        scope=document["scope"],
        settings=settings_of(frozen),
        threads=ctx.settings.threads,
        memory_limit=ctx.settings.memory_limit,
        rules_folder=fetch_rules(ctx, document["rules"], folder / "rules"),
    )


def _check_funnel(summary: dict[str, Any]) -> None:
    """Every family seen stands in exactly one bucket, and every decided family has one outcome of each programme."""
    funnel = summary["funnel"]
    parts = funnel["elsewhere"] + funnel["PINDAH"] + funnel["TIDAK_MENDAFTAR"] + funnel["decided"]
    if funnel["families_seen"] != parts:
        raise Refused("the funnel does not add up", why=str(funnel), remedy="report this: it is a fault of the engine")


def _store(ctx: Context, held: Claim, prefix: str, folder: Path, names: list[str]) -> None:
    """Write objects while the claim holds."""
    with ctx.connect("decider") as connection:
        assert_fence(connection, held.work_id, held.fence)
    for name in names:
        ctx.storage.put_new(ctx.settings.buckets.work, prefix + name, folder / name)


def _load(ctx: Context, key: str) -> dict[str, Any] | None:
    """A small JSON object of the work bucket; None where it is not there."""
    with suppress(Missing):
        found: dict[str, Any] = json.loads(ctx.storage.get(ctx.settings.buckets.work, key))
        return found
    return None


def _put(ctx: Context, key: str, found: dict[str, Any]) -> None:
    ctx.storage.put_new(ctx.settings.buckets.work, key, json.dumps(found, sort_keys=True).encode())
