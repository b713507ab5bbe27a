"""The local cache: verified, content-addressed, capped."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from perlinsos.errors import Conflict
from perlinsos.storage import Cache, Storage
from perlinsos.storage.folder import FolderStorage

WORK = "perlinsos-work"


@pytest.fixture
def store(tmp_path: Path) -> Storage:
    made = FolderStorage(tmp_path / "objects", landing="perlinsos-landing")
    made.make_bucket(WORK)
    return made


def put(store: Storage, data: bytes) -> tuple[str, str]:
    digest = hashlib.sha256(data).hexdigest()
    store.put_new(WORK, f"sha256/{digest}", data)
    return f"sha256/{digest}", digest


def test_the_second_use_needs_no_store(store: Storage, tmp_path: Path) -> None:
    cache, (key, digest) = Cache(tmp_path / "cache", 10_000), put(store, b"hello")
    first = cache.get(store, WORK, key, digest)
    (tmp_path / "objects").rename(tmp_path / "away")
    assert cache.get(store, WORK, key, digest) == first and first.read_bytes() == b"hello"


def test_a_copy_that_the_disk_changed_is_fetched_again(store: Storage, tmp_path: Path) -> None:
    cache, (key, digest) = Cache(tmp_path / "cache", 10_000), put(store, b"hello")
    path = cache.get(store, WORK, key, digest)
    path.chmod(0o644)
    path.write_bytes(b"hellO")
    assert cache.get(store, WORK, key, digest).read_bytes() == b"hello"


def test_other_bytes_than_recorded_are_a_conflict_and_leave_nothing(store: Storage, tmp_path: Path) -> None:
    key, _ = put(store, b"hello")
    with pytest.raises(Conflict):
        Cache(tmp_path / "cache", 10_000).get(store, WORK, key, "0" * 64)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_the_cap_removes_what_was_used_longest_ago(store: Storage, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", 2500, grace_seconds=0)
    paths = []
    for number in range(3):
        paths.append(cache.get(store, WORK, *put(store, bytes([number]) * 1000)))
        if number < 2:
            os.utime(paths[-1], (1000 + number, 1000 + number))
    assert [path.exists() for path in paths] == [False, True, True]


def test_what_was_just_used_stays_above_the_cap(store: Storage, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", 10)
    paths = [cache.get(store, WORK, *put(store, bytes([number]) * 1000)) for number in range(3)]
    assert all(path.exists() for path in paths)
