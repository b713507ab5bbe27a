"""`perlinsos up`: from nothing to healthy services, or from running ones to the same ones."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from perlinsos.errors import Unreachable
from perlinsos.operations.services import airflow_config, object_store, postgres
from perlinsos.operations.services.airflow_api import AirflowApi
from perlinsos.operations.services.home import Home, hold, prepare, write_private_json
from perlinsos.operations.services.plan import Named, read_named
from perlinsos.operations.services.ports import LOOPBACK, choose_ports
from perlinsos.operations.services.processes import end, find_ours
from perlinsos.operations.services.secrets import Secrets, keep_secrets
from perlinsos.operations.services.supervision import (
    BACKOFF,
    RUNNING,
    STARTING,
    Part,
    Patience,
    Supervisor,
    last_lines,
    render,
    wait_for,
)
from perlinsos.publication.keys import ensure_keys
from perlinsos.settings import Settings

POSTGRES, STORE = "postgres", "object-store"
PORTS_OF = {POSTGRES: ("postgres",), STORE: ("s3", "master", "filer", "volume", "store_admin"), "api-server": ("airflow",)}
LOW_DISK_SHARE = 0.1
AIRFLOW_SECONDS = 300
"""A quiet machine needs 10; one that computes something else on all its cores needs minutes."""

Say = Callable[[str], None]


@dataclass
class Start:
    """One `up` at work."""

    home: Home
    settings: Settings
    secrets: Secrets
    named: Named
    airflow: bool
    say: Say
    supervisor: Supervisor
    ports: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    server: postgres.Postgres | None = None

    def note(self, text: str) -> None:
        """Something that the person should know: said now and repeated at the end."""
        self.notes.append(text)
        self.say(text)

    @property
    def ledger_url(self) -> str:
        """The ledger's database."""
        if self.named.database_url:
            return self.named.database_url
        assert self.server is not None
        return self.server.url(postgres.LEDGER, self.secrets.ledger_password, postgres.LEDGER)

    @property
    def pages_url(self) -> str:
        """The ledger's database as the login of the pages."""
        assert self.server is not None
        return self.server.url(postgres.PAGES, self.secrets.pages_password, postgres.LEDGER)

    @property
    def airflow_database_url(self) -> str:
        """Airflow's metadata database."""
        if self.named.airflow_database_url:
            return self.named.airflow_database_url
        assert self.server is not None
        return self.server.url(postgres.AIRFLOW, self.secrets.airflow_database_password, postgres.AIRFLOW)

    def access(self, identity: str) -> object_store.Access:
        """The object store as one identity; a named one has a single pair of keys."""
        named = self.named
        if named.s3_endpoint and named.s3_access_key and named.s3_secret_key:
            return object_store.Access(named.s3_endpoint, named.s3_access_key, named.s3_secret_key, self.settings.s3_region)
        keys = self.secrets.identities[identity]
        return object_store.Access(f"http://{LOOPBACK}:{self.ports['s3']}", keys["access_key"], keys["secret_key"])


def start(settings: Settings, *, airflow: bool, say: Say) -> dict[str, Any]:
    """Start what is missing, wait until all of it works, and return addresses, where the password is, and notes."""
    began = time.monotonic()
    home = prepare(settings.home)
    with hold(home):
        secrets = keep_secrets(home)
        ensure_keys(settings)
        work = Start(home, settings, secrets, read_named(), airflow, say, Supervisor(home, secrets))
        was_running = work.supervisor.is_running()
        try:
            with choose_ports(home, _running_ports(work)) as (ports, notes):
                work.ports = ports
                for text in notes:
                    work.note(text)
                _bring_up(work)
        except BaseException:
            if not was_running:
                from perlinsos.operations.services.stop import stop_all

                say("the start failed: what was started is stopped again")
                stop_all(home, secrets, say)
            raise
        _warn_of_full_disk(work)
        return _summary(work) | {"seconds": round(time.monotonic() - began, 1), "notes": work.notes}


def _running_ports(work: Start) -> frozenset[str]:
    """The ports that our own running parts hold."""
    if not work.supervisor.is_running():
        return frozenset()
    states = work.supervisor.states()
    alive = {name for name, info in states.items() if info["statename"] in {RUNNING, STARTING, BACKOFF}}
    return frozenset(port for part, ports in PORTS_OF.items() if part in alive for port in ports)


def _bring_up(work: Start) -> None:
    """Configuration first, then PostgreSQL and the object store side by side, then Airflow."""
    if not work.supervisor.is_running():
        _clear_away(work)
    parts = _configure(work)
    with ThreadPoolExecutor(2) as pool:
        database = pool.submit(_start_database, work, parts)
        objects = pool.submit(_start_object_store, work, parts)
        database.result()
        objects.result()
    _write_services(work)
    if work.named.needs_airflow(airflow=work.airflow):
        _start_airflow(work, parts)


