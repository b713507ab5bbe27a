"""What `up` and `doctor` say when something is in the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from live_services import empty_home, kill, run_command, running
from perlinsos.operations.services.postgres import REACHABLE, data_folder

pytestmark = pytest.mark.services


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_named_port_in_use_is_an_error_that_names_it(taken_port: int) -> None:
    with empty_home() as services:
        answer = services.run("up", "--no-airflow", PERLINSOS_POSTGRES_PORT=str(taken_port))
        assert answer.returncode == 1
        assert f"port {taken_port} for postgres is in use" in answer.stderr
        assert services.processes() == []


def test_a_remembered_port_in_use_is_replaced_and_said(taken_port: int) -> None:
    with running("--no-airflow") as services:
        services.s3().put_object(Bucket="perlinsos-work", Key="kept", Body=b"kept")
        assert services.run("down").returncode == 0
        ports = json.loads(services.home.ports.read_text())
        services.home.ports.write_text(json.dumps(dict.fromkeys(ports, taken_port)))
        answer = services.run("up", "--no-airflow", "--json")
        assert answer.returncode == 0, answer.stderr
        assert f"port {taken_port} of postgres is in use by another process" in answer.stderr
        assert len(json.loads(answer.stdout)["notes"]) == len(ports)
        assert services.s3().get_object(Bucket="perlinsos-work", Key="kept")["Body"].read() == b"kept"


def test_a_home_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file, no folder")
    with empty_home() as services:
        answer = services.run("up", PERLINSOS_HOME=str(tmp_path / "file" / "home"))
        assert answer.returncode == 1
        assert "the home folder cannot be written" in answer.stderr
        assert "set PERLINSOS_HOME" in answer.stderr


def test_a_start_that_fails_leaves_no_process() -> None:
    with empty_home() as services:
        answer = services.run("up", "--no-airflow", PERLINSOS_WEED="/bin/false")
        assert answer.returncode == 3
        assert "object-store" in answer.stderr
        assert services.processes() == []


def test_a_missing_program_is_named_with_the_remedy(tmp_path: Path) -> None:
    with empty_home() as services:
        answer = services.run("up", "--no-airflow", PERLINSOS_WEED=str(tmp_path / "weed"))
        assert answer.returncode == 1
        assert "there is no object store program" in answer.stderr
        assert "make install" in answer.stderr


def test_up_recovers_after_the_supervisor_was_killed() -> None:
    with running("--no-airflow") as services:
        before = services.processes()
        supervisor = next(process for process in before if "supervisor.supervisord" in process.cmdline())
        os.kill(supervisor.pid, signal.SIGKILL)
        assert services.run("doctor").returncode == 3
        answer = services.run("up", "--no-airflow")
        assert answer.returncode == 0, answer.stderr
        assert "that a killed supervisor left behind are ended" in answer.stderr
        assert services.run("doctor").returncode == 0
        assert {process.pid for process in before}.isdisjoint({process.pid for process in services.processes()})


def test_up_removes_the_lock_of_a_dead_database() -> None:
    with running("--no-airflow") as services:
        assert services.run("down").returncode == 0
        lock = services.home.root / "postgres" / "postmaster.pid"
        lock.write_text(f"{os.getpid()}\n{lock.parent}\n")  # a process that lives and is no PostgreSQL
        answer = services.run("up", "--no-airflow")
        assert answer.returncode == 0, answer.stderr
        assert "a lock file of a PostgreSQL that died was removed" in answer.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server as another user")
def test_a_home_that_is_closed_to_the_servers_user_has_its_data_elsewhere() -> None:
    with empty_home() as services:
        services.home.root.mkdir()
        services.home.root.parent.chmod(0o700)
        data = data_folder(services.home)
        try:
            assert services.run("up", "--no-airflow").returncode == 0
            assert (data.is_relative_to(REACHABLE), (data / "PG_VERSION").exists()) == (True, True)
            kill(services)
        finally:
            shutil.rmtree(data.parent)


def test_a_full_disk_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    disk = tmp_path / "small"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(disk)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        answer = run_command(disk / "home", "up", "--no-airflow")
        assert (answer.returncode, "the disk is full" in answer.stderr) == (1, True)
        assert not (disk / "home" / "secrets.json").exists()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_doctor_says_what_is_wrong_and_what_to_do() -> None:
    with empty_home() as services:
        services.home.root.mkdir()
        answer = services.run("doctor", "--json")
        findings = {finding["part"]: finding for finding in json.loads(answer.stdout)["findings"]}
        assert answer.returncode == 3
        assert findings["ledger"]["state"] == "unreachable"
        assert findings["ledger"]["remedy"] == "`perlinsos up`"


def test_doctor_finds_a_missing_bucket_and_an_exposed_secret() -> None:
    with running("--no-airflow") as services:
        assert services.run("doctor").returncode == 0
        services.s3().delete_bucket(Bucket="perlinsos-public")
        services.home.secrets.chmod(0o644)
        findings = {f["part"]: f for f in json.loads(services.run("doctor", "--json").stdout)["findings"]}
        assert "perlinsos-public is missing" in findings["object store"]["why"]
        assert findings["secrets"]["why"] == "secrets.json"
