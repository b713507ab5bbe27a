"""Who sees what: nobody without a login, nothing without a grant, and no more than what was granted."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from integration.line import Line
from integration.small_world import OPEN, SHUT

from .conftest import Pages

pytestmark = [pytest.mark.services, pytest.mark.airflow]
ROUTES = (
    *("coverage", "coverage.json", "regions/35.09", "regions/35.09.json", "alerts", "alerts.json", "run", "health.json", ""),
    *("static/perlinsos.css", "static/perlinsos.js", "static/chart.umd.min.js", "no-such-page", "docs", "openapi.json"),
)


@pytest.mark.parametrize("path", [*ROUTES, "coverage?stage=nonsense", "regions/nonsense"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PROPFIND", "TRACE"])
def test_logged_out_every_route_says_401(pages: Pages, path: str, method: str) -> None:
    assert pages.get(path, method=method)[0] == 401


def test_logged_out_a_person_is_shown_where_to_log_in(open_as: Callable[..., Page]) -> None:
    page = open_as(None, "coverage")
    expect(page.get_by_role("link", name="Log in to Airflow")).to_be_visible()


@pytest.mark.parametrize("path", ["coverage", "coverage.json", f"regions/{OPEN}", "alerts.json", "health.json", "run"])
def test_logged_in_without_a_grant_nothing_is_shown(pages: Pages, line: Line, path: str) -> None:
    status, text = pages.get(path, "centre")
    assert status == 403 and OPEN not in text
    assert "perlinsos user grant centre" in text


def test_a_user_of_one_region_sees_that_region_only(pages: Pages, line: Line) -> None:
    for path in (
        "coverage",
        "coverage.json",
        f"coverage?region={SHUT}",
        f"coverage.json?province={SHUT[:2]}",
        "alerts",
        "alerts.json",
    ):
        status, text = pages.get(path, "officer")
        assert status == 200
        assert f'data-region="{SHUT}"' not in text and f"/regions/{SHUT}" not in text and f'"region": "{SHUT}"' not in text
    cells = json.loads(pages.get("coverage.json", "officer")[1])["cells"]
    assert {cell["region"] for cell in cells} == {OPEN}
    for path in (f"regions/{SHUT}", f"regions/{SHUT}.json", "regions/99.99"):
        assert pages.get(path, "officer") == pages.get("regions/99.98", "officer")
    assert pages.get(f"regions/{OPEN}", "officer")[0] == 200


def test_a_run_of_another_region_is_not_shown(pages: Pages, line: Line) -> None:
    line.wait("runs", lambda: bool(line.services.airflow.runs("ingest")))
    (run, *_) = [one for one in line.services.airflow.runs("ingest") if one["partition_key"] == SHUT]
    assert pages.get(f"run?dag=ingest&run={run['dag_run_id'].replace('+', '%2B')}", "officer")[0] == 404


def test_an_auditor_is_told_no_commands(pages: Pages, line: Line) -> None:
    cells = json.loads(pages.get("coverage.json", "auditor")[1])["cells"]
    assert {cell["region"] for cell in cells} == {OPEN, SHUT} and {cell["command"] for cell in cells} == {""}
    assert "perlinsos quarantine" not in pages.get("coverage", "auditor")[1]


def test_a_malformed_filter_is_not_repeated(pages: Pages) -> None:
    number = "351001" + "160385" + "7000"
    status, text = pages.get(f"coverage?region={number}", "admin")
    assert status == 422 and number not in text


def test_the_login_of_the_pages_reads_no_table_of_persons(line: Line) -> None:
    import psycopg2

    connection = psycopg2.connect(line.services.addresses["pages_database_url"])
    for statement in (
        *(f"select * from perlinsos.{table}" for table in ("objection", "correction", "family_claim", "approval", "decree")),
        "set role perlinsos_loader",
        "set role perlinsos_owner",
    ):
        with connection.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("set role perlinsos_watcher")
            cursor.execute(statement)
        connection.rollback()
    connection.close()