def _clear_away(work: Start) -> None:
    """End what an earlier supervisor that was killed left running, and its dead files."""
    session = work.home.read_supervisor_pid()
    leftovers = find_ours(work.secrets.services_id, postgres.data_folder(work.home), session=session)
    if leftovers:
        work.note(f"{len(leftovers)} processes that a killed supervisor left behind are ended")
        alive = end(leftovers, patience=20)
        if alive:
            raise Unreachable(
                "processes of an earlier start cannot be ended",
                where=", ".join(str(process.pid) for process in alive),
                remedy="end them by hand, then `perlinsos up`",
            )
    for name in (work.home.supervisor_pid, work.home.run / "supervisor.sock"):
        name.unlink(missing_ok=True)


def _configure(work: Start) -> dict[str, Part]:
    """Write every part's files and put supervisord's configuration in force."""
    parts: list[Part] = []
    if work.named.needs_postgres(airflow=work.airflow):
        work.server = postgres.locate(work.home, work.ports["postgres"])
        command, user = work.server.command(), work.server.user
        parts.append(Part(POSTGRES, command, {"LC_ALL": "C.UTF-8"}, user=user, priority=10, stop_signal="INT"))
    if work.named.needs_object_store():
        object_store.write_config(work.home, work.secrets)
        command = object_store.command(work.home, work.ports)
        environment = {"HOME": str(work.home.object_config)}
        parts.append(Part(STORE, command, environment, priority=20, directory=str(work.home.objects)))
    if work.named.needs_airflow(airflow=work.airflow):
        digest = airflow_config.write_config(
            work.home, work.settings, work.secrets, work.airflow_database_url, work.ports["airflow"]
        )
        parts += airflow_config.parts(work.home, work.settings, digest)
    elif work.supervisor.is_running() and work.home.supervisor_config.exists():
        return _kept_parts(work, parts)
    if parts or work.supervisor.is_running():
        for changed in work.supervisor.configure(render(work.home, work.secrets, parts)):
            work.note(f"the settings of {changed} changed: it is restarted")
    return {part.name: part for part in parts}


def _kept_parts(work: Start, parts: list[Part]) -> dict[str, Part]:
    """`up --no-airflow` beside a running Airflow leaves everything as it is."""
    if any(f"[program:{name}]" in work.home.supervisor_config.read_text() for name in airflow_config.PARTS):
        work.note("Airflow runs here and is left running; `perlinsos down` stops it")
    else:
        work.supervisor.configure(render(work.home, work.secrets, parts))
    return {part.name: part for part in parts}


def _start_database(work: Start, parts: dict[str, Part]) -> None:
    """PostgreSQL with its databases, the ledger's schema and, where Airflow is wanted, its metadata."""
    if work.server is not None:
        _start_postgres(work, work.server, parts[POSTGRES])
    with ThreadPoolExecutor(2) as pool:
        ledger = pool.submit(_migrate_ledger, work)
        metadata = pool.submit(_migrate_airflow, work)
        ledger.result()
        metadata.result()


def _start_postgres(work: Start, server: postgres.Postgres, part: Part) -> None:
    if not _runs(work, POSTGRES):
        work.say(f"PostgreSQL {server.version} starts on {LOOPBACK}:{server.port}")
    postgres.initialise(server, work.secrets)
    dead = postgres.remove_dead_lock(server)
    if dead:
        work.note(dead)
    work.supervisor.start([part])
    _wait(work, lambda: postgres.is_ready(server, work.secrets), part.name, 90)
    postgres.create_databases(server, work.secrets)


def _start_object_store(work: Start, parts: dict[str, Part]) -> None:
    if STORE in parts and not _runs(work, STORE):
        work.say(f"the object store starts on {LOOPBACK}:{work.ports['s3']}")
    if STORE in parts:
        work.supervisor.start([parts[STORE]])
    admin, buckets = work.access("admin"), work.settings.buckets
    if STORE in parts:
        _wait(work, lambda: object_store.prove(admin, buckets, create=True) is None, STORE, 60)
        return
    wrong = object_store.prove(admin, buckets, create=True)
    if wrong:
        raise Unreachable("the object store does not work", where=admin.endpoint, why=wrong, remedy="correct PERLINSOS_S3_*")


