"""The contract with Airflow on partition keys of run time: what `emit` says is what starts runs."""

from __future__ import annotations

import time

import pytest

from perlinsos.operations.services.airflow_api import AirflowApi

pytestmark = [pytest.mark.services, pytest.mark.airflow]


def _emit(airflow: AirflowApi, keys: list[str]) -> str:
    """Let the DAG emit the keys; the state of its task."""
    run = airflow.trigger("emitting_of_tests", conf={"keys": keys})["dag_run_id"]
    airflow.wait_for_run("emitting_of_tests", run)
    return str(airflow.task_instances("emitting_of_tests", run)[0]["state"])


def _heard(airflow: AirflowApi) -> list[str]:
    """The keys of the runs that followed, in no order."""
    return sorted(run["partition_key"] for run in airflow.runs("following_of_tests"))


def test_a_key_starts_one_run_each_and_none_starts_nothing(airflow: AirflowApi) -> None:
    assert _emit(airflow, []) == "skipped"
    assert _emit(airflow, ["35.10"]) == "success"
    assert _emit(airflow, ["35.09|2026-T1", "national", "35.09|2026-T1"]) == "success"
    limit = time.monotonic() + 240
    while len(_heard(airflow)) < 3 or airflow.runs("following_of_tests", state=["queued", "running"]):
        assert time.monotonic() < limit, _heard(airflow)
        time.sleep(0.2)
    assert _heard(airflow) == ["35.09|2026-T1", "35.10", "national"]
    said = {entry["value"] for entry in airflow.xcoms("following_of_tests", task_id="hear")}
    assert said == {"35.09|2026-T1", "35.10", "national"}


def test_nothing_said_leaves_no_event(airflow: AirflowApi) -> None:
    """Three keys were said in the test before; a task without a key says nothing at all."""
    _emit(airflow, [])
    uri = "x-perlinsos://emitted-by-tests"
    keys = sorted(event["partition_key"] for event in airflow.asset_events() if event["uri"] == uri)
    assert keys == ["35.09|2026-T1", "35.10", "national"]
