"""What a step is given: settings, object store, local cache, ledger, the time of the run, and who runs it."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from perlinsos.ledger.connection import Connection, Role, transaction
from perlinsos.settings import Settings
from perlinsos.storage import Cache, Storage, open_storage

Connect = Callable[[Role], AbstractContextManager[Connection]]


@dataclass(frozen=True)
class Context:
    """Everything outside that a step may touch.

    `connect(role)` is one transaction on the ledger: `with ctx.connect("loader") as connection: …`. `at` is the time
    of the run (with a zone): the only clock a step reads. `holder` names the run for claims: a retry with the same
    holder takes its own claim over at once.
    """

    settings: Settings
    storage: Storage
    cache: Cache
    connect: Connect
    at: datetime
    holder: str

    def at_time(self, at: datetime) -> Context:
        """The same at another time."""
        return replace(self, at=at)


def open_context(
    settings: Settings, at: datetime | None = None, *, holder: str | None = None, storage: Storage | None = None
) -> Context:
    """The context of one run. Nothing is contacted yet.

    `at` defaults to the moment of the call: DAGs pass the run's time, people `--at`. `holder`: DAGs pass the run id
    of Airflow; the default is unique to this call.
    """
    if at is None:
        at = datetime.now(UTC)
    if at.tzinfo is None:
        raise ValueError("the time of a run needs a zone")
    name = holder or f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    return Context(
        settings,
        storage or open_storage(settings),
        Cache(settings.cache, settings.cache_max_bytes),
        partial(transaction, settings, actor=holder),
        at,
        name,
    )
