"""Lays deliveries into the landing bucket as an agency does: the parts first, the mark of completeness last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from perlinsos.context import Context
from perlinsos.errors import Refused, WrongUsage
from perlinsos.ledger.records import NATIONAL
from perlinsos.model.regions import is_code, level
from perlinsos.operations.landing import COMPLETE
from perlinsos.operations.pull import load_sources
from perlinsos.settings import Settings, act_as
from perlinsos.sources.description import SourceDescription
from perlinsos.storage import Storage, open_storage


@dataclass(frozen=True)
class Laid:
    """One delivery that now lies in the landing bucket."""

    prefix: str
    parts: int
    bytes: int


def deliver_files(
    ctx: Context, source_id: str, scope: str, day: date, files: Sequence[Path], *, suffix: int | None = None
) -> Laid:
    """Lay one delivery under the next free prefix `<source>/<scope>/<day>[-N]`; `pull` takes it on its next tick.

    With `suffix` under that prefix, Refused where something lies there already. `scope` is a region code or `national`, as
    the source's description says. Nothing is laid where it would be refused unread: WrongUsage for an unknown source or a
    scope of the wrong kind, Refused for a missing or empty file, two files of one name, or a day without a legal basis.
    """
    settings = ctx.settings
    source = _find_source(settings, source_id)
    is_national = scope == NATIONAL
    if is_national != (source.scope == "national") or not (is_national or (is_code(scope) and level(scope) == "regency")):
        wanted = NATIONAL if source.scope == "national" else "a regency's code such as 35.10"
        raise WrongUsage(
            f"{scope!r} is not a scope of {source_id}", why=f"it delivers by {source.scope}", remedy=f"name {wanted}"
        )
    source.check_legal_basis(day)
    _check_files(files)
    storage = open_storage(act_as(settings, "landing"))
    prefix = _find_free_prefix(storage, settings.buckets.landing, f"{source_id}/{scope}/{day}", suffix)
    return _lay(storage, settings.buckets.landing, prefix, sorted(files))


def _find_source(settings: Settings, source_id: str) -> SourceDescription:
    known = load_sources(settings.folder("sources"))
    found = known.get(source_id)
    if found is None:
        raise WrongUsage(f"{source_id!r} is not a source", why=f"there are {', '.join(known)}", remedy="see docs/sources.md")
    if isinstance(found, WrongUsage):
        raise found
    return found


def _check_files(files: Sequence[Path]) -> None:
    for path in files:
        if not path.is_file() or not path.stat().st_size:
            raise Refused("A file of the delivery is not there or empty", where=path.name, remedy="name existing files")
    names = [path.name for path in files]
    if not files or len(set(names)) < len(names) or COMPLETE in names:
        raise Refused("The files are not the parts of one delivery", why="each needs a name of its own; none is the mark")


def _find_free_prefix(storage: Storage, bucket: str, name: str, suffix: int | None) -> str:
    """The first of `<name>`, `<name>-2`, `<name>-3`, … under which nothing lies, or the one that was asked for."""
    number = suffix or 1
    while True:
        prefix = name if number == 1 else f"{name}-{number}"
        if next(iter(storage.list(bucket, f"{prefix}/")), None) is None:
            return prefix
        if suffix is not None:
            remedy = f"--snapshot-date {name.rpartition('/')[2]}: the next free number is found by itself"
            raise Refused("The prefix holds something already", where=prefix, remedy=remedy)
        number += 1


def deliver_folder(ctx: Context, folder: Path) -> list[dict[str, Any]]:
    """Lay a folder that is ordered like the landing bucket (`perlinsos synth` writes one): prefix, parts, bytes of each.

    WrongUsage where no folder `<source>/<region or national>/<date>` of a known source lies in it; Refused where one of
    the prefixes holds something already: nothing is laid then.
    """
    settings, known = ctx.settings, load_sources(ctx.settings.folder("sources"))
    found = sorted(path for path in folder.glob("*/*/*") if path.is_dir() and path.relative_to(folder).parts[0] in known)
    if not found:
        raise WrongUsage(
            "The folder holds no delivery of a known source", where=str(folder),
            remedy=f"order it as <source>/<region or {NATIONAL}>/<snapshot date>/ with the files of each delivery",
        )  # fmt: skip
    storage, landing = open_storage(act_as(settings, "landing")), settings.buckets.landing
    deliveries = {path.relative_to(folder).as_posix(): _list_parts(path) for path in found}
    if taken := [prefix for prefix in deliveries if next(iter(storage.list(landing, f"{prefix}/")), None) is not None]:
        raise Refused(
            f"{len(taken)} of the prefixes hold something already", where=", ".join(taken[:3]),
            why="what lies in a prefix that was taken is not read again",
            remedy="rename the folder of a correction: its date followed by -2, -3, …",
        )  # fmt: skip
    return [asdict(_lay(storage, landing, prefix, files)) for prefix, files in deliveries.items()]


def _list_parts(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != COMPLETE)
    _check_files(files)
    return files


def _lay(storage: Storage, bucket: str, prefix: str, files: Sequence[Path]) -> Laid:
    for path in files:
        storage.put_landing(bucket, f"{prefix}/{path.name}", path)
    storage.put_landing(bucket, f"{prefix}/{COMPLETE}", b"")
    return Laid(prefix, len(files), sum(path.stat().st_size for path in files))
