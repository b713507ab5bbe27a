"""Lists whose unit is a person: followed by the NIK wherever the card is."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from perlinsos.engine import open_engine
from perlinsos.model.datasets import RESULT_TABLES
from perlinsos.publication.differences import compare_lists, summarise_changes
from perlinsos.publication.files import arrow_schema, write_parquet

CARDS = ("3510160101207001", "3510160101207002")
NIKS = ("3510164101907001", "3510164101907002")


def person(no_kk: str, nik: str | None, outcome: str = "LAYAK", amount: int = 450_000) -> dict[str, Any]:
    paid = amount if outcome == "LAYAK" else 0
    row: dict[str, Any] = {column.name: None for column in RESULT_TABLES["decisions"].columns}
    return row | {
        "programme": "pip", "stage": "2026-T1", "as_of": date(2026, 1, 1), "region_code": "35.10", "unit": "person",
        "no_kk": no_kk, "nik": nik, "outcome": outcome, "reasons": [] if paid else ["BELUM_ADA_DESIL"], "warnings": [],
        "amount_year_idr": paid, "amount_stage_idr": paid // 4, "eligible_amount_year_idr": paid, "family_size": 1,
    }  # fmt: skip


def write_list(folder: Path, persons: list[dict[str, Any]]) -> Path:
    import pyarrow as pa

    folder.mkdir()
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in RESULT_TABLES} | {"decisions": persons}
    for name, table in RESULT_TABLES.items():
        write_parquet(pa.Table.from_pylist(rows[name], arrow_schema(table)), table, folder / f"{name}.parquet")
    (folder / "summary.json").write_text(json.dumps({"region": "35.10", "programmes": {"pip": {}}}))
    return folder


def compare(tmp_path: Path, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    with open_engine() as connection:
        found = compare_lists(connection, write_list(tmp_path / "a", before), write_list(tmp_path / "b", after))
        rows = found.project("nik, outcome_before, outcome_after, delta_year_idr, cause").fetchall()
        assert sum(part.families for part in summarise_changes(connection)) == len(rows)
        return rows


def test_a_person_on_another_card_is_the_same_unit(tmp_path: Path) -> None:
    before = [person(CARDS[0], NIKS[0]), person(CARDS[0], NIKS[1])]
    after = [person(CARDS[0], NIKS[0]), person(CARDS[1], NIKS[1], "TUNDA")]
    assert compare(tmp_path, before, after) == [(NIKS[1], "LAYAK", "TUNDA", -450_000, "MOVE")]


def test_persons_without_a_nik_are_counted_one_by_one(tmp_path: Path) -> None:
    before = [person(CARDS[0], None), person(CARDS[0], None)]
    assert compare(tmp_path, before, before[:1]) == [(None, "LAYAK", None, -450_000, "DATA")]
