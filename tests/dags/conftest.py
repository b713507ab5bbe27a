"""The platform with the DAGs of the tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from live_services import Services
from perlinsos.operations.services.airflow_api import AirflowApi

DAG_IDS = {"emitting_of_tests", "following_of_tests", "failing_of_tests"}


@pytest.fixture(scope="package")
def airflow(platform: Services) -> Iterator[AirflowApi]:
    """Airflow with the DAGs of the tests, which are taken away again."""
    there = platform.project / "dags" / "dags_of_tests.py"
    shutil.copy(Path(__file__).parent / there.name, there)
    platform.airflow.wait_for_dags(DAG_IDS, seconds=240)
    yield platform.airflow
    there.unlink()
