"""How a step fails inside a task: a refusal at once, a silent service again, anything else with numbers hidden."""

from __future__ import annotations

import pytest

from perlinsos.operations.services.airflow_api import AirflowApi

pytestmark = [pytest.mark.services, pytest.mark.airflow]
DAG_ID = "failing_of_tests"
NUMBER = "351001" + "160385" + "7000"


@pytest.fixture(scope="module")
def run_id(airflow: AirflowApi) -> str:
    """A run in which each task failed in its way; each may be retried once."""
    run = airflow.trigger(DAG_ID)["dag_run_id"]
    assert airflow.wait_for_run(DAG_ID, run)["state"] == "failed"
    return str(run)


@pytest.mark.parametrize(("task_id", "tries"), [("refused", 1), ("unreachable", 2), ("unforeseen", 2)])
def test_only_what_may_pass_is_tried_again(airflow: AirflowApi, run_id: str, task_id: str, tries: int) -> None:
    (found,) = [one for one in airflow.task_instances(DAG_ID, run_id) if one["task_id"] == task_id]
    assert (found["state"], found["try_number"]) == ("failed", tries)


def test_a_refusal_says_in_the_log_what_to_do(airflow: AirflowApi, run_id: str) -> None:
    log = airflow.task_log(DAG_ID, run_id, "refused")
    assert "no such row" in log and "do something else" in log


def test_no_number_of_a_person_comes_into_the_log(airflow: AirflowApi, run_id: str) -> None:
    log = airflow.task_log(DAG_ID, run_id, "unforeseen")
    assert NUMBER not in log and NUMBER[:12] not in log
    assert "bad cell ••••" in log
