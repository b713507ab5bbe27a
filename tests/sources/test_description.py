"""A source's file: every key of the contract, and an error with file, key and remedy for anything else."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from perlinsos.errors import Refused, WrongUsage
from perlinsos.settings import load_settings
from perlinsos.sources.description import load_source

from .conftest import describe

REQUIRED = """source: contoh
dataset: population
agency: Contoh
legal_basis: [{act: a, agreement: b, valid_from: 2025-01-01, valid_until: 2025-12-31, purpose: p, retention_months: 1}]
"""


def test_every_source_of_the_project_loads() -> None:
    found = [load_source(path) for path in sorted(load_settings().folder("sources").glob("*.yaml"))]
    assert len({source.source for source in found}) == len(found) > 0


def test_words_stay_words(tmp_path: Path) -> None:
    path = tmp_path / "contoh.yaml"
    path.write_text(REQUIRED + "columns: {sex: {values: {NO: L, Y: P, 01: L}}, status: {constant: active}}\n")
    source = load_source(path)
    assert source.column("sex").values == {"NO": "L", "Y": "P", "01": "L"}


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("formats: {}", "formats: unknown key"),
        ("format: {sheets: all}", "format.sheets: unknown key"),
        ("format: {kind: ods}", "format.kind"),
        ("scope: village", "scope"),
        ("columns: {nama: {from: NAMA}}", "nama"),
        ("columns: {name: {null_words: ['-']}}", "null_words"),
        ("columns: {birth_date: {formats: ['%m/%d/%Y']}}", "%m/%d/%Y"),
        ("columns: {status: {constant: active, from: X}}", "not both"),
        ("agency: Lain", "stands twice"),
    ],
)
def test_unknown_keys_and_words_are_named(tmp_path: Path, line: str, named: str) -> None:
    path = tmp_path / "contoh.yaml"
    path.write_text(REQUIRED + line + "\n")
    with pytest.raises(WrongUsage) as error:
        load_source(path)
    assert named in str(error.value)
    assert "contoh.yaml" in str(error.value)


def test_a_day_outside_every_legal_basis_refuses() -> None:
    source = describe("population")
    assert source.check_legal_basis(date(2026, 1, 1)).act == "contoh"
    with pytest.raises(Refused, match="no legal basis"):
        source.check_legal_basis(date(2027, 1, 1))
