"""What dies is shown and comes back: a killed scheduler on the page, a dead Airflow by a message from outside."""

from __future__ import annotations

from collections.abc import Callable

import psutil
import pytest
from playwright.sync_api import Page, expect

from integration.killing import await_now
from integration.line import Line
from smtp_sink import Sink

from .conftest import settings_for

pytestmark = [pytest.mark.services, pytest.mark.airflow, pytest.mark.crash]
SHOWN_SECONDS = 90


def test_the_page_shows_it_and_the_run_finishes(line: Line, open_as: Callable[..., Page]) -> None:
    airflow, supervisor = line.services.airflow, line.services.supervisor
    page = open_as("admin", "coverage")
    part = page.locator('[data-part="scheduler"]')
    expect(part).to_have_attribute("data-state", "alive")
    run = airflow.trigger("housekeeping")["dag_run_id"]
    await_now("a task", lambda: airflow.task_instances("housekeeping", run, state="running"))
    killed = supervisor.states()["scheduler"]["pid"]
    psutil.Process(killed).kill()
    expect(part).to_have_attribute("data-state", "restarted", timeout=SHOWN_SECONDS * 1000)
    expect(part).to_contain_text("fell silent")
    assert supervisor.states()["scheduler"]["pid"] != killed
    assert airflow.wait_for_run("housekeeping", run)["state"] == "success"


def test_a_dead_airflow_is_told_from_outside(line: Line, sink: Sink) -> None:
    services, settings = line.services, settings_for(sink)

    def told() -> list[str]:
        return [subject for subject in sink.subjects if "Airflow is dead" in subject]

    assert services.run("doctor", "--alert", **settings).returncode == 0 and told() == []
    services.supervisor.stop_group("airflow")
    assert [services.run("doctor", "--alert", **settings).returncode for _ in range(2)] == [3, 3]
    assert told() == ["[Perlinsos] platform: Airflow is dead"]
    assert services.run("up", **settings).returncode == 0
    for _ in range(2):
        services.run("doctor", "--alert", **settings)
    assert told()[1:] == ["[Perlinsos] resolved: platform: Airflow is dead"]
