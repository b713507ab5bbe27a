"""Inside the family a sensitive fact is told by its category alone: in sentences, components, amounts, JSON and page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from explanation.conftest import ask, of_programme
from perlinsos.explanation.page import render_page
from perlinsos.explanation.terminal import describe
from rules.case_files import card
from rules.small_region import Region, decide


@pytest.fixture(scope="module")
def families(place: Path) -> Path:
    """A wage, a balance, land and gambling (1); severe disability (2); a victim (3); a pregnant minor (4), adult (5);
    a minor whose pregnancy has no number (6) or is the third (7); two with a severe disability, of whom one counts (8)."""
    region = Region()
    _, worker = region.family(1, decile=2)
    for code, value in (("WAGE", "7654321"), ("BALANCE", "98765432"), ("LAND", "8888"), ("GAMBLING", "casino")):
        region.signal(worker, code, value, source={"GAMBLING": "PPATK", "BALANCE": "Bank Contoh"}.get(code, "BPJS_TK"))
    no_kk, _ = region.family(2)
    region.said(region.person(no_kk, "2000-01-01", relation=4), no_kk, disability="severe")
    _, victim = region.family(3)
    region.signal(victim, "RIGHTS_VICTIM", source="KOMNAS_HAM")
    for number, born, value, extra in ((4, "2010-02-03", "1", True), (5, "1995-02-03", "1", True), (6, "2010-02-03", "", False),
                                       (7, "2010-02-03", "3", False)):  # fmt: skip
        no_kk = region.welfare(card(number))
        if extra:
            region.person(no_kk, "1950-01-01")
        region.person(no_kk, "1980-01-01", sex="L", relation=2)
        region.signal(region.person(no_kk, born, relation=4), "PREGNANT", value, source="PUSKESMAS")
    no_kk, _ = region.family(8)
    for born in ("2000-01-01", "2001-01-01"):
        region.said(region.person(no_kk, born, relation=4), no_kk, disability="severe")
    by_hand = {"pkh.gambling": "yes", "pkh.balance_max_idr": "1000", "pkh.land_max_m2": "100", "pkh.max_disability": "1"}
    decide(region, place, set_values=by_hand)
    return place


def _all_texts(place: Path, number: int) -> str:
    """Everything that a family can see, in both languages and all three forms."""
    answers = [ask(place, card(number), language) for language in ("id", "en")]
    return "\n".join(form for answer in answers for form in (json.dumps(answer), describe(answer, 200), render_page(answer)))


@pytest.mark.parametrize(
    ("number", "secrets"),
    [
        (1, ["7654321", "7.654.321", "7,654,321", "98765432", "98.765.432", "8888", "8.888", "casino", "PPATK", "JUDI", "judi"]),
        (2, ["DISABILITAS", "disabilitas", "disability"]),
        (3, ["HAM", "rights"]),
        (4, ["HAMIL", "hamil", "pregnan", "PUSKESMAS", "Puskesmas"]),
        (6, ["HAMIL", "hamil", "pregnan", "KIA", "Puskesmas"]),
        (7, ["HAMIL", "hamil", "pregnan", "KIA", "Puskesmas"]),
        (8, ["DISABILITAS", "disabilitas", "disability"]),
    ],
)
def test_nothing_but_the_category_is_said(families: Path, number: int, secrets: list[str]) -> None:
    said = _all_texts(families, number)
    assert not [secret for secret in secrets if secret in said]


def test_the_category_and_the_way_to_the_detail_are_said(families: Path) -> None:
    reasons = of_programme(ask(families, card(1)), "pkh")["reasons"]
    assert [reason["code"] for reason in reasons] == ["UPAH_DI_ATAS_UMK", "ASET_TANAH_RUMAH", "SALDO_REKENING", None]
    assert "hanya kami jelaskan kepada yang bersangkutan" in reasons[-1]["text"]
    assert reasons[-1]["legal_basis"] is None
    (missing,) = [reason for reason in of_programme(ask(families, card(6)), "pkh")["reasons"] if reason["kind"] == "missing"]
    assert missing["text"].startswith("Ini bukan penolakan: ada keterangan tentang seorang anggota keluarga")


def test_an_amount_does_not_give_a_component_away(families: Path) -> None:
    programme = of_programme(ask(families, card(2)), "pkh")
    assert programme["amount_year_idr"] == 4_800_000
    assert [(part["name"], part["component"], part["amount_year_idr"]) for part in programme["counted"]] == [
        ("lanjut usia", "LANSIA", None),
        ("kesejahteraan sosial", None, None),
    ]
    assert "jumlah seluruhnya" in programme["remarks"][0]


def test_the_pregnancy_of_an_adult_is_named_where_the_register_shows_the_age(families: Path) -> None:
    counted = of_programme(ask(families, card(5)), "pkh")["counted"]
    assert ("ibu hamil/nifas", "Rp3.000.000") in [(part["name"], part["amount"]) for part in counted]
    without = of_programme(ask(families, card(5), has_inputs=False), "pkh")["counted"]
    assert [part["name"] for part in without] == ["lanjut usia", "kesehatan"]


def test_a_cap_on_a_sensitive_component_is_not_told_by_its_name(families: Path) -> None:
    (part,) = of_programme(ask(families, card(8)), "pkh")["not_counted"]
    assert (part["code"], part["name"], part["amount"]) == (None, "kesejahteraan sosial", None)
    assert "yang bersangkutan atau walinya" in part["next_step"].replace("Yang", "yang")
