"""The keys that publishing needs, made once: `perlinsos up` calls this; publishing itself never makes a key in passing."""

from __future__ import annotations

from pathlib import Path

from perlinsos.publication.signature import ensure_key
from perlinsos.publication.snapshot import CONSUMERS
from perlinsos.publication.tokens import ensure_token_key
from perlinsos.settings import Settings


def ensure_keys(settings: Settings) -> Path:
    """Make the platform's signing key and every consumer's token key where there are none (mode 0600).

    Gives the path of the public key, for `minisign -p` and `snapshot verify --public-key`. Safe to repeat; existing
    keys are never replaced. On several machines all need the same files.
    """
    folder = settings.home / "keys"
    for consumer in CONSUMERS:
        ensure_token_key(folder, consumer.consumer_id)
    return ensure_key(folder)
