"""Steps 1, 3 and 4 of the procedure: who is a person, a member, a family, and where it is decided."""

from __future__ import annotations

from pathlib import Path

import pytest

from .case_files import card
from .small_region import Answer, Region, decide

ACTIVE, DEAD, MOVED = {"status": "active"}, {"status": "deceased"}, {"status": "moved"}
# One person on cards 1 and 2 of the case, each kept a family by somebody else; the sizes that the two families get.
ROWS: dict[str, tuple[dict[str, str], dict[str, str], list[int]]] = {
    "a death beats an active row": (ACTIVE, DEAD | {"status_date": "2025-03-01"}, [1, 1]),
    "an active row of a later day beats a death": (
        ACTIVE | {"status_date": "2025-04-01"}, DEAD | {"status_date": "2025-03-01"}, [2, 1],
    ),
    "of the same day the death holds": (
        ACTIVE | {"status_date": "2025-03-01"}, DEAD | {"status_date": "2025-03-01"}, [1, 1],
    ),
    "a death without a date beats every row": (ACTIVE | {"status_date": "2025-04-01"}, DEAD, [1, 1]),
    "active beats moved": (ACTIVE, MOVED | {"status_date": "2025-05-05"}, [2, 1]),
    "the newest date": (ACTIVE | {"status_date": "2024-01-01"}, ACTIVE | {"status_date": "2023-01-01"}, [2, 1]),
    "the greatest card": (ACTIVE, ACTIVE, [1, 2]),
    "a later death has not happened": (ACTIVE, DEAD | {"status_date": "2026-01-02"}, [1, 2]),
    "a later active row is not there": (ACTIVE | {"status_date": "2026-02-01"}, MOVED, [1, 1]),
}  # fmt: skip
INVALID = (
    "3510161502607O01", "351016150260701", "3510163202607001", "3510161513607001", "3510163102607001", "3510162902617001",
    "3510160101600000", "0010160101607001", "3500160101607001", "3510000101607001", "3510164001607001", "3510167201607001",
)  # fmt: skip
VALID = ("3510162902607001", "3510162902007001", "3510167112607001", "9999993112607001")


