"""In random nasty populations every number of the inputs is answered, and members by what their family was decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from explanation.conftest import kinds
from oracle.families import generate
from oracle.worlds import write
from perlinsos.errors import Refused
from perlinsos.explanation.answer import explain
from perlinsos.explanation.evidence import Evidence, open_folder
from properties.disagreements import run_product

DATASETS = ("population", "welfare_family", "welfare_person", "signal", "registration", "quarantined")


def _numbers(data: dict[str, list[dict[str, Any]]]) -> set[str]:
    rows = [row for name in DATASETS for row in data.get(name, [])]
    return {str(row[column]) for row in rows for column in ("nik", "no_kk") if row.get(column)}


def _is_told(evidence: Evidence, nik: str, no_kk: str) -> bool:
    """Whether the answer about a person holds what is said of the family."""
    told = explain(evidence, nik)["families"]
    return all(part in told for part in explain(evidence, no_kk)["families"])


@pytest.mark.parametrize("seed", range(2))
def test_every_number_is_answered_and_members_by_their_family(seed: int, tmp_path: Path) -> None:
    population = generate(seed)
    inputs = write(tmp_path / "inputs", population.data, "parquet")
    try:
        run_product(inputs, tmp_path / "out", population)
    except Refused:
        pytest.skip("this population is refused")
    tables = {name: pq.read_table(tmp_path / "out" / f"{name}.parquet").to_pylist() for name in ("decisions", "components")}
    members = {(row["head_nik"], row["no_kk"]) for row in tables["decisions"] if row["head_nik"]}
    members |= {(row["nik"], row["no_kk"]) for row in tables["components"] if row["nik"]}
    with open_folder(tmp_path / "out", inputs) as evidence:
        unanswered = [number for number in _numbers(population.data) if "not_seen" in kinds(explain(evidence, number))]
        strangers = [nik for nik, no_kk in sorted(members) if not _is_told(evidence, nik, no_kk)]
    assert not unanswered
    assert not strangers
