"""A local copy of stored objects, named by their SHA-256: fetched once, verified at every use, capped."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from perlinsos.errors import Conflict
from perlinsos.storage.objects import Storage, digest_of

GRACE_SECONDS = 3600.0  # what was used in the last hour is kept even above the cap: a step may be reading it


@dataclass(frozen=True)
class Cache:
    """A folder of files named `<ab>/<sha256>`, at most about `max_bytes` large; the least recently used go first."""

    folder: Path
    max_bytes: int
    grace_seconds: float = GRACE_SECONDS

    def get(self, storage: Storage, bucket: str, key: str, sha256: str) -> Path:
        """The path of a verified local copy of the object. Do not write to it.

        Raises Conflict where the stored bytes have another digest than `sha256`; Unreachable and Missing as `fetch`.
        """
        path = self.folder / sha256[:2] / sha256
        with contextlib.suppress(FileNotFoundError):  # another process may be trimming
            if digest_of(path) == sha256:
                os.utime(path)
                return path
            path.unlink()  # the disk changed it
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetching-", dir=self.folder) as folder:
            fetched = Path(folder) / sha256
            if (found := storage.fetch(bucket, key, fetched)) != sha256:
                raise Conflict(
                    "A stored object has other bytes than were recorded",
                    where=f"{bucket}/{key}",
                    why=f"its SHA-256 begins with {found[:12]}, not {sha256[:12]}",
                    remedy="restore the object from the bucket's backup; nothing was computed from it",
                )
            fetched.chmod(0o444)
            fetched.replace(path)
        self.trim(keep=path)
        return path

    def trim(self, keep: Path | None = None) -> int:
        """Remove the least recently used files until the cap holds; the bytes removed."""
        files = sorted(self._list())
        excess = sum(size for _, size, _ in files) - self.max_bytes
        latest = time.time() - self.grace_seconds
        removed = 0
        for used, size, name in files:
            if removed >= excess or used > latest:
                break
            path = Path(name)
            if path != keep:
                path.unlink(missing_ok=True)
                removed += size
        return removed

    def _list(self) -> Iterator[tuple[float, int, str]]:
        """When each file was last used, its bytes and its path. Every fetch asks, so it takes one `stat` a file."""
        for folder in os.scandir(self.folder):
            if len(folder.name) != 2:  # a fetch under way
                continue
            for file in os.scandir(folder):
                with contextlib.suppress(FileNotFoundError):
                    found = file.stat()
                    yield found.st_mtime, found.st_size, file.path
