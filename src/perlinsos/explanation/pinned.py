"""The inputs of a folder's answers are those that its determination was made from: the same datasets, the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perlinsos.errors import Refused, say_why
from perlinsos.recipients.input_files import find_files

READ = ("population", "welfare_family", "welfare_person", "signal", "registration", "quarantined")
NOT_ALWAYS_READ = "registration"  # a determination of the whole register leaves it aside
REMEDY = "name the folder that the determination was made from"


def find_pinned(inputs: Path, summary: Mapping[str, Any]) -> dict[str, list[Path]]:
    """The files of the datasets that an answer is made from, each compared with the SHA-256 in the `inputs` of summary.json.

    Raises Refused where the folder or a dataset is missing, and for a file that the determination did not read, by name.
    A registration that it did not read is compared with nothing.
    """
    if not inputs.is_dir():
        raise Refused("There is no folder of inputs", where=str(inputs), remedy=REMEDY)
    found: dict[str, list[Path]] = {}
    for dataset in READ:
        pinned = {entry["sha256"]: entry["file"] for entry in summary.get("inputs", []) if entry["dataset"] == dataset}
        found[dataset] = find_files(inputs, dataset)
        if pinned and not found[dataset]:
            raise Refused(
                "A dataset is missing", where=f"{dataset} in {inputs.name}", remedy=REMEDY,
                why="without it a number that stands there would seem unknown",
            )  # fmt: skip
        if pinned or dataset != NOT_ALWAYS_READ:
            _compare(dataset, found[dataset], pinned)
    return found


def _compare(dataset: str, paths: list[Path], pinned: Mapping[str, str]) -> None:
    """Refused for a file of other bytes, and where one that was read is not there."""
    missing = dict(pinned)
    for path in paths:
        digest = _digest(dataset, path)
        if digest not in pinned:
            raise Refused(
                "An input is not the one that the determination was made from", where=f"{dataset}: {path.name}",
                why="its SHA-256 is not in the inputs of summary.json", remedy=REMEDY,
            )  # fmt: skip
        missing.pop(digest, None)
    if missing:
        raise Refused("An input file is missing", where=f"{dataset}: {min(missing.values())}", remedy=REMEDY)


def _digest(dataset: str, path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise Refused(
            "An input file cannot be read", where=f"{dataset}: {path.name}", why=say_why(error), remedy=REMEDY
        ) from None
