"""Signatures in minisign's format (Ed25519), so that anybody verifies a list with the public `minisign` program.

The platform's key lies in `PERLINSOS_HOME/keys` (mode 0600, no password: the folder is the protection); its public
half is published under `keys/` and stays there after the key has been replaced.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import minisign

from perlinsos.errors import Refused

PLATFORM = "platform"


@dataclass(frozen=True)
class SigningKey:
    """A secret key that is loaded, and its public half as `minisign` reads it."""

    secret: minisign.SecretKey
    public: bytes

    @property
    def key_id(self) -> str:
        """The key id as `minisign` prints it: 16 hex digits in upper case."""
        return key_id_of(self.public)


def ensure_key(folder: Path, name: str = PLATFORM) -> Path:
    """Create the key pair `name.key` and `name.pub` in the folder where there is none; the path of the public key.

    Of several processes at once the first wins. An existing key is never replaced.
    """
    secret, public = folder / f"{name}.key", folder / f"{name}.pub"
    if not secret.exists():
        pair = minisign.KeyPair.generate()
        write_secret(secret, bytes(pair.secret_key) + b"\n")
    made = minisign.SecretKey.from_file(secret).get_public_key()
    made.untrusted_comment = f"minisign public key {_printed(made)}"
    if not public.exists():
        write_secret(public, bytes(made) + b"\n", mode=0o644)
    return public


def write_secret(path: Path, data: bytes, mode: int = 0o600) -> bool:
    """Write a new file of that mode whole, in a folder of mode 0700; False where it was there already."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
            return True
        return False
    finally:
        Path(name).unlink()


def load_key(folder: Path, name: str = PLATFORM) -> SigningKey:
    """The signing key of that name. Refused where it is missing, or readable for others."""
    path = folder / f"{name}.key"
    if not path.exists():
        remedy = "`perlinsos up` makes it; on several machines give all of them the same file"
        raise Refused("There is no key to sign with", where=f"keys/{path.name}", remedy=remedy)
    if path.stat().st_mode & 0o077:
        raise Refused("Others can read the signing key", where=f"keys/{path.name}", remedy="chmod 600, and replace the key")
    secret = minisign.SecretKey.from_file(path)
    public = secret.get_public_key()
    public.untrusted_comment = f"minisign public key {_printed(public)}"
    return SigningKey(secret, bytes(public) + b"\n")


def sign(key: SigningKey, data: bytes, trusted_comment: str) -> bytes:
    """The content of the `.minisig` file: the same for the same key, data and comment (no time in it)."""
    signature = key.secret.sign(
        data, trusted_comment=trusted_comment, untrusted_comment=f"signature from perlinsos key {key.key_id}"
    )
    return bytes(signature) + b"\n"


def verify(data: bytes, signature: bytes, public_keys: Iterable[bytes], where: str = "manifest.json") -> str:
    """The id of the key, one of `public_keys` (contents of `.pub` files), that signed the data. Else Refused."""
    try:
        signed = minisign.Signature.from_bytes(signature)
    except (minisign.ParseError, UnicodeDecodeError) as error:
        raise Refused("The signature cannot be read", where=f"{where}.minisig", why=str(error)) from error
    tried = []
    for public in public_keys:
        try:
            key = minisign.PublicKey.from_bytes(public)
            key.verify(data, signed)
        except (minisign.ParseError, minisign.VerifyError, UnicodeDecodeError) as error:
            tried.append(str(error))
            continue
        return _printed(key)
    why = "; ".join(sorted(set(tried))) or "no public key was given"
    remedy = "get the public key from the published keys/ folder over a way you trust; do not load this list"
    raise Refused("The signature does not verify", where=where, why=why, remedy=remedy)


def is_public_key(content: bytes) -> bool:
    """Whether a file's content is a public key as `minisign` writes it."""
    try:
        minisign.PublicKey.from_bytes(content)
    except (minisign.ParseError, UnicodeDecodeError):
        return False
    return True


def key_id_of(public: bytes) -> str:
    """The id of a public key, as `minisign` prints it."""
    return _printed(minisign.PublicKey.from_bytes(public))


def _printed(key: minisign.PublicKey) -> str:
    """minisign prints the 8 bytes of a key id as one little-endian number."""
    return key._keynum_pk.key_id[::-1].hex().upper()  # type: ignore[no-any-return]
