"""What the project relies on of an object store, on a real one and on a folder."""

from __future__ import annotations

import hashlib
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from perlinsos.errors import Conflict, Refused, Unreachable
from perlinsos.settings import Settings, load_settings
from perlinsos.storage import Missing, Storage, check_conditional_writes, open_storage
from perlinsos.storage.folder import FolderStorage
from perlinsos.storage.s3 import S3Storage

WORK, LANDING = "perlinsos-work", "perlinsos-landing"
ODD = ["a b+c&d=e%20f#g?.csv", "programme=pkh/region=35.10/é ñ 日本.csv", "(1) [x] {y}~!@$^',;.txt", 'q"uote.txt']


def prefix() -> str:
    return f"test/{uuid.uuid4().hex}/"


def test_the_same_bytes_are_no_news_and_others_are_never_written_over(storage: Storage, tmp_path: Path) -> None:
    key = prefix() + "x"
    (tmp_path / "same").write_bytes(b"one")
    assert storage.put_new(WORK, key, b"one") is True
    assert storage.put_new(WORK, key, tmp_path / "same") is False
    with pytest.raises(Conflict):
        storage.put_new(WORK, key, b"two")
    assert storage.get(WORK, key) == b"one"


def test_of_eight_writers_one_wins(storage: Storage) -> None:
    def write(key: str, number: int) -> Any:
        try:
            return storage.put_new(WORK, key, b"writer %d" % number)
        except Conflict:
            return "lost"

    for _ in range(5):
        key = prefix() + "x"
        with ThreadPoolExecutor(8) as writers:
            ends = list(writers.map(lambda number: write(key, number), range(8)))  # noqa: B023
        assert sorted(map(str, ends)) == ["True"] + ["lost"] * 7
        assert storage.get(WORK, key) == b"writer %d" % ends.index(True)


def test_of_eight_writers_of_the_same_bytes_one_writes(storage: Storage) -> None:
    key = prefix() + "x"
    with ThreadPoolExecutor(8) as writers:
        assert sorted(writers.map(lambda _: storage.put_new(WORK, key, b"same"), range(8))) == [False] * 7 + [True]


def test_compare_and_swap(storage: Storage) -> None:
    key = prefix() + "latest.json"
    first = storage.replace_if(WORK, key, b"1", None)
    with pytest.raises(Conflict):
        storage.replace_if(WORK, key, b"0", None)
    second = storage.replace_if(WORK, key, b"2", first)
    with pytest.raises(Conflict):
        storage.replace_if(WORK, key, b"3", first)
    found = storage.stat(WORK, key)
    assert found is not None and found.etag == second and storage.get(WORK, key) == b"2"
    with pytest.raises(Conflict):
        storage.replace_if(WORK, prefix() + "absent", b"1", first)


def test_of_eight_swaps_one_wins(storage: Storage) -> None:
    key = prefix() + "latest.json"
    etag = storage.replace_if(WORK, key, b"start", None)

    def swap(number: int) -> bool:
        try:
            storage.replace_if(WORK, key, b"%d" % number, etag)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as writers:
        assert sum(writers.map(swap, range(8))) == 1


def test_more_than_a_thousand_keys_are_all_listed_in_order(storage: Storage) -> None:
    folder = prefix()
    keys = [f"{folder}{number:05d}.json" for number in range(1103)]
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda key: storage.put_new(WORK, key, b"{}"), keys))
    storage.put_new(WORK, folder[:-1] + "-another", b"")
    assert [found.key for found in storage.list(WORK, folder)] == keys


@pytest.mark.parametrize("name", ODD)
def test_odd_characters_in_keys_survive(storage: Storage, name: str, tmp_path: Path) -> None:
    folder = prefix()
    storage.put_landing(LANDING, folder + name, name.encode())
    assert [found.key for found in storage.list(LANDING, folder)] == [folder + name]
    assert storage.get(LANDING, folder + name) == name.encode()
    assert storage.fetch(LANDING, folder + name, tmp_path / "x") == hashlib.sha256(name.encode()).hexdigest()
    storage.put_new(WORK, folder + name, b"new")
    found = storage.stat(WORK, folder + name)
    assert found is not None and found.size == 3
    storage.delete(LANDING, folder + name)
    assert not list(storage.list(LANDING, folder))


