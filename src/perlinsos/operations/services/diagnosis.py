"""`perlinsos doctor`: of every part whether it works, and else what is wrong, why, and what to do."""

from __future__ import annotations

import datetime
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from perlinsos.errors import PerlinsosError, Unreachable
from perlinsos.operations.services import airflow_config, object_store, postgres
from perlinsos.operations.services.airflow_api import AirflowApi, open_airflow
from perlinsos.operations.services.home import Home, read_json
from perlinsos.operations.services.secrets import keep_secrets
from perlinsos.operations.services.supervision import RUNNING, STARTING, Supervisor, last_lines
from perlinsos.settings import Settings, load_settings, say_where

FINE, WRONG, UNREACHABLE = "fine", "wrong", "unreachable"
LOW_DISK_SHARE = 0.1
CLOCK_SECONDS = 5
OLDEST_SANE_YEAR = 2026


@dataclass(frozen=True)
class Finding:
    """What was found of one part. `state` is fine, wrong, or unreachable (exit 3)."""

    part: str
    state: str
    what: str
    why: str = ""
    remedy: str = ""


def _of(part: str, error: PerlinsosError) -> Finding:
    state = UNREACHABLE if isinstance(error, Unreachable) else WRONG
    why = " / ".join(text for text in (error.where, error.why) if text)
    return Finding(part, state, error.what, why, error.remedy)


def examine() -> list[Finding]:
    """Every finding, in the order in which a person would mend them."""
    settings = load_settings()
    found = [*_home(settings), *_supervisor(settings)]
    found += _database(settings)
    found += _objects(settings)
    found += _airflow(settings)
    return found


def exit_code(findings: list[Finding]) -> int:
    """3 where a service cannot be reached, 1 where something else is wrong, else 0."""
    states = {finding.state for finding in findings}
    return 3 if UNREACHABLE in states else 1 if WRONG in states else 0


def as_json(findings: list[Finding]) -> dict[str, Any]:
    """The findings for `--json`."""
    return {"findings": [asdict(finding) for finding in findings], "exit_code": exit_code(findings)}


def _home(settings: Settings) -> Iterator[Finding]:
    home = settings.home
    if not home.exists():
        remedy = "`perlinsos up`, or name another folder with PERLINSOS_HOME"
        yield Finding("home", UNREACHABLE, "nothing was started here", say_where(settings), remedy)
        return
    if not os.access(home, os.W_OK | os.X_OK):
        yield Finding("home", WRONG, "the home folder cannot be written", str(home), "give this user the right to write there")
    else:
        yield Finding("home", FINE, f"{home} can be written")
    usage = shutil.disk_usage(home)
    share, free = usage.free / usage.total, f"{usage.free / 2**30:.1f} GB"
    if share < LOW_DISK_SHARE:
        why = f"{free} are free, {share:.0%} of the disk"
        yield Finding("disk", WRONG, "less than 10 % of the disk is free", why, "free some space before the services stop")
    else:
        yield Finding("disk", FINE, f"{free} are free ({share:.0%})")
    exposed = [path.name for path in home.glob("*.json") if path.stat().st_mode & 0o077]
    if exposed:
        yield Finding("secrets", WRONG, "other users may read secrets", ", ".join(exposed), f"chmod 600 in {home}")
    if datetime.datetime.now(datetime.UTC).year < OLDEST_SANE_YEAR:
        yield Finding("clock", WRONG, "the clock is wrong", "it shows a year that is past", "set the clock of this machine")


def _supervisor(settings: Settings) -> Iterator[Finding]:
    """The parts that supervisord keeps alive; nothing to say where every address is named explicitly."""
    home = Home(settings.home)
    if not home.supervisor_config.exists() or not home.secrets.exists():
        return
    supervisor = Supervisor(home, keep_secrets(home))
    if not supervisor.is_running():
        why = "its process is gone" if home.supervisor_pid.exists() else "`perlinsos down` was the last word"
        yield Finding("supervisor", UNREACHABLE, "the services are not supervised", why, "`perlinsos up`")
        return
    services = read_json(home.services)
    for name, info in supervisor.states().items():
        if name in airflow_config.PARTS and not services.get("airflow_url"):
            continue
        state = info["statename"]
        if state in {RUNNING, STARTING}:  # "starting" until it has lived two seconds
            yield Finding(name, FINE, f"runs as process {info['pid']}")
        else:
            why = info.get("spawnerr") or last_lines(home.log(name))
            remedy = f"read {home.log(name)}; `perlinsos up` starts it again"
            yield Finding(name, UNREACHABLE, f"is {state.lower()}", why, remedy)


