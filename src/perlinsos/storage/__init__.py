"""Objects: one small seam over any S3 API and over a folder, with the same semantics.

Published and stored objects are immutable: `put_new` writes an object that is not there, and never overwrites.
Only `latest.json` and its like change, by compare-and-swap (`replace_if`). `open_storage` picks by the settings.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from perlinsos.errors import Unreachable
from perlinsos.settings import Settings, say_where
from perlinsos.storage.cache import Cache
from perlinsos.storage.objects import Missing, Storage, StoredObject, check_conditional_writes, digest_of

__all__ = [
    "Cache",
    "Missing",
    "Storage",
    "StoredObject",
    "check_conditional_writes",
    "digest_of",
    "open_named_storage",
    "open_storage",
]


def open_storage(settings: Settings) -> Storage:
    """The object store of the settings: S3 where an endpoint is named, else a folder.

    A `file:` endpoint names the folder; without any endpoint it is `objects` in `PERLINSOS_HOME`.
    """
    from perlinsos.storage.folder import FolderStorage

    endpoint = settings.s3_endpoint
    if endpoint is None:
        return FolderStorage(settings.home / "objects", landing=settings.buckets.landing)
    if endpoint.startswith("file:"):
        return FolderStorage(Path(unquote(urlsplit(endpoint).path)), landing=settings.buckets.landing)
    from perlinsos.storage.s3 import S3Storage  # its SDK is slow to import

    return S3Storage(
        endpoint,
        settings.s3_access_key or "",
        settings.s3_secret_key or "",
        region=settings.s3_region,
        landing=settings.buckets.landing,
    )


def open_named_storage(settings: Settings) -> Storage:
    """The object store that the environment names or `up` started. Unreachable (exit 3) where there is none: a reader
    must not take an empty folder for a store without lists."""
    if settings.s3_endpoint is None:
        raise Unreachable(
            "no object store is configured",
            where=say_where(settings),
            remedy="start the services with `perlinsos up`, name another folder with PERLINSOS_HOME, "
            "or a store with PERLINSOS_S3_ENDPOINT",
        )
    return open_storage(settings)
