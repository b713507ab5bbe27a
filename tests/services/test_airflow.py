"""Airflow as `perlinsos up` starts it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from live_services import FAST, Services, listening_addresses
from perlinsos.errors import Refused
from perlinsos.operations.services.airflow_api import AirflowApi
from perlinsos.operations.services.airflow_config import POOLS
from perlinsos.settings import find_project

pytestmark = [pytest.mark.services, pytest.mark.airflow]


def test_doctor_finds_nothing_wrong(platform: Services) -> None:
    platform.airflow.wait_for_dags({path.stem for path in (find_project() / "dags").glob("*.py")})
    answer = platform.run("doctor", "--json")
    wrong = [finding for finding in json.loads(answer.stdout)["findings"] if finding["state"] != "fine"]
    assert (wrong, answer.returncode) == ([], 0)


def test_every_port_listens_on_loopback_only(platform: Services) -> None:
    assert listening_addresses(platform) == {"127.0.0.1"}


def test_nobody_gets_in_without_the_generated_password(platform: Services) -> None:
    with pytest.raises(Refused, match="401"):
        AirflowApi(platform.airflow.url, "admin", "admin").dags()


@pytest.mark.parametrize("user", ["officer", "centre", "auditor"])
def test_only_the_operator_changes_runs_for_they_are_of_every_region(platform: Services, user: str) -> None:
    viewer = AirflowApi(platform.airflow.url, user, platform.secrets.users[user])
    assert viewer.dags().keys() >= {"dispatch", "ingest", "determine"}
    for change in (lambda: viewer.pause("dispatch"), lambda: viewer.trigger("dispatch")):
        with pytest.raises(Refused, match="403"):
            change()


def test_the_pools_keep_what_an_operator_gave_them(platform: Services) -> None:
    slots = {pool["name"]: pool["slots"] for pool in platform.airflow.ask("GET", "pools")["pools"]}
    assert {name: slots[name] for name in POOLS} == {name: size for name, (size, _text) in POOLS.items()}
    platform.airflow.ask(
        "PATCH", "pools/engine", {"pool": "engine", "slots": 3, "include_deferred": False}, query={"update_mask": "slots"}
    )
    assert platform.run("up", **FAST).returncode == 0
    assert platform.airflow.ask("GET", "pools/engine")["slots"] == 3


def test_up_again_keeps_airflows_processes(platform: Services) -> None:
    before = {name: info["pid"] for name, info in platform.supervisor.states().items()}
    assert platform.run("up", **FAST).returncode == 0
    assert {name: info["pid"] for name, info in platform.supervisor.states().items()} == before


def test_logs_and_configuration_are_private(platform: Services) -> None:
    exposed = [path for path in Path(platform.home.airflow).rglob("*") if path.is_file() and path.stat().st_mode & 0o007]
    reachable = [path for path in exposed if all(parent.stat().st_mode & 0o001 for parent in path.parents)]
    assert reachable == []
