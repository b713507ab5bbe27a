"""Steps 2, 5, 6 and 9: facts of other agencies, what is missing, what refuses, and the findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perlinsos.errors import Refused

from .case_files import card
from .small_region import Answer, Region, decide

CODES = {
    "ASN": "ANGGOTA_ASN", "TNI_POLRI": "ANGGOTA_TNI_POLRI", "PENSIUNAN": "ANGGOTA_PENSIUNAN", "BUMN_BUMD": "PEGAWAI_BUMN_BUMD",
    "UPAH_APBN_APBD": "UPAH_APBN_APBD", "PERANGKAT_DESA": "PERANGKAT_DESA", "GURU_SERTIFIKASI": "GURU_SERTIFIKASI",
    "TENAGA_KESEHATAN": "TENAGA_KESEHATAN", "SDM_KESOS": "SDM_KESOS", "PENGURUS_PERUSAHAAN": "PENGURUS_PERUSAHAAN",
}  # fmt: skip


def test_every_employment_code_refuses_and_all_are_kept(tmp_path: Path) -> None:
    region = Region()
    no_kk, person = region.family(1)
    for code in CODES:
        region.signal(person, code.lower(), "ya", source="S")
    answer = decide(region, tmp_path)
    assert answer.why(no_kk) == ("TIDAK_LAYAK", sorted(CODES.values()))
    assert answer.findings(no_kk) == [(code, person, "S", "ya", None) for code in sorted(CODES.values())]


SIGNALS: dict[str, tuple[list[tuple[Any, Any, Any]], tuple[Any, Any] | None]] = {
    "0 denies": ([("0", "2025-12-01", "A")], None),
    "tidak denies in any case": ([("Tidak", "2025-12-01", "A")], None),
    "the newest of a source counts": ([("1", "2025-11-01", "A"), ("false", "2025-12-01", "A")], None),
    "of one day what holds": ([("1", "2025-12-01", "A"), ("none", "2025-12-01", "A")], ("A", "1")),
    "a null day is oldest": ([("a", None, "A"), ("0", "2019-01-01", "A")], None),
    "any source": ([("0", "2025-12-01", "A"), ("x", "2020-01-01", "B")], ("B", "x")),
    "the greatest of several sources": ([("b", "2025-12-01", "B"), ("a", "2025-12-01", "A")], ("B", "b")),
    "then the smallest source": ([("a", "2025-12-01", "B"), ("a", "2025-12-01", "A")], ("A", "a")),
    "empty is least": ([(None, "2025-12-01", "B"), ("a", "2025-12-01", "C")], ("C", "a")),
    "an empty value and source hold": ([(None, "2025-12-01", None)], (None, None)),
    "a later signal is not seen": ([("x", "2026-01-02", "A")], None),
    "one of the day itself is": ([("x", "2026-01-01", "A")], ("A", "x")),
}


@pytest.fixture(scope="module")
def answer_of_signals(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """One family per case, decided together."""
    region = Region()
    for number, (rows, _) in enumerate(SIGNALS.values()):
        _, person = region.family(number)
        for value, day, source in rows:
            region.signal(person, "ASN", value, day, source)
    return decide(region, tmp_path_factory.mktemp("signals"), programmes=["bpnt"])


@pytest.mark.parametrize(("number", "case"), list(enumerate(SIGNALS)))
def test_which_signal_counts(answer_of_signals: Answer, number: int, case: str) -> None:
    wanted = SIGNALS[case][1]
    found = [(source, value) for _, _, source, value, _ in answer_of_signals.findings(card(number))]
    assert found == ([wanted] if wanted else [])


def test_numbers_power_cars_and_wages(tmp_path: Path) -> None:
    region = Region()
    _, wage = region.family(1)
    region.signal(wage, "WAGE", "100", "2025-12-01", "B")
    region.signal(wage, "WAGE", "2989146.0", "2025-10-01", "A")
    region.signal(wage, "WAGE", None, "2025-12-30", "A")
    _, car = region.family(2)
    region.signal(car, "CAR", None)
    _, no_car = region.family(3)
    region.signal(no_car, "CAR", "0")
    _, light = region.family(4, electricity_va=2200)
    region.signal(light, "ELECTRICITY", "0")
    region.family(5, electricity_va=2200)
    _, strong = region.family(6, electricity_va=900)
    region.signal(strong, "ELECTRICITY", "3500", source="PLN")
    answer = decide(region, tmp_path)
    assert answer.findings(card(1)) == [("UPAH_DI_ATAS_UMK", wage, "A", "2989146", "2989145")]
    assert answer.findings(card(2)) == [("KENDARAAN_RODA_4", car, "X", "1", "1")]
    assert [answer.findings(card(n)) for n in (3, 4)] == [[], []]
    assert answer.findings(card(5)) == [("DAYA_LISTRIK", None, "DTSEN", "2200", "2200")]
    assert answer.findings(card(6)) == [("DAYA_LISTRIK", strong, "PLN", "3500", "2200")]


def test_the_member_with_the_greatest_power_then_the_smallest_nik(tmp_path: Path) -> None:
    region = Region()
    no_kk, first = region.family(1)
    second = region.person(no_kk, "1940-01-01", relation=7)
    for person in (first, second):
        region.signal(person, "ELECTRICITY", "2200")
    assert decide(region, tmp_path).findings(no_kk)[0][1] == min(first, second)


@pytest.mark.parametrize("value", ["-1", "1.5", "dua"])
def test_a_number_signal_of_another_form_is_refused(tmp_path: Path, value: str) -> None:
    region = Region()
    _, person = region.family(1)
    region.signal(person, "WAGE", value)
    with pytest.raises(Refused, match="not a number") as caught:
        decide(region, tmp_path)
    assert caught.value.where == "signal, signal.csv, row 1, column value"
    assert not (tmp_path / "out").exists()


def test_unknown_codes_are_counted(tmp_path: Path) -> None:
    region = Region()
    _, person = region.family(1)
    for code in ("BOAT", "boat", "HORSE"):
        region.signal(person, code, "1")
    assert decide(region, tmp_path).summary["ignored_signal_codes"] == {"BOAT": 2, "HORSE": 1}


@pytest.mark.parametrize(
    ("rows", "reference", "limit"),
    [
        pytest.param([(100, 200, None)], "umk", 100, id="umk"),
        pytest.param([(None, 200, None)], "umk", 200, id="ump where there is no umk"),
        pytest.param([(100, 200, None)], "ump", 200, id="ump by parameter"),
        pytest.param([(100, None, None)], "ump", 100, id="umk where there is no ump"),
        pytest.param([(100, 1, "2026-01-01"), (300, 1, "2026-02-01")], "umk", 100, id="a later row is not in force"),
        pytest.param([("100.99", 1, None)], "umk", 100, id="fractions are cut"),
    ],
)
def test_which_minimum_wage_is_used(tmp_path: Path, rows: list[Any], reference: str, limit: int) -> None:
    region = Region()
    no_kk, person = region.family(1)
    region.signal(person, "WAGE", "1000")
    for umk, ump, day in rows:
        region.add("minimum_wage", region_code="35.10", year=2026, umk_idr=umk, ump_idr=ump, valid_from=day)
    answer = decide(region, tmp_path, programmes=["bpnt"], set_values={"bpnt.wage_reference": reference})
    assert answer.findings(no_kk) == [("UPAH_DI_ATAS_UMK", person, "X", "1000", str(limit))]


def test_a_wage_without_any_minimum_wage_refuses_the_run(tmp_path: Path) -> None:
    region = Region()
    _, person = region.family(1)
    region.add("minimum_wage", region_code="35.10", year=2025, umk_idr=1, ump_idr=1)
    decide(region, tmp_path)
    region.signal(person, "WAGE", "1")
    with pytest.raises(Refused, match="No minimum wage"):
        decide(region, tmp_path)


def test_two_minimum_wages_of_one_day_refuse_the_run(tmp_path: Path) -> None:
    region = Region()
    region.family(1)
    for day in (None, "2026-01-01"):
        region.add("minimum_wage", region_code="35.10", year=2026, umk_idr=1, ump_idr=1, valid_from=day)
    with pytest.raises(Refused, match="same day"):
        decide(region, tmp_path)


def test_thresholds_that_are_not_public_are_off_and_can_be_set(tmp_path: Path) -> None:
    region = Region()
    no_kk, person = region.family(1)
    region.signal(person, "LAND", "501")
    region.signal(person, "BALANCE", "10")
    region.signal(person, "GAMBLING")
    assert decide(region, tmp_path).why(no_kk)[0] == "LAYAK"
    given = {"bpnt.land_max_m2": 500, "bpnt.balance_max_idr": 10, "bpnt.gambling": "yes"}
    answer = decide(region, tmp_path, set_values=given)
    assert answer.why(no_kk, "bpnt")[1] == ["ASET_TANAH_RUMAH", "TERINDIKASI_JUDI_ONLINE"]
    assert answer.why(no_kk)[0] == "LAYAK"


def test_quarantined_rows_hold_families_by_person_and_by_card(tmp_path: Path) -> None:
    region = Region()
    cards = [region.family(n) for n in range(1, 5)]
    region.add("quarantined", dataset="signal", source="PLN", nik=cards[0][1], no_kk=None)
    region.add("quarantined", dataset="welfare_family", source="BPS", nik=None, no_kk=cards[1][0])
    region.add("quarantined", dataset="Population", source="DK", nik=cards[2][1], no_kk=cards[2][0])
    region.add("quarantined", dataset="population", source="DK", nik="3,5E+15", no_kk="?")
    answer = decide(region, tmp_path)
    assert [answer.why(no_kk)[0] for no_kk, _ in cards] == ["TUNDA", "TUNDA", "TUNDA", "LAYAK"]
    assert answer.findings(cards[0][0]) == [("DATA_DIKARANTINA", cards[0][1], "PLN", "signal", None)]
    assert answer.findings(cards[1][0]) == [("DATA_DIKARANTINA", None, "BPS", "welfare_family", None)]
    assert answer.findings(cards[2][0]) == [("DATA_DIKARANTINA", cards[2][1], "DK", "population", None)]
    free = decide(region, tmp_path, settings={"quarantine.holds": "no"})
    assert free.why(cards[0][0]) == ("LAYAK", [])


def test_an_exclusion_beats_missing_data_and_all_codes_are_kept(tmp_path: Path) -> None:
    region = Region()
    no_kk, person = region.family(1, decile=None)
    region.signal(person, "ASN")
    assert decide(region, tmp_path).why(no_kk) == ("TIDAK_LAYAK", ["ANGGOTA_ASN", "BELUM_ADA_DESIL"])


def test_without_decile_and_without_component_pkh_refuses_with_both_codes(tmp_path: Path) -> None:
    region = Region()
    no_kk, _ = region.family(1, born="1990-01-01", decile=None)
    answer = decide(region, tmp_path)
    assert answer.why(no_kk) == ("TIDAK_LAYAK", ["BELUM_ADA_DESIL", "TIDAK_ADA_KOMPONEN"])
    assert answer.findings(no_kk, "pkh") == [
        ("BELUM_ADA_DESIL", None, "DTSEN", None, None), ("TIDAK_ADA_KOMPONEN", None, None, None, None),
    ]  # fmt: skip


def test_before_the_gate_of_2025_a_welfare_row_is_enough(tmp_path: Path) -> None:
    region = Region()
    high, none = region.family(1, decile=9, dtsen_period="2024-Q4")[0], region.family(2, decile=None, dtsen_period="2024-Q4")[0]
    answer = decide(region, tmp_path, stage="2025-T1")
    assert [answer.why(k, p)[0] for k in (high, none) for p in ("pkh", "bpnt")] == ["LAYAK"] * 4
    after = decide(region, tmp_path, stage="2025-T2")
    assert [after.why(k)[1] for k in (high, none)] == [["DESIL_DI_ATAS_BATAS"], ["BELUM_ADA_DESIL"]]
