"""Chromium in front of the platform, and the platform's users with what was granted to them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from integration.line import Line
from live_services import Services
from perlinsos.operations.services.airflow_api import AirflowApi

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
MISSING = "SKIPPED LOUDLY: there is no Chromium here; .ci/run installs it, or: apt-get install chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip
ROUTES = (
    *("coverage", "coverage.json", "regions/35.09", "regions/35.09.json", "alerts", "alerts.json", "run", "health.json", ""),
    *("static/perlinsos.css", "static/perlinsos.js", "static/chart.umd.min.js", "no-such-page", "docs", "openapi.json"),
)


@dataclass(frozen=True)
class Pages:
    """The pages of a platform, asked as one of its users or as nobody."""

    services: Services

    @property
    def root(self) -> str:
        """Where the pages begin."""
        return f"{self.services.addresses['airflow_url']}/perlinsos"

    def token(self, user: str) -> str:
        """A user's token."""
        return AirflowApi(self.services.addresses["airflow_url"], user, self.services.secrets.users[user]).login()

    def get(self, path: str, user: str | None = None, method: str = "GET", accept: str = "*/*") -> tuple[int, str]:
        """Status and text of a page; redirects are followed."""
        headers = {"accept": accept} | ({"authorization": f"Bearer {self.token(user)}"} if user else {})
        request = Request(f"{self.root}/{path}", headers=headers, method=method)
        opener = build_opener(ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except OSError as error:
            if not hasattr(error, "code"):
                raise
            return error.code, error.read().decode()


@pytest.fixture(scope="session")
def pages(platform: Services) -> Pages:
    """The pages of the tests' platform."""
    return Pages(platform)


@pytest.fixture(scope="session")
def line(platform: Services, tmp_path_factory: pytest.TempPathFactory) -> Line:
    """The ledger, store and commands of the tests' platform."""
    folder: Path = tmp_path_factory.mktemp("pages")
    return Line(platform, folder / "out", folder / "fetched")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium of this machine."""
    if CHROMIUM is None:
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def open_as(chromium: Browser, pages: Pages) -> Iterator[Callable[..., Page]]:
    """Opens a page of the platform in a fresh browser as a user, or as nobody."""
    contexts: list[Any] = []

    def do(user: str | None, path: str, *, width: int = 1280, root: str | None = None) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": 900})
        contexts.append(context)
        if user:
            context.add_cookies([{"name": "_token", "value": pages.token(user), "url": pages.services.addresses["airflow_url"]}])
        page = context.new_page()
        page.goto(f"{root or pages.root}/{path}", wait_until="load")
        return page

    yield do
    for context in contexts:
        context.close()