@pytest.fixture(scope="module")
def answer_of_rows(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """One case per pair of cards (2n, 2n + 1); 100 + n has an odd number INVALID[n], 200 + n the number VALID[n]."""
    region = Region()
    for number, (first, second, _) in enumerate(ROWS.values()):
        for shift in (0, 1):
            region.family(2 * number + shift)
        person = region.person(card(2 * number), "1960-01-01", relation=4, **first)
        region.person(card(2 * number + 1), "1960-01-01", relation=4, nik=person, **second)
    for number, text in enumerate(INVALID):
        region.person(region.welfare(card(100 + number)), "1980-01-01")
        region.person(card(100 + number), "1950-01-01", relation=7, nik=text)
    for number, text in enumerate(VALID):
        region.person(region.welfare(card(200 + number)), "1950-01-01", nik=text)
    return decide(region, tmp_path_factory.mktemp("rows"))


@pytest.mark.parametrize(("number", "case"), list(enumerate(ROWS)))
def test_one_row_per_person(answer_of_rows: Answer, number: int, case: str) -> None:
    sizes = [answer_of_rows.decision(card(2 * number + shift))["family_size"] for shift in (0, 1)]
    assert sizes == ROWS[case][2]


@pytest.mark.parametrize(("number", "text"), list(enumerate(INVALID)))
def test_a_number_of_wrong_form_is_a_member_that_cannot_be_counted(answer_of_rows: Answer, number: int, text: str) -> None:
    no_kk = card(100 + number)
    assert answer_of_rows.why(no_kk) == ("TUNDA", ["NIK_TIDAK_VALID"])
    assert answer_of_rows.decision(no_kk)["family_size"] == 2
    assert "NIK_TIDAK_VALID" in answer_of_rows.decision(no_kk, "bpnt")["warnings"]
    assert answer_of_rows.components(no_kk) == [("LANSIA", "NIK_TIDAK_VALID")]
    assert answer_of_rows.findings(no_kk, "pkh") == [("NIK_TIDAK_VALID", text, None, None, None)]


@pytest.mark.parametrize("number", range(len(VALID)))
def test_valid_numbers_need_no_known_region(answer_of_rows: Answer, number: int) -> None:
    assert "NIK_TIDAK_VALID" not in answer_of_rows.decision(card(200 + number))["warnings"]


def test_several_active_cards_warn_every_family(tmp_path: Path) -> None:
    region = Region()
    region.family(1)
    region.family(2)
    person = region.person(card(1), "1960-01-01", relation=4)
    region.person(card(2), "1960-01-01", relation=4, nik=person)
    answer = decide(region, tmp_path)
    assert [answer.decision(card(n))["warnings"] for n in (1, 2)] == [["NIK_GANDA"], ["NIK_GANDA"]]


def test_an_overtaken_death_warns_the_family_of_the_living_row(tmp_path: Path) -> None:
    region = Region()
    region.family(1)
    person = region.person(card(1), "1960-01-01", relation=4, status_date="2025-04-01")
    region.person(card(2), "1960-01-01", nik=person, status="deceased", status_date="2025-03-01")
    assert decide(region, tmp_path).decision(card(1))["warnings"] == ["NIK_GANDA"]


def test_digits_that_differ_from_the_register_warn(tmp_path: Path) -> None:
    region = Region()
    no_kk = region.welfare(card(1))
    region.person(no_kk, "1950-01-02", sex="L", nik="3510164101507001")
    assert decide(region, tmp_path).decision(no_kk)["warnings"] == ["NIK_JENIS_KELAMIN_BEDA", "NIK_TGL_LAHIR_BEDA"]


def test_invalid_rows_merge_only_where_they_are_equal_in_everything(tmp_path: Path) -> None:
    region = Region()
    no_kk = region.welfare(card(1))
    region.person(no_kk, "1980-01-01")
    for village in ("35.10.16.1001", "35.10.16.1001", "35.10.16.1002"):
        region.person(no_kk, "1990-01-01", relation=4, nik=None, village_code=village)
    assert decide(region, tmp_path).decision(no_kk)["family_size"] == 3


def test_head_is_the_oldest_of_relation_1_and_else_the_oldest_member(tmp_path: Path) -> None:
    region = Region()
    first, second = (region.welfare(card(n)) for n in (1, 2))
    region.person(first, "1940-01-01", relation=7)
    region.person(first, "1980-01-01", relation=1)
    head = region.person(first, "1970-01-01", relation=1)
    region.person(second, "1980-01-01", relation=3)
    oldest = region.person(second, "1950-01-01", relation=7)
    answer = decide(region, tmp_path)
    assert [answer.decision(k)["head_nik"] for k in (first, second)] == [head, oldest]
    assert [answer.decision(k)["warnings"] for k in (first, second)] == [[], ["GANTI_PENGURUS"]]


def test_a_deceased_head_of_the_welfare_data_is_a_warning(tmp_path: Path) -> None:
    region = Region()
    no_kk, _ = region.family(1)
    dead = region.person(no_kk, "1940-01-01", sex="L", status="deceased", status_date="2025-06-01")
    region.said(dead, no_kk, family_relation=1)
    answer = decide(region, tmp_path)
    assert (answer.why(no_kk)[0], answer.decision(no_kk)["warnings"]) == ("LAYAK", ["GANTI_PENGURUS"])


def test_place_is_the_head_s_register_address(tmp_path: Path) -> None:
    region = Region()
    here, there, unknown = (region.welfare(card(n), region_code=r) for n, r in ((1, "35.09"), (2, "35.10"), (3, "35.10")))
    region.person(here, "1950-01-01")
    region.person(there, "1950-01-01", region_code="35.09", district_code=None, village_code=None)
    region.person(unknown, "1950-01-01", region_code=None, district_code="35.10.01", village_code=None)
    answer = decide(region, tmp_path)
    assert answer.decision(here)["village_code"] == "35.10.16.1001"
    assert answer.kind(there) == "ELSEWHERE"
    assert answer.decision(unknown)["district_code"] is None
    assert answer.summary["funnel"] == {
        "families_seen": 3, "elsewhere": 1, "PINDAH": 0, "TIDAK_MENDAFTAR": 0, "decided": 2,
    }  # fmt: skip


def test_families_without_members(tmp_path: Path) -> None:
    region = Region()
    nobody, unknown, nameless, dead, gone, mixed = (region.welfare(card(n)) for n in range(1, 7))
    region.family(9)
    region.said("3510160101607999", unknown)
    region.said(None, nameless)
    region.person(dead, "1940-01-01", status="deceased")
    moved = region.person(card(9), "1980-01-01", relation=4)
    region.said(moved, gone)
    region.person(mixed, "1940-01-01", status="deceased")
    region.said(moved, mixed, family_relation=4)
    answer = decide(region, tmp_path)
    padan = ("TUNDA", ["NIK_TIDAK_PADAN"])
    assert [answer.why(no_kk) for no_kk in (nobody, unknown, nameless)] == [padan] * 3
    assert answer.why(dead) == ("TIDAK_LAYAK", ["MENINGGAL"])
    assert answer.decision(dead)["head_nik"] is None
    assert [answer.kind(no_kk) for no_kk in (gone, mixed)] == ["PINDAH", "PINDAH"]


def test_a_person_known_only_from_a_later_row_is_known(tmp_path: Path) -> None:
    region = Region()
    no_kk, _ = region.family(1)
    later = region.person(card(2), "1980-01-01", status_date="2026-03-01")
    region.said(later, no_kk, family_relation=1)
    assert decide(region, tmp_path).why(no_kk)[0] == "LAYAK"


def test_an_unknown_head_cannot_be_decided(tmp_path: Path) -> None:
    region = Region()
    no_kk, _ = region.family(1)
    region.said("3510160101607999", no_kk, family_relation=1)
    answer = decide(region, tmp_path)
    assert answer.why(no_kk, "bpnt") == ("TUNDA", ["NIK_TIDAK_PADAN"])
    assert answer.findings(no_kk) == [("NIK_TIDAK_PADAN", "3510160101607999", "DUKCAPIL", None, None)]


def test_no_valid_member_cannot_be_decided(tmp_path: Path) -> None:
    region = Region()
    no_kk = region.welfare(card(1))
    region.person(no_kk, "1950-01-01", nik="12")
    answer = decide(region, tmp_path)
    assert answer.why(no_kk, "bpnt") == ("TUNDA", ["NIK_TIDAK_PADAN"])
    assert answer.findings(no_kk) == [("NIK_TIDAK_PADAN", None, "DUKCAPIL", None, None)]


def test_a_family_outside_the_welfare_data_cannot_be_decided(tmp_path: Path) -> None:
    region = Region()
    region.person(card(1), "1950-01-01")
    assert decide(region, tmp_path).why(card(1)) == ("TUNDA", ["TIDAK_ADA_DATA_KELUARGA"])


def test_the_newest_period_counts_then_the_greatest_decile(tmp_path: Path) -> None:
    region = Region()
    older, equal, later = card(1), card(2), card(3)
    region.welfare(older, 9, dtsen_period="2025-Q3", dtsen_family_id="A")
    region.family(1, decile=2, dtsen_family_id="A")
    region.welfare(equal, 3)
    region.family(2, decile=4)
    region.welfare(later, 9, dtsen_period="2026-Q1")
    region.family(3, decile=11)
    answer = decide(region, tmp_path)
    assert [answer.decision(k)["decile"] for k in (older, equal, later)] == [2, 4, None]
    assert [answer.decision(k)["warnings"] for k in (older, equal, later)] == [[], ["KK_GANDA"], []]


def test_rows_of_two_regions_warn_and_the_register_s_region_decides(tmp_path: Path) -> None:
    region = Region()
    no_kk, _ = region.family(1)
    region.welfare(no_kk, 9, region_code="35.09", dtsen_period="2025-Q1")
    assert decide(region, tmp_path).decision(no_kk)["warnings"] == ["KK_GANDA"]


def test_registrants_are_the_newest_consenting_registrations(tmp_path: Path) -> None:
    region = Region()
    people = [region.family(n)[1] for n in range(1, 6)]
    region.add("registration", nik=people[0], registered_at="2025-12-31T20:00:00Z", consent="true")
    region.add("registration", nik=people[1], registered_at="2025-12-01", consent="true")
    region.add("registration", nik=people[1], registered_at="2025-12-02", consent="false")
    region.add("registration", nik=people[2], registered_at="2026-01-02", consent="true")
    region.add("registration", nik="3510160101607999", no_kk=card(4), registered_at="2025-12-01", consent="1")
    answer = decide(region, tmp_path, scope="registrants")
    assert [answer.kind(card(n)) for n in range(1, 6)] == [
        None, "TIDAK_MENDAFTAR", "TIDAK_MENDAFTAR", None, "TIDAK_MENDAFTAR",
    ]  # fmt: skip
    later = decide(region, tmp_path, scope="registrants", settings={"registration.window_days": 1})
    assert later.kind(card(3)) is None
