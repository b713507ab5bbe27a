"""Runs the reading worker in a process of its own and gives its answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from perlinsos.errors import Refused
from perlinsos.sources.description import SourceDescription

WALL_FACTOR = 3
"""The worker counts seconds of the processor; it is ended after this many times as long on the clock."""


def read_apart(source: SourceDescription, files: list[Path], out: Path) -> dict[str, Any]:
    """Read the files into `out` (cells-*.parquet). Raises Refused with the worker's reason, or when it was ended."""
    out.mkdir(parents=True, exist_ok=True)
    job = out / "job.json"
    described = source.model_dump(mode="json", by_alias=True, exclude_unset=True)
    job.write_text(
        json.dumps({"source": described, "files": [os.fspath(file.resolve()) for file in files], "out": os.fspath(out)})
    )
    answer = out / "answer.json"
    try:
        done = subprocess.run(
            [sys.executable, "-m", "perlinsos.sources.worker", os.fspath(job)],
            timeout=source.limits.seconds * WALL_FACTOR,
            capture_output=True,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
    except subprocess.TimeoutExpired as error:
        raise Refused(
            f"reading took longer than {source.limits.seconds * WALL_FACTOR} seconds",
            why="the time for one delivery is bounded (limits.seconds of the source)",
            remedy="send the delivery in smaller parts, as CSV or Parquet, or raise the limit",
        ) from error
    if not answer.exists():
        raise Refused(
            "the reader was ended before it was done",
            why=f"exit {done.returncode}: a library crashed on the file, or the memory was used up",
            remedy="send the table as CSV; report this with the file's SHA-256",
        )
    found: dict[str, Any] = json.loads(answer.read_text())
    job.unlink()
    answer.unlink()
    if "refused" in found:
        told = found["refused"]
        raise Refused(told["what"], where=told["where"], why=told["why"], remedy=told["remedy"])
    return found
