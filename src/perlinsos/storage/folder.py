"""Objects in a folder, with the semantics of an S3 store: for plain files, tests and machines without a server."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote

from perlinsos.errors import Refused
from perlinsos.storage.objects import (
    BLOCK,
    StoredObject,
    check_deletable,
    check_landing,
    conflict,
    digest_of,
    missing,
)

_SAFE = " =+,@!()[]{}~^$&;'-_."
_NAMES = {"": "%", ".": "%2E", "..": "%2E%2E"}  # segments that a file system would read as something else
_ASIDE = ".being-written"


class FolderStorage:
    """Objects as files below `root/<bucket>/` (see Storage). One machine, any number of processes.

    A key's odd characters are escaped in the file's name. A file is written aside and linked into place, so a reader
    sees it whole or not at all, and the first of several writers wins.
    """

    def __init__(self, root: Path, *, landing: str) -> None:
        self.root, self.landing = root, landing

    def _path(self, bucket: str, key: str) -> Path:
        """The file of a key."""
        if not key or bucket in {"", ".", "..", _ASIDE} or "/" in bucket:
            raise Refused("An object needs a bucket and a key", where=f"{bucket}/{key}")
        return self.root.joinpath(bucket, *(_NAMES.get(part) or quote(part, safe=_SAFE) for part in key.split("/")))

    def make_bucket(self, bucket: str) -> bool:
        folder = self.root / bucket
        is_new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        return is_new

    def put_new(
        self,
        bucket: str,
        key: str,
        source: bytes | Path,
        content_type: str = "application/octet-stream",  # noqa: ARG002 (a folder keeps no media type)
    ) -> bool:
        path = self._place(bucket, key)
        with self._written_aside(source) as aside:
            try:
                os.link(aside, path)
            except FileExistsError:
                if not path.is_file() or digest_of(path) != digest_of(aside):
                    raise conflict(bucket, key, "other bytes are there") from None
                return False
        return True

    def replace_if(self, bucket: str, key: str, data: bytes, etag: str | None) -> str:
        path = self._place(bucket, key)
        with self._alone(), self._written_aside(data) as aside:
            if (_etag(path) if path.exists() else None) != etag:
                raise conflict(bucket, key, "somebody changed it since it was read")
            aside.replace(path)
            return _etag(path)

    def put_landing(self, bucket: str, key: str, source: bytes | Path) -> None:
        check_landing(bucket, key, self.landing)
        path = self._place(bucket, key)
        with self._written_aside(source) as aside:
            aside.replace(path)

    def _place(self, bucket: str, key: str) -> Path:
        """The file of a key whose folder exists. Refused where a part of the key is an object itself."""
        path = self._path(bucket, key)
        if not (self.root / bucket).is_dir():
            raise missing(bucket, "", "there is no such bucket")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise Refused("A part of the key is an object", where=f"{bucket}/{key}", why="a folder keeps one") from error
        return path

    def _make_aside(self) -> Path:
        """Where files are written before they are linked into place; made by the first write, never by a reader."""
        folder = self.root / _ASIDE
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @contextmanager
    def _written_aside(self, source: bytes | Path) -> Iterator[Path]:
        """A synced copy of the source in the same file system, removed at the end."""
        handle, name = tempfile.mkstemp(dir=self._make_aside())
        try:
            with os.fdopen(handle, "wb") as file:
                if isinstance(source, bytes):
                    file.write(source)
                else:
                    with source.open("rb") as read:
                        shutil.copyfileobj(read, file, BLOCK)
                file.flush()
                os.fsync(file.fileno())
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One compare-and-swap at a time on this machine."""
        with (self._make_aside() / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def get(self, bucket: str, key: str) -> bytes:
        try:
            return self._path(bucket, key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise missing(bucket, key) from None

    def fetch(self, bucket: str, key: str, to: Path) -> str:
        path = self._path(bucket, key)
        if not path.is_file():
            raise missing(bucket, key)
        to.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        handle, name = tempfile.mkstemp(prefix=f".{to.name[:40]}-", dir=to.parent)
        try:
            with path.open("rb") as read, os.fdopen(handle, "wb") as file:
                while block := read.read(BLOCK):
                    digest.update(block)
                    file.write(block)
            Path(name).replace(to)
        finally:
            Path(name).unlink(missing_ok=True)
        return digest.hexdigest()

    def stat(self, bucket: str, key: str) -> StoredObject | None:
        path = self._path(bucket, key)
        return StoredObject(bucket, key, path.stat().st_size, _etag(path)) if path.is_file() else None

    def list(self, bucket: str, prefix: str = "") -> Iterator[StoredObject]:
        top = self.root / bucket
        if not top.is_dir():
            raise missing(bucket, "", "there is no such bucket")
        start = self._path(bucket, f"{prefix}x").parent if "/" in prefix else top
        keys = [_key(Path(folder, name).relative_to(top)) for folder, _, names in os.walk(start) for name in names]
        for key in sorted((key for key in keys if key.startswith(prefix)), key=str.encode):
            if found := self.stat(bucket, key):
                yield found

    def delete(self, bucket: str, key: str) -> None:
        check_deletable(bucket, key, self.landing)
        self._path(bucket, key).unlink(missing_ok=True)


def _key(path: Path) -> str:
    """The key of a file's path inside its bucket."""
    return "/".join("" if part == "%" else unquote(part) for part in path.parts)


def _etag(path: Path) -> str:
    """A text that is another one after every replacement of the file."""
    found = path.stat()
    return f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"
