"""The frozen inputs of a published list as plain files, so that anybody may run `perlinsos determine` on them offline."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from perlinsos.context import Context
from perlinsos.errors import Refused, WrongUsage
from perlinsos.ledger.connection import fetch_rows
from perlinsos.ledger.input_sets import InputSet, read_input_set
from perlinsos.storage import Missing


def export_inputs(ctx: Context, list_id: str, revision: int | None, out: Path, *, simulations: bool = False) -> dict[str, Any]:
    """Write `inputs/` and `settings.json` of a revision (the newest where none is named) into a new folder.

    Gives the list, its digest, the input set and the words of the command that must give the same digest. The files
    hold rows of persons: they belong to the restricted store. Raises Refused where there is no such revision, WrongUsage
    where the folder holds something, Missing where the inputs were not assembled here.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise WrongUsage("The folder for the inputs holds something", where=str(out), remedy="name a new folder")
    with ctx.connect("reader") as connection:
        rows = fetch_rows(connection, _REVISION, [list_id, "simulation" if simulations else "list", revision, revision])
        if not rows:
            remedy = "perlinsos snapshot list" + ("" if simulations else "; a simulation: --simulations")
            raise Refused("there is no such revision", where=f"{list_id}/r{revision or '…'}", remedy=remedy)
        frozen = read_input_set(connection, rows[0]["input_set_digest"])
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        _fetch(ctx, frozen, aside / "inputs")
        settings = dict(frozen.document["settings"])
        if frozen.document["lottery_seed"]:
            settings["lottery_seed"] = frozen.document["lottery_seed"]
        (aside / "settings.json").write_text(json.dumps(settings, sort_keys=True), encoding="utf-8")
        aside.replace(out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    found = {name: rows[0][name] for name in ("list_id", "revision", "list_digest")}
    return found | {"input_set": frozen.digest, "folder": str(out), "command": _describe_run(frozen, out)}


_REVISION = (
    "select list_id, revision, list_digest, input_set_digest from list_revision where list_id = %s and track = %s "
    "and state = 'published' and (%s::int is null or revision = %s) order by revision desc limit 1"
)


def _fetch(ctx: Context, frozen: InputSet, folder: Path) -> None:
    """Copy the assembled files, each compared with its hash."""
    folder.mkdir()
    bucket, prefix = ctx.settings.buckets.work, f"assembled/{frozen.digest}/"
    try:
        assembled = json.loads(ctx.storage.get(bucket, prefix + "assembled.json"))
    except Missing as error:
        why = "the task `assemble` has not run, or the objects are gone"
        raise Missing("the inputs of this list are not there", where=f"{bucket}/{prefix}", why=why) from error
    for name, entry in assembled.items():
        shutil.copyfile(ctx.cache.get(ctx.storage, bucket, prefix + name, entry["sha256"]), folder / name)


def _describe_run(frozen: InputSet, out: Path) -> list[str]:
    """The command that decides these inputs again, word by word."""
    document = frozen.document
    words = ["perlinsos", "determine", "--region", document["region"], "--stage", document["stage"]]
    words += ["--inputs", str(out / "inputs"), "--settings", str(out / "settings.json"), "--scope", document["scope"]]
    for programme in document["programmes"]:
        words += ["--programme", programme]
    return [*words, "--out", str(out / "determined")]
