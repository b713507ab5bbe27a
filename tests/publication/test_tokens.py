"""Tokens against the plain definition of HMAC and base32."""

from __future__ import annotations

import base64
import hashlib
import hmac
import stat
from pathlib import Path

import pyarrow as pa
import pytest

from perlinsos.errors import Refused
from perlinsos.publication.tokens import TokenKey, ensure_token_key, load_token_key, make_tokens

NUMBERS = ["3510160101267001", None, "3510164101267002", "3510160101267001"]


def test_a_token_is_the_truncated_hmac_in_base32_behind_the_key_id() -> None:
    key = TokenKey("ABCD", b"k" * 32)

    def plain(number: str | None) -> str | None:
        if number is None:
            return None
        digest = hmac.new(b"k" * 32, b"family\0" + number.encode(), hashlib.sha256).digest()
        return "ABCD-" + base64.b32encode(digest[:15]).decode()

    assert make_tokens(key, "family", pa.array(NUMBERS)).to_pylist() == [plain(number) for number in NUMBERS]
    assert make_tokens(key, "family", pa.array([], pa.string())).to_pylist() == []
    assert make_tokens(key, "family", pa.array([None], pa.string())).to_pylist() == [None]


def test_the_same_person_has_one_token_and_another_one_with_another_consumer(tmp_path: Path) -> None:
    first, second = ensure_token_key(tmp_path, "kemensos-demo"), ensure_token_key(tmp_path, "bank-demo")
    assert ensure_token_key(tmp_path, "kemensos-demo") == first
    numbers = pa.chunked_array([[NUMBERS[0]], [NUMBERS[3]]])
    one, again = make_tokens(first, "person", numbers).to_pylist()
    assert one == again
    assert one not in make_tokens(second, "person", numbers).to_pylist()
    assert one not in make_tokens(first, "family", numbers).to_pylist()


def test_a_key_is_for_its_owner_only_and_is_never_made_in_passing(tmp_path: Path) -> None:
    key = ensure_token_key(tmp_path, "kemensos-demo")
    assert stat.S_IMODE((tmp_path / "tokens/kemensos-demo.json").stat().st_mode) == 0o600
    assert key.secret.hex() not in repr(key)
    with pytest.raises(Refused):
        load_token_key(tmp_path, "nobody")
