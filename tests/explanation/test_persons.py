"""A programme that decides persons: a NIK hears its own answer, a card one answer a person."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explanation.conftest import kinds
from perlinsos.explanation.answer import Answer, explain, explain_row
from perlinsos.explanation.evidence import open_folder
from perlinsos.model.datasets import RESULT_TABLES
from perlinsos.recipients.outputs import arrow_schema
from rules.case_files import card, nik, write_csv
from rules.small_region import Region, decide

FIRST, SECOND, ALONE = (nik(date(1990, 1, 1), "P", 7000 + number) for number in (101, 102, 103))


def _decision(person: str, no_kk: str | None, outcome: str, reasons: list[str]) -> dict[str, Any]:
    amount = 504_000 if outcome == "LAYAK" else 0
    return {
        "programme": "pkh", "stage": "2026-T1", "as_of": date(2026, 1, 1), "region_code": "35.10", "unit": "person",
        "no_kk": no_kk, "nik": person, "outcome": outcome, "reasons": reasons, "warnings": [], "amount_year_idr": amount,
        "amount_stage_idr": amount // 4, "eligible_amount_year_idr": amount,
    }  # fmt: skip


@pytest.fixture(scope="module")
def persons(place: Path) -> Path:
    """Two persons of a card, and one without a card."""
    rows: dict[str, list[dict[str, Any]]] = {
        "decisions": [_decision(FIRST, card(1), "LAYAK", []), _decision(SECOND, card(1), "TIDAK_LAYAK", ["ANGGOTA_ASN"]),
                      _decision(ALONE, None, "TUNDA", ["BELUM_ADA_DESIL"])],
        "findings": [{"programme": "pkh", "no_kk": card(1), "nik": SECOND, "code": "ANGGOTA_ASN", "source": "BKN"}],
        "components": [{"programme": "pkh", "no_kk": card(1), "nik": FIRST, "component": "LANSIA", "amount_year_idr": 504_000,
                        "is_counted": True}],
        "not_decided": [],
    }  # fmt: skip
    (place / "out").mkdir()
    for name, found in rows.items():
        pq.write_table(pa.Table.from_pylist(found, arrow_schema(RESULT_TABLES[name])), place / "out" / f"{name}.parquet")
    (place / "inputs").mkdir()
    register = [{"nik": person, "no_kk": no_kk, "birth_date": "1990-01-01", "status": "active", "status_date": None}
                for person, no_kk in ((FIRST, card(1)), (SECOND, card(1)), (ALONE, None))]  # fmt: skip
    write_csv(place / "inputs" / "population.csv", "nik no_kk birth_date status status_date", register)
    digest = hashlib.sha256((place / "inputs" / "population.csv").read_bytes()).hexdigest()
    pinned = {"dataset": "population", "file": "population.csv", "sha256": digest}
    summary = {"region": "35.10", "stage": "2026-T1", "as_of": "2026-01-01", "simulation_only": False, "settings": {},
               "programmes": {"pkh": {}}, "inputs": [pinned]}  # fmt: skip
    (place / "out" / "summary.json").write_text(json.dumps(summary))
    return place


def _ask(place: Path, number: str) -> Answer:
    with open_folder(place / "out", place / "inputs") as evidence:
        return explain(evidence, number)


def test_a_nik_hears_its_own_answer(persons: Path) -> None:
    (programme,) = _ask(persons, SECOND)["families"][0]["programmes"]
    assert (programme["outcome"], programme["unit"]) == ("TIDAK_LAYAK", "person")
    assert programme["text"].startswith("Anggota keluarga ini belum dapat menerima")
    assert "catatan BKN" in programme["reasons"][0]["text"]


def test_a_card_hears_one_answer_a_person_told_apart_without_the_number(persons: Path) -> None:
    first, second = _ask(persons, card(1))["families"][0]["programmes"]
    assert (first["member"], second["member"]) == (
        "Untuk anggota keluarga dengan nomor yang berakhiran 101.",
        "Untuk anggota keluarga dengan nomor yang berakhiran 102.",
    )
    assert ([part["name"] for part in first["counted"]], second["counted"]) == (["lanjut usia"], [])
    assert FIRST not in json.dumps([first, second])


def test_a_person_without_a_card_is_answered(persons: Path) -> None:
    answer = _ask(persons, ALONE)
    assert kinds(answer) == ["person_without_card", "decided"]
    assert answer["families"][1]["programmes"][0]["outcome"] == "TUNDA"


def test_a_row_is_one_person(persons: Path) -> None:
    with open_folder(persons / "out", persons / "inputs") as evidence:
        told = explain_row(evidence, 2)
    assert [programme["outcome"] for programme in told["families"][0]["programmes"]] == ["TIDAK_LAYAK"]


def test_a_member_whom_the_programme_does_not_consider_is_answered(tmp_path: Path) -> None:
    """PIP judges pupils: the mother's NIK hears that, the pupil's own answer, and the card the pupil's."""
    region = Region()
    no_kk, mother = region.family(1, "1980-01-01")
    pupil = region.person(no_kk, "2012-01-01", relation=4)
    region.signal(pupil, "ENROLLED", "SMP")
    decide(region, tmp_path, programmes=["pip"])
    (told,) = _ask(tmp_path, mother)["families"]
    assert told["kind"] == "person_not_considered"
    assert told["text"].startswith("Ini bukan penolakan")
    for number in (pupil, no_kk):
        (programme,) = _ask(tmp_path, number)["families"][0]["programmes"]
        assert (programme["outcome"], programme["amount_stage_idr"]) == ("LAYAK", 750_000)


def test_what_is_given_already_is_named(tmp_path: Path) -> None:
    region = Region()
    no_kk, _ = region.family(1)
    decide(region, tmp_path, programmes=["pkh", "bpnt", "blt-dana-desa"])
    told = {part["programme"]: part for part in _ask(tmp_path, no_kk)["families"][0]["programmes"]}
    (reason,) = told["blt-dana-desa"]["reasons"]
    assert reason["code"] == "PENERIMA_PROGRAM_LAIN"
    assert "Program Sembako (BPNT) dan Program Keluarga Harapan (PKH)" in reason["text"]
    assert reason["legal_basis"] == "Permendes PDTT 8/2022"


def test_where_nobody_can_be_counted_the_agencies_are_those_that_the_components_read(tmp_path: Path) -> None:
    """Meals for the lone elderly ask the register alone; a pupil's grant and PKH ask the schools too."""
    region = Region()
    no_kk, _ = region.family(1, "1990-01-01")
    decide(region, tmp_path, programmes=["pkh", "pip", "rantang-kasih"])
    told = {part["programme"]: part for part in _ask(tmp_path, no_kk)["families"][0]["programmes"]}
    sources = {code: part["reasons"][0]["sources"] for code, part in told.items()}
    assert {part["reasons"][0]["code"] for part in told.values()} == {"TIDAK_ADA_KOMPONEN"}
    every = ["Dukcapil", "BPS", "Dapodik/EMIS"]
    assert sources == {"pkh": every, "pip": every, "rantang-kasih": ["Dukcapil"]}
    assert "Dapodik" not in told["rantang-kasih"]["reasons"][0]["text"]
