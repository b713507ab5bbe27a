"""The pages in Airflow's own web server. Every route depends on the user who is logged in, and on their role and regions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi import Path as PathParameter
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException as AnyHTTPException

from perlinsos.errors import PerlinsosError
from perlinsos.ledger.connection import Connection
from perlinsos.operations.alerts.settings import read_alert_settings
from perlinsos.settings import Settings, load_settings
from perlinsos.watch.alerts import read_alerts
from perlinsos.watch.coverage import SORTS, Filters, Sort, count_levels, read_coverage
from perlinsos.watch.region import RegionReport, read_region
from perlinsos.watch.rights import Rights, open_pages, read_rights
from perlinsos.watch.strip import read_disk, read_strip
from perlinsos_airflow import platform, rendering
from perlinsos_airflow.schedules import interval

PREFIX = "/perlinsos"
STATIC = ("perlinsos.css", "perlinsos.js", "chart.umd.min.js")
User = Annotated[BaseUser, Depends(get_user)]
Code = Annotated[str, PathParameter(pattern=r"^\d\d\.\d\d$")]


@dataclass(frozen=True)
class Asked:
    """One request: by whom with which rights, on which ledger, when."""

    rights: Rights
    connection: Connection
    settings: Settings
    at: datetime


def ask(user: User) -> Iterator[Asked]:
    """Who is logged in, with what was granted to them in the ledger: 403 where nothing was."""
    settings = load_settings()
    is_operator = get_auth_manager().is_authorized_connection(method="POST", user=user)
    with open_pages(settings) as connection:
        rights = read_rights(connection, user.get_name(), is_operator=is_operator)
        if rights is None:
            name = user.get_name()
            raise HTTPException(403, f"nothing was granted to {name}: perlinsos user grant {name} --region CODE")
        yield Asked(rights, connection, settings, platform.now())


Request_ = Annotated[Asked, Depends(ask)]


def make_app(folder: Path) -> FastAPI:
    """The app under `/perlinsos`. `folder` holds templates/ and static/. Nothing in it answers who is not logged in."""
    app = FastAPI(dependencies=[Depends(get_user)], docs_url=None, redoc_url=None, openapi_url=None)
    render = rendering.make_renderer(folder / "templates", PREFIX)
    _add_coverage(app, render)
    _add_region(app, render)
    _add_alerts(app, render)
    _add_static(app, folder / "static")

    @app.exception_handler(AnyHTTPException)
    def refuse(request: Request, error: AnyHTTPException) -> Response:
        """A page for people, words for programs; the status is the same."""
        if "text/html" in request.headers.get("accept", "") and not request.url.path.endswith(".json"):
            return HTMLResponse(render("refused.html", status=error.status_code, detail=error.detail), error.status_code)
        return JSONResponse({"detail": error.detail}, error.status_code)

    @app.exception_handler(RequestValidationError)
    def reject(request: Request, error: RequestValidationError) -> Response:  # noqa: ARG001
        """A malformed filter. What was asked for is not repeated: it may be a person's number."""
        return refuse(request, AnyHTTPException(422, "a filter in the address is malformed"))

    @app.exception_handler(PerlinsosError)
    def say(request: Request, error: PerlinsosError) -> Response:
        """The ledger does not answer, or refuses."""
        return refuse(request, AnyHTTPException(503 if error.exit_code == 3 else 400, error.what))

    _add_rest(app)
    return app


def _add_rest(app: FastAPI) -> None:
    """Whatever else is asked for, by any method: 401 before 404 and 405."""

    class AnyMethod(APIRoute):
        def __init__(self, path: str, endpoint: Callable[..., Any], **keys: Any) -> None:
            super().__init__(path, endpoint, **keys)
            self.methods = set()  # the router turns no method away

    def nothing(request: Request, path: str) -> Response:  # noqa: ARG001 (the framework's)
        if request.method == "GET":
            raise HTTPException(404, "there is no such page")
        raise HTTPException(405, "these pages are only read, by GET")

    app.router.add_api_route("/{path:path}", nothing, include_in_schema=False, route_class_override=AnyMethod)


def _add_static(app: FastAPI, folder: Path) -> None:
    @app.get("/static/{name}")
    def static(name: str) -> Response:
        """The style sheet, the script and the chart library."""
        if name not in STATIC:
            raise HTTPException(404, "there is no such file")
        return FileResponse(folder / name, headers={"cache-control": "private, max-age=300"})


def read_filters(
    purpose: str = "",
    province: Annotated[str, Query(pattern=r"^(\d\d)?$")] = "",
    region: Annotated[str, Query(pattern=r"^(\d\d\.\d\d)?$")] = "",
    stage: Annotated[str, Query(pattern=r"^(\d{4}-T[1-4])?$")] = "",
    programme: Annotated[str, Query(pattern=r"^([a-z][a-z0-9_-]{0,40})?$")] = "",
    level: Annotated[str, Query(pattern=r"^(trouble|waits|works|fine)?$")] = "",
    sort: str = "",
) -> Filters:
    """The filters of the URL; an unknown order is the default one."""
    order: Sort = next((one for one in SORTS if one == sort), "time_left")
    return Filters(purpose if purpose in ("live", "backfill") else "", province, region, stage, programme, level, order)


