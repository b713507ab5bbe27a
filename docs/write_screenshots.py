"""Writes docs/images/ from the running demo: `make demo`, then `make screenshots`. The people in it are invented."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page

from chromium import find_chromium, open_chromium
from perlinsos.operations.demo.bring_in import REGION
from perlinsos.operations.services.airflow_api import AirflowApi, open_airflow
from perlinsos.settings import load_settings

FOLDER = Path(__file__).resolve().parent / "images"
HEIGHTS = {1280: 900, 400: 800}
PICTURES = (
    ("coverage", "perlinsos/coverage", 1280),
    ("coverage-telephone", "perlinsos/coverage", 400),
    ("coverage-in-airflow", "plugin/perlinsos-coverage", 1280),
    ("region", "perlinsos/regions/35.10", 1280),
    ("region-telephone", "perlinsos/regions/35.10", 400),
    ("alerts", "perlinsos/alerts", 1280),
)
"""Name of the file, address below Airflow's, width in pixels."""


def open_page(browser: Browser, airflow: AirflowApi, token: str, address: str, width: int) -> Page:
    """A page of Airflow, read to its end."""
    context = browser.new_context(viewport={"width": width, "height": HEIGHTS[width]})
    context.add_cookies([{"name": "_token", "value": token, "url": airflow.url}])
    page = context.new_page()
    page.goto(f"{airflow.url}/{address}", wait_until="load")
    if address.startswith("plugin/"):
        page.frame_locator("iframe").get_by_role("heading", level=1).wait_for()
    return page


def write_pages(browser: Browser, airflow: AirflowApi) -> None:
    """The pages of the platform, those of our own from top to bottom."""
    token = airflow.login()
    for name, address, width in PICTURES:
        page = open_page(browser, airflow, token, address, width)
        page.screenshot(path=FOLDER / f"{name}.png", full_page=not address.startswith("plugin/"))
        page.context.close()


def write_region_check(browser: Browser) -> None:
    """The two pages for a region's head, as they are printed."""
    page = browser.new_page(viewport={"width": 900, "height": 1200})
    printed = FOLDER / "region-check.html"
    command = [sys.executable, "-m", "perlinsos.cli", "region", "check", REGION, "--html", str(printed), "--language", "en"]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL)  # 1 says that something is missing, which the page shows
    page.goto(printed.as_uri())
    page.screenshot(path=FOLDER / "region-check.png", full_page=True)
    printed.unlink()


def main() -> None:
    """Write every picture."""
    if find_chromium() is None:
        raise SystemExit("there is no Chromium on this machine: apt-get install chromium")
    airflow = open_airflow(load_settings().home)
    FOLDER.mkdir(exist_ok=True)
    with open_chromium() as browser:
        write_pages(browser, airflow)
        write_region_check(browser)
    for path in sorted(FOLDER.glob("*.png")):
        print(f"{path.relative_to(FOLDER.parents[1])}  {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
