"""The 25 small deliveries with the right answer: every file goes through `perlinsos ingest`."""

from __future__ import annotations

import csv
import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from perlinsos.cli import main

CASES = Path(__file__).parent / "cases"
REFUSED_BY_CONTRACT = {
    # Several sheets of one shape are read only where the source says so (contracts.md, "Sheets").
    ("13", "per_kecamatan.xlsx", "Nothing said about sheets."),
}


def load_files() -> list[Any]:
    """Every file of every case, named by case and file."""
    found = []
    for path in sorted(CASES.glob("*/expected.json")):
        case = json.loads(path.read_text())
        for number, file in enumerate(case["files"]):
            name = f"{path.parent.name}-{number}-{file['file'].strip('/')}"
            found.append(pytest.param(case["id"], path.parent, file, id=name))
    return found


def ingest(source: dict[str, Any], files: list[Path], folder: Path) -> tuple[int, dict[str, Any], Path]:
    """Run the command; give its exit code, outcome.json and the folder it wrote."""
    described = folder / "source.yaml"
    described.write_text(yaml.safe_dump(source, allow_unicode=True))
    out = folder / "out"
    words = ["perlinsos", "ingest", "--source", str(described), "--out", str(out), "--json", *map(str, files)]
    before, sys.argv = sys.argv, words
    try:
        main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = before
    return code, json.loads((out / "outcome.json").read_text()), out


def landing_objects(keys: Path, prefix: str, folder: Path) -> list[Path]:
    """Case 34: one small file for each key of the list, in the order of the listing."""
    made = []
    for number, row in enumerate(csv.DictReader(keys.open(encoding="utf-8", newline=""))):
        if row["key"].startswith(prefix):
            path = folder / f"{number:05}.csv"
            path.write_text(f"nik,source,code,value,observed_on\n{row['nik']},PLN,ELECTRICITY,{row['value']},2025-10-01\n")
            made.append(path)
    return made


def as_text(value: Any) -> str | None:
    """A canonical value as the cases write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return None if value is None else str(value).replace("\r\n", "\n")


@pytest.mark.parametrize(("case_id", "folder", "file"), load_files())
def test_delivery_has_the_right_answer(case_id: str, folder: Path, file: dict[str, Any], tmp_path: Path) -> None:
    path = folder / file["file"]
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    if "landing_prefix" in file:
        files = landing_objects(path, file["landing_prefix"], tmp_path)
    code, outcome, out = ingest(file["source"], files, tmp_path)
    is_refused = file["verdict"] == "refuse" or (case_id, file["file"], file["note"]) in REFUSED_BY_CONTRACT
    assert code == (1 if is_refused else 0), outcome["refused"]
    if is_refused:
        assert [path.name for path in out.iterdir()] == ["outcome.json"]
        assert outcome["refused"]["what"] and outcome["refused"]["remedy"]
        assert outcome["accepted"] == outcome["accepted_with_warnings"] == outcome["quarantined"] == 0
        return
    accepted = pq.read_table(out / "accepted.parquet").to_pylist()
    quarantined = pq.read_table(out / "quarantine.parquet").to_pylist()
    assert outcome["received"] == file["received"]
    assert len(accepted) == outcome["accepted"] + outcome["accepted_with_warnings"] == file["accepted"]
    assert len(quarantined) == outcome["quarantined"] == file["received"] - file["accepted"]
    check_quarantine(quarantined, file["quarantine"])
    check_values(accepted, file)
    check_warned(accepted, file)
    assert not [cell for row in accepted for cell in row.values() if isinstance(cell, str) and "\0" in cell]


def check_quarantine(rows: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """The rows that were set aside, each with the expected kind of error."""
    found = {row["_row"]: {(e["message_id"], e["column"]) for e in row["_errors"]} for row in rows}
    for item in expected:
        assert (item["kind"], item["column"]) in found[item["row"]]


def check_values(rows: list[dict[str, Any]], file: dict[str, Any]) -> None:
    """The canonical values of the rows that the case names."""
    by_key = {row[file["key"]]: row for row in rows}
    for item in file["canonical"]:
        row = by_key[item["key"]]
        for name, value in item["values"].items():
            wanted = None if value in (None, "") else value
            assert as_text(row[name]) == as_text(wanted), name


def check_warned(rows: list[dict[str, Any]], file: dict[str, Any]) -> None:
    """Rows that must carry a warning do; no other row carries one about its NIK."""
    warned = {row[file["key"]] for row in rows if row["_warnings"]}
    assert set(file["warned"]) <= warned
    nik = {row[file["key"]] for row in rows for warning in row["_warnings"] if warning["message_id"].startswith("NIK_")}
    assert nik <= set(file["warned"])