Filtered = Annotated[Filters, Depends(read_filters)]


def describe_platform(asked: Asked) -> dict[str, Any]:
    """The strip: heartbeats, queue, quarantine, and the disk for those who see the platform."""
    strip = read_strip(asked.connection, asked.rights)
    disk = read_disk(asked.settings.home)
    return {
        "heartbeats": [asdict(one) for one in platform.read_heartbeats(asked.at)],
        "queue": {name: strip[name] for name in ("landed", "due", "claimed")} | {"airflow": platform.read_queue()},
        "quarantine": {name: strip[name] for name in ("received", "quarantined")},
        "dispatch_ticked_at": strip["ticked_at"],
        "watch_ticked_at": strip["watched_at"],
        "disk": asdict(disk) | {"free_share": disk.free_share} if asked.rights.sees_platform else None,
    }


def _add_coverage(app: FastAPI, render: rendering.Render) -> None:
    @app.get("/", include_in_schema=False)
    def begin() -> Response:
        """The first page."""
        return RedirectResponse(f"{PREFIX}/coverage")

    @app.get("/coverage.json")
    def coverage_json(asked: Request_, filters: Filtered) -> Response:
        """The same as the page, for programs."""
        found = read_coverage(asked.connection, asked.rights, filters, asked.at)
        cells = [rendering.describe_cell(cell, asked.at) for cell in found.cells]
        return JSONResponse(rendering.jsonable({"at": asked.at, "platform": describe_platform(asked), "cells": cells}))

    @app.get("/coverage", response_class=HTMLResponse)
    def coverage(asked: Request_, filters: Filtered) -> str:
        """Regions by stages."""
        found = read_coverage(asked.connection, asked.rights, filters, asked.at)
        return render(
            "coverage.html",
            asked=asked,
            filters=filters,
            found=found,
            counts=count_levels(found.cells),
            tables=rendering.lay_out(found),
            platform=describe_platform(asked),
        )


def _add_region(app: FastAPI, render: rendering.Render) -> None:
    def find(asked: Asked, code: str) -> RegionReport:
        report = read_region(asked.connection, asked.rights, code, asked.at)
        if report is None:
            raise HTTPException(404, "there is no such region, or it is not yours to see")
        return report

    @app.get("/regions/{code}.json")
    def region_json(asked: Request_, code: Code) -> Response:
        """The same as the page, for programs."""
        report = find(asked, code)
        told = asdict(report) | {
            "cells": [rendering.describe_cell(cell, asked.at) for cell in report.cells],
            "held_families": report.held_families,
            "runs": [asdict(run) for run in platform.read_runs(code)],
            "at": asked.at,
        }
        return JSONResponse(rendering.jsonable(told))

    @app.get("/regions/{code}", response_class=HTMLResponse)
    def region(asked: Request_, code: Code, stage: str = "") -> str:
        """One region."""
        report = find(asked, code)
        charts = {name: rendering.embed(chart) for name, chart in rendering.make_charts(report).items()}
        return render(
            "region.html", asked=asked, report=report, stage=stage, charts=charts, runs=platform.read_runs(code),
            platform=describe_platform(asked),
        )  # fmt: skip

    @app.get("/run", response_class=HTMLResponse)
    def run(asked: Request_, dag: str = "", run: str = "") -> Response:
        """The tab on a DAG run: the page of its region; for a run of all regions the coverage."""
        code, _, stage = (platform.find_key(dag, run) or "").partition("|")
        if re.fullmatch(r"\d\d\.\d\d", code):
            return HTMLResponse(region(asked, code, stage))
        return RedirectResponse(f"{PREFIX}/coverage")


def _add_alerts(app: FastAPI, render: rendering.Render) -> None:
    @app.get("/alerts.json")
    def alerts_json(asked: Request_) -> Response:
        """Open and resolved alerts, for programs."""
        found = {name: read_alerts(asked.connection, asked.rights, is_open=name == "open") for name in ("open", "resolved")}
        return JSONResponse(rendering.jsonable({"at": asked.at, **found}))

    @app.get("/alerts", response_class=HTMLResponse)
    def alerts(asked: Request_) -> str:
        """Open and resolved alerts."""
        return render(
            "alerts.html", asked=asked, is_sending=bool(read_alert_settings(asked.settings).urls),
            opened=read_alerts(asked.connection, asked.rights, is_open=True),
            resolved=read_alerts(asked.connection, asked.rights, is_open=False),
            platform=describe_platform(asked), look_every=interval("watch"),
        )  # fmt: skip

    @app.get("/health.json")
    def health_json(asked: Request_) -> Response:
        """The strip, for programs."""
        return JSONResponse(rendering.jsonable({"at": asked.at, "platform": describe_platform(asked)}))
