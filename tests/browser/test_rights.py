"""Who sees what: nobody without a login, nothing without a grant, and no more than what was granted."""

from __future__ import annotations

import json

import pytest

from .conftest import ROUTES, Pages

pytestmark = [pytest.mark.services, pytest.mark.airflow]


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_logged_out_every_route_says_401(pages: Pages, path: str, method: str) -> None:
    assert pages.get(path, method=method)[0] == 401


def test_a_malformed_filter_is_401_too(pages: Pages) -> None:
    assert pages.get("coverage?stage=nonsense")[0] == 401


def test_logged_in_without_a_grant_nothing_is_shown(pages: Pages) -> None:
    status, text = pages.get("coverage.json", "centre")
    assert status == 403
    assert "perlinsos user grant centre" in json.loads(text)["detail"]


def test_the_operator_of_airflow_sees_the_coverage(pages: Pages) -> None:
    status, text = pages.get("coverage.json", "admin")
    assert status == 200
    assert {beat["part"]: beat["state"] for beat in json.loads(text)["platform"]["heartbeats"]}["scheduler"] != "dead"
