"""From a checked delivery to the folder that `perlinsos determine --inputs` reads: the bridge without services.

`DIR/<dataset>/<part>.parquet` holds the accepted rows, `DIR/quarantined/<part>.parquet` whom the rows set aside hold. A
dataset of several agencies (`signal`) is a folder of several such files.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from perlinsos.errors import Refused, WrongUsage
from perlinsos.model.datasets import DATASETS
from perlinsos.quality.quarantine import quarantined_rows
from perlinsos.settings import Settings
from perlinsos.sources.description import SourceDescription

DATASETS_OF_INPUTS = ("population", "welfare_family", "welfare_person", "signal", "registration", "quota", "minimum_wage")
HELD = "quarantined"
_PART = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}", re.ASCII)


def check_target(source: SourceDescription, into: Path, part: str) -> None:
    """Refused where the delivery cannot go there, before anything is read.

    A file of the same name is replaced for a full source; a delta never replaces what an earlier delta brought.
    """
    if not _PART.fullmatch(part):
        raise WrongUsage(f"{part!r} is no name for a part", remedy="small letters, digits, points and hyphens")
    if source.dataset not in DATASETS_OF_INPUTS:
        raise Refused(f"{source.dataset} is no input of a determination", where=source.source, remedy="use --out")
    for name in (source.dataset, HELD):
        for single in (into / f"{name}.csv", into / f"{name}.parquet"):
            if single.exists():
                why = "a dataset is one file or one folder of files"
                raise Refused(f"{name} stands there as a file", where=str(single), why=why, remedy="move it into the folder")
    if source.coverage == "delta" and (into / source.dataset / f"{part}.parquet").exists():
        raise Refused(
            "an earlier delta stands there", where=str(into / source.dataset / f"{part}.parquet"),
            why="a row that comes again replaces the earlier one, which plain files cannot say",
            remedy="name it otherwise with --part if the two share no key; else let the services read them in order",
        )  # fmt: skip


def add_to_inputs(source: SourceDescription, checked: Path, into: Path, part: str, settings: Settings) -> dict[str, int]:
    """Write the rows of a checked delivery into the folder; file (below it) → rows. Each file appears whole.

    `checked` holds its accepted.parquet and quarantine.parquet.
    """
    rows = pq.read_table(checked / "accepted.parquet", columns=list(DATASETS[source.dataset].names))
    held = quarantined_rows(checked / "quarantine.parquet", source, settings=settings)
    named = held.filter(pc.or_(pc.is_valid(held["nik"]), pc.is_valid(held["no_kk"]))).select(list(DATASETS[HELD].names))
    return _write(rows, into / source.dataset, part) | _write(named, into / HELD, part)


def _write(rows: pa.Table, folder: Path, part: str) -> dict[str, int]:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{part}.parquet"
    with tempfile.TemporaryDirectory(prefix=".", dir=folder.parent) as name:
        pq.write_table(rows, Path(name) / target.name, compression="zstd")
        (Path(name) / target.name).replace(target)
    return {f"{folder.name}/{target.name}": rows.num_rows}
