"""Files out of gz and zip: one level, safe names, bounded size, ratio and number of members."""

from __future__ import annotations

import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from perlinsos.errors import Refused, say_why
from perlinsos.sources.cells import Budget
from perlinsos.sources.description import Limits
from perlinsos.sources.detection import IsDocument, detect_kind

MIB = 2**20
_SYSTEM_NAMES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})


@dataclass(frozen=True)
class Part:
    """One file: where its bytes are, what it is called, its kind, and whether it came with others in a zip.

    `ignored` says why a member of a zip is no table (kind `none`); it is not read.
    """

    path: Path
    name: str
    kind: str
    is_member: bool = False
    ignored: str | None = None


def unpack(path: Path, limits: Limits, scratch: Path, budget: Budget) -> Iterator[Part]:
    """The files in one delivered file, all but the system files of a zip. Raises Refused for what may not be unpacked."""
    if not path.stat().st_size:
        raise Refused(f"{path.name} is empty", why="it holds no byte", remedy="send the file again")
    kind = detect_kind(path, path.name)
    if kind == "gz":
        yield _gunzip(path, limits, scratch, budget)
    elif kind == "zip":
        yield from _unzip(path, limits, scratch, budget)
    else:
        if kind == "xlsx":
            check_archive(path, limits)
        yield Part(path, path.name, kind)


def _gunzip(path: Path, limits: Limits, scratch: Path, budget: Budget) -> Part:
    target = scratch / f"{path.name}.unpacked"
    try:
        with gzip.open(path) as packed:
            _copy(packed, target, path.name, path.stat().st_size, limits, budget)
    except (EOFError, zlib.error, gzip.BadGzipFile, OSError) as error:
        raise _damaged(path.name, error) from error
    return _inner(target, path.name, limits, is_member=False)


def _copy(packed: IO[bytes] | gzip.GzipFile, target: Path, name: str, size: int, limits: Limits, budget: Budget) -> None:
    most = min(limits.unpacked_mib * MIB, max(size, 1024) * limits.ratio)
    written = 0
    with target.open("wb") as out:
        while chunk := packed.read(MIB):
            written += len(chunk)
            if written > most:
                raise _too_large(name, limits)
            out.write(chunk)
            budget.check()


def _inner(target: Path, name: str, limits: Limits, *, is_member: bool) -> Part:
    if is_member and not target.stat().st_size:
        return Part(target, name, "none", is_member, "it is empty")
    try:
        kind = detect_kind(target, name)
    except IsDocument as error:
        if not is_member:
            raise
        return Part(target, name, "none", is_member, error.what.removeprefix(f"{name} is "))
    if kind in {"gz", "zip"}:
        raise Refused(
            f"{name} holds another archive",
            why="archives are unpacked one level deep",
            remedy="send the table file itself, or one archive around it",
        )
    if kind == "xlsx":
        check_archive(target, limits)
    return Part(target, name, kind, is_member)


def check_archive(path: Path, limits: Limits) -> list[zipfile.ZipInfo]:
    """The members of a zip (or workbook), within the limits by what its table of contents says."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if len(members) > limits.members:
        raise Refused(
            f"{path.name} holds {len(members)} files",
            why=f"limits.members of the source allows {limits.members}",
            remedy="send fewer files in one archive",
        )
    packed = max(sum(member.compress_size for member in members), 1024)
    unpacked = sum(member.file_size for member in members)
    if unpacked > limits.unpacked_mib * MIB or unpacked > packed * limits.ratio:
        raise _too_large(path.name, limits)
    return members


def _unzip(path: Path, limits: Limits, scratch: Path, budget: Budget) -> Iterator[Part]:
    members = [member for member in check_archive(path, limits) if not _is_system_file(member)]
    for member in members:
        _refuse_unsafe(path, member)
    if not members:
        raise Refused(f"{path.name} holds no file", why="the archive is empty", remedy="send the table file in it")
    left = limits.unpacked_mib * MIB
    with zipfile.ZipFile(path) as archive:
        for number, member in enumerate(members):
            target = scratch / f"{path.name}.member{number}"
            try:
                with archive.open(member) as packed:
                    _copy(packed, target, member.filename, member.compress_size, limits, budget)
            except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError) as error:
                raise _damaged(f"{path.name}/{member.filename}", error) from error
            left -= target.stat().st_size
            if left < 0:
                raise _too_large(path.name, limits)
            if len(members) > 1 or target.stat().st_size:
                yield _inner(target, f"{path.name}/{member.filename}", limits, is_member=len(members) > 1)


def _is_system_file(member: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(member.filename).parts
    last = parts[-1] if parts else ""
    return member.is_dir() or "__MACOSX" in parts or last.startswith("._") or last.lower() in _SYSTEM_NAMES or not parts


def _refuse_unsafe(path: Path, member: zipfile.ZipInfo) -> None:
    # ZipInfo turns backslashes into slashes only on Windows; the name as it stands in the archive counts.
    name = member.orig_filename
    is_absolute = name.startswith(("/", "\\")) or (len(name) > 1 and name[1] == ":")
    if is_absolute or "\\" in name or ".." in PurePosixPath(name).parts or "\0" in name:
        raise Refused(
            f"{path.name} holds a file whose name leads out of its folder",
            where=f"member {name[:100]!r}",
            why="such archives overwrite files of the machine that unpacks them",
            remedy="pack the table again with plain file names",
        )
    if member.flag_bits & 1:
        raise Refused(
            f"{path.name} is locked with a password",
            where=f"member {name[:100]!r}",
            why="it cannot be read without the password",
            remedy="send it without a password over the protected channel that was agreed",
        )


def _too_large(name: str, limits: Limits) -> Refused:
    return Refused(
        f"{name} unpacks to too much",
        why=f"limits of the source: {limits.unpacked_mib} MiB unpacked, {limits.ratio} times the packed size",
        remedy="send the delivery in parts, or raise limits.unpacked_mib or limits.ratio in the source's file",
    )


def _damaged(name: str, error: Exception) -> Refused:
    return Refused(
        f"{name} cannot be unpacked",
        why=f"its compressed data is cut or damaged: {say_why(error)}",
        remedy="send the file again",
    )
