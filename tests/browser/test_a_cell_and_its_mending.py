"""A file without a column: the cell names the rule, the file and a command; the command's advice makes it green. One world,
one story: the tests of this file run in their order."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from integration.line import PATIENCE_SECONDS, Line
from integration.small_world import OPEN, SHUT, STAGE
from perlinsos.operations.alerts.found import DELIVERY_REFUSED, TITLES
from smtp_sink import Sink

from .conftest import REGISTER, Pages

pytestmark = [pytest.mark.services, pytest.mark.airflow]
SHOWN_SECONDS = 60
NUMBER = re.compile(r"(?<![0-9a-f])\d{16}(?![0-9a-f])")


def cell_of(page: Page, region: str):
    """The cell of a region and the stage."""
    return page.locator(f'td[data-region="{region}"][data-stage="{STAGE}"]')


def end_of_refused_run(line: Line) -> datetime | None:
    """When the run ended that refused the register of SHUT."""
    runs = [run for run in line.services.airflow.runs("ingest", state="failed") if run["partition_key"] == SHUT]
    return datetime.fromisoformat(runs[0]["end_date"]) if runs else None


@pytest.fixture(scope="module")
def refused(line: Line) -> datetime:
    """The end of the run that refused the register of SHUT."""
    line.wait("the run that refuses", lambda: end_of_refused_run(line) is not None)
    ended = end_of_refused_run(line)
    assert ended is not None
    return ended


def test_the_cell_names_rule_file_and_command(line: Line, refused: datetime, open_as: Callable[..., Page]) -> None:
    page = open_as("admin", "coverage")
    cell = cell_of(page, SHUT)
    expect(cell).to_have_attribute("data-level", "trouble", timeout=SHOWN_SECONDS * 1000)
    assert (datetime.now(refused.tzinfo) - refused).total_seconds() < SHOWN_SECONDS
    expect(cell.locator(".rule")).to_contain_text("columns are missing: sex")
    expect(cell.locator(".file")).to_contain_text(f"{REGISTER}/{SHUT}/2025-12-20/part-")
    (number,) = [row["delivery_id"] for row in line.rows("select delivery_id from delivery where state = 'refused'")]
    expect(cell.locator(".command")).to_have_text(f"perlinsos quarantine show {number}")
    assert not NUMBER.search(page.content())


def test_another_region_has_published_meanwhile(line: Line, open_as: Callable[..., Page]) -> None:
    line.wait("lists of the other region", lambda: all(line.revisions(OPEN, programme) for programme in ("pkh", "bpnt")))
    page = open_as("admin", "coverage")
    limit = time.monotonic() + PATIENCE_SECONDS
    while cell_of(page, OPEN).get_attribute("data-level") != "fine":
        assert time.monotonic() < limit, cell_of(page, OPEN).inner_text()
        page.reload()
    expect(cell_of(page, SHUT)).to_have_attribute("data-level", "trouble")


def test_the_page_and_the_ledger_agree(line: Line, pages: Pages, open_as: Callable[..., Page]) -> None:
    page = open_as("admin", f"regions/{OPEN}")
    for row in line.rows(
        "select list_id, revision, left(list_digest, 16) as digest from list_revision where state = 'published'"
    ):
        if f"/{OPEN}/" in row["list_id"]:
            named = page.get_by_role("rowheader", name=f"{row['list_id']}/r{row['revision']}", exact=True)
            shown = page.locator("tr", has=named)  # by its own name: the row of r2 names r1 too
            expect(shown).to_contain_text(row["digest"])
    received = line.value(
        "select received from batch where scope = %s and source_id = %s and replaced_by is null", OPEN, REGISTER
    )
    expect(page.locator("tr", has_text=REGISTER).first).to_contain_text(f"{received:,}")
    assert not NUMBER.search(page.content())


def test_one_message_tells_it(sink: Sink, line: Line, refused: datetime) -> None:
    words = f"{SHUT}: {TITLES[DELIVERY_REFUSED]}"
    line.wait("the message", lambda: any(words in subject for subject in sink.subjects))
    line.settle()
    assert sink.subjects == [f"[Perlinsos] {words}"]
    assert "perlinsos quarantine show" in sink.text(0) and not NUMBER.search(sink.text(0))


def test_the_advice_of_the_command_makes_it_green(line: Line, sink: Sink, open_as: Callable[..., Page]) -> None:
    page = open_as("admin", "coverage")
    command = cell_of(page, SHUT).locator(".command").inner_text().removeprefix("perlinsos ").split()
    told = line.services.run(*command)
    assert told.returncode == 0, told.stderr
    assert "columns are missing: sex" in told.stdout
    prefix = re.search(r"lay the corrected file under (\S+)/ of the landing bucket", told.stdout)
    assert prefix is not None, told.stdout
    line.lay(prefix[1], line.out.parent / "right")
    line.wait("lists", lambda: all(line.revisions(SHUT, programme) for programme in ("pkh", "bpnt")))
    expect(cell_of(page, SHUT)).to_have_attribute("data-level", "fine", timeout=SHOWN_SECONDS * 1000)
    line.wait("the end of the alert", lambda: len(sink.subjects) == 2)
    assert sink.subjects[1] == f"[Perlinsos] resolved: {SHUT}: {TITLES[DELIVERY_REFUSED]}"


def test_a_healthy_line_says_nothing_more(line: Line, sink: Sink) -> None:
    line.settle()
    looks = line.value("select count(*) from outcome where step = 'watch'")
    line.wait("three more looks", lambda: line.value("select count(*) from outcome where step = 'watch'") >= looks + 3)
    assert len(sink.subjects) == 2, sink.subjects
