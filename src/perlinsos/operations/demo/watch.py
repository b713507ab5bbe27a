"""Watching Airflow work: what ran, how many rows, what is still open. Reads the ledger and Airflow's REST API only."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from perlinsos.context import Context
from perlinsos.errors import PerlinsosError, Refused
from perlinsos.ledger.connection import fetch_rows
from perlinsos.operations.services.airflow_api import AirflowApi

Say = Callable[[str], None]
SHOWN = 3
_QUIET_STEPS = frozenset({"nothing_new"})
_ORDER = ("received", "accepted", "accepted_with_warnings", "quarantined")


@dataclass
class Watch:
    """One demo being watched. `say` prints a line, `show` keeps one line of what runs at this moment."""

    ctx: Context
    airflow: AirflowApi
    regions: tuple[str, ...]
    say: Say
    show: Say
    began: float = field(default_factory=time.monotonic)
    last_outcome: int = 0
    is_waiting: bool = False

    def skip_what_was_before(self) -> None:
        """Only what happens from now on is told."""
        self.last_outcome = self._newest_outcome()

    def until_published(self, *, patience_seconds: float) -> None:
        """Return when every delivery is taken and every list of the regions is published."""
        self.until(self._open_work, patience_seconds=patience_seconds)

    def until(self, find_open: Callable[[], list[str]], *, patience_seconds: float) -> None:
        """Return when nothing is open any more (`find_open` gives it in words).

        Refused where nothing at all has happened for `patience_seconds` (a stopped scheduler is waited for, and said).
        """
        moved = time.monotonic()
        while True:
            if self._tell_outcomes():
                moved = time.monotonic()
            open_work = find_open()
            if not open_work:
                self.show("")
                return
            if self._tell_health():
                moved = time.monotonic()
            self.show(self._describe_now(open_work))
            if time.monotonic() - moved > patience_seconds:
                raise Refused(
                    f"nothing has happened for {patience_seconds:.0f} seconds",
                    where=self.airflow.url,
                    why="; ".join(open_work),
                    remedy="`perlinsos status` says what each region waits for, `perlinsos doctor` whether every part works",
                )
            time.sleep(1)

    def _rows(self, query: str, arguments: Any = ()) -> list[dict[str, Any]]:
        with self.ctx.connect("reader") as connection:
            return fetch_rows(connection, query, arguments)

    def _newest_outcome(self) -> int:
        return int(self._rows("select coalesce(max(outcome_id), 0) as newest from outcome")[0]["newest"])

    def _tell_outcomes(self) -> bool:
        """Print what finished since the last look; whether there was anything."""
        rows = self._rows(
            "select outcome_id, step, key, state, counts, error, duration_ms from outcome "
            "where outcome_id > %s order by outcome_id",
            [self.last_outcome],
        )
        for row in rows:
            self.last_outcome = row["outcome_id"]
            if row["state"] not in _QUIET_STEPS and (row["counts"] or row["error"]):
                self.say(f"{self._clock()}  {row['step']:<9} {row['key']:<46} {_words(row)}")
        return any(row["state"] not in _QUIET_STEPS for row in rows)

    def _open_work(self) -> list[str]:
        """What is still open, in words; empty at the end."""
        waiting = self._rows("select count(*) as n from delivery where state = 'landed'")[0]["n"]
        lists = self._rows(
            "select l.list_id, l.state::text, c.waiting_reason from list as l join cycle as c using (cycle_id) "
            "where l.region_code = any(%s) and not exists (select from list_revision as r where r.list_id = l.list_id "
            "and r.state = 'published') order by l.list_id",
            [list(self.regions)],
        )
        work = self._rows(
            "select region_code, stage, state from work where region_code = any(%s) and state in ('due', 'claimed')",
            [list(self.regions)],
        )
        words = [f"{waiting} deliveries wait"] if waiting else []
        words += [f"{row['list_id']} is {row['state']}" for row in lists]
        return words + [f"{row['region_code']}|{row['stage']} is {row['state']}" for row in work]

    def _tell_health(self) -> bool:
        """Say when the scheduler is not running, and when it is back; whether Airflow is being waited for."""
        try:
            ill = self.airflow.unhealthy()
        except PerlinsosError:
            ill = ["api-server"]
        if ill and not self.is_waiting:
            self.say(f"{self._clock()}  waiting: {', '.join(ill)} of Airflow is not running, and only Airflow does the work")
        if not ill and self.is_waiting:
            self.say(f"{self._clock()}  Airflow is back")
        self.is_waiting = bool(ill)
        return self.is_waiting

    def _describe_now(self, open_work: list[str]) -> str:
        """One line: the tasks that run now, and how much is open."""
        try:
            running = self.airflow.task_instances(state="running")
        except PerlinsosError:
            return "Airflow does not answer"
        tasks = sorted({f"{task['dag_id']}.{task['task_id']}" for task in running})
        return f"{self._clock()}  running: {', '.join(tasks) or '–'} · {len(open_work)} open: {open_work[0]}"

    def _clock(self) -> str:
        return f"{time.monotonic() - self.began:6.1f} s"


def _words(row: dict[str, Any]) -> str:
    """State, counts and duration of an outcome in one line."""
    if row["error"]:
        return f"{row['state']}: {row['error'].get('what', '')}"
    counts = sorted(row["counts"].items(), key=lambda item: _ORDER.index(item[0]) if item[0] in _ORDER else len(_ORDER))
    told = [_count(name, value) for name, value in counts if value]
    return f"{row['duration_ms'] / 1000:6.1f} s  {' · '.join(told)}"


def _count(name: str, value: Any) -> str:
    """`received 4,712`, `pkh: LAYAK 449, TUNDA 60` where the count is one by outcome; of one by programme and reason the
    three most frequent of each: `reasons: bpnt PEKERJAAN 12, …; pkh …`."""
    name = name.removesuffix(".parquet").replace("_", " ")
    if not isinstance(value, dict):
        return f"{name} {_number(value)}"
    if any(isinstance(inner, dict) for inner in value.values()):
        told = [f"{group} {_list_most(counts)}" for group, counts in sorted(value.items()) if isinstance(counts, dict) and counts]
        return f"{name}: {'; '.join(told)}"
    return f"{name}: " + ", ".join(f"{inner} {_number(number)}" for inner, number in sorted(value.items()) if number)


def _list_most(counts: dict[str, Any]) -> str:
    """The three most frequent of some counts, and how many more there are."""
    numbers = {name: number for name, number in counts.items() if isinstance(number, int)}
    most = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
    more = f", {len(most) - SHOWN} more" if len(most) > SHOWN else ""
    return ", ".join(f"{name} {number:,}" for name, number in most[:SHOWN]) + more


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
