"""A programme is a folder and nothing else; a wrong one is refused with its place, and nothing is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from .case_files import card
from .small_region import Region

PROJECT = Path(__file__).resolve().parents[2]
SAID = {"legal_basis": "a regulation of a test", "source": "made up for a test", "checked_on": "2026-11-26"}
DATED = {"from": "2020-01-01", **SAID}
DECEASED = {"MENINGGAL": {"who": {"attribute": "living_members", "max": 0}, **SAID}}
HEALTHY_MEAL: dict[str, Any] = {
    "programme": "healthy-meal",
    "name": {"id": "Makan Bergizi", "en": "Healthy Meal"},
    "unit": "person",
    "considered": "candidates",
    "paid_in": [{**DATED, "value": ["T1", "T3"]}],
    "gate": [{**DATED, "value": "welfare_list"}],
    "parameters": {"max_age": {"kind": "number", "values": [{**DATED, "value": 5}]}},
    "components": {
        "BALITA": {
            "name": {"id": "balita", "en": "child under six"},
            "category": {"id": "kesehatan", "en": "health"},
            "is_sensitive": False,
            "who": [{"attribute": "age", "max": {"parameter": "max_age"}}],
            "amount_year_idr": [{**DATED, "value": 1001}],
        }
    },
    "exclusions": DECEASED,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of which only `programmes/` is a copy."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("expectations", "reference", "sources", "sql"):
        (folder / name).symlink_to(PROJECT / name)
    for path in [*(PROJECT / "programmes").glob("*.yaml"), *(PROJECT / "programmes").glob("*/programme.yaml")]:
        target = folder / "programmes" / path.relative_to(PROJECT / "programmes")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return folder


def add(project: Path, programme: dict[str, Any]) -> None:
    """A programme's folder with its file."""
    folder = project / "programmes" / str(programme["programme"])
    folder.mkdir(exist_ok=True)
    (folder / "programme.yaml").write_text(yaml.safe_dump(programme, sort_keys=False))


@pytest.fixture
def run(project: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`perlinsos COMMAND …` of the copied project."""

    def call(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PERLINSOS_PROJECT": str(project), "PERLINSOS_HOME": str(tmp_path / "home")}
        command = [sys.executable, "-m", "perlinsos.cli", *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, env=environment, check=False)

    return call


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """One family: a mother and a child of four."""
    region = Region()
    no_kk, _ = region.family(1, born="1990-01-01")
    region.person(no_kk, "2021-06-01", relation=4)
    region.write(tmp_path / "inputs")
    return tmp_path / "inputs"


def _determine(run: Callable[..., Any], inputs: Path, out: Path, programme: str, stage: str = "2026-T1") -> Any:
    return run(
        "determine", "--region", "35.10", "--stage", stage, "--inputs", str(inputs), "--out", str(out), "--programme", programme,
        "--json",
    )  # fmt: skip


def test_a_folder_is_a_programme(project: Path, run: Callable[..., Any], inputs: Path, tmp_path: Path) -> None:
    add(project, HEALTHY_MEAL)
    done = _determine(run, inputs, tmp_path / "out", "healthy-meal")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["programmes"]["healthy-meal"]
    assert (told["unit"], told["outcomes"]["LAYAK"]) == ("person", 1)
    assert (told["amount_year_idr"], told["amount_stage_idr"]) == (1001, 500)
    last = json.loads(_determine(run, inputs, tmp_path / "last", "healthy-meal", "2026-T3").stdout)
    assert last["programmes"]["healthy-meal"]["amount_stage_idr"] == 501, "the remainder is in the last payment"
    asked = run("explain", "--list", str(tmp_path / "out"), "--language", "en", "--stdin", stdin=card(1))
    assert asked.returncode == 0, asked.stderr
    assert "Healthy Meal" in asked.stdout
    assert "child under six" in asked.stdout


def _changed(**parts: Any) -> dict[str, Any]:
    return {**HEALTHY_MEAL, **parts}


def _component(**parts: Any) -> dict[str, Any]:
    return _changed(components={"BALITA": {**HEALTHY_MEAL["components"]["BALITA"], **parts}})


def _other_code(code: str) -> list[dict[str, Any]]:
    return [{"code": code, "when": {"attribute": "age", "below": 1}}]


OVERLAP = [{**DATED, "until": "2025-06-30", "value": 1}, {**DATED, "from": "2025-06-30", "value": 2}]
EXCLUDED = [{**DATED, "value": ["pkh", "healthy-meal"]}]
FAULTS = [
    pytest.param(_component(who=[{"attribute": "height", "max": 5}]), "", "unknown attribute height", id="attribute"),
    pytest.param(_component(amount_year_idr=OVERLAP), "BALITA", "overlapping dates", id="dates"),
    pytest.param(_component(not_counted=_other_code("TERLALU_KECIL")), "", "no such code", id="code"),
    pytest.param(_component(not_counted=_other_code("MENINGGAL")), "components", "kind refusal", id="kind of code"),
    pytest.param(_changed(excluded_by=EXCLUDED), "excluded_by", "circle: healthy-meal → healthy-meal", id="itself"),
    pytest.param(_changed(excluded_by=[{**DATED, "value": ["sembako"]}]), "excluded_by", "unknown programme sembako", id="other"),
    pytest.param(_changed(considered=None), "", "belongs to unit person", id="considered"),
    pytest.param(_changed(unit="family"), "", "belongs to unit person", id="considered of families"),
    pytest.param(_changed(person_amount_year_idr=[{**DATED, "value": 1}]), "", "either components or", id="two amounts"),
    pytest.param(_changed(paid_in=[{**DATED, "value": ["T3", "T1"]}]), "", "in their order", id="quarters"),
    pytest.param(_changed(payments_per_year=4), "", "either `payments_per_year: 4` or paid_in", id="two calendars"),
    pytest.param(_changed(regions=["Banyuwangi"]), "", "not a regency's code", id="region"),
    pytest.param(_changed(exclusions={"ANGGOTA_ASN": {"who": {"attribute": "is_civil_servant", "is": True}, **SAID}}), "",
                 "MENINGGAL", id="nobody alive"),
    pytest.param(_changed(gate=[{**DATED, "value": "decile"}]), "", "DESIL_DI_ATAS_BATAS is missing", id="no limit"),
]  # fmt: skip


@pytest.mark.parametrize(("programme", "where", "why"), FAULTS)
def test_a_wrong_folder_is_refused(
    project: Path, run: Callable[..., Any], inputs: Path, tmp_path: Path, programme: dict[str, Any], where: str, why: str
) -> None:
    add(project, programme)
    done = _determine(run, inputs, tmp_path / "out", "healthy-meal")
    assert done.returncode == 1, done.stdout
    assert "healthy-meal/programme.yaml" in done.stderr
    assert where in done.stderr
    assert why in done.stderr
    assert "what to do: " in done.stderr
    assert not (tmp_path / "out").exists()


def test_programmes_that_exclude_each_other_in_a_circle(
    project: Path, run: Callable[..., Any], inputs: Path, tmp_path: Path
) -> None:
    path = project / "programmes" / "pkh" / "programme.yaml"
    path.write_text(path.read_text() + yaml.safe_dump({"excluded_by": [{**DATED, "value": ["blt-dana-desa"]}]}))
    done = _determine(run, inputs, tmp_path / "out", "bpnt")
    assert done.returncode == 1
    assert "circle: " in done.stderr
    assert "blt-dana-desa → pkh" in done.stderr or "pkh → blt-dana-desa" in done.stderr
    assert not (tmp_path / "out").exists()