def _migrate_ledger(work: Start) -> None:
    from perlinsos.ledger.migrations import migrate

    connection = postgres.connect(work.ledger_url)
    connection.autocommit = False
    try:
        applied = migrate(connection, work.settings.folder("sql") / "schema")
        if applied:
            work.say(f"the ledger's schema is brought up to date ({len(applied)} migrations)")
    finally:
        connection.close()


def _migrate_airflow(work: Start) -> None:
    if not work.named.needs_airflow(airflow=work.airflow) or _airflow_runs(work):
        return
    work.say("Airflow's metadata are brought up to date")
    log = work.home.log("airflow-migrate")
    with log.open("wb") as output:
        answer = subprocess.run(
            [sys.executable, "-m", "airflow", "db", "migrate"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_airflow_environment(work),
            cwd=work.home.airflow,
            check=False,
        )
    if answer.returncode:
        raise Unreachable(
            "Airflow's metadata could not be brought up to date",
            where=str(log),
            why=last_lines(log),
            remedy="read the log; `perlinsos doctor` examines the database",
        )


def _airflow_environment(work: Start) -> dict[str, str]:
    import os

    from perlinsos.operations.services.supervision import PASSED_ON

    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return kept | airflow_config.environment(work.home, work.settings)


def _airflow_runs(work: Start) -> bool:
    """Whether Airflow is up already: then its metadata are of its version."""
    return _runs(work, *airflow_config.PARTS)


def _runs(work: Start, *names: str) -> bool:
    states = work.supervisor.states() if work.supervisor.is_running() else {}
    return all(states.get(name, {}).get("statename") == RUNNING for name in names)


def _start_airflow(work: Start, parts: dict[str, Part]) -> None:
    url = airflow_config.base_url(work.ports["airflow"])
    if not _airflow_runs(work):
        work.say(f"Airflow starts on {url}")
    work.supervisor.start([parts[name] for name in airflow_config.PARTS])
    api = AirflowApi(url, "admin", work.secrets.users["admin"], seconds=20)

    def is_ready() -> bool:
        """Healthy, and with its pools: on a busy machine the first answers after the start may time out."""
        try:
            if api.unhealthy():
                return False
            for name, (slots, description) in airflow_config.POOLS.items():
                api.keep_pool(name, slots, description)
        except Unreachable:
            return False
        return True

    _wait(work, is_ready, "api-server", AIRFLOW_SECONDS, also=airflow_config.PARTS)


def _wait(work: Start, condition: Callable[[], bool], part: str, seconds: float, also: tuple[str, ...] = ()) -> None:
    """Wait for a condition; stop waiting at once where one of the parts cannot be started."""
    patience = Patience(work.supervisor)

    def holds() -> bool:
        for name in (part, *also):
            patience.check(name)
        return condition()

    wait_for(holds, part, seconds=seconds, log=work.home.log(part))


def _write_services(work: Start) -> None:
    """What `settings.load_settings` and the other commands read. The identities stand beside the default keys."""
    operator = work.access("operator")
    services: dict[str, Any] = {
        "database_url": work.ledger_url,
        **({} if work.named.database_url else {"pages_database_url": work.pages_url}),
        "s3_endpoint": operator.endpoint,
        "s3_access_key": operator.access_key,
        "s3_secret_key": operator.secret_key,
        "s3_region": operator.region,
        "s3_identities": {} if work.named.s3_endpoint else work.secrets.identities,
    }
    if work.named.airflow_url:
        services["airflow_url"] = work.named.airflow_url
    elif work.airflow or _airflow_runs(work):
        services["airflow_url"] = airflow_config.base_url(work.ports["airflow"])
        services["airflow_user"] = "admin"
        services["airflow_password_file"] = str(work.home.airflow_passwords)
    write_private_json(work.home.services, services)


def _warn_of_full_disk(work: Start) -> None:
    usage = shutil.disk_usage(work.home.root)
    if usage.free < LOW_DISK_SHARE * usage.total:
        work.note(f"less than 10 % of the disk is free ({usage.free // 2**30} GB): free some before the services stop")


def _summary(work: Start) -> dict[str, Any]:
    from perlinsos.operations.services.home import read_json

    services = read_json(work.home.services)
    database = services["database_url"].rpartition("@")[2]
    return {
        "home": str(work.home.root),
        "postgres": {"address": database, "started_here": work.server is not None, "named": bool(work.named.database_url)},
        "s3": {"endpoint": services["s3_endpoint"], "started_here": work.named.needs_object_store()},
        "airflow": {
            "url": services.get("airflow_url"),
            "user": services.get("airflow_user"),
            "password_file": services.get("airflow_password_file"),
            "started_here": work.named.needs_airflow(airflow=work.airflow),
        },
        "logs": str(work.home.logs),
    }
