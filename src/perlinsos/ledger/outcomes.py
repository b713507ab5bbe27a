"""Outcome rows: what every step did, in counts and digests, also when it failed. Never a person's number."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from perlinsos.errors import PerlinsosError, Refused
from perlinsos.ledger.connection import Connection, Role, call

OutcomeState = Literal["done", "nothing_new", "refused", "failed"]


@dataclass
class Measured:
    """What a step fills in while it runs; written as one outcome row when it ends."""

    counts: dict[str, Any] = field(default_factory=dict)
    digests: dict[str, Any] = field(default_factory=dict)
    state: OutcomeState = "done"


@contextmanager
def measure(connect: Callable[[Role], AbstractContextManager[Connection]], role: Role, step: str, key: str) -> Iterator[Measured]:
    """Time a step and write its outcome row at the end, whatever happened.

    A PerlinsosError is recorded with its words; of any other error only the type, since its text may hold a value.
    """
    measured, started = Measured(), time.monotonic()
    error: dict[str, str] | None = None
    try:
        yield measured
    except Exception as raised:
        measured.state = "refused" if isinstance(raised, Refused) else "failed"
        kind = type(raised).__name__
        error = raised.as_dict() | {"kind": kind} if isinstance(raised, PerlinsosError) else {"what": kind}
        raise
    finally:
        milliseconds = round((time.monotonic() - started) * 1000)
        with connect(role) as connection:
            row = [step, key, measured.state, measured.counts, measured.digests, error, milliseconds]
            call(connection, "record_outcome", row)
