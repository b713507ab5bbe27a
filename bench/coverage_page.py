"""Measure the coverage page with 514 regions x 8 stages in Chromium, in front of real Airflow.

python bench/coverage_page.py [--regions 514] [--stages 8] [--rounds 5]

Starts PostgreSQL, the object store and Airflow in a temporary home, fills the ledger, logs in, and opens the page afresh
in each round. Interactive = from the start of the navigation until a filter has taken a key and a cell can be read;
last_cell = until the last of all cells was scrolled to and read. Prints and writes bench/out/coverage_page.json; exit 1
where the median is 3 seconds or more.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
LIMIT_SECONDS = 3.0


def open_page(browser: Any, url: str, token: str, cells: int) -> dict[str, float]:
    """One fresh browser opens the page; seconds of its phases."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "_token", "value": token, "url": url}])
    page = context.new_page()
    began = time.perf_counter()
    page.goto(f"{url}/perlinsos/coverage", wait_until="domcontentloaded", timeout=120_000)
    field = page.get_by_label("Region", exact=True)
    field.press_sequentially("3")
    assert field.input_value() == "3" and page.locator("td[data-region]").first.inner_text(), "the page did not answer"
    interactive = time.perf_counter() - began
    last = page.locator("td[data-region]").last
    last.scroll_into_view_if_needed()
    assert last.inner_text()
    last_cell = time.perf_counter() - began
    timing = json.loads(page.evaluate("JSON.stringify(performance.getEntriesByType('navigation')[0])"))
    assert page.locator("td[data-region]").count() == cells
    context.close()
    return {
        "interactive": interactive,
        "last_cell": last_cell,
        "server": timing["responseStart"] / 1000,
        "dom": timing["domInteractive"] / 1000,
    }


def measure(regions: int, stages: int, rounds: int) -> dict[str, Any]:
    """Everything, in a home of its own that is removed."""
    home = Path(tempfile.mkdtemp(prefix="perlinsos-bench-"))
    home.chmod(0o711)
    os.environ["PERLINSOS_HOME"] = str(home / "home")
    command = [sys.executable, "-m", "perlinsos.cli"]
    subprocess.run([*command, "up"], check=True, stdout=sys.stderr)
    try:
        return _measure(regions, stages, rounds)
    finally:
        subprocess.run([*command, "down"], check=True, stdout=sys.stderr)
        shutil.rmtree(home)


def _measure(regions: int, stages: int, rounds: int) -> dict[str, Any]:
    sys.path.insert(0, str(HERE.parent / "tests"))
    from fill_ledger import fill_ledger

    from chromium import open_chromium
    from perlinsos.operations.services.airflow_api import open_airflow
    from perlinsos.settings import load_settings

    settings = load_settings()
    known = fill_ledger(settings, regions=regions, stages=stages)
    airflow = open_airflow(settings.home)
    with open_chromium() as browser:
        taken = [open_page(browser, airflow.url, airflow.login(), known * stages) for _ in range(rounds)]
    median = {name: round(statistics.median(one[name] for one in taken), 2) for name in taken[0]}
    return {
        "regions": known,
        "stages": stages,
        "rounds": rounds,
        "median_seconds": median,
        "load": os.getloadavg()[0],
        "all": taken,
    }


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--regions", type=int, default=514)
    parser.add_argument("--stages", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    result = measure(given.regions, given.stages, given.rounds)
    (HERE / "out").mkdir(exist_ok=True)
    (HERE / "out" / "coverage_page.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({name: value for name, value in result.items() if name != "all"}, indent=1))
    sys.exit(result["median_seconds"]["interactive"] >= LIMIT_SECONDS)


if __name__ == "__main__":
    main()
