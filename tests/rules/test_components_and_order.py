"""Steps 7 and 8: who counts for PKH, the caps, the order, quota and queue."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from perlinsos.errors import Refused

from .case_files import card
from .small_region import Answer, Region, decide


def _mother(region: Region, number: int, sex: str = "P") -> tuple[str, str]:
    no_kk = region.welfare(card(number))
    return no_kk, region.person(no_kk, "1995-01-01", sex=sex)


PREGNANCIES: dict[str, tuple[list[Any], dict[str, Any], tuple[str, str | None] | None]] = {
    "a first pregnancy": ([("1", "2025-12-01")], {}, ("HAMIL", None)),
    "ten months to the day": ([("1", "2025-03-01")], {}, ("HAMIL", None)),
    "too old": ([("1", "2025-02-28")], {}, None),
    "an old signal is one": ([("1", "2025-02-28")], {"is_pregnant": True, "pregnancy_number": 1}, None),
    "what the welfare data says": ([], {"is_pregnant": "1", "pregnancy_number": 2}, ("HAMIL", None)),
    "without a number": ([], {"is_pregnant": True}, ("HAMIL", "NOMOR_KEHAMILAN_KOSONG")),
    "a negative number": ([], {"is_pregnant": True, "pregnancy_number": -1}, ("HAMIL", "NOMOR_KEHAMILAN_KOSONG")),
    "an empty signal": ([(None, "2025-12-01")], {"pregnancy_number": 1}, ("HAMIL", "NOMOR_KEHAMILAN_KOSONG")),
    "a third": ([("3", "2025-12-01")], {}, ("HAMIL", "KEHAMILAN_KE_3")),
    "0 says no": ([("0", "2025-12-01")], {"is_pregnant": True, "pregnancy_number": 1}, None),
    "without a day it is too old": ([("1", None)], {}, None),
}
CHILDREN: dict[str, tuple[str, list[Any], str | None, list[Any]]] = {
    "six": ("2019-01-02", [("SD", "2025-01-01")], None, [("AUD", None), ("SD", "SATU_ORANG_SATU_KOMPONEN")]),
    "seven; what the family says is nothing": ("2018-12-31", [("sd", "2025-01-01")], "SMP", [("SD", None)]),
    "twenty-one": ("2004-01-02", [("SMA", "2025-12-01")], None, [("SMA", None)]),
    "twenty-two": ("2004-01-01", [("SMA", "2025-12-01")], None, []),
    "enrolled too long ago": ("2012-01-01", [("SMP", "2024-12-31")], None, []),
    "only said": ("2012-01-01", [], "SMP", [("SMP", "TIDAK_TERDAFTAR_DAPODIK")]),
    "another level": ("2012-01-01", [("PAUD", "2025-12-01")], "SD", [("SD", "TIDAK_TERDAFTAR_DAPODIK")]),
    "the highest": ("2012-01-01", [("SD", "2025-12-01"), ("SMP", "2025-12-01")], None, [("SMP", None)]),
    "not enrolled": ("2012-01-01", [("tidak", "2025-12-01")], None, []),
}


@pytest.fixture(scope="module")
def answer_of_candidates(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """One family per case, decided together; 100 + n is a man with the facts of the pregnancy n, 200 + n a child."""
    region = Region()
    for number, (signals, said, _) in enumerate(PREGNANCIES.values()):
        for shift, sex in ((0, "P"), (100, "L")):
            no_kk, person = _mother(region, number + shift, sex)
            region.said(person, no_kk, **said)
            for value, day in signals:
                region.signal(person, "PREGNANT", value, day)
    for number, (born, signals, level, _) in enumerate(CHILDREN.values()):
        no_kk, _ = _mother(region, number + 200)
        child = region.person(no_kk, born, relation=4)
        region.said(child, no_kk, school_level=level)
        for value, day in signals:
            region.signal(child, "ENROLLED", value, day)
    return decide(region, tmp_path_factory.mktemp("candidates"), programmes=["pkh"])


@pytest.mark.parametrize(("number", "case"), list(enumerate(PREGNANCIES)))
def test_pregnancies(answer_of_candidates: Answer, number: int, case: str) -> None:
    component = PREGNANCIES[case][2]
    assert answer_of_candidates.components(card(number)) == ([component] if component else [])
    assert answer_of_candidates.components(card(number + 100)) == []
    is_missing = component is not None and component[1] == "NOMOR_KEHAMILAN_KOSONG"
    assert (answer_of_candidates.why(card(number)) == ("TUNDA", ["NOMOR_KEHAMILAN_KOSONG"])) == is_missing


@pytest.mark.parametrize(("number", "case"), list(enumerate(CHILDREN)))
def test_children(answer_of_candidates: Answer, number: int, case: str) -> None:
    assert answer_of_candidates.components(card(number + 200)) == CHILDREN[case][3]


@pytest.mark.parametrize(("born", "is_elderly"), [("1964-02-29", False), ("1964-02-28", True)])
def test_born_on_29_february_an_age_is_completed_on_1_march(tmp_path: Path, born: str, is_elderly: bool) -> None:
    region = Region()
    no_kk, _ = region.family(1, born=born, dtsen_period="2022-Q1")
    answer = decide(region, tmp_path, as_of=date(2025, 2, 28), set_values={"pkh.elderly_min_age": 61})
    assert bool(answer.components(no_kk)) == is_elderly
    assert answer.summary["warnings"] == ["as_of 2025-02-28 is outside the stage 2026-T1"]


def test_the_rules_of_2020_had_other_ages_caps_and_no_rights_victims(tmp_path: Path) -> None:
    region = Region()
    no_kk, head = region.family(1, born="1950-01-01", dtsen_period="2020-Q1")
    region.person(no_kk, "1951-01-01", relation=2)
    region.person(no_kk, "1952-01-01", relation=7)
    region.signal(head, "RIGHTS_VICTIM", on="2020-01-01")
    for _ in range(3):
        region.signal(region.person(no_kk, "2010-01-01", relation=4), "ENROLLED", "SD", "2021-12-01")
    answer = decide(region, tmp_path, stage="2022-T1")
    assert answer.components(no_kk).count(("LANSIA", None)) == 1
    assert ("LANSIA", "BATAS_LANSIA") in answer.components(no_kk)
    assert answer.components(no_kk).count(("SD", None)) == 3
    assert "HAM" not in {name for name, _ in answer.components(no_kk)}


def test_a_rights_victim_counts_outside_the_cap_of_four(tmp_path: Path) -> None:
    region = Region()
    no_kk, head = region.family(1)
    region.signal(head, "RIGHTS_VICTIM")
    for year in range(1940, 1945):
        region.person(no_kk, f"{year}-01-01", relation=7)
    answer = decide(region, tmp_path)
    found = sorted(answer.components(no_kk), key=str)
    assert found.count(("HAM", None)) == 1
    assert found.count(("LANSIA", None)) == 4
    assert ("LANSIA", "SATU_ORANG_SATU_KOMPONEN") in found
    assert answer.decision(no_kk)["amount_year_idr"] == 10_800_000 + 4 * 2_400_000


def test_the_oldest_count_inside_a_cap_and_nobody_moves_to_second_best(tmp_path: Path) -> None:
    region = Region()
    no_kk, _ = _mother(region, 1)
    children = [region.person(no_kk, born, relation=4) for born in ("2024-01-01", "2023-01-01", "2019-06-01", "2022-01-01")]
    region.signal(children[2], "ENROLLED", "SD")
    region.signal(children[0], "ENROLLED", "SD")
    answer = decide(region, tmp_path)
    counted = [r["nik"] for r in answer.tables["components"] if r["is_counted"]]
    assert sorted(counted) == sorted([children[2], children[3]])
    assert answer.decision(no_kk)["amount_year_idr"] == 6_000_000


def test_the_child_cap_drops_by_the_order_of_selection(tmp_path: Path) -> None:
    region = Region()
    no_kk, _ = _mother(region, 1)
    for born, level in (("2009-01-01", "SMA"), ("2012-01-01", "SMP"), ("2015-01-01", "SD"), ("2016-01-01", "SD")):
        region.signal(region.person(no_kk, born, relation=4), "ENROLLED", level)
    assert ("SMA", "BATAS_ANAK") in decide(region, tmp_path).components(no_kk)
    best = decide(region, tmp_path, set_values={"pkh.selection": "highest_amount"})
    assert best.components(no_kk).count(("SD", "BATAS_ANAK")) == 1
    assert best.decision(no_kk)["amount_year_idr"] == 2_000_000 + 1_500_000 + 900_000


def test_order_is_decile_rank_lottery_and_card(tmp_path: Path) -> None:
    region = Region()
    ranks = {1: (2, 5), 2: (1, None), 3: (1, 7), 4: (1, 7), 5: (1, 7), 6: (3, 1)}
    for number, (decile, rank) in ranks.items():
        region.family(number, decile=decile, national_rank=rank)
    answer = decide(region, tmp_path, settings={"lottery_seed": "abc"}, programmes=["pkh"])

    def lottery(number: int) -> str:
        return hashlib.sha256(f"2026-T1|pkh|35.10|{card(number)}|abc".encode()).hexdigest()

    expected = [*sorted((3, 4, 5), key=lottery), 2, 1, 6]
    assert sorted(ranks, key=lambda number: answer.decision(card(number))["rank"]) == expected
    assert answer.summary["simulation_only"] is True
    unseeded = decide(region, tmp_path, programmes=["pkh"])
    wanted = sorted((3, 4, 5), key=lambda n: hashlib.sha256(f"2026-T1|pkh|35.10|{card(n)}".encode()).hexdigest())
    assert sorted((3, 4, 5), key=lambda number: unseeded.decision(card(number))["rank"]) == wanted


def test_a_quota_of_zero_makes_everybody_wait(tmp_path: Path) -> None:
    region = Region()
    no_kk, _ = region.family(1)
    region.add("quota", region_code="35.10", programme="PKH", stage="2026-T1", quota=0, decree_id="SK")
    region.add("quota", region_code="35.10", programme="bpnt", stage="2026-T1", quota=1, decree_id="SK")
    answer = decide(region, tmp_path)
    row = answer.decision(no_kk)
    assert (row["outcome"], row["reasons"], row["rank"], row["queue_position"]) == ("ANTREAN", ["DI_LUAR_KUOTA"], 1, 1)
    assert (row["amount_year_idr"], row["amount_stage_idr"], row["eligible_amount_year_idr"]) == (0, 0, 2_400_000)
    assert answer.why(no_kk, "bpnt") == ("LAYAK", [])
    assert answer.summary["simulation_only"] is False
    assert answer.findings(no_kk, "pkh") == []


@pytest.mark.parametrize("quotas", [[None], [-1], [3, 3]])
def test_a_quota_that_cannot_be_used_refuses_the_run(tmp_path: Path, quotas: list[int | None]) -> None:
    region = Region()
    region.family(1)
    for quota in quotas:
        region.add("quota", region_code="35.10", programme="pkh", stage="2026-T1", quota=quota)
    with pytest.raises(Refused, match="quota"):
        decide(region, tmp_path)
