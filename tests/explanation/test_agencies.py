"""A family hears the name of an agency, never the id of a source."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from explanation.conftest import ask, of_programme
from perlinsos.explanation.answer import explain, make_voice
from perlinsos.explanation.evidence import open_folder
from rules.case_files import card
from rules.small_region import Region, decide

ASTRAY = "3510160101907941"


@pytest.fixture(scope="module")
def held(place: Path) -> Path:
    """Rows set aside: of a source that the project knows (1), of one that it does not (2), of none (3)."""
    region = Region()
    for number, source in ((1, "bpjs-ketenagakerjaan-wage"), (2, "uji-7001"), (3, None)):
        region.family(number)
        region.add("quarantined", dataset="signal", source=source, nik=None, no_kk=card(number))
    region.add("quarantined", dataset="signal", source="dtsen-family", nik=ASTRAY, no_kk=None)
    decide(region, place)
    return place


@pytest.mark.parametrize(
    ("number", "id_", "en"),
    [(1, "BPJS Ketenagakerjaan", "BPJS Ketenagakerjaan"), (2, "instansi pengirim", "the sending agency")],
)
def test_a_row_set_aside_is_of_an_agency(held: Path, number: int, id_: str, en: str) -> None:
    for language, name in (("id", id_), ("en", en)):
        answer = ask(held, card(number), language)
        (reason,) = [one for one in of_programme(answer, "pkh")["reasons"] if one["code"] == "DATA_DIKARANTINA"]
        assert f" {name} " in reason["text"]
        assert reason["sources"] == [name]
        assert not [secret for secret in ("bpjs-", "uji-7001") if secret in json.dumps(answer)]


def test_a_number_that_was_only_set_aside_is_of_an_agency_too(held: Path) -> None:
    assert "dari BPS belum terbaca" in ask(held, ASTRAY)["families"][0]["text"]


def test_an_agency_that_gives_a_fact_away_is_not_named_by_id_or_agency(held: Path) -> None:
    with open_folder(held / "out", held / "inputs") as evidence:
        voice = make_voice(replace(evidence, agency_of={"uji-7001": "PPATK"}.get), "id")
        told = explain(replace(evidence, agency_of={"uji-7001": "Bank Contoh"}.get), card(2))
    for name in ("uji-7001", "ppatk-judi", "KOMNAS_HAM", "bank-contoh"):
        assert voice.source(name) == "lembaga yang berwenang"
    assert "Bank" not in json.dumps(told)


def test_names_that_people_know_stay(held: Path) -> None:
    with open_folder(held / "out", held / "inputs") as evidence:
        voice = make_voice(evidence, "id")
    assert [voice.source(name) for name in ("PLN", "perlinsos", "Dinas Contoh", "X_Y", "wage")] == [
        "PLN", "Perlinsos", "Dinas Contoh", "instansi pengirim", "instansi pengirim",
    ]  # fmt: skip
