"""What the tests of judging share: a population delivery as CSV, and one call that reads and checks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from perlinsos.quality.check import CheckOutcome, check_delivery
from perlinsos.settings import load_settings
from perlinsos.sources.description import SourceDescription
from perlinsos.sources.read import read_delivery

BASIS = {
    "act": "contoh",
    "agreement": "contoh",
    "valid_from": "2025-01-01",
    "valid_until": "2026-12-31",
    "purpose": "contoh",
    "retention_months": 1,
}
PERSON = {
    "nik": "3510162509727061",
    "no_kk": "3510161303167061",
    "name": "WARGA SATU",
    "sex": "L",
    "birth_date": "1972-09-25",
    "family_relation": "1",
    "region_code": "35.10",
    "district_code": "35.10.16",
    "village_code": "35.10.16.1014",
    "status": "active",
}
Judge = Callable[..., CheckOutcome]


def describe(dataset: str = "population", **keys: Any) -> SourceDescription:
    """A source that quarantines as much as there is, unless the keys say otherwise."""
    required = {"source": "contoh", "dataset": dataset, "agency": "Contoh", "legal_basis": [BASIS]}
    return SourceDescription.model_validate({**required, "shares": {"max_percent": 100}, **keys})


def person(serial: int = 7061, **cells: str) -> dict[str, str]:
    """One person; the serial is the end of the NIK."""
    return {**PERSON, "nik": f"351016250972{serial:04}", **cells}


def write_csv(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    """Rows of the same columns as a CSV file."""
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Read and check rows; `out` is a folder below the test's."""

    def run(
        rows: Sequence[dict[str, str]], source: SourceDescription | None = None, *, out: str = "out", **keys: Any
    ) -> CheckOutcome:
        source = source or describe()
        settings = load_settings()
        reference = settings.folder("reference")
        file = write_csv(tmp_path / f"{out}.csv", rows)
        read = read_delivery(source, [file], tmp_path / f"{out}-read", reference=reference)
        keys.setdefault("gate", False)
        keys.setdefault("expectations", settings.folder("expectations"))
        return check_delivery(source, read.canonical, tmp_path / out, reference=reference, **keys)

    return run
