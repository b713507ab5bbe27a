"""A platform of its own with a small world, a mail server, and Chromium in front of it."""

from __future__ import annotations

import csv
import shutil
import urllib.error
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import pytest
from playwright.sync_api import Browser, Page, expect

from chromium import MISSING, find_chromium, open_chromium
from integration.line import Line
from integration.small_world import OPEN, QUOTAS, SHUT, SIZES, STAGE, make_deliveries, write_settings
from live_services import FAST, Services, copy_project, running
from perlinsos.operations.demo.lay import lay_deliveries
from perlinsos.operations.services.airflow_api import AirflowApi
from smtp_sink import Sink, open_sink

REGISTER, COLUMN = "dukcapil-population", "JENIS_KELAMIN"
"""The source of which a file comes without a column: the register of SHUT, and which column."""


@dataclass(frozen=True)
class Pages:
    """The pages of a platform, asked as one of its users or as nobody."""

    services: Services

    @property
    def airflow(self) -> str:
        """Where Airflow's own pages are."""
        return str(self.services.addresses["airflow_url"])

    @property
    def root(self) -> str:
        """Where ours begin."""
        return f"{self.airflow}/perlinsos"

    def token(self, user: str) -> str:
        """A token of one of Airflow's users."""
        return AirflowApi(self.airflow, user, self.services.secrets.users[user]).login()

    def get(self, path: str, user: str | None = None, method: str = "GET") -> tuple[int, str]:
        """Status and text; nothing is followed."""
        headers = {"authorization": f"Bearer {self.token(user)}"} if user else {}
        request = Request(f"{self.root}/{path}", headers=headers, method=method)
        try:
            with build_opener(ProxyHandler({}), _Stay()).open(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


@pytest.fixture(scope="package")
def sink() -> Iterator[Sink]:
    """The mail server of the people on duty."""
    with open_sink() as opened:
        yield opened


def settings_for(sink: Sink) -> dict[str, str]:
    """What the platform is started with."""
    return {**FAST, "PERLINSOS_WATCH_SECONDS": "3", "PERLINSOS_ALERT_URLS": sink.url}


@pytest.fixture(scope="package")
def watched(sink: Sink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A platform that looks every three seconds and writes to the sink."""
    with running(project=copy_project(tmp_path_factory.mktemp("watched") / "project"), **settings_for(sink)) as started:
        yield started


@pytest.fixture(scope="package")
def pages(watched: Services) -> Pages:
    """Its pages."""
    return Pages(watched)


@pytest.fixture(scope="package")
def line(watched: Services, tmp_path_factory: pytest.TempPathFactory) -> Line:
    """Two regions of which everything is registered and delivered, but the register of SHUT lacks a column."""
    folder = tmp_path_factory.mktemp("world")
    make_deliveries(folder / "out")
    records = write_settings(folder / "records", QUOTAS)
    line = Line(watched, folder / "out", folder / "fetched")
    _leave_out_a_column(line, folder / "right")
    watched.airflow.wait_for_dags({"pull", "ingest", "dispatch", "determine", "watch"}, seconds=240)
    for region in SIZES:
        line.call("region", "add", str(records / f"region-{region}.yaml"))
    for name in (f"tim-{OPEN}", f"tim-{SHUT}", f"kuota-{STAGE}"):
        line.call("decree", "add", str(records / "decrees" / f"{name}.yaml"))
    for region in SIZES:
        line.call("cycle", "add", str(records / f"cycle-{region}-{STAGE}.yaml"))
    line.call("user", "grant", "officer", "--region", OPEN)
    line.call("user", "grant", "auditor")
    lay_deliveries(line.ctx.settings, line.ctx.storage, line.out)
    return line


def _leave_out_a_column(line: Line, right: Path) -> None:
    """Keep the right files of the register of SHUT apart, and write them without one column."""
    delivery = line.first(REGISTER, SHUT)
    shutil.copytree(delivery, right)
    for path in delivery.glob("part-*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        left_out = rows[0].index(COLUMN)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(row[:left_out] + row[left_out + 1 :] for row in rows)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A headless Chromium of this machine."""
    if find_chromium() is None:
        pytest.skip(MISSING)
    with open_chromium() as browser:
        yield browser


@pytest.fixture
def open_as(chromium: Browser, pages: Pages) -> Iterator[Callable[..., Page]]:
    """Opens an address of the platform in a fresh browser as a user, or as nobody."""
    contexts: list[Any] = []

    def do(user: str | None, path: str, *, width: int = 1280, outside: bool = False) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": 900})
        contexts.append(context)
        context.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        if user:
            context.add_cookies([{"name": "_token", "value": pages.token(user), "url": pages.airflow}])
        page = context.new_page()
        page.goto(f"{pages.airflow if outside else pages.root}/{path}", wait_until="load")
        return page

    yield do
    for context in contexts:
        context.close()
