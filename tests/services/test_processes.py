"""Which processes are found as ours. Airflow shields a worker from its own user; it is found when all around it is gone."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable

import psutil
import pytest
import setproctitle

from perlinsos.operations.services.processes import MARK, end, find_ours

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shields a process from its own user")
ID = "an-installation-of-this-test"
_DUMPABLE = 4
NOBODY = 65534


def as_ordinary_user(check: Callable[[], object]) -> None:
    """Run the check in a child that is not root; what it raises is told and fails the test."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
                ctypes.CDLL(None).prctl(_DUMPABLE, 1, 0, 0, 0)  # as a process that was this user's from its start
            check()
            status = 0
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def start_scheduler_and_worker() -> tuple[int, int]:
    """A process in a session of its own with our mark in its environment, and its shielded child; their ids."""
    read, write = os.pipe()
    scheduler = os.fork()
    if scheduler == 0:
        os.setsid()
        worker = os.fork()
        if worker == 0:
            setproctitle.setproctitle("airflow worker -- LocalExecutor: <idle>")
            ctypes.CDLL(None).prctl(_DUMPABLE, 0, 0, 0, 0)
            os.write(write, b"%d" % os.getpid())
            time.sleep(600)
            os._exit(0)
        os.execve("/bin/sleep", ["sleep", "600"], {MARK: ID})
    worker = int(os.read(read, 20))
    limit = time.monotonic() + 30
    while psutil.Process(scheduler).name() != "sleep" and time.monotonic() < limit:
        time.sleep(0.01)
    return scheduler, worker


def pids(session: int | None = None, services_id: str = ID) -> set[int]:
    """What is found."""
    return {process.pid for process in find_ours(services_id, session=session)}


def test_a_shielded_worker_is_found_when_its_scheduler_was_killed() -> None:
    def check() -> None:
        scheduler, worker = start_scheduler_and_worker()
        try:
            assert pids() == {scheduler, worker}, "the child of one that can be read"
            assert pids(session=scheduler, services_id="another") == set(), "a living scheduler's worker is that scheduler's"
            os.kill(scheduler, signal.SIGKILL)
            os.waitpid(scheduler, 0)
            with pytest.raises(psutil.AccessDenied):
                psutil.Process(worker).environ()
            assert pids() == set(), "nothing says whose it is"
            assert pids(session=scheduler + 1_000_000) == set()
            assert pids(session=scheduler) == {worker}
            assert end(find_ours(ID, session=scheduler), patience=5) == []
            assert pids(session=scheduler) == set()
        finally:
            for pid in (scheduler, worker):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue

    as_ordinary_user(check)
