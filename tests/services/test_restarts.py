"""A part that is killed comes back by itself and keeps what it was given."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import psycopg2
import pytest

from live_services import Services
from perlinsos.errors import PerlinsosError

pytestmark = [pytest.mark.services, pytest.mark.crash]


def await_condition(condition: Callable[[], bool], seconds: float = 240) -> None:
    """Ask until it holds."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not come back"
        time.sleep(0.1)


def kill_part(services: Services, part: str) -> None:
    """Kill a part outright and wait until the supervisor has another one."""
    before = services.supervisor.states()[part]["pid"]
    os.kill(before, signal.SIGKILL)
    await_condition(lambda: services.supervisor.states()[part]["pid"] not in (0, before))


def test_postgres_comes_back_with_what_was_committed(services: Services) -> None:
    url = services.settings.database_url
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("create table public.kept as select 7 as number")
    kill_part(services, "postgres")

    def answers() -> bool:
        try:
            with psycopg2.connect(url) as connection, connection.cursor() as cursor:
                cursor.execute("select number from public.kept")
                return cursor.fetchone() == (7,)
        except psycopg2.OperationalError:
            return False

    await_condition(answers)
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("drop table public.kept")


def test_the_object_store_comes_back_with_its_objects(services: Services) -> None:
    services.s3().put_object(Bucket="perlinsos-work", Key="kept", Body=b"kept")
    kill_part(services, "object-store")
    await_condition(lambda: services.run("doctor").returncode == 0)
    assert services.s3().get_object(Bucket="perlinsos-work", Key="kept")["Body"].read() == b"kept"


def test_a_killed_scheduler_comes_back_alone(platform: Services) -> None:
    await_condition(lambda: len(platform.airflow.dags()) > 0)
    orphans = [p.pid for p in platform.processes() if p.environ().get("PERLINSOS_SERVICES_PART") == "scheduler"]
    kill_part(platform, "scheduler")

    def is_whole() -> bool:
        try:
            return not platform.airflow.unhealthy()
        except PerlinsosError:
            return False

    await_condition(lambda: not set(orphans) & {process.pid for process in platform.processes()})
    await_condition(is_whole)
    assert len(orphans) > 4


@pytest.mark.parametrize("part", ["api-server", "dag-processor"])
def test_the_other_parts_of_airflow_come_back(platform: Services, part: str) -> None:
    kill_part(platform, part)
    await_condition(lambda: platform.run("doctor").returncode == 0)
