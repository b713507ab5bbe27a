"""`perlinsos ingest`: read and check one delivery from plain files, without Airflow, database or object store."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer()
OUTPUTS = frozenset({"accepted.parquet", "quarantine.parquet", "outcome.json"})
COMPLETE_MARK = "_COMPLETE"
"""What an agency lays beside a delivery that is whole (contracts.md); no part of it."""


@app.command()
def ingest(
    files: Annotated[list[Path], typer.Argument(help="The parts of one delivery, in order; a folder stands for its files.")],
    source: Annotated[Path, typer.Option(help="The source's description (YAML).")],
    out: Annotated[Path | None, typer.Option(help="The folder to write; replaced if it holds an earlier result.")] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            help="A folder for `determine --inputs`: the delivery becomes DIR/<dataset>/<part>.parquet there.", metavar="DIR"
        ),
    ] = None,
    part: Annotated[str | None, typer.Option(help="Its name in the folder of --into; default: the source's.")] = None,
    snapshot_date: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="The day the data is of; checked against the law."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print outcome.json.")] = False,
) -> None:
    """Read and check one delivery from plain files."""
    from perlinsos.quality.inputs_folder import add_to_inputs, check_target
    from perlinsos.settings import load_settings
    from perlinsos.sources.description import load_source
    from perlinsos.sources.read import RefusedDelivery

    described = load_source(source)
    settings = load_settings()
    beside = _refuse_foreign(out, into)
    name = part or described.source
    if into is not None:
        check_target(described, into, name)
    beside.absolute().parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{beside.name}-", dir=beside.absolute().parent))
    try:
        day = snapshot_date.date() if snapshot_date else None
        told = _read_and_check(described, _expand(files), work, day, settings)
        if into is not None:
            told["written"] = add_to_inputs(described, work / "result", into, name, settings)
        if out is not None:
            _place(work / "result", out)
    except RefusedDelivery as error:
        if out is not None:
            _place(_tell_refusal(work / "refused", error.outcome), out)
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _report(told, as_json)


def _read_and_check(described: Any, files: list[Path], work: Path, day: date | None, settings: Any) -> dict[str, Any]:
    from perlinsos.quality.check import check_delivery
    from perlinsos.sources.read import read_delivery

    reference = settings.folder("reference")
    read = read_delivery(described, files, work / "read", reference=reference, snapshot_date=day, settings=settings)
    checked = check_delivery(
        described,
        read.canonical,
        work / "result",
        expectations=settings.folder("expectations"),
        reference=reference,
        settings=settings,
    )
    return checked.told


def _tell_refusal(folder: Path, outcome: dict[str, Any]) -> Path:
    """A folder with the outcome of a refused delivery alone."""
    folder.mkdir()
    (folder / "outcome.json").write_text(json.dumps(outcome, ensure_ascii=False, indent=1, default=str) + "\n")
    return folder


def _expand(files: list[Path]) -> list[Path]:
    """The files, and those of a folder in the order of their names: no hidden ones, not the mark of a whole delivery.

    Raises Refused where one is not there or a folder holds none.
    """
    from perlinsos.errors import Refused

    found: list[Path] = []
    for file in files:
        if not file.exists():
            raise Refused(
                "a file of the delivery is not there", where=str(file), remedy="name the agency's files, or their folder"
            )
        inside = [file]
        if file.is_dir():
            inside = sorted(path for path in file.iterdir() if not path.name.startswith(".") and path.name != COMPLETE_MARK)
            if not inside:
                raise Refused("the folder of the delivery is empty", where=str(file), remedy="name the folder of the files")
        found += inside
    return found


def _refuse_foreign(out: Path | None, into: Path | None) -> Path:
    """The folder beside which the work is done. WrongUsage where none is named, or it holds something of somebody else."""
    from perlinsos.errors import WrongUsage

    if out is None and into is None:
        raise WrongUsage("no folder for the result is named", remedy="give --out DIR, --into DIR, or both")
    if out is not None and out.exists() and (not out.is_dir() or {path.name for path in out.iterdir()} - OUTPUTS):
        raise WrongUsage(
            f"{out} holds something that is no earlier result of ingest",
            where=str(out),
            why="the folder is replaced as a whole",
            remedy="give a new folder",
        )
    found = out or into
    assert found is not None, "one of them was named"
    return found


def _place(made: Path, out: Path) -> None:
    """Put the finished folder where it belongs, in one step; an earlier result goes away."""
    target = out.absolute()
    old = made.parent / "replaced"
    if target.exists():
        target.replace(old)
    made.replace(target)


def _report(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(told, ensure_ascii=False, indent=1, default=str))
        return
    numbers = ", ".join(f"{name} {told[name]}" for name in ("accepted", "accepted_with_warnings", "quarantined"))
    print(f"{told['source']} ({told['dataset']}): received {told['received']}: {numbers}")
    for rule in told["rules"]:
        print(f"  {rule['severity']:8} {rule['rule']}: {rule['rows']}", file=sys.stderr)
    for name, rows in told.get("written", {}).items():
        print(f"  {rows} rows -> {name}")
