"""Read the input datasets of the determination from CSV or Parquet into plain rows of typed Python values."""

from __future__ import annotations

import csv
import re
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

JAKARTA = timezone(timedelta(hours=7))
Row = dict[str, Any]

COLUMNS: dict[str, dict[str, str]] = {
    "population": {
        **dict.fromkeys(["nik", "no_kk", "region_code", "district_code", "village_code"], "text"),
        **dict.fromkeys(["sex", "status"], "word"),
        **{"birth_date": "date", "status_date": "date", "family_relation": "number"},
    },
    "welfare_family": {
        **dict.fromkeys(["no_kk", "dtsen_family_id", "dtsen_period"], "text"),
        **dict.fromkeys(["region_code", "district_code", "village_code"], "text"),
        **dict.fromkeys(["decile", "national_rank", "electricity_va"], "number"),
    },
    "welfare_person": {
        **dict.fromkeys(["nik", "no_kk"], "text"),
        **{"family_relation": "number", "disability": "word", "is_pregnant": "bool"},
        **{"pregnancy_number": "number", "school_level": "word"},
    },
    "signal": {"nik": "text", "source": "text", "code": "word", "value": "text", "observed_on": "date"},
    "registration": {"nik": "text", "no_kk": "text", "registered_at": "moment", "consent": "bool"},
    "quota": {"region_code": "text", "programme": "word", "stage": "text", "quota": "number"},
    "minimum_wage": {
        **{"region_code": "text", "year": "number", "umk_idr": "number", "ump_idr": "number"},
        "valid_from": "date",
    },
    "quarantined": {"dataset": "word", "source": "text", "nik": "text", "no_kk": "text"},
}

WORDS = {
    "status": ("ACTIVE", "DECEASED", "MOVED"),
    "sex": ("L", "P"),
    "disability": ("NONE", "MILD", "SEVERE"),
    "school_level": ("SD", "SMP", "SMA"),
    "dataset": ("POPULATION", "WELFARE_FAMILY", "WELFARE_PERSON", "SIGNAL"),
}


class Unreadable(ValueError):
    """A value of the wrong type or an unknown word: the run ends with exit 1."""


def moment(value: Any) -> datetime:
    """A moment with a zone; one without a zone, and a bare day, are Asia/Jakarta."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=JAKARTA)
    return value if value.tzinfo else value.replace(tzinfo=JAKARTA)


def _typed(name: str, kind: str, value: Any) -> Any:
    if value is None or value == "":
        return None
    if kind == "word":
        if value.upper() not in WORDS.get(name, (value.upper(),)):
            raise Unreadable(f"{name}: unknown word")
        return value.upper()
    if kind == "number" and isinstance(value, str):
        found = re.fullmatch(r"(-?[0-9]+)(\.0*)?", value)
        if not found:
            raise Unreadable(f"{name}: not a whole number")
        return int(found[1])
    if kind == "date" and isinstance(value, str):
        return date.fromisoformat(value)
    if kind == "bool" and isinstance(value, str):
        return {"true": True, "1": True, "false": False, "0": False}[value.lower()]
    if kind == "moment":
        return moment(value)
    return value


def _rows_of_file(path: Path) -> list[Row]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return list(csv.DictReader(lines))
    return pq.read_table(path).to_pylist()


def read(folder: Path, dataset: str) -> list[Row]:
    """All rows of a dataset (`x.csv`, `x.parquet` or the folder `x/`); none where there is no such file."""
    found = [folder / f"{dataset}.csv", folder / f"{dataset}.parquet"]
    if (folder / dataset).is_dir():
        found += sorted((folder / dataset).iterdir())
    columns = COLUMNS[dataset]
    return [
        {name: _typed(name, kind, row.get(name)) for name, kind in columns.items()}
        for path in found
        if path.exists()
        for row in _rows_of_file(path)
    ]


def read_all(folder: Path) -> dict[str, list[Row]]:
    """Every dataset of the folder. Words are upper case (words are compared without case)."""
    return {dataset: read(folder, dataset) for dataset in COLUMNS}