def _database(settings: Settings) -> Iterator[Finding]:
    if not settings.database_url:
        yield Finding("ledger", UNREACHABLE, "no database is configured", remedy="`perlinsos up`")
        return
    try:
        connection = postgres.connect(settings.database_url)
    except PerlinsosError as error:
        yield _of("ledger", error)
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("select extract(epoch from clock_timestamp())::float8")
            behind = abs(cursor.fetchone()[0] - datetime.datetime.now(datetime.UTC).timestamp())
        if behind > CLOCK_SECONDS:
            why = f"the database's clock and this machine's differ by {behind:.0f} seconds"
            yield Finding("clock", WRONG, "two clocks disagree", why, "synchronise both with the same time server")
        else:
            yield Finding("clock", FINE, f"agrees with the database's within {CLOCK_SECONDS} seconds")
        yield _schema(connection, settings)
    finally:
        connection.close()


def _schema(connection: Any, settings: Settings) -> Finding:
    """Whether the ledger has exactly the migrations of this release."""
    import psycopg2

    from perlinsos.ledger.migrations import read_migrations

    here = read_migrations(settings.folder("sql") / "schema")
    try:
        with connection.cursor() as cursor:
            cursor.execute("select number, sha256 from public.perlinsos_migration order by number")
            applied = cursor.fetchall()
    except psycopg2.errors.UndefinedTable:
        return Finding("ledger", WRONG, "the ledger's schema is missing", remedy="`perlinsos migrate`")
    if applied == [(migration.number, migration.sha256) for migration in here]:
        return Finding("ledger", FINE, f"answers; schema {applied[-1][0]}")
    known = {migration.number: migration.sha256 for migration in here}
    if all(known.get(number) == sha256 for number, sha256 in applied):
        why = f"{len(here) - len(applied)} migrations are not applied"
        return Finding("ledger", WRONG, "the ledger's schema is older than this release", why, "`perlinsos migrate`")
    why = "a migration that was applied is missing here or has another text"
    return Finding("ledger", WRONG, "the ledger belongs to another release", why, "use the release that made it, or a newer one")


def _objects(settings: Settings) -> Iterator[Finding]:
    endpoint, key, secret = settings.s3_endpoint, settings.s3_access_key, settings.s3_secret_key
    if not (endpoint and key and secret):
        yield Finding("object store", UNREACHABLE, "no object store is configured", remedy="`perlinsos up`")
        return
    wrong = object_store.prove(object_store.Access(endpoint, key, secret, settings.s3_region), settings.buckets, create=False)
    if wrong:
        remedy = "`perlinsos up` makes missing buckets and starts the object store"
        yield Finding("object store", UNREACHABLE, "an object could not be put and read back", wrong, remedy)
    else:
        yield Finding("object store", FINE, f"puts and gets at {urlsplit(endpoint).netloc}; all buckets are there")


def _named_airflow(settings: Settings) -> AirflowApi | None:
    """The Airflow to examine: the one the environment names, else the one that `up` started, else None."""
    named = os.environ.get("PERLINSOS_AIRFLOW_URL")
    if named:
        user = os.environ.get("PERLINSOS_AIRFLOW_USER", "admin")
        file = os.environ.get("PERLINSOS_AIRFLOW_PASSWORD_FILE")
        return AirflowApi(named, user, Path(file).read_text().strip() if file else "", seconds=10)
    if not read_json(Home(settings.home).services).get("airflow_url"):
        return None
    return open_airflow(settings.home)


def _airflow(settings: Settings) -> Iterator[Finding]:
    try:
        api = _named_airflow(settings)
        if api is None:
            return
        health = api.health()
        for name in ("metadatabase", "scheduler", "dag_processor"):
            if health.get(name) == "healthy":
                yield Finding(f"airflow {name}", FINE, "healthy")
            else:
                why = f"monitor/health says {health.get(name)}"
                yield Finding(f"airflow {name}", UNREACHABLE, "does not report", why, "`perlinsos up`; else read its log")
        yield from _dags(api)
    except PerlinsosError as error:
        yield _of("airflow", error)


def _dags(api: AirflowApi) -> Iterator[Finding]:
    part, errors, dags = "airflow dags", api.import_errors(), api.dags()
    for error in errors:
        lines = str(error.get("stack_trace", "")).strip().splitlines()
        what = f"{error['filename']} cannot be imported"
        yield Finding(part, WRONG, what, lines[-1] if lines else "", "correct the file; it is read again within a minute")
    if not dags:
        remedy = "wait ten seconds; else look into dags/ and the log of dag-processor"
        yield Finding(part, WRONG, "no DAG is there", "the folder is empty or was not parsed yet", remedy)
    elif not errors:
        paused = sum(dag["is_paused"] for dag in dags.values())
        yield Finding(part, FINE, f"{len(dags)} are there; {paused} are paused")
