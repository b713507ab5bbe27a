"""The routes of the pages as Airflow's web server mounts them, asked without a login."""

from __future__ import annotations

import pytest

from perlinsos.operations.services.secrets import USERS
from perlinsos.settings import find_project

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")
ROUTES = (
    *("/", "/coverage", "/coverage.json", "/regions/35.10", "/regions/35.10.json", "/regions/zz", "/alerts", "/alerts.json"),
    *("/run", "/health.json", "/static/perlinsos.css", "/no-such-page", "/docs", "/openapi.json", "/coverage?stage=%00"),
)


@pytest.fixture
def logged_out(monkeypatch, tmp_path):
    """A client of the app that holds no token."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    from fastapi.testclient import TestClient

    from perlinsos_airflow.pages import make_app

    return TestClient(make_app(find_project() / "plugins"), raise_server_exceptions=False, follow_redirects=False)


@pytest.mark.parametrize("method", METHODS)
def test_logged_out_every_route_says_401_whatever_the_method(logged_out, method):
    assert {route: logged_out.request(method, route).status_code for route in ROUTES} == dict.fromkeys(ROUTES, 401)


@pytest.mark.parametrize(("method", "status"), [("GET", 404), ("POST", 405), ("HEAD", 405), ("PROPFIND", 405)])
def test_logged_in_what_is_no_page_is_404_and_another_method_405(logged_out, method, status):
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.api_fastapi.core_api.security import get_user

    logged_out.app.dependency_overrides[get_user] = lambda: SimpleAuthManagerUser(username="officer", role="viewer")
    assert logged_out.request(method, "/no-such-page").status_code == status


@pytest.mark.parametrize("user", [user for user in USERS if user != "admin"])
def test_only_the_operator_changes_runs_for_they_are_of_every_region(logged_out, user):
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    known = SimpleAuthManagerUser(username=user, role=USERS[user])
    may = {
        method: SimpleAuthManager().is_authorized_dag(method=method, access_entity=DagAccessEntity.RUN, user=known)
        for method in ("GET", "POST", "PUT", "DELETE")
    }
    assert may == {"GET": True, "POST": False, "PUT": False, "DELETE": False}
