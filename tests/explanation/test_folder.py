"""A family is told its outcome in plain words: source, day, value, limit, what to do, and where."""

from __future__ import annotations

import json
import re
import shutil
from html import unescape
from pathlib import Path

import pytest

from explanation.conftest import ask, of_programme
from perlinsos.errors import Refused
from perlinsos.explanation.evidence import open_folder, read_office
from perlinsos.explanation.page import render_page
from perlinsos.explanation.terminal import describe
from rules.case_files import REGION, card
from rules.small_region import Region, decide


@pytest.fixture(scope="module")
def told(place: Path) -> Path:
    """Refused (1), without a decile (2), paid (3), queued (4), the power of a member (5), all deceased (6)."""
    region = Region()
    _, worker = region.family(1, decile=9)
    region.signal(worker, "WAGE", "7654321", on="2025-11-20", source="BPJS_KETENAGAKERJAAN")
    region.signal(worker, "WAGE", "100", on="2025-10-01", source="BPJS_KETENAGAKERJAAN")
    region.family(2, decile=None)
    region.family(3, decile=1)
    region.family(4, decile=2)
    _, owner = region.family(5, decile=2)
    region.signal(owner, "ELECTRICITY", "5500", on="2025-09-30", source="PLN")
    region.said(region.person(region.welfare(card(6)), "1950-01-01", status="deceased", status_date="2025-03-04"), card(6))
    region.add("quota", region_code=REGION, programme="pkh", stage="2026-T1", quota=1, decree_id="SK-7001")
    region.add("quota", region_code=REGION, programme="bpnt", stage="2026-T1", quota=9, decree_id="SK-7001")
    decide(region, place)
    return place


def test_a_refusal_has_source_day_value_limit_and_a_next_step(told: Path) -> None:
    reasons = of_programme(ask(told, card(1)), "pkh")["reasons"]
    assert [reason["code"] for reason in reasons] == ["UPAH_DI_ATAS_UMK", "DESIL_DI_ATAS_BATAS"]
    assert reasons[0]["text"].startswith("Menurut catatan BPJS Ketenagakerjaan per 20 November 2025, ")
    assert "Rp2.989.145" in reasons[0]["text"]
    assert reasons[1]["text"].startswith("Menurut catatan BPS (DTSEN) per triwulan 4 tahun 2025, ")
    assert "kelompok kesejahteraan 9 dari 10" in reasons[1]["text"]
    ending = "Karena itu keluarga Bapak/Ibu belum dapat menerima Program Keluarga Harapan (PKH) tahap 2026-T1."
    assert all(reason["text"].endswith(ending) and reason["next_step"] and reason["legal_basis"] for reason in reasons)


def test_without_inputs_the_day_is_that_of_the_answer(told: Path) -> None:
    (reason,) = of_programme(ask(told, card(5), has_inputs=False), "bpnt")["reasons"]
    assert reason["text"].startswith("Menurut catatan PLN per 1 Januari 2026, daya listrik yang tercatat 5.500 VA")
    (reason,) = of_programme(ask(told, card(5), "en"), "bpnt")["reasons"]
    assert reason["text"].startswith(
        "According to the record of PLN as of 30 September 2025, the electric power on record is 5,500"
    )


def test_missing_data_begin_by_saying_that_this_is_no_refusal(told: Path) -> None:
    programme = of_programme(ask(told, card(2)), "bpnt")
    (reason,) = programme["reasons"]
    assert programme["text"].startswith("Ini bukan penolakan")
    assert reason["text"].startswith("Ini bukan penolakan")
    assert reason["turn"].startswith("Giliran BPS (DTSEN), sampai akhir masa sanggah")
    assert of_programme(ask(told, card(2), "en"), "bpnt")["text"].startswith("This is not a refusal")


def test_who_is_paid_hears_the_amount_and_that_nothing_may_be_deducted(told: Path) -> None:
    programme = of_programme(ask(told, card(3)), "pkh")
    assert "Rp600.000 untuk tahap ini (Rp2.400.000 setahun)" in programme["text"]
    assert "tidak boleh dipotong oleh siapa pun" in programme["text"]
    assert [(part["component"], part["amount"]) for part in programme["counted"]] == [("LANSIA", "Rp2.400.000")]


def test_who_waits_hears_the_position_and_what_moves_it(told: Path) -> None:
    programme = of_programme(ask(told, card(4)), "pkh")
    assert (programme["outcome"], programme["queue_position"]) == ("ANTREAN", 1)
    assert "menunggu di urutan 1" in programme["reasons"][0]["text"]
    assert "urutan 1" in programme["remarks"][0]
    assert "undian" in programme["remarks"][0]


def test_the_dead_are_visited_and_sent_no_letter(told: Path) -> None:
    answer = ask(told, card(6))
    assert "mohon maaf bila keliru" in of_programme(answer, "bpnt")["reasons"][0]["text"]
    assert answer["letter"] == {
        "is_letter": False,
        "why_not": "Halaman ini tidak dikirim sebagai surat: petugas berkunjung lebih dahulu.",
    }


def test_the_office_is_named_and_without_it_no_letter_is_made(told: Path) -> None:
    answer = ask(told, card(1))
    assert answer["office"]["telephone"] == "0333-000-7010"
    assert answer["letter"]["is_letter"]
    without = ask(told, card(1), office=None)
    assert not without["letter"]["is_letter"]
    assert without["office"]["name"].startswith("Kantor desa/kelurahan")


def test_an_office_without_a_telephone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "office.yaml").write_text("name: Posko\naddress: Jalan\nhours: Senin\n")
    with pytest.raises(Refused, match="office is not complete"):
        read_office(tmp_path / "office.yaml")
    assert read_office(Path(__file__).parents[2] / "demo" / "region-35.10.yaml")["telephone"] == "0333-000-7010"


@pytest.mark.parametrize("language", ["id", "en"])
def test_terminal_and_page_say_the_same_and_never_a_number(told: Path, language: str) -> None:
    for number in range(1, 7):
        answer = ask(told, card(number), language)
        page, lines = render_page(answer), " ".join(describe(answer, 80).split())
        assert f'<html lang="{language}">' in page
        for programme in answer["families"][0]["programmes"]:
            for reason in programme["reasons"]:
                assert reason["text"] in " ".join(unescape(page).split())
                assert reason["text"] in lines
        assert not re.search(r"\d{10,}", page + lines + json.dumps(answer))


def test_lines_fit_a_narrow_terminal(told: Path) -> None:
    assert max(len(line) for line in describe(ask(told, card(1)), 60).splitlines()) <= 60


def test_a_folder_without_all_four_tables_is_refused(told: Path, tmp_path: Path) -> None:
    for name in ("summary.json", "decisions.parquet", "components.parquet", "findings.parquet"):
        shutil.copy(told / "out" / name, tmp_path)
    with pytest.raises(Refused, match="not a determination"), open_folder(tmp_path):
        pass
