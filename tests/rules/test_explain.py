"""A family is told its outcome in plain words; every code can be said, and sensitive facts stay a category."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from perlinsos.errors import Refused
from perlinsos.model.reasons import load_reasons
from perlinsos.recipients.explain import explain

from .case_files import REGION, card
from .small_region import Region, decide

PROGRAMMES = Path(__file__).resolve().parents[2] / "programmes"


def _text(answer: dict[str, Any]) -> str:
    return json.dumps(answer, ensure_ascii=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A refused family (1), one without a decile (2), one paid with three kinds of sensitive facts (3), moved (4)."""
    place = tmp_path_factory.mktemp("explain")
    region = Region()
    _, worker = region.family(1, decile=9)
    region.signal(worker, "WAGE", "7654321", source="BPJS")
    region.signal(worker, "GAMBLING", "casino", source="PPATK")
    region.family(2, decile=None)
    no_kk, head = region.family(3)
    region.said(head, no_kk, disability="severe", family_relation=1)
    daughter = region.person(no_kk, "2010-01-01", relation=4)
    region.signal(daughter, "PREGNANT", "3")
    region.said(region.person(card(9), "1990-01-01", status="moved"), region.welfare(card(4)))
    region.rows["population"][-1]["no_kk"] = card(8)
    region.family(5, region_code="51.01")
    region.rows["population"][-1]["region_code"] = "51.01"
    decide(region, place, set_values={"pkh.gambling": "yes"})
    return place


def _programme(answer: dict[str, Any], code: str) -> dict[str, Any]:
    (family,) = answer["families"]
    (found,) = [part for part in family["programmes"] if part["programme"] == code]
    return dict(found)


def test_a_refusal_has_source_value_limit_and_a_next_step(folder: Path) -> None:
    reasons = _programme(explain(folder / "out", card(1), "id"), "pkh")["reasons"]
    assert [reason["code"] for reason in reasons] == ["UPAH_DI_ATAS_UMK", "DESIL_DI_ATAS_BATAS", "TERINDIKASI_JUDI_ONLINE"]
    assert reasons[0]["text"].startswith("Menurut catatan BPJS per 2026-01-01, ")
    assert "kelompok kesejahteraan 9 dari 10" in reasons[1]["text"]
    assert reasons[1]["text"].endswith("belum dapat menerima Program Keluarga Harapan (PKH) tahap 2026-T1.")
    assert all(reason["next_step"] and reason["legal_basis"] for reason in reasons)


def test_missing_data_are_said_not_to_be_a_refusal(folder: Path) -> None:
    assert "bukan penolakan" in _programme(explain(folder / "out", card(2), "id"), "bpnt")["reasons"][0]["text"]
    assert "not a refusal" in _programme(explain(folder / "out", card(2), "en"), "bpnt")["text"]


@pytest.mark.parametrize("secret", ["7654321", "casino", "DISABILITAS", "disabilitas", "HAMIL", "hamil"])
def test_sensitive_facts_are_a_category(folder: Path, secret: str) -> None:
    assert secret not in _text(explain(folder / "out", card(1), "id")) + _text(explain(folder / "out", card(3), "id"))


def test_families_that_are_not_decided_here_are_told_where(folder: Path) -> None:
    assert explain(folder / "out", card(4), "id")["families"][0]["kind"] == "PINDAH"
    assert "Kabupaten Jembrana" in explain(folder / "out", card(5), "en")["families"][0]["text"]
    assert explain(folder / "out", card(77), "id")["families"][0]["kind"] == "not_seen"


def test_a_folder_without_all_four_tables_is_refused(folder: Path, tmp_path: Path) -> None:
    for name in ("summary.json", "decisions.parquet", "components.parquet", "findings.parquet"):
        shutil.copy(folder / "out" / name, tmp_path)
    with pytest.raises(Refused, match="not a determination"):
        explain(tmp_path, card(1))


def test_any_nik_of_the_inputs_finds_its_card(folder: Path) -> None:
    head = next(row.split(",")[0] for row in (folder / "inputs" / "population.csv").read_text().splitlines() if card(2) in row)
    by_card = explain(folder / "out", card(2), "id")
    assert explain(folder / "out", head, "id") == by_card
    member = next(row.split(",")[0] for row in (folder / "inputs" / "population.csv").read_text().splitlines() if card(8) in row)
    assert explain(folder / "out", member, "id", inputs=folder / "inputs")["families"][0]["kind"] == "PINDAH"


def test_the_answer_never_repeats_a_number(folder: Path) -> None:
    assert all(card(n) not in _text(explain(folder / "out", card(n), "en")) for n in range(1, 6))


def test_every_code_can_be_said_in_both_languages() -> None:
    catalogue = load_reasons(PROGRAMMES / "reasons.yaml")
    steps = {reason.next_step for reason in catalogue.reasons.values()}
    assert steps == set(catalogue.next_steps)
    forbidden = ("ditolak", "miskin", "curang")
    texts = [text for reason in catalogue.reasons.values() for text in (reason.text.id, reason.text.en)]
    assert not [text for text in texts if any(word in text.lower() for word in forbidden)]


def test_a_code_without_all_of_its_parts_is_refused(tmp_path: Path) -> None:
    text = (PROGRAMMES / "reasons.yaml").read_text()
    (tmp_path / "reasons.yaml").write_text(text.replace("sources: [Taspen], ", "", 1))
    with pytest.raises(Refused) as caught:
        load_reasons(tmp_path / "reasons.yaml")
    assert "ANGGOTA_PENSIUNAN.sources" in caught.value.where


def test_the_number_comes_on_standard_input(folder: Path) -> None:
    command = [sys.executable, "-m", "perlinsos.cli", "explain", "--list", str(folder / "out"), "--language", "en"]
    done = subprocess.run([*command, "--stdin"], input=f"{card(3)}\n", capture_output=True, text=True, check=True)
    assert REGION in done.stdout
    assert "Your family receives Family Hope Programme (PKH)" in done.stdout
    assert subprocess.run(command, capture_output=True, text=True, check=False).returncode == 2
