"""Where the results of a simulation may go: a local folder, or `simulations/` in the work bucket. Never a list's place."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from perlinsos.errors import WrongUsage
from perlinsos.publication.files import as_json, describe_file
from perlinsos.settings import Buckets
from perlinsos.simulation.page import write_page, write_workbook
from perlinsos.simulation.run import STATUS, Simulation
from perlinsos.storage import Storage

PREFIX = "simulations/what-if/v1/"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def write_results(simulation: Simulation, folder: Path) -> list[Path]:
    """Write simulation.json, simulation.html and simulation.xlsx: sums only, no number of a person."""
    folder.mkdir(parents=True, exist_ok=True)
    document = folder / "simulation.json"
    document.write_text(as_json(simulation.as_dict()), encoding="utf-8")
    page, workbook = folder / "simulation.html", folder / "simulation.xlsx"
    write_page(simulation, page)
    write_workbook(simulation, workbook)
    return [document, page, workbook]


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place when all went well. WrongUsage where `out` holds something."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise WrongUsage("The folder for the result holds something", where=str(out), remedy="name a new folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        yield aside
        if out.exists():
            out.rmdir()
        aside.rename(out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def store_results(storage: Storage, buckets: Buckets, simulation: Simulation, folder: Path) -> str:
    """Store JSON and page under `simulations/what-if/v1/<digest>/` of the work bucket, the manifest last; the prefix.

    The digest is that of the results, so the same simulation is stored once. The manifest says `status: simulation` and
    quotes no list: nothing that reads lists takes it for one.
    """
    files = [folder / "simulation.json", folder / "simulation.html"]
    digest = hashlib.sha256(files[0].read_bytes()).hexdigest()
    prefix = f"{PREFIX}{digest}/"
    for path in files:
        storage.put_new(buckets.work, prefix + path.name, path, MEDIA_TYPES[path.suffix])
    manifest = _make_manifest(simulation, files)
    storage.put_new(buckets.work, f"{prefix}manifest.json", json.dumps(manifest, sort_keys=True).encode(), "application/json")
    return prefix


def _make_manifest(simulation: Simulation, files: list[Path]) -> dict[str, Any]:
    return {
        "notice": simulation.notice,
        "status": STATUS,
        "region_code": simulation.region,
        "stage": simulation.stage,
        "inputs": simulation.inputs,
        "scenarios": [scenario["name"] for scenario in simulation.scenarios],
        "files": [describe_file(path).as_dict() for path in files],
    }
