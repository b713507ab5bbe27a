"""Which processes are ours, and how they are ended. Nothing that was not started by this installation is touched.

A process is ours when its environment carries this installation's id (every part and its children inherit it) or when
its working folder is our PostgreSQL data folder (the server writes over its own environment). Airflow shields a worker
that once ran a task, and its tasks, from being read by anybody but root: such a one is ours when a process of ours
started it, or, where that one is gone, when it stands in the session of our supervisor.
"""

from __future__ import annotations

import os
from collections.abc import Container
from pathlib import Path

import psutil

MARK = "PERLINSOS_SERVICES_ID"
PART = "PERLINSOS_SERVICES_PART"


def find_ours(
    services_id: str, data: Path | None = None, *, part: str | None = None, session: int | None = None
) -> list[psutil.Process]:
    """The living processes of this installation and what they started, never this process or those it descends from.

    With `part` only those of this part, and shielded ones whose part is gone. `session`: the process id that the
    supervisor has or had, for when nothing that can be read is left of it.
    """
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    environments = {process: _read_environment(process) for process in psutil.process_iter()}
    marked = {process: there for process, there in environments.items() if there and MARK in there}
    ours = {process: there for process, there in marked.items() if there[MARK] == services_id}
    found = {process for process, there in ours.items() if part is None or there.get(PART) == part}
    if part is None and data is not None:
        found |= {process for process, there in environments.items() if there is not None and _works_in(process, data)}
    for process in tuple(found):
        found |= _children(process)
    sessions = {session, *map(_session_of, ours)} - {None}
    shielded = (process for process, there in environments.items() if there is None)
    found |= {one for one in shielded if _session_of(one) in sessions and _is_lone_worker(one, marked)}
    return [process for process in found if process.pid not in own]


def _read_environment(process: psutil.Process) -> dict[str, str] | None:
    """The environment; empty of a process that is gone or another user's, None of one of this user's that is shielded."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return {}
        return dict(process.environ())
    except psutil.AccessDenied:
        return None if _user_of(process) == os.geteuid() else {}
    except (psutil.Error, OSError):
        return {}


def _user_of(process: psutil.Process) -> int | None:
    try:
        return int(process.uids().effective)
    except psutil.Error:
        return None


def _session_of(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid)
    except OSError:
        return None


def _works_in(process: psutil.Process, data: Path) -> bool:
    """Whether it is the PostgreSQL server of this data folder."""
    try:
        return process.name() == "postgres" and process.cwd() == str(data)
    except (psutil.Error, OSError):
        return False


def _is_lone_worker(process: psutil.Process, marked: Container[psutil.Process]) -> bool:
    """Whether it is one of Airflow's that no part of any installation has any more."""
    try:
        words = " ".join(process.cmdline())
        return words.startswith("airflow") and not any(parent in marked for parent in process.parents())
    except (psutil.Error, OSError):
        return False


def _children(process: psutil.Process) -> set[psutil.Process]:
    try:
        return {child for child in process.children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE}
    except psutil.Error:
        return set()


def end(processes: list[psutil.Process], *, patience: float) -> list[psutil.Process]:
    """Ask the processes to stop, then kill what is left. Returns those that still live."""
    for process in processes:
        _signal(process, kill=False)
    _gone, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        _signal(process, kill=True)
    _gone, alive = psutil.wait_procs(alive, timeout=10)
    return [process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def _signal(process: psutil.Process, *, kill: bool) -> None:
    """psutil checks that the process id still means the same process before it signals."""
    try:
        if kill:
            process.kill()
        else:
            process.terminate()
    except psutil.NoSuchProcess:
        return
