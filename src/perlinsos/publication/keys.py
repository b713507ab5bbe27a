"""The platform's signing key: made once by `perlinsos up`, replaced by `perlinsos key rotate`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from perlinsos.publication.commit import publish_key
from perlinsos.publication.signature import PLATFORM, ensure_key, load_key, write_secret
from perlinsos.settings import Settings
from perlinsos.storage import Storage


def ensure_keys(settings: Settings) -> Path:
    """Make the platform's signing key where there is none (mode 0600); publishing itself never makes a key in passing.

    Gives the path of the public key, for `minisign -p` and `snapshot verify --public-key`. Safe to repeat; an existing
    key is never replaced. On several machines all need the same files.
    """
    return ensure_key(settings.home / "keys")


def rotate_key(settings: Settings, storage: Storage) -> dict[str, str]:
    """Replace the signing key: both public keys are published, the old one's also stays in `PERLINSOS_HOME/keys`.

    The old secret key is gone afterwards. A publication under way may end with the old key; both verify.
    """
    folder = settings.home / "keys"
    old = load_key(folder)
    publish_key(storage, settings.buckets, old)
    write_secret(folder / f"{old.key_id}.pub", old.public, mode=0o644)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        aside = Path(name)
        ensure_key(aside)
        new = load_key(aside)
        publish_key(storage, settings.buckets, new)
        (aside / f"{PLATFORM}.key").replace(folder / f"{PLATFORM}.key")
        (aside / f"{PLATFORM}.pub").replace(folder / f"{PLATFORM}.pub")
    return {"key_id": new.key_id, "previous_key_id": old.key_id}
