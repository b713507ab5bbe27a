"""A small region for tests of single rules: rows with defaults, one run of the determination, answers by family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from perlinsos.recipients.determine import determine

from .case_files import DISTRICT, HEADERS, REGION, VILLAGE, card, nik, write_csv

Row = dict[str, Any]


@dataclass
class Region:
    """Rows of every dataset; the methods add one row with ordinary values and return what names it."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in HEADERS})
    serial: int = 7000

    def person(self, no_kk: str | None, born: str, sex: str = "P", relation: int = 1, **other: Any) -> str:
        """A row of the register; returns its NIK."""
        birth = date.fromisoformat(born)
        self.serial += 1
        row = {"nik": nik(birth, sex, self.serial), "no_kk": no_kk, "sex": sex, "birth_date": born}
        row |= {"family_relation": relation, "region_code": REGION, "district_code": DISTRICT, "village_code": VILLAGE}
        row |= {"status": "active", "status_date": None} | other
        self.rows["population"].append(row)
        return str(row["nik"])

    def welfare(self, no_kk: str, decile: int | None = 1, **other: Any) -> str:
        """A row of welfare_family; returns its No KK."""
        row = {"no_kk": no_kk, "dtsen_period": "2025-Q4", "decile": decile, "region_code": REGION}
        self.rows["welfare_family"].append(row | other)
        return no_kk

    def said(self, person: str | None, no_kk: str, **other: Any) -> None:
        """A row of welfare_person."""
        self.rows["welfare_person"].append({"nik": person, "no_kk": no_kk} | other)

    def signal(self, person: str, code: str, value: Any = None, on: str | None = "2025-12-01", source: str = "X") -> None:
        """A fact of another agency."""
        row = {"nik": person, "source": source, "code": code, "value": value, "observed_on": on}
        self.rows["signal"].append(row)

    def add(self, dataset: str, /, **row: Any) -> None:
        """A row of another dataset."""
        self.rows[dataset].append(row)

    def family(self, number: int, born: str = "1950-01-01", decile: int | None = 1, **welfare: Any) -> tuple[str, str]:
        """A family of one woman (of 75: a PKH component) with a welfare row; returns No KK and NIK."""
        no_kk = self.welfare(card(number), decile, **welfare)
        return no_kk, self.person(no_kk, born)

    def write(self, folder: Path, missing: Sequence[str] = ()) -> None:
        """Write the datasets as CSV; optional ones only where they have rows."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, header in HEADERS.items():
            needed = name in ("population", "welfare_family", "welfare_person", "signal")
            if (needed or self.rows[name]) and name not in missing:
                write_csv(folder / f"{name}.csv", header, self.rows[name])


@dataclass(frozen=True)
class Answer:
    """What a determination wrote."""

    summary: dict[str, Any]
    tables: dict[str, list[Row]]

    def decision(self, no_kk: str, programme: str = "pkh") -> Row:
        """The one decision of a family."""
        (row,) = [r for r in self.tables["decisions"] if (r["no_kk"], r["programme"]) == (no_kk, programme)]
        return row

    def why(self, no_kk: str, programme: str = "pkh") -> tuple[str, list[str]]:
        """Outcome and reasons."""
        row = self.decision(no_kk, programme)
        return row["outcome"], row["reasons"]

    def components(self, no_kk: str) -> list[tuple[str, str | None]]:
        """Components with the reason why they are not counted."""
        return [(r["component"], r["not_counted_reason"]) for r in self.tables["components"] if r["no_kk"] == no_kk]

    def findings(self, no_kk: str, programme: str = "bpnt") -> list[tuple[Any, ...]]:
        """Findings without their legal basis."""
        names = ("code", "nik", "source", "observed_value", "limit_value")
        rows = [r for r in self.tables["findings"] if (r["no_kk"], r["programme"]) == (no_kk, programme)]
        return [tuple(row[name] for name in names) for row in rows]

    def kind(self, no_kk: str) -> str | None:
        """Why a family is not decided."""
        found = [row["kind"] for row in self.tables["not_decided"] if row["no_kk"] == no_kk]
        return found[0] if found else None


def decide(region: Region, folder: Path, stage: str = "2026-T1", **options: Any) -> Answer:
    """Write the region, determine it and read the result."""
    region.write(folder / "inputs")
    return read(determine(REGION, stage, folder / "inputs", folder / "out", **options), folder / "out")


def read(summary: Mapping[str, Any], out: Path) -> Answer:
    """The answer in a result folder."""
    names = ("decisions", "components", "findings", "not_decided")
    return Answer(dict(summary), {name: pq.read_table(out / f"{name}.parquet").to_pylist() for name in names})