def test_a_prefix_need_not_end_at_a_slash(storage: Storage) -> None:
    folder = prefix()
    for name in ("ab/1", "abc", "ac"):
        storage.put_new(WORK, folder + name, b"")
    assert [found.key for found in storage.list(WORK, folder + "ab")] == [folder + "ab/1", folder + "abc"]


def test_a_large_file_is_landed_put_and_fetched_whole(storage: Storage, tmp_path: Path) -> None:
    data = bytes(range(256)) * 4096 * 12  # 12 MiB: several parts
    (tmp_path / "in").write_bytes(data)
    key = prefix() + "large"
    storage.put_landing(LANDING, key, tmp_path / "in")
    assert storage.put_new(WORK, key, tmp_path / "in") is True
    for bucket in (LANDING, WORK):
        assert storage.fetch(bucket, key, tmp_path / bucket) == hashlib.sha256(data).hexdigest()
        assert (tmp_path / bucket).read_bytes() == data
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["in", LANDING, WORK]


def test_what_is_not_there_is_said(storage: Storage, tmp_path: Path) -> None:
    assert storage.stat(WORK, "test/absent") is None
    assert list(storage.list(WORK, "test/absent")) == []
    for ask in (lambda: storage.get(WORK, "test/absent"), lambda: storage.fetch(WORK, "test/absent", tmp_path / "x")):
        with pytest.raises(Missing):
            ask()
    assert not (tmp_path / "x").exists()


def test_a_stored_object_is_not_deleted_and_lands_nowhere_else(storage: Storage) -> None:
    with pytest.raises(Refused):
        storage.delete(WORK, "lists/v1/x")
    with pytest.raises(Refused):
        storage.put_landing(WORK, "lists/v1/x", b"")


def test_the_store_keeps_its_conditions(storage: Storage) -> None:
    check_conditional_writes(storage, WORK)
    assert not list(storage.list(WORK, "temporary/conditional"))
    assert storage.make_bucket(WORK) is False


def test_no_server_is_unreachable_within_bounds(tmp_path: Path) -> None:
    storage = S3Storage("http://127.0.0.1:9", "a", "b", region="us-east-1", landing=LANDING)
    for ask in (
        lambda: storage.get(WORK, "x"),
        lambda: storage.stat(WORK, "x"),
        lambda: list(storage.list(WORK)),
        lambda: storage.put_new(WORK, "x", b""),
        lambda: storage.fetch(WORK, "x", tmp_path / "x"),
    ):
        with pytest.raises(Unreachable) as caught:
            ask()
        assert caught.value.exit_code == 3


@pytest.mark.services
def test_a_wrong_key_is_refused_with_the_remedy(seaweed: Any) -> None:
    storage = S3Storage(seaweed.endpoint, "test-access", "wrong", region="us-east-1", landing=LANDING)
    for ask in (lambda: storage.get(WORK, "x"), lambda: storage.put_new(WORK, "x", b"")):
        with pytest.raises(Refused, match="PERLINSOS_S3_SECRET_KEY"):
            ask()


def test_the_settings_choose_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERLINSOS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PERLINSOS_S3_ENDPOINT", raising=False)
    found = open_storage(load_settings())
    assert isinstance(found, FolderStorage) and found.root == tmp_path / "home" / "objects"
    named = open_storage(Settings(tmp_path, tmp_path, s3_endpoint=f"file://{tmp_path}/with%20space"))
    assert isinstance(named, FolderStorage) and named.root == tmp_path / "with space"
    assert isinstance(open_storage(Settings(tmp_path, tmp_path, s3_endpoint="http://127.0.0.1:1")), S3Storage)


def test_a_folder_keeps_keys_inside_itself(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path / "objects", landing=LANDING)
    storage.make_bucket(WORK)
    for key in ("../../outside", "a//b", "./c", "%2E%2E/d"):
        storage.put_new(WORK, key, key.encode())
        assert storage.get(WORK, key) == key.encode()
    assert {found.key for found in storage.list(WORK)} == {"../../outside", "a//b", "./c", "%2E%2E/d"}
    assert [path.name for path in tmp_path.iterdir()] == ["objects"]
