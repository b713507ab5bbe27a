"""The process that turns delivered bytes into cells, apart from the one that judges them.

Run as `python -m perlinsos.sources.worker JOB.json`: it reads files that strangers made, so its memory and time are
bounded and a crash of a library ends it alone. It writes cells-*.parquet and answer.json.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from perlinsos.errors import PerlinsosError, Refused
from perlinsos.model.datasets import DATASETS
from perlinsos.sources.cells import Budget, CellsWriter
from perlinsos.sources.description import SourceDescription
from perlinsos.sources.layout import MissingColumns
from perlinsos.sources.unpacking import Part, unpack

BASE_MIB = 600
"""What the interpreter and its libraries take before they read anything (MiB)."""


class OtherKind(Refused):
    """A file is of another kind than the source says."""


def main() -> None:
    """Read the job, do it, write the answer."""
    job = json.loads(Path(sys.argv[1]).read_text())
    out = Path(job["out"])
    source = SourceDescription.model_validate(job["source"])
    limit = (source.limits.memory_mib + BASE_MIB) * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        answer = read_files(source, [Path(name) for name in job["files"]], out)
    except PerlinsosError as error:
        answer = {"refused": error.as_dict()}
    except MemoryError:
        answer = {"refused": _out_of_memory(source).as_dict()}
    except Exception as error:  # the text of an unforeseen error may hold a person's data: only its place is told
        place = traceback.extract_tb(error.__traceback__)[-1]
        words = f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
        what = Refused("the delivery could not be read", why=words, remedy="report this with the file's SHA-256")
        answer = {"refused": what.as_dict()}
    (out / "answer.json").write_text(json.dumps(answer))


def _out_of_memory(source: SourceDescription) -> Refused:
    return Refused(
        "reading needs more memory than it may take",
        why=f"limits.memory_mib of the source is {source.limits.memory_mib}",
        remedy="send the delivery in smaller parts, as CSV or Parquet, or raise the limit",
    )


def read_files(source: SourceDescription, files: list[Path], out: Path) -> dict[str, Any]:
    """Write the cells of all parts, in the order given. The answer: files, rows and what each part was."""
    budget = Budget(source.limits.seconds)
    writer = CellsWriter(out, DATASETS[source.dataset].columns[0].name, source.format.footer_rows, budget)
    parts: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        for file in files:
            before = len(parts)
            for part in unpack(file, source.limits, Path(scratch), budget):
                parts.append(_read_part(part, source, Path(scratch), writer, budget))
            if not any("ignored" not in part for part in parts[before:]):
                names = ", ".join(str(part["name"]) for part in parts[before:]) or "none"
                raise Refused(
                    f"{file.name} holds no table of {source.dataset}",
                    where=f"members {names}",
                    why="none of them names the required columns",
                    remedy="send the table with its header line",
                )
    writer.close()
    return {"files": writer.files, "rows": writer.rows, "parts": parts}


def _read_part(part: Part, source: SourceDescription, scratch: Path, writer: CellsWriter, budget: Budget) -> dict[str, Any]:
    if part.ignored is not None:
        return _ignore(part, part.ignored)
    before = writer.rows
    try:
        _refuse_other_kind(part, source)
        said = _read_kind(part, source, scratch, writer, budget)
    except (MissingColumns, OtherKind):
        if part.is_member and part.kind == "csv" and not _may_hold_records(part, source, scratch):
            return _ignore(part, "a text without a table")
        raise
    footer = writer.end_part()
    return {"name": part.name, "kind": part.kind, "rows": writer.rows - before, "footer_rows": footer, **said}


def _refuse_other_kind(part: Part, source: SourceDescription) -> None:
    wanted = source.format.kind
    if wanted not in ("auto", part.kind):
        raise OtherKind(
            f"{part.name} is {part.kind.upper()}, not {wanted.upper()}",
            why="the source's format.kind names another kind",
            remedy="send the agreed kind, or write `kind: auto`",
        )


def _ignore(part: Part, why: str) -> dict[str, Any]:
    """A member of a zip that is no part: every outcome names it."""
    return {"name": part.name, "kind": part.kind, "ignored": why, "rows": 0}


def _may_hold_records(part: Part, source: SourceDescription, scratch: Path) -> bool:
    from perlinsos.sources.decoding import decode_text
    from perlinsos.sources.prose import may_hold_records

    return may_hold_records(decode_text(part.path, source.format.encoding, scratch), source)


def _read_kind(part: Part, source: SourceDescription, scratch: Path, writer: CellsWriter, budget: Budget) -> dict[str, object]:
    if part.kind in {"xlsx", "xls"}:
        from perlinsos.sources.read_sheets import read_sheets

        return read_sheets(part, source, writer, budget)
    if part.kind == "parquet":
        from perlinsos.sources.read_parquet import read_parquet

        return read_parquet(part.path, source, part.name, writer, budget)
    from perlinsos.sources.decoding import decode_text
    from perlinsos.sources.read_csv import read_csv
    from perlinsos.sources.read_records import read_records

    text = decode_text(part.path, source.format.encoding, scratch)
    if part.kind == "jsonl":
        return read_records(text, source, part.name, writer, budget)
    return read_csv(text, source, part.name, writer)


if __name__ == "__main__":
    main()
