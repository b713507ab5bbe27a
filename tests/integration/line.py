"""A running platform with a world laid into it: drops, waiting for conditions, and what ledger, store and Airflow say then."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
import pyarrow.parquet as pq

from live_services import Services
from perlinsos.context import Context, open_context
from perlinsos.errors import Unreachable
from perlinsos.ledger.connection import fetch_rows
from perlinsos.ledger.revisions import Revision, make_list_id, read_revisions
from perlinsos.operations.demo.lay import MARKER
from perlinsos.publication.fetch import fetch_list
from perlinsos.publication.manifest import list_prefix

from .small_world import SNAPSHOT, STAGE, Row

PATIENCE_SECONDS = 420
"""How long a condition may take on a machine that is busy with something else; a quiet one needs a few seconds."""


@contextmanager
def environment(services: Services) -> Iterator[None]:
    """Our commands in this process work in the home and project of these services."""
    names = {"PERLINSOS_HOME": str(services.home.root), "PERLINSOS_PROJECT": str(services.project)}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


@dataclass(frozen=True)
class Line:
    """The line landing → list on a platform. `out` holds the invented deliveries, `folder` what tests bring to the disk."""

    services: Services
    out: Path
    folder: Path

    @cached_property
    def ctx(self) -> Context:
        """A context of a person at the command line."""
        return open_context(self.services.settings)

    def call(self, *words: str) -> None:
        """One of our commands, in this process."""
        from perlinsos.cli import app

        with environment(self.services):
            app(list(words), standalone_mode=False)

    def lay(self, prefix: str, delivery: Path) -> None:
        """Lay a delivery's files under a prefix of the landing bucket, the marker last."""
        for path in sorted(delivery.iterdir(), key=lambda path: (path.name == MARKER, path.name)):
            self.ctx.storage.put_landing(self.ctx.settings.buckets.landing, f"{prefix}/{path.name}", path)

    def first(self, source: str, scope: str = "national") -> Path:
        """The folder of a first delivery."""
        return self.out / source / scope / SNAPSHOT

    def rows(self, query: str, *arguments: Any) -> list[Row]:
        """Rows of the ledger."""
        with self.ctx.connect("reader") as connection:
            return fetch_rows(connection, query, list(arguments))

    def value(self, query: str, *arguments: Any) -> Any:
        """The one value of one row of the ledger."""
        return next(iter(self.rows(query, *arguments)[0].values()))

    def wait(self, what: str, holds: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Ask until it holds; work that was set aside is never waited for."""
        limit = time.monotonic() + seconds
        while not holds():
            failed = self.rows("select region_code, error from work where state = 'failed'")
            assert not failed, f"while waiting for {what}: {failed}"
            assert time.monotonic() < limit, f"{what}: not in {seconds:.0f} seconds; {self.describe()}"
            time.sleep(0.2)

    def wait_through_an_outage(self) -> None:
        """Wait until the ledger answers again."""
        limit = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                assert self.value("select 1") == 1
                return
            except (Unreachable, psycopg2.Error):
                assert time.monotonic() < limit, "the ledger did not come back"
                time.sleep(0.2)

    def describe(self) -> list[str]:
        """Why nothing moves, for the message of a test that fails."""
        words = [f"{r['cycle_id']}: {r['waiting_reason']}" for r in self.rows("select cycle_id, waiting_reason from cycle")]
        words += [
            str(r) for r in self.rows("select region_code, state, holder, lease_until from work where state <> 'superseded'")
        ]
        return words + [str(r) for r in self.rows("select step, key, error from outcome where error is not null")[-5:]]

    def is_still(self) -> bool:
        """Whether every prefix is taken and nothing waits to be judged or decided."""
        landing = self.ctx.settings.buckets.landing
        prefixes = {item.key.rpartition("/")[0] + "/" for item in self.ctx.storage.list(landing)}
        taken = {
            row["landing_prefix"] for row in self.rows("select landing_prefix from landing_prefix where delivery_id is not null")
        }
        return prefixes <= taken and self.value(_IS_STILL)

    def settle(self) -> None:
        """Wait until the line has nothing more to do: it is still, and a tick that began later found nothing new either.

        What a task has done stands in the ledger before its outcome does, so an older tick says nothing.
        """
        limit = time.monotonic() + PATIENCE_SECONDS
        while True:
            self.wait("the line to be still", self.is_still, limit - time.monotonic())
            seen_at = self.value("select clock_timestamp()")
            self.wait("a later tick of dispatch", lambda seen_at=seen_at: self._ticked_since(seen_at) is not None)
            if self._ticked_since(seen_at) == "nothing_new" and self.is_still():
                return

    def _ticked_since(self, moment: Any) -> str | None:
        """What the newest tick of dispatch that began after a moment found."""
        found = self.rows(_NEWEST_TICK, moment)
        return found[0]["state"] if found else None

    def state_of(self, region: str, programme: str) -> str:
        """The state of a list."""
        return str(self.value("select state::text from list where list_id = %s", make_list_id(region, STAGE, programme)))

    def revisions(self, region: str, programme: str, *, simulations: bool = False) -> list[Revision]:
        """The published revisions of a list, oldest first."""
        with self.ctx.connect("reader") as connection:
            list_id = make_list_id(region, STAGE, programme)
            return read_revisions(connection, list_id, "simulation" if simulations else "list")

    def fetch(self, region: str, programme: str, revision: int) -> Path:
        """The folder of an authoritative revision, brought to the disk once."""
        folder = self.folder / f"{region}-{programme}-{revision}"
        if not folder.exists():
            label = f"{make_list_id(region, STAGE, programme)}/r{revision}"
            fetch_list(self.ctx.storage, self.ctx.settings.buckets, label, folder)
        return folder

    def decisions(self, region: str, programme: str, revision: int) -> dict[str, Row]:
        """The decisions of a revision by card number."""
        table = pq.read_table(self.fetch(region, programme, revision) / "decisions.parquet")
        return {row["no_kk"]: row for row in table.to_pylist()}

    def objects(self, *names: str) -> dict[str, tuple[int, str]]:
        """Key → size and etag of every object in some buckets; the checkpoints of the audit chain belong to no delivery."""
        buckets = vars(self.ctx.settings.buckets)
        found = {(name, item.key): (item.size, item.etag) for name in names for item in self.ctx.storage.list(buckets[name])}
        return {f"{name}/{key}": described for (name, key), described in found.items() if not key.startswith("audit/")}

    def objects_of(self, region: str, programme: str, revision: int) -> dict[str, tuple[int, str]]:
        """The objects of one authoritative revision."""
        prefix = list_prefix(make_list_id(region, STAGE, programme), revision, is_simulation=False)
        bucket = self.ctx.settings.buckets.work
        return {item.key: (item.size, item.etag) for item in self.ctx.storage.list(bucket, prefix)}

    def mark_success(self, dag_id: str, run_id: str, task_id: str) -> None:
        """What a person does in Airflow's pages with a task that has not run."""
        path = f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task_id}"
        self.services.airflow.ask("PATCH", path, {"new_state": "success"})

    def clear(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Let a task that has run run again, and wait for it."""
        body = {"dry_run": False, "dag_run_id": run_id, "task_ids": [task_id], "only_failed": False}
        self.services.airflow.ask("POST", f"dags/{dag_id}/clearTaskInstances", body)

    def manifest(self, region: str, programme: str, revision: int) -> Row:
        """The manifest of a revision."""
        found: Row = json.loads((self.fetch(region, programme, revision) / "manifest.json").read_bytes())
        return found


_IS_STILL = """
select not exists (select from delivery where state = 'landed')
    and not exists (select from work where state in ('due', 'claimed'))
"""
_NEWEST_TICK = """
select state::text as state from outcome
where step = 'dispatch' and recorded_at - make_interval(secs => duration_ms / 1000.0) > %s
order by recorded_at desc limit 1
"""
