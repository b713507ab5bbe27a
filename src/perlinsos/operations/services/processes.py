"""Which processes are ours, and how they are ended. Nothing that was not started by this installation is touched.

A process is ours when its environment carries this installation's id (every part and its children inherit it) or when
its working folder is our PostgreSQL data folder (the server writes over its own environment).
"""

from __future__ import annotations

import os
from pathlib import Path

import psutil

MARK = "PERLINSOS_SERVICES_ID"
PART = "PERLINSOS_SERVICES_PART"


def find_ours(services_id: str, data: Path | None = None, *, part: str | None = None) -> list[psutil.Process]:
    """The living processes of this installation and what they started, never this process or those it descends from.

    With `part` only those of this part.
    """
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = {process for process in psutil.process_iter() if _is_ours(process, services_id, data, part)}
    for process in tuple(found):
        found |= _children(process)
    return [process for process in found if process.pid not in own]


def _is_ours(process: psutil.Process, services_id: str, data: Path | None, part: str | None) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        environment = process.environ()
        if environment.get(MARK) == services_id:
            return part is None or environment.get(PART) == part
        return part is None and data is not None and process.name() == "postgres" and process.cwd() == str(data)
    except (psutil.Error, OSError):  # gone meanwhile, or another user's: not ours
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
