"""The loopback ports of the services: chosen once, remembered, never taken from somebody else."""

from __future__ import annotations

import os
import random
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from perlinsos.errors import Refused, WrongUsage
from perlinsos.operations.services.home import Home, read_json, write_private_json

LOOPBACK = "127.0.0.1"
PREFERRED = {"postgres": 15432, "s3": 8333, "airflow": 8080}
"""Tried first; the others are only spoken between the parts of the object store."""
NAMES = ("postgres", "s3", "airflow", "master", "filer", "volume", "store_admin")
GRPC_OFFSET = 10_000
"""SeaweedFS expects a part's gRPC port at its HTTP port + 10000 (its maintenance worker does so without asking)."""
WITH_GRPC = frozenset({"s3", "master", "filer", "volume", "store_admin"})
LOWEST, HIGHEST = 12_000, 22_000
"""Below the range that systems give to outgoing connections, and the gRPC ports below it too."""


def is_free(port: int) -> bool:
    """Whether nobody listens there and a service could."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def named_port(name: str) -> int | None:
    """The port that the environment names (`PERLINSOS_AIRFLOW_PORT` and so on), or None."""
    text = os.environ.get(f"PERLINSOS_{name.upper()}_PORT")
    if not text:
        return None
    highest = 65_535 - (GRPC_OFFSET if name in WITH_GRPC else 0)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= highest:
        raise WrongUsage(
            "a port is not a number that can be used",
            where=f"PERLINSOS_{name.upper()}_PORT",
            why=f"it must be 1 to {highest}",
            remedy="correct or unset the variable",
        )
    return int(text)


@contextmanager
def choose_ports(home: Home, running: frozenset[str]) -> Iterator[tuple[dict[str, int], list[str]]]:
    """The port of every part, and what there is to say about them.

    The ports of `running` parts stay. A remembered port that somebody else took is replaced and named; one that the
    environment names and somebody else took is an error. Until the end of the `with` no other `up` of this user
    chooses the same ones.
    """
    remembered: dict[str, int] = read_json(home.ports)
    notes: list[str] = []
    chosen: dict[str, int] = {}
    with ExitStack() as reservations:
        for name in NAMES:
            if name in running and name in remembered:
                chosen[name] = remembered[name]
                continue
            chosen[name] = _choose(name, remembered.get(name), notes, reservations)
        if chosen != remembered:
            write_private_json(home.ports, chosen)
        yield chosen, notes


def _choose(name: str, remembered: int | None, notes: list[str], reservations: ExitStack) -> int:
    named = named_port(name)
    if named is not None:
        if not _take(name, named, reservations):
            raise Refused(
                f"port {named} for {name} is in use",
                where=f"{LOOPBACK}:{named}",
                why=f"another process listens there, and PERLINSOS_{name.upper()}_PORT names it",
                remedy="stop that process, name another port, or unset the variable",
            )
        return named
    candidates = [remembered] if remembered else []
    candidates += [PREFERRED[name]] if name in PREFERRED else []
    candidates += [random.SystemRandom().randrange(LOWEST, HIGHEST) for _ in range(200)]
    for port in candidates:
        if _take(name, port, reservations):
            if remembered and port != remembered:
                notes.append(f"port {remembered} of {name} is in use by another process; {port} is used instead")
            return port
    raise Refused(
        f"no free port for {name}",
        where=LOOPBACK,
        why=f"all that were tried between {LOWEST} and {HIGHEST} are in use",
        remedy=f"name one with PERLINSOS_{name.upper()}_PORT",
    )


def _take(name: str, port: int, reservations: ExitStack) -> bool:
    """Reserve a port against other `up`s that choose at this moment; False where it cannot be had."""
    import fcntl

    needed = [port, port + GRPC_OFFSET] if name in WITH_GRPC else [port]
    if not all(is_free(one) for one in needed):
        return False
    folder = Path(tempfile.gettempdir()) / f"perlinsos-ports-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for one in needed:
        lock = reservations.enter_context((folder / str(one)).open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True
