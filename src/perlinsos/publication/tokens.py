"""Tokens: what stands in a consumer's files instead of a card number or a NIK.

HMAC-SHA256 under a key of this consumer alone, truncated to 120 bits, in base32 behind the id of the key
(`K7QX-` and 24 characters). The same person keeps the token within a consumer, two consumers cannot compare theirs
by the tokens alone, and without the key no number can be found by trying.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from perlinsos.errors import Refused
from perlinsos.publication.signature import write_secret

TOKEN_BYTES = 15  # 120 bits: 24 characters of base32 without padding
_ALPHABET = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", dtype=np.uint8)
_SEPARATOR = b"-"


@dataclass(frozen=True)
class TokenKey:
    """The key of one consumer. `key_id` stands in every token, so that tokens of an older key are told apart."""

    key_id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"TokenKey({self.key_id!r})"


@dataclass(frozen=True)
class TokenKeys:
    """The keys of one consumer: the one in use, and past ones from the oldest to the newest."""

    current: TokenKey
    past: tuple[TokenKey, ...] = ()

    @property
    def previous(self) -> TokenKey | None:
        """The key before the one in use."""
        return self.past[-1] if self.past else None

    def find(self, key_id: str) -> TokenKey:
        """The key of that id. Refused where it is missing."""
        for key in (self.current, *self.past):
            if key.key_id == key_id:
                return key
        remedy = "restore keys/tokens from its backup; no list with that key can be finished without it"
        raise Refused("A token key is missing", where=key_id, remedy=remedy)


def ensure_token_key(folder: Path, consumer: str) -> TokenKey:
    """The key of the consumer in `folder` (PERLINSOS_HOME/keys), made where there is none (mode 0600)."""
    path = _path(folder, consumer)
    if not path.exists():
        write_secret(path, _as_bytes(_make_key(()), ()))
    return load_token_key(folder, consumer)


def rotate_token_key(folder: Path, consumer: str) -> TokenKeys:
    """Replace the consumer's key by a new one; past ones stay beside it, so that earlier tokens can still be made.

    Refused where there is no key, or where another rotation is at work.
    """
    path = _path(folder, consumer)
    known = load_token_keys(folder, consumer)
    past = (*known.past, known.current)
    beside = path.with_suffix(".next")
    if not write_secret(beside, _as_bytes(_make_key(past), past)):
        remedy = f"wait until it ends; where it died, remove keys/tokens/{beside.name}"
        raise Refused("Another rotation of this key is at work", where=consumer, remedy=remedy)
    beside.replace(path)
    return load_token_keys(folder, consumer)


def load_token_key(folder: Path, consumer: str) -> TokenKey:
    """The key of the consumer that is in use."""
    return load_token_keys(folder, consumer).current


def load_token_keys(folder: Path, consumer: str) -> TokenKeys:
    """The keys of the consumer. Refused where they are missing: a new key would give everybody new tokens."""
    path = _path(folder, consumer)
    if not path.exists():
        raise Refused(
            "The consumer has no token key",
            where=f"keys/tokens/{path.name}",
            remedy="`perlinsos consumer add` makes it; on several machines give all of them the same file",
        )
    found = json.loads(path.read_text())
    return TokenKeys(_read_key(found), tuple(_read_key(one) for one in found.get("past", [])))


def _make_key(past: tuple[TokenKey, ...]) -> TokenKey:
    """A new key whose id none of the past ones has."""
    while True:
        secret = secrets.token_bytes(32)
        key_id = base64.b32encode(hashlib.sha256(b"perlinsos-token-key" + secret).digest())[:4].decode()
        if key_id not in {key.key_id for key in past}:
            return TokenKey(key_id, secret)


def _read_key(found: dict[str, str]) -> TokenKey:
    return TokenKey(str(found["key_id"]), bytes.fromhex(found["secret"]))


def _as_bytes(current: TokenKey, past: tuple[TokenKey, ...]) -> bytes:
    described = [{"key_id": key.key_id, "secret": key.secret.hex()} for key in (current, *past)]
    return json.dumps({**described[0], "past": described[1:]}).encode()


def _path(folder: Path, consumer: str) -> Path:
    return folder / "tokens" / f"{consumer}.json"


def make_tokens(key: TokenKey, kind: Literal["family", "person"], numbers: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One token a number (text), null where the number is null. A family and a person never share a token."""
    values = numbers.to_pylist()
    prefix = kind.encode() + b"\0"
    digests = b"".join(
        hmac.digest(key.secret, prefix + value.encode(), "sha256")[:TOKEN_BYTES] for value in values if value is not None
    )
    texts = _in_base32(key.key_id.encode() + _SEPARATOR, digests)
    valid = np.array([value is not None for value in values], dtype=bool)
    places = np.where(valid, np.cumsum(valid) - 1, -1)
    return texts.take(pa.array(places, mask=~valid))


def _in_base32(prefix: bytes, digests: bytes) -> pa.Array:
    """The prefix and the base32 form of every 15 bytes, as an Arrow array of texts of equal length."""
    octets = np.frombuffer(digests, dtype=np.uint8).reshape(-1, TOKEN_BYTES)
    bits = np.unpackbits(octets, axis=1).reshape(len(octets), TOKEN_BYTES * 8 // 5, 5)
    fives = bits @ np.array([16, 8, 4, 2, 1], dtype=np.uint8)
    width = len(prefix) + fives.shape[1]
    letters = np.empty((len(octets), width), dtype=np.uint8)
    letters[:, : len(prefix)] = np.frombuffer(prefix, dtype=np.uint8)
    letters[:, len(prefix) :] = _ALPHABET[fives]
    offsets = np.arange(len(octets) + 1, dtype=np.int32) * width
    return pa.StringArray.from_buffers(len(octets), pa.py_buffer(offsets), pa.py_buffer(letters.tobytes()))
