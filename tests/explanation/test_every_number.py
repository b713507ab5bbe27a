"""No answer is "not found" for a number that stands in an input of the stage."""

from __future__ import annotations

import csv
from html import unescape
from pathlib import Path

import pytest

from explanation.conftest import ask, kinds
from perlinsos.explanation.page import render_page
from perlinsos.explanation.terminal import describe
from rules.case_files import REGION, card
from rules.small_region import Region, decide

ODD = " 3510-16 ABC "


@pytest.fixture(scope="module")
def numbers(place: Path) -> dict[str, str]:
    """People and cards in every corner of the inputs; name → number."""
    region, found = Region(), {}
    found["card"], found["head"] = region.family(1)
    found["member"] = region.person(card(1), "1990-01-01", sex="L", relation=3)
    found["dead member"] = region.person(card(1), "1940-01-01", relation=2, status="deceased", status_date="2025-06-01")
    found["moved member"] = region.person(card(1), "1991-01-01", relation=4, status="moved", status_date="2025-07-01")
    found["future member"] = region.person(card(1), "1992-01-01", relation=4, status_date="2026-02-01")
    found["unborn"] = region.person(card(2), "2026-03-01", relation=4)
    found["future card"] = card(2)
    found["moved away"] = region.person(card(3), "1970-01-01", status="moved", status_date="2025-01-01")
    found["left card"] = card(3)
    found["widow's late husband"] = region.person(card(4), "1945-01-01", status="deceased")
    found["dead card"] = card(4)
    found["without a card"] = region.person(None, "1980-01-01")
    found["moved family"] = region.welfare(card(5))
    found["moved head"] = region.person(card(5), "1980-01-01", status="moved")
    found["future period"] = region.welfare(card(6), dtsen_period="2026-Q2")
    found["elsewhere"] = region.family(7, region_code="51.01")[0]
    region.rows["population"][-1]["region_code"] = "51.01"
    found["unmatched"] = "3510160101907901"
    region.said(found["unmatched"], card(1), family_relation=4)
    found["only said"], found["card only said"] = "3510160101907902", card(8)
    region.said(found["only said"], card(8))
    found["only a signal"] = "3510160101907903"
    region.signal(found["only a signal"], "GAMBLING", source="PPATK")
    found["only registered"], found["card only registered"] = "3510160101907904", card(9)
    region.add(
        "registration", nik=found["only registered"], no_kk=card(9), registered_at="2025-12-01T00:00:00+07:00", consent="true"
    )
    found["only set aside"], found["as it arrived"] = "3510160101907905", "3.51016E+15"
    region.add("quarantined", dataset="signal", source="PPATK", nik=found["only set aside"], no_kk=None)
    region.add("quarantined", dataset="population", source="DUKCAPIL", nik=found["as it arrived"], no_kk=None)
    region.add("quarantined", dataset="welfare_family", source="DTSEN", nik=None, no_kk=ODD)
    found["odd text"] = ODD.strip()
    found["named beside a card"] = "3510160101907906"
    region.add("quarantined", dataset="population", source="DUKCAPIL", nik=found["named beside a card"], no_kk=card(1))
    decide(region, place)
    return found


WANTED = {
    "card": ["decided"], "head": ["decided"], "member": ["decided"], "dead member": ["person_deceased", "decided"],
    "moved member": ["person_moved"], "future member": ["later"], "unborn": ["later"], "future card": ["later"],
    "moved away": ["person_moved"], "left card": ["card_closed"], "widow's late husband": ["person_deceased"],
    "dead card": ["card_deceased"], "without a card": ["person_without_card"], "moved family": ["PINDAH"],
    "moved head": ["person_moved"], "future period": ["later"], "elsewhere": ["ELSEWHERE"],
    "unmatched": ["person_unmatched", "decided"], "only said": ["only_welfare"], "card only said": ["only_welfare"],
    "only a signal": ["only_signal"], "only registered": ["only_registration"], "card only registered": ["only_registration"],
    "only set aside": ["only_quarantined"], "as it arrived": ["only_quarantined"], "odd text": ["only_quarantined"],
    "named beside a card": ["only_quarantined", "decided"],
}  # fmt: skip


def test_every_kind_of_number_is_among_them(numbers: dict[str, str]) -> None:
    assert numbers.keys() == WANTED.keys()


@pytest.mark.parametrize("name", WANTED)
def test_the_answer_is_of_its_kind(numbers: dict[str, str], place: Path, name: str) -> None:
    answer = ask(place, numbers[name] + "\n")
    assert kinds(answer) == WANTED[name]
    assert all(part["text"] in unescape(render_page(answer)) for part in answer["families"] if part["kind"] != "decided")
    assert numbers[name] not in render_page(answer) + describe(answer)
    assert all(part.get("next_step") or part["programmes"] for part in answer["families"])


def test_every_number_in_any_file_has_an_answer(numbers: dict[str, str], place: Path) -> None:
    unanswered = []
    for path in (place / "inputs").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                written = [row[name] for name in ("nik", "no_kk") if row.get(name)]
                unanswered += [number for number in written if "not_seen" in kinds(ask(place, number))]
    assert not unanswered


def test_only_a_number_in_no_input_is_not_seen(numbers: dict[str, str], place: Path) -> None:
    (answer,) = ask(place, "3510160101907999")["families"]
    assert answer["kind"] == "not_seen"
    assert answer["text"].startswith("Ini bukan penolakan: kami belum mempunyai data dengan nomor ini")
    assert "mengusulkan" in answer["next_step"]
    assert kinds(ask(place, numbers["member"], has_inputs=False)) == ["inputs_needed"]


def test_a_private_source_is_not_named(numbers: dict[str, str], place: Path) -> None:
    for name in ("only a signal", "only set aside"):
        assert "PPATK" not in str(ask(place, numbers[name]))
    assert "dari Dukcapil" in ask(place, numbers["as it arrived"])["families"][0]["text"]


def test_a_number_may_be_written_with_blanks(numbers: dict[str, str], place: Path) -> None:
    spaced = " ".join(numbers["card"][start : start + 4] for start in range(0, 16, 4))
    assert ask(place, spaced) == ask(place, numbers["card"])


def test_the_day_of_a_death_is_the_record_s(numbers: dict[str, str], place: Path) -> None:
    assert "per 1 Juni 2025, orang dengan nomor ini sudah meninggal" in ask(place, numbers["dead member"])["families"][0]["text"]


def test_elsewhere_is_named(numbers: dict[str, str], place: Path) -> None:
    (answer,) = ask(place, numbers["elsewhere"], "en")["families"]
    assert "Kabupaten Jembrana" in answer["text"]


def test_who_did_not_register_is_told_so(tmp_path: Path) -> None:
    region = Region()
    region.family(1)
    region.family(2)
    region.add("registration", nik=region.rows["population"][0]["nik"], no_kk=card(1),
               registered_at="2025-12-01T00:00:00+07:00", consent="true")  # fmt: skip
    decide(region, tmp_path, scope="registrants")
    assert kinds(ask(tmp_path, card(2))) == ["TIDAK_MENDAFTAR"]
    assert kinds(ask(tmp_path, str(region.rows["population"][1]["nik"]))) == ["TIDAK_MENDAFTAR"]
    assert kinds(ask(tmp_path, card(1))) == ["decided"]
    assert ask(tmp_path, card(2))["region"] == REGION
