"""Small hand-made populations: write plain rows as the CSV or Parquet folders that the determination reads."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from oracle.inputs import COLUMNS, Row, moment

REGION, STAGE = "35.10", "2026-T1"
DISTRICT, VILLAGE = "35.10.16", "35.10.16.1014"
MAY_BE_ABSENT = {
    "population": ("district_code", "village_code", "status_date"),
    "welfare_family": ("dtsen_family_id", "national_rank", "district_code", "village_code", "electricity_va"),
    "welfare_person": ("family_relation", "disability", "is_pregnant", "pregnancy_number", "school_level"),
    "signal": ("source",),
    "minimum_wage": ("valid_from",),
    "quarantined": ("source",),
}
TYPES = {
    "text": pa.string(),
    "word": pa.string(),
    "number": pa.int64(),
    "date": pa.date32(),
    "bool": pa.bool_(),
    "moment": pa.timestamp("us", tz="UTC"),
}


def _cell(value: Any, is_odd: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value)) if is_odd else str(value).lower()
    if isinstance(value, int) and is_odd:
        return f"{value}.0"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def write_csv(path: Path, columns: Iterable[str], rows: list[Row], is_odd: bool = False) -> None:
    """A strict CSV: comma, UTF-8; null is empty. An odd one has a BOM, lone LF, every cell quoted, 2.0 for 2, 1 for true
    and a column that nobody knows."""
    names = [*columns, "catatan"] if is_odd else list(columns)
    style: dict[str, Any] = {"lineterminator": "\n", "quoting": csv.QUOTE_ALL} if is_odd else {}
    with path.open("w", encoding="utf-8-sig" if is_odd else "utf-8", newline="") as lines:
        writer = csv.writer(lines, **style)
        writer.writerow(names)
        writer.writerows([_cell(row.get(name), is_odd) for name in names] for row in rows)


def write_parquet(path: Path, columns: dict[str, str], rows: list[Row]) -> None:
    """Typed columns; a bare day among moments is midnight in Jakarta, as in a CSV."""
    arrays = []
    for name, kind in columns.items():
        values = [row.get(name) for row in rows]
        if kind == "moment":
            values = [None if value is None else moment(value) for value in values]
        arrays.append(pa.array(values, TYPES[kind]))
    pq.write_table(pa.table(arrays, names=list(columns)), path)


def _may_go(dataset: str, column: str, rows: list[Row]) -> bool:
    """Whether a column is neither required nor filled anywhere."""
    return column in MAY_BE_ABSENT.get(dataset, ()) and all(row.get(column) is None for row in rows)


def write(folder: Path, data: dict[str, list[Row]], form: str = "csv", parts: int = 1) -> Path:
    """Write every dataset; `parts` above 1: a folder of so many files per dataset.

    `form`: csv, odd (csv), parquet, or lean (csv without the columns and datasets that may be absent and hold nothing).
    """
    folder.mkdir(parents=True, exist_ok=True)
    suffix = "parquet" if form == "parquet" else "csv"
    for dataset, columns in COLUMNS.items():
        rows = data.get(dataset, [])
        if form == "lean":
            columns = {name: kind for name, kind in columns.items() if not _may_go(dataset, name, rows)}
            if dataset == "quarantined" and not rows:
                continue
        paths = [folder / f"{dataset}.{suffix}"]
        if parts > 1 and dataset not in ("quota", "minimum_wage"):
            (folder / dataset).mkdir()
            paths = [folder / dataset / f"part-{part}.{suffix}" for part in range(parts)]
        for part, path in enumerate(paths):
            if form == "parquet":
                write_parquet(path, columns, rows[part :: len(paths)])
            else:
                write_csv(path, columns, rows[part :: len(paths)], form == "odd")
    return folder


def nik(born: date, sex: str, serial: int, area: str = "351016") -> str:
    """An invented NIK whose digits agree with the birth date and the sex; serials are >= 7000."""
    day = born.day + (40 if sex == "P" else 0)
    return f"{area}{day:02d}{born:%m%y}{serial:04d}"


class World:
    """Rows of every dataset, filled family by family. Numbers are counted from 7000."""

    def __init__(self) -> None:
        self.data: dict[str, list[Row]] = {dataset: [] for dataset in COLUMNS}
        self._serial = 6999

    def family(self, decile: int | None = 1, rank: int | None = None, **welfare: Any) -> str:
        """A card with a welfare row of 2025-Q4."""
        self._serial += 1
        card = f"351016010120{self._serial:04d}"
        row = {"no_kk": card, "dtsen_period": "2025-Q4", "decile": decile, "national_rank": rank}
        row |= {"region_code": REGION, "district_code": DISTRICT, "village_code": VILLAGE} | welfare
        self.data["welfare_family"].append(row)
        return card

    def person(self, card: str | None, born: date, sex: str = "P", relation: int = 4, **said: Any) -> str:
        """An active person on the card, with a welfare person row; `said` is what the welfare data says of it."""
        self._serial += 1
        number = nik(born, sex, self._serial)
        place = {"region_code": REGION, "district_code": DISTRICT, "village_code": VILLAGE}
        self.data["population"].append(
            {"nik": number, "no_kk": card, "sex": sex, "birth_date": born, "family_relation": relation}
            | {"status": "active"}
            | place
        )
        self.data["welfare_person"].append({"nik": number, "no_kk": card, "family_relation": relation} | said)
        return number

    def signal(self, number: str, code: str, value: str | None = None, day: date = date(2025, 11, 3), source: str = "X") -> None:
        """One fact of an agency."""
        row = {"nik": number, "source": source, "code": code, "value": value, "observed_on": day}
        self.data["signal"].append(row)

    def wages(self) -> None:
        """The minimum wages of Banyuwangi that the rules quote."""
        self.data["minimum_wage"] += [
            {"region_code": REGION, "year": 2026, "umk_idr": 2_989_145, "ump_idr": 2_446_880},
            {"region_code": REGION, "year": 2025, "umk_idr": 2_810_139, "ump_idr": 2_305_985},
        ]
