"""A folder is explained from the inputs that it was determined from, or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from perlinsos.errors import Refused
from perlinsos.explanation.answer import explain
from perlinsos.explanation.evidence import open_folder
from perlinsos.recipients.determine import determine
from rules.case_files import REGION, card
from rules.small_region import Region, decide


@pytest.fixture(scope="module")
def decided(place: Path) -> Path:
    region = Region()
    no_kk, head = region.family(1)
    region.said(head, no_kk)
    region.signal(head, "WAGE", "100")
    region.add("quarantined", dataset="signal", source="PLN", nik=head, no_kk=None)
    decide(region, place)
    return place


@pytest.fixture
def inputs(decided: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(decided / "inputs", tmp_path / "inputs"))


def test_the_inputs_of_the_determination_are_taken_wherever_they_lie(decided: Path, inputs: Path) -> None:
    (inputs / "signal").mkdir()
    (inputs / "signal.csv").rename(inputs / "signal" / "part.csv")
    with open_folder(decided / "out", inputs) as evidence:
        assert explain(evidence, card(1))["families"][0]["kind"] == "decided"


def test_a_folder_that_is_not_there_is_refused(decided: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no folder of inputs"), open_folder(decided / "out", tmp_path / "none"):
        pass


@pytest.mark.parametrize("dataset", ["population", "welfare_family", "welfare_person", "signal", "quarantined"])
def test_a_dataset_that_is_missing_or_changed_is_refused_by_name(decided: Path, inputs: Path, dataset: str) -> None:
    file = inputs / f"{dataset}.csv"
    file.write_text(file.read_text() + "\n")
    with pytest.raises(Refused, match=rf"not the one[\s\S]*{dataset}\.csv"), open_folder(decided / "out", inputs):
        pass
    file.unlink()
    with pytest.raises(Refused, match=rf"dataset is missing[\s\S]*{dataset} in inputs"), open_folder(decided / "out", inputs):
        pass


def test_one_of_several_files_may_not_be_missing(decided: Path, inputs: Path, tmp_path: Path) -> None:
    (inputs / "population").mkdir()
    (inputs / "population.csv").rename(inputs / "population" / "a.csv")
    header = (inputs / "population" / "a.csv").read_text().splitlines()[0]
    (inputs / "population" / "b.csv").write_text(f"{header}\n")
    determine(REGION, "2026-T1", inputs, tmp_path / "out")
    (inputs / "population" / "b.csv").unlink()
    with (
        pytest.raises(Refused, match=r"file is missing[\s\S]*population: population/b.csv"),
        open_folder(tmp_path / "out", inputs),
    ):
        pass


def test_files_that_the_determination_did_not_read_are_refused_but_a_registration(decided: Path, inputs: Path) -> None:
    shutil.copy(inputs / "signal.csv", inputs / "registration.csv")
    with open_folder(decided / "out", inputs):
        pass
    (inputs / "registration.csv").unlink()
    (inputs / "population").mkdir()
    (inputs / "population.csv").rename(inputs / "population" / "a.csv")
    shutil.copy(inputs / "signal.csv", inputs / "population" / "b.csv")
    with pytest.raises(Refused, match=r"not the one[\s\S]*population: b.csv"), open_folder(decided / "out", inputs):
        pass
