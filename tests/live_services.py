"""The services as `perlinsos up` starts them, for tests: without Airflow (`services`, 2 s) and with it (`platform`, 20 s).

Each starts once a session and worker, on free ports in a home of its own, and leaves no process. Tests that use `platform`
carry `pytest.mark.airflow`: `make test` runs them one after the other, so that they share one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from perlinsos.operations.services.airflow_api import AirflowApi, open_airflow
from perlinsos.operations.services.home import Home, read_json
from perlinsos.operations.services.object_store import Access
from perlinsos.operations.services.postgres import data_folder
from perlinsos.operations.services.processes import end, find_ours
from perlinsos.operations.services.secrets import Secrets, keep_secrets
from perlinsos.operations.services.supervision import Supervisor
from perlinsos.settings import PROJECT_FOLDERS, Settings, find_project

FAST = {
    "PERLINSOS_PULL_SECONDS": "3",
    "PERLINSOS_DISPATCH_SECONDS": "3",
    "PERLINSOS_LANDING_QUIET_SECONDS": "3",
    "PERLINSOS_LEASE_SECONDS": "30",
}
"""What makes the DAGs look every three seconds, and again for a dead run after 30. `up` restarts Airflow when these change."""
SOURCES = Path(__file__).parents[1] / "src"


@dataclass(frozen=True)
class Services:
    """A home in which services run on a project (the repository or a copy of it), and the ways to look at it."""

    home: Home
    project: Path = field(default_factory=find_project)

    @property
    def addresses(self) -> dict[str, Any]:
        """What services.json says."""
        return read_json(self.home.services)

    @property
    def secrets(self) -> Secrets:
        """The secrets that `up` made."""
        return keep_secrets(self.home)

    @property
    def settings(self) -> Settings:
        """Settings of a process that works with these services."""
        known = self.addresses
        names = ("database_url", "s3_endpoint", "s3_access_key", "s3_secret_key")
        return replace(Settings(self.home.root, self.project), **{name: known[name] for name in names})

    @property
    def airflow(self) -> AirflowApi:
        """Airflow, asked as admin."""
        return open_airflow(self.home.root)

    @property
    def supervisor(self) -> Supervisor:
        """What keeps the parts alive."""
        return Supervisor(self.home, self.secrets)

    def s3(self, identity: str = "admin") -> Any:
        """A boto3 client of one identity."""
        keys = self.secrets.identities[identity]
        return Access(self.addresses["s3_endpoint"], keys["access_key"], keys["secret_key"]).client()

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """One command of the command line in this home."""
        return run_command(self.home.root, *arguments, **{"PERLINSOS_PROJECT": str(self.project), **environment})

    def processes(self) -> list[Any]:
        """The living processes of this home."""
        if not self.home.secrets.exists():
            return []
        return find_ours(self.secrets.services_id, data_folder(self.home), session=self.home.read_supervisor_pid())


def listening_addresses(services: Services) -> set[str]:
    """On which addresses the processes of this home listen. One that ends meanwhile (a task) listens nowhere.

    Airflow shields the worker that runs a task from being read by anybody but root: it is a fork of the scheduler, whose
    sockets are seen.
    """
    found: set[str] = set()
    for process in services.processes():
        with suppress(psutil.NoSuchProcess):
            try:
                connections = process.net_connections("inet")
            except psutil.AccessDenied:
                assert "airflow" in " ".join(process.cmdline()), process
                continue
            found |= {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}
    return found


def run_command(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`perlinsos …` with this home and none of the caller's own settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PERLINSOS_")}
    return subprocess.run(
        [sys.executable, "-m", "perlinsos.cli", *arguments],
        env={**clean, "PYTHONPATH": str(SOURCES), "PERLINSOS_HOME": str(home), **environment},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def copy_project(folder: Path) -> Path:
    """A project whose dags and sources may be changed; everything else is the repository's."""
    folder.mkdir()
    for name in ("dags", "sources"):
        shutil.copytree(find_project() / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in {"plugins", *PROJECT_FOLDERS} - {"sources"}:
        (folder / name).symlink_to(find_project() / name)
    return folder


@contextmanager
def empty_home(project: Path | None = None) -> Iterator[Services]:
    """A home where nothing was started; at the end all of its processes are killed and it is removed."""
    folder = Path(tempfile.mkdtemp(prefix="perlinsos-home-"))
    folder.chmod(0o711)  # the server's own user passes through it when the tests run as root
    services = Services(Home(folder / "home"), project or find_project())
    try:
        yield services
    finally:
        kill(services)
        shutil.rmtree(folder)


def kill(services: Services) -> None:
    """End everything at once; the data are thrown away anyway. The supervisor goes first, so that it restarts nothing."""
    for process in services.processes():
        with suppress(psutil.NoSuchProcess):
            if "supervisor.supervisord" in process.cmdline():
                process.kill()
    assert end(services.processes(), patience=0) == []


@contextmanager
def running(*options: str, project: Path | None = None, **environment: str) -> Iterator[Services]:
    """A home of its own with its services up."""
    with empty_home(project) as services:
        answer = services.run("up", "--json", *options, **environment)
        assert answer.returncode == 0, answer.stderr
        assert json.loads(answer.stdout)["home"] == str(services.home.root)
        yield services


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    """PostgreSQL and the object store as `perlinsos up --no-airflow` starts them."""
    with running("--no-airflow") as started:
        yield started


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """All of it, Airflow too, with DAGs that look every three seconds and a project whose dags and sources may be changed."""
    with running(project=copy_project(tmp_path_factory.mktemp("platform") / "project"), **FAST) as started:
        yield started
