"""A simulation says what it is on every page, sheet and JSON, and nothing takes it for a list."""

from __future__ import annotations

import json
import re
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from perlinsos.commands.simulate import app
from perlinsos.publication.fetch import list_published
from perlinsos.settings import Buckets
from perlinsos.simulation.bases import Base
from perlinsos.simulation.keeping import PREFIX, store_results, write_results
from perlinsos.simulation.run import Simulation, simulate
from perlinsos.simulation.scenarios import parse_scenario
from perlinsos.storage.folder import FolderStorage

from .conftest import REGION, STAGE

NUMBER = re.compile(rb"(?<!\w)\d{16}(?!\w)")


@pytest.fixture(scope="module")
def results(simulated: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    write_results(simulated, folder)
    return folder


def test_json_page_and_every_sheet_say_so(results: Path) -> None:
    document = json.loads((results / "simulation.json").read_text())
    assert (document["status"], document["notice"]) == ("simulation", "SIMULASI / SIMULATION")
    page = (results / "simulation.html").read_text()
    assert "<title>SIMULASI / SIMULATION" in page and 'class="notice"' in page
    workbook = openpyxl.load_workbook(results / "simulation.xlsx")
    assert {"budget", "targeting", "by_cause", "by_decile", "by_district"} <= set(workbook.sheetnames)
    assert all(sheet["A1"].value.startswith("SIMULASI / SIMULATION") for sheet in workbook.worksheets)


def test_the_page_needs_nothing_else_and_names_nobody(results: Path) -> None:
    page = (results / "simulation.html").read_bytes()
    assert page.count(b"<svg") >= 6
    assert not re.search(rb"<script|<link|<img|@import|url\(http|src=", page)
    assert not NUMBER.search(page) and not NUMBER.search((results / "simulation.json").read_bytes())


def test_equal_simulations_are_equal_bytes(results: Path, simulated: Simulation, tmp_path: Path) -> None:
    write_results(simulated, tmp_path)
    for name in ("simulation.json", "simulation.html"):
        assert (tmp_path / name).read_bytes() == (results / name).read_bytes()


def test_kept_tables_are_marked(base: Base, tmp_path: Path) -> None:
    simulate(base, [parse_scenario("same:quota.bpnt=3")], keep=tmp_path / "kept")
    for scenario in ("base", "same"):
        summary = json.loads((tmp_path / "kept" / scenario / "summary.json").read_text())
        assert (summary["status"], summary["simulation_only"]) == ("simulation", True)
        assert all(one["simulation_only"] for one in summary["programmes"].values())


def test_stored_results_lie_under_simulations_and_are_no_list(simulated: Simulation, results: Path, tmp_path: Path) -> None:
    buckets = Buckets()
    storage = FolderStorage(tmp_path, landing=buckets.landing)
    storage.make_bucket(buckets.work)
    prefix = store_results(storage, buckets, simulated, results)
    assert store_results(storage, buckets, simulated, results) == prefix
    assert prefix.startswith(PREFIX) and PREFIX.startswith("simulations/")
    keys = [stored.key for stored in storage.list(buckets.work, "")]
    assert len(keys) == 3 and all(key.startswith(prefix) for key in keys)
    manifest = json.loads(storage.get(buckets.work, f"{prefix}manifest.json"))
    assert manifest["status"] == "simulation" and "list_digest" not in manifest
    assert not [*list_published(storage, buckets), *list_published(storage, buckets, simulations=True)]


def test_the_command_says_so_on_the_terminal_and_in_json(base: Base, tmp_path: Path) -> None:
    arguments = [str(base.inputs), "--region", REGION, "--stage", STAGE, "--scenario", "few:quota.pkh=3", "--programme", "pkh"]
    shown = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "out")])
    assert shown.exit_code == 0, shown.output
    assert "SIMULASI / SIMULATION" in shown.stdout and "few" in shown.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["simulation.html", "simulation.json", "simulation.xlsx"]
    document = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert document["status"] == "simulation"
    assert document["scenarios"][1]["programmes"]["pkh"]["outcomes"]["LAYAK"] == 3
