"""Signatures that the public program reads, and keys that stay secret."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from perlinsos.errors import Refused
from perlinsos.publication.signature import ensure_key, key_id_of, load_key, sign, verify


def test_a_key_is_made_once_and_is_for_its_owner_only(tmp_path: Path) -> None:
    public = ensure_key(tmp_path / "keys")
    first = public.read_bytes()
    assert ensure_key(tmp_path / "keys").read_bytes() == first == load_key(tmp_path / "keys").public
    assert stat.S_IMODE((tmp_path / "keys/platform.key").stat().st_mode) == 0o600


def test_without_a_key_nothing_is_signed(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="perlinsos up"):
        load_key(tmp_path)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    ensure_key(tmp_path)
    (tmp_path / "platform.key").chmod(0o640)
    with pytest.raises(Refused, match="Others can read"):
        load_key(tmp_path)


def test_sign_and_verify(tmp_path: Path) -> None:
    ensure_key(tmp_path), ensure_key(tmp_path, "another")
    key, other = load_key(tmp_path), load_key(tmp_path, "another")
    signature = sign(key, b"data", "list x")
    assert signature == sign(key, b"data", "list x")
    assert verify(b"data", signature, [other.public, key.public]) == key.key_id == key_id_of(key.public)
    for data, signed, keys in (
        (b"Data", signature, [key.public]),
        (b"data", signature.replace(b"list x", b"list y"), [key.public]),
        (b"data", signature, [other.public]),
        (b"data", signature, []),
        (b"data", b"nonsense", [key.public]),
    ):
        with pytest.raises(Refused):
            verify(data, signed, keys)


@pytest.mark.debian
def test_the_public_program_verifies(tmp_path: Path) -> None:
    ensure_key(tmp_path)
    key = load_key(tmp_path)
    (tmp_path / "manifest.json").write_bytes(b"{}")
    (tmp_path / "manifest.json.minisig").write_bytes(sign(key, b"{}", "list x"))
    command = ["minisign", "-Vm", str(tmp_path / "manifest.json"), "-p", str(tmp_path / "platform.pub")]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Trusted comment: list x" in found.stdout
    (tmp_path / "manifest.json").write_bytes(b"{ }")
    assert subprocess.run(command, capture_output=True).returncode != 0
