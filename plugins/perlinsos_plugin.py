"""The pages of Perlinsos in Airflow's own web interface: coverage, regions, alerts, and a tab on each DAG run.

Airflow loads this file in every one of its processes; the web app is made only where it is asked for, in the api-server.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/perlinsos"


class PerlinsosPlugin(AirflowPlugin):
    """Three entries of the navigation, and a tab on each run."""

    name = "perlinsos"
    external_views = [  # noqa: RUF012 (Airflow's interface)
        {
            "name": "Coverage",
            "href": f"{PREFIX}/coverage",
            "destination": "nav",
            "url_route": "perlinsos-coverage",
            "nav_top_level": True,
        },
        {
            "name": "Alerts",
            "href": f"{PREFIX}/alerts",
            "destination": "nav",
            "category": "browse",
            "url_route": "perlinsos-alerts",
        },
        {
            "name": "Region",
            "href": f"{PREFIX}/run?dag={{DAG_ID}}&run={{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "perlinsos-run",
        },
    ]

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The web app."""
        from perlinsos_airflow.pages import make_app

        return [{"app": make_app(Path(__file__).parent), "url_prefix": PREFIX, "name": "Perlinsos"}]
