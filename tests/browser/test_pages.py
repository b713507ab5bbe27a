"""The pages as people have them: inside Airflow, with the keyboard alone, on a telephone, and with what helps them to read."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from integration.line import Line
from integration.small_world import OPEN, SHUT, STAGE

pytestmark = [pytest.mark.services, pytest.mark.airflow]
ADDRESSES = ("coverage", f"regions/{OPEN}", f"regions/{SHUT}", "alerts", "nothing-here")


@pytest.fixture(scope="module", autouse=True)
def world(line: Line) -> Line:
    """Something is published, so that every part of the pages is there."""
    line.wait("lists", lambda: all(line.revisions(OPEN, programme) for programme in ("pkh", "bpnt")))
    return line


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("width", [1280, 400])
def test_axe_finds_nothing_serious(open_as: Callable[..., Page], address: str, width: int) -> None:
    page = open_as("admin", address, width=width)
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("address", ADDRESSES[:4])
def test_nothing_is_wider_than_a_telephone(open_as: Callable[..., Page], address: str) -> None:
    page = open_as("admin", address, width=400)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_the_keyboard_alone_filters_and_opens_a_region(open_as: Callable[..., Page]) -> None:
    page = open_as("admin", "coverage")
    focused = "document.activeElement.name || document.activeElement.textContent.trim()"
    seen: list[str] = []
    while "region" not in seen:
        page.keyboard.press("Tab")
        seen.append(page.evaluate(focused))
        assert len(seen) < 30, seen
    page.keyboard.type(OPEN)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/coverage?region={OPEN}&sort=time_left")
    expect(page.locator("td[data-region]")).to_have_count(1)
    while page.evaluate(focused) != OPEN:
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/regions/{OPEN}")


def test_the_filters_stand_in_the_address_inside_airflow(open_as: Callable[..., Page]) -> None:
    page = open_as("admin", f"plugin/perlinsos-coverage?region={OPEN}", outside=True)
    frame = page.frame_locator("iframe")
    expect(frame.locator("td[data-region]")).to_have_count(1)
    frame.get_by_label("Sort by").select_option("region")
    frame.get_by_role("button", name="Show").click()
    page.wait_for_url(f"**/plugin/perlinsos-coverage/**?region={OPEN}&sort=region")
    page.reload()
    expect(frame.locator("td[data-region]")).to_have_count(1)
    expect(frame.get_by_label("Sort by")).to_have_value("region")


def test_a_run_has_the_page_of_its_region_as_a_tab(open_as: Callable[..., Page], line: Line) -> None:
    (run, *_) = [
        one for one in line.services.airflow.runs("determine", state="success") if one["partition_key"] == f"{OPEN}|{STAGE}"
    ]
    page = open_as("admin", f"dags/determine/runs/{run['dag_run_id']}/plugin/perlinsos-run", outside=True)
    expect(page.frame_locator("iframe").get_by_role("heading", level=1)).to_contain_text(OPEN)


def test_a_link_to_a_run_leaves_the_frame(open_as: Callable[..., Page]) -> None:
    page = open_as("admin", f"plugin/perlinsos-coverage?region={OPEN}", outside=True)
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name=OPEN).click()
    frame.locator("#title-runs").scroll_into_view_if_needed()
    frame.get_by_role("link", name="determine").first.click()
    page.wait_for_url("**/dags/determine/runs/**")


def test_live_and_backfill_stand_apart_and_the_order_is_asked_for(open_as: Callable[..., Page]) -> None:
    page = open_as("admin", "coverage?sort=region")
    assert page.locator("tbody th[scope=row] a").all_inner_texts() == sorted([OPEN, SHUT])
    page = open_as("admin", "coverage?sort=time_left")
    told = json.loads(page.evaluate("fetch('coverage.json').then((answer) => answer.text())"))["cells"]
    least_first = [cell["region"] for cell in sorted(told, key=lambda cell: cell["time_left"])]
    assert page.locator("tbody th[scope=row] a").all_inner_texts() == least_first
    page = open_as("admin", "coverage?purpose=backfill")
    expect(page.locator("td[data-region]")).to_have_count(0)


def test_nothing_is_fetched_from_elsewhere(open_as: Callable[..., Page]) -> None:
    page = open_as("admin", "alerts")
    expect(page.locator(".looks")).to_have_text(
        re.compile(r"(The last look was .+ ago|Nobody has looked yet); there is one every \d+ ")
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page.url.replace("alerts", f"regions/{OPEN}"))
    page.wait_for_load_state("networkidle")
    host = page.url.split("/perlinsos")[0]
    assert asked and all(url.startswith((host, "data:")) for url in asked), asked


def test_pictures_for_people(open_as: Callable[..., Page], tmp_path: Path) -> None:
    """Charts are drawn, and every page has a picture at both widths, in PERLINSOS_PICTURES or the test's own folder."""
    folder = Path(os.environ.get("PERLINSOS_PICTURES", tmp_path))
    for address in ADDRESSES[:4]:
        for width in (1280, 400):
            page = open_as("admin", address, width=width)
            picture = folder / f"{address.replace('/', '-')}-{width}.png"
            page.screenshot(path=picture, full_page=True)
            assert picture.stat().st_size > 10_000
    drawn = page.goto(page.url.replace("alerts", f"regions/{OPEN}"))
    assert drawn is not None and drawn.ok
    page.wait_for_function("[...document.querySelectorAll('canvas')].every((one) => Chart.getChart(one))")


def test_the_json_says_what_the_page_says(open_as: Callable[..., Page]) -> None:
    page = open_as("admin", "coverage")
    told = json.loads(page.evaluate("fetch('coverage.json').then((answer) => answer.text())"))
    shown = {(td.get_attribute("data-region"), td.get_attribute("data-level")) for td in page.locator("td[data-region]").all()}
    assert {(cell["region"], cell["level"]) for cell in told["cells"]} == shown
