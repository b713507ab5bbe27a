"""Killing what works on a line at known points: a task that wrote and did not record, a publisher before its manifest."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import psycopg2

from perlinsos.errors import PerlinsosError
from perlinsos.publication.fetch import fetch_list, list_published
from perlinsos.publication.verify import find_public_keys, verify_folder

from .line import PATIENCE_SECONDS, Line

CONSUMER = "kemensos-demo"


def await_now(what: str, look: Callable[[], object]) -> object:
    """Look again at once, without the politeness of `Line.wait`, until there is something; what it is."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < limit, what
    return found


def find_task(line: Line, dag_id: str, task_id: str) -> psutil.Process:
    """The process of a task as soon as Airflow says that it runs."""

    def look() -> psutil.Process | None:
        running = line.services.airflow.task_instances(dag_id, state="running")
        pids = [one["pid"] for one in running if one["task_id"] == task_id and one["pid"]]
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(pids[0]) if pids else None
        return None

    found = await_now(f"{dag_id}.{task_id} to run", look)
    assert isinstance(found, psutil.Process)
    return found


def kill_task(task: psutil.Process, *, with_its_worker: bool = False) -> None:
    """Kill a task outright with all that it started; also the executor's process above it, which would tell of its death."""
    doomed = [*task.children(recursive=True), task]
    if with_its_worker:
        parent = task.parent()
        assert parent is not None and "worker" in " ".join(parent.cmdline()), parent
        doomed.insert(0, parent)
    for process in doomed:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(doomed, timeout=20)


@contextmanager
def holding(line: Line, statement: str) -> Iterator[None]:
    """Hold a lock in the ledger as its owner."""
    connection = psycopg2.connect(line.services.settings.database_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("set role perlinsos_owner")
            cursor.execute(statement)
        yield
    finally:
        connection.close()


def kill_before_it_is_recorded(line: Line, dag_id: str, task_id: str, has_written: Callable[[], bool]) -> None:
    """Kill a task when its results lie in the store and its outcome is not in the ledger, which a lock holds up."""
    task = find_task(line, dag_id, task_id)
    with holding(line, "lock table perlinsos.outcome in exclusive mode"):
        line.wait(f"what {task_id} writes", has_written)
        kill_task(task)


@dataclass
class Reader:
    """Somebody who reads all the time, as consumers do: every manifest and `latest.json`, each at once when it is there."""

    line: Line
    seen: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    _ends: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Read in the background until the block ends."""
        thread = threading.Thread(target=self._read_on)
        thread.start()
        try:
            yield self
        finally:
            self._ends.set()
            thread.join()

    def _read_on(self) -> None:
        while not self._ends.wait(0.3):
            try:
                self.look()
            except PerlinsosError as error:
                self.faults.append(str(error))

    def look(self) -> None:
        """Fetch and verify what is new, and see that `latest.json` names nothing that is not there."""
        storage, buckets = self.line.ctx.storage, self.line.ctx.settings.buckets
        latest = storage.stat(buckets.published, f"consumer={CONSUMER}/latest.json")
        named = self._read_latest() if latest else set()
        for consumer in (None, CONSUMER):
            there = {entry["list"] for entry in list_published(storage, buckets, consumer)}
            for label in sorted(there - {one.partition(" ")[2] for one in self.seen if one.startswith(f"{consumer} ")}):
                self._verify(label, consumer)
                self.seen.add(f"{consumer} {label}")
        self.faults += [f"latest.json names {label}" for label in named if f"{CONSUMER} {label}" not in self.seen]

    def _read_latest(self) -> set[str]:
        found = json.loads(self.line.ctx.storage.get("perlinsos-published", f"consumer={CONSUMER}/latest.json"))
        return {f"{list_id}/r{entry['revision']}" for list_id, entry in found["lists"].items()}

    def _verify(self, label: str, consumer: str | None) -> None:
        storage, settings = self.line.ctx.storage, self.line.ctx.settings
        with TemporaryDirectory(prefix="perlinsos-reader-") as name:
            folder = Path(name) / "copy"
            fetch_list(storage, settings.buckets, label, folder, consumer)
            verdict = verify_folder(folder, find_public_keys(settings.home))
        self.faults += [f"{label}: {fault}" for fault in verdict.faults]
