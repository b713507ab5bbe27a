"""What Airflow's own metadata say, for the pages: heartbeats, its queue, and the runs of a region. For the api-server only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from airflow.jobs.job import Job
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import func, or_, select

PARTS = {"scheduler": "SchedulerJob", "dag-processor": "DagProcessorJob"}
SILENT = timedelta(seconds=30)
"""Without a heartbeat for so long a part is dead (Airflow's own default)."""
REMEMBERED = timedelta(hours=24)
RECENT = timedelta(minutes=15)
OURS = ("ingest", "determine", "finalise")


@dataclass(frozen=True)
class Heartbeat:
    """One part of Airflow. `state`: alive, restarted (died within the last quarter of an hour and lives again) or dead.

    `died` counts its processes that ended without a word within a day, `died_at` is the last heartbeat of the last of them.
    """

    part: str
    state: str
    beat_at: datetime | None
    started_at: datetime | None
    died: int
    died_at: datetime | None


@dataclass(frozen=True)
class Run:
    """One DAG run of a region: its key and state, and where Airflow shows it and its first failed task."""

    dag_id: str
    run_id: str
    key: str | None
    state: str
    started_at: datetime | None
    ended_at: datetime | None
    failed_task: str | None

    @property
    def page(self) -> str:
        """The path of the run in Airflow's own pages."""
        return f"/dags/{self.dag_id}/runs/{self.run_id}"

    @property
    def log(self) -> str | None:
        """The path of the failed task's log."""
        return f"{self.page}/tasks/{self.failed_task}" if self.failed_task else None


def read_heartbeats(at: datetime) -> list[Heartbeat]:
    """Scheduler and dag-processor from their jobs, and the api-server, which is alive since it answers."""
    with create_session() as session:
        found = [_judge(part, _jobs(session, kind, at), at) for part, kind in PARTS.items()]
    return [*found, Heartbeat("api-server", "alive", at, None, 0, None)]


def _jobs(session, kind: str, at: datetime) -> list[Job]:  # type: ignore[no-untyped-def]
    """The newest job of a kind, and those of the last day before it, newest first."""
    query = select(Job).where(Job.job_type == kind).order_by(Job.start_date.desc()).limit(50)
    jobs = list(session.scalars(query))
    return jobs[:1] + [job for job in jobs[1:] if job.start_date and job.start_date > at - REMEMBERED]


def _judge(part: str, jobs: list[Job], at: datetime) -> Heartbeat:
    """A job died if Airflow says so, if it went silent, or if another one began after its last heartbeat."""
    if not jobs:
        return Heartbeat(part, "dead", None, None, 0, None)
    newest = jobs[0]
    is_alive = newest.state == "running" and newest.latest_heartbeat is not None and newest.latest_heartbeat > at - SILENT
    dead = [job for job in jobs[1:] if _died(job, newest, at)]
    last = max((job.latest_heartbeat for job in dead if job.latest_heartbeat), default=None)
    if not is_alive:
        state = "dead"
    elif last is not None and last > at - RECENT:
        state = "restarted"
    else:
        state = "alive"
    return Heartbeat(part, state, newest.latest_heartbeat, newest.start_date, len(dead), last)


def _died(job: Job, newest: Job, at: datetime) -> bool:
    if job.state == "failed":
        return True
    if job.state != "running" or job.latest_heartbeat is None:
        return False
    return bool(job.latest_heartbeat < at - SILENT or (newest.start_date and job.latest_heartbeat < newest.start_date))


def read_queue() -> dict[str, int]:
    """How many tasks of Airflow wait and run."""
    with create_session() as session:
        query = (
            select(TaskInstance.state, func.count())
            .where(TaskInstance.state.in_(("scheduled", "queued", "running", "up_for_retry")))
            .group_by(TaskInstance.state)
        )
        counts = {str(state): int(number) for state, number in session.execute(query)}
    return {"running": counts.get("running", 0), "waiting": sum(counts.values()) - counts.get("running", 0)}


def read_runs(region: str, limit: int = 8) -> list[Run]:
    """The newest runs of a region's own keys, `35.10` and `35.10|<stage>`, newest first."""
    with create_session() as session:
        query = (
            select(DagRun)
            .where(DagRun.dag_id.in_(OURS), or_(DagRun.partition_key == region, DagRun.partition_key.startswith(f"{region}|")))
            .order_by(DagRun.id.desc())
            .limit(limit)
        )
        return [_as_run(session, run) for run in session.scalars(query)]


def _as_run(session, run: DagRun) -> Run:  # type: ignore[no-untyped-def]
    failed = session.scalar(
        select(TaskInstance.task_id)
        .where(TaskInstance.dag_id == run.dag_id, TaskInstance.run_id == run.run_id, TaskInstance.state == "failed")
        .order_by(TaskInstance.start_date)
        .limit(1)
    )
    return Run(run.dag_id, run.run_id, run.partition_key, str(run.state), run.start_date, run.end_date, failed)


def find_key(dag_id: str, run_id: str) -> str | None:
    """The partition key of a run; None where there is no such run, or it has none."""
    with create_session() as session:
        return session.scalar(select(DagRun.partition_key).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))


def now() -> datetime:
    """The moment of a request: a page has no other time to stand for."""
    return datetime.now(UTC)
