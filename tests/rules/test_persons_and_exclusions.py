"""Programmes for persons, and programmes that exclude each other, on small regions."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from perlinsos.errors import Refused, WrongUsage

from .small_region import Answer, Region, decide
from .test_new_programme import DATED, DECEASED, PROJECT

ALL = ("bpnt", "blt-dana-desa", "pbi-jk", "pip", "pkh", "rantang-kasih")


def _rules(folder: Path, *programmes: dict[str, Any]) -> Path:
    """A copy of the rules with some more programmes for persons: each member, 1,000 a year."""
    shutil.copytree(PROJECT / "programmes", folder)
    for programme in programmes:
        made = {
            "name": {"id": "Uji", "en": "Test"}, "unit": "person", "considered": "members", "payments_per_year": 4,
            "gate": [{**DATED, "value": "welfare_list"}], "parameters": {}, "exclusions": DECEASED,
            "person_amount_year_idr": [{**DATED, "value": 1000}], **programme,
        }  # fmt: skip
        if made["unit"] == "family":
            made["family_amount_year_idr"] = made.pop("person_amount_year_idr")
            del made["considered"]
        (folder / str(programme["programme"])).mkdir()
        (folder / str(programme["programme"]) / "programme.yaml").write_text(yaml.safe_dump(made))
    return folder


def _outcomes(answer: Answer, programme: str) -> dict[str, tuple[str, list[str]]]:
    """Outcome and reasons of each person of a programme."""
    rows = [row for row in answer.tables["decisions"] if row["programme"] == programme]
    return {row["nik"]: (row["outcome"], row["reasons"]) for row in rows}


def test_a_programme_that_gives_way_needs_the_others(tmp_path: Path) -> None:
    region = Region()
    region.family(1)
    with pytest.raises(WrongUsage, match="without bpnt and pkh") as caught:
        decide(region, tmp_path, programmes=["blt-dana-desa"])
    assert caught.value.remedy == "add --programme bpnt --programme pkh"
    with pytest.raises(WrongUsage, match="without pkh"):
        decide(region, tmp_path, programmes=["blt-dana-desa", "bpnt"])
    assert not (tmp_path / "out").exists()


def test_the_order_in_which_programmes_are_named_means_nothing(tmp_path: Path) -> None:
    region = Region()
    region.family(1)
    named = [decide(region, tmp_path / str(n), programmes=order) for n, order in enumerate((ALL, ALL[::-1]))]
    assert named[0].tables == named[1].tables
    alone = decide(region, tmp_path / "alone", programmes=["pkh"])
    assert alone.summary["programmes"]["pkh"]["list_digest"] == named[0].summary["programmes"]["pkh"]["list_digest"]


def test_a_place_in_the_other_programme_decides(tmp_path: Path) -> None:
    """Two families, one place in BPNT: who waits there is not excluded."""
    region = Region()
    (first, _), (second, _) = region.family(1, "1980-01-01", national_rank=1), region.family(2, "1980-01-02", national_rank=2)
    for programme in ("pkh", "bpnt", "blt-dana-desa"):
        region.add("quota", region_code="35.10", programme=programme, stage="2026-T1", quota=1, decree_id="SK")
    answer = decide(region, tmp_path, programmes=["pkh", "bpnt", "blt-dana-desa"])
    assert answer.why(first, "blt-dana-desa") == ("TIDAK_LAYAK", ["PENERIMA_PROGRAM_LAIN"])
    assert answer.why(second, "bpnt") == ("ANTREAN", ["DI_LUAR_KUOTA"])
    assert answer.why(second, "blt-dana-desa") == ("LAYAK", [])
    assert answer.decision(second, "blt-dana-desa")["rank"] == 1


def test_without_the_others_quota_the_list_is_a_simulation(tmp_path: Path) -> None:
    region = Region()
    region.family(1)
    region.add("quota", region_code="35.10", programme="blt-dana-desa", stage="2026-T1", quota=1, decree_id="SK")
    told = decide(region, tmp_path, programmes=["pkh", "bpnt", "blt-dana-desa"]).summary["programmes"]["blt-dana-desa"]
    assert (told["quota"], told["simulation_only"]) == (1, True)


def test_the_digest_of_a_programme_that_gives_way_has_the_rules_of_the_others(tmp_path: Path) -> None:
    region = Region()
    region.family(1)
    digests = [
        decide(region, tmp_path / str(n), programmes=ALL, settings={"pkh.max_members": n}).summary["programmes"] for n in (3, 4)
    ]
    changed = {name for name in ALL if digests[0][name]["rules_digest"] != digests[1][name]["rules_digest"]}
    assert changed == {"pkh", "blt-dana-desa"}


@pytest.fixture
def couple(tmp_path: Path) -> tuple[Region, str, tuple[str, str]]:
    """A card with a pupil of PIP and the mother."""
    region = Region()
    no_kk, mother = region.family(1, "1980-01-01")
    pupil = region.person(no_kk, "2012-01-01", relation=4)
    region.signal(pupil, "ENROLLED", "SMP")
    return region, no_kk, (mother, pupil)


def test_between_programmes_for_persons_the_same_person_is_excluded(
    tmp_path: Path, couple: tuple[Region, str, tuple[str, str]]
) -> None:
    region, no_kk, (mother, pupil) = couple
    rules = _rules(tmp_path / "rules", {"programme": "meal", "excluded_by": [{**DATED, "value": ["pip"]}]})
    answer = decide(region, tmp_path, programmes=["meal", "pip"], rules_folder=rules)
    assert _outcomes(answer, "meal") == {mother: ("LAYAK", []), pupil: ("TIDAK_LAYAK", ["PENERIMA_PROGRAM_LAIN"])}
    assert answer.findings(no_kk, "meal") == [("PENERIMA_PROGRAM_LAIN", pupil, "PERLINSOS", "pip", None)]


def test_a_person_of_another_programme_excludes_the_family(tmp_path: Path, couple: tuple[Region, str, tuple[str, str]]) -> None:
    region, no_kk, (_, pupil) = couple
    rules = _rules(tmp_path / "rules", {"programme": "meal", "unit": "family", "excluded_by": [{**DATED, "value": ["pip"]}]})
    answer = decide(region, tmp_path, programmes=["meal", "pip"], rules_folder=rules)
    assert answer.why(no_kk, "meal") == ("TIDAK_LAYAK", ["PENERIMA_PROGRAM_LAIN"])
    assert answer.findings(no_kk, "meal") == [("PENERIMA_PROGRAM_LAIN", pupil, "PERLINSOS", "pip", None)]


def test_a_family_of_another_programme_excludes_its_persons_and_turns_follow_each_other(
    tmp_path: Path, couple: tuple[Region, str, tuple[str, str]]
) -> None:
    """meal gives way to bpnt, snack to meal: who has no meal may have a snack."""
    region, no_kk, (mother, pupil) = couple
    meal = {"programme": "meal", "excluded_by": [{**DATED, "value": ["bpnt"]}]}
    snack = {"programme": "snack", "excluded_by": [{**DATED, "value": ["meal"]}]}
    answer = decide(region, tmp_path, programmes=["snack", "bpnt", "meal"], rules_folder=_rules(tmp_path / "rules", meal, snack))
    refused = ("TIDAK_LAYAK", ["PENERIMA_PROGRAM_LAIN"])
    assert _outcomes(answer, "meal") == {mother: refused, pupil: refused}
    assert answer.findings(no_kk, "meal") == [("PENERIMA_PROGRAM_LAIN", None, "PERLINSOS", "bpnt", None)]
    assert _outcomes(answer, "snack") == {mother: ("LAYAK", []), pupil: ("LAYAK", [])}


def test_a_rule_of_exclusion_holds_on_its_days_only(tmp_path: Path) -> None:
    region = Region()
    no_kk, _ = region.family(1)
    rules = _rules(tmp_path / "rules", {"programme": "meal", "unit": "family",
                                       "excluded_by": [{**DATED, "until": "2025-12-31", "value": ["bpnt"]}]})  # fmt: skip
    assert decide(region, tmp_path / "after", programmes=["meal"], rules_folder=rules).why(no_kk, "meal") == ("LAYAK", [])
    with pytest.raises(WrongUsage, match="without bpnt"):
        decide(region, tmp_path / "before", stage="2025-T4", programmes=["meal"], rules_folder=rules)


def test_a_programme_that_does_not_exist_here_is_not_needed(tmp_path: Path) -> None:
    region = Region()
    no_kk, _ = region.family(1)
    rules = _rules(tmp_path / "rules", {"programme": "meal", "unit": "family",
                                       "excluded_by": [{**DATED, "value": ["blt-kesra"]}]})  # fmt: skip
    assert decide(region, tmp_path, programmes=["meal"], rules_folder=rules).why(no_kk, "meal") == ("LAYAK", [])


def test_the_lottery_of_persons_is_drawn_from_their_own_numbers(tmp_path: Path) -> None:
    region = Region()
    no_kk, _ = region.family(1)
    for year in range(1990, 1996):
        region.person(no_kk, f"{year}-01-01", relation=4)
    answer = decide(region, tmp_path, programmes=["pbi-jk"], settings={"lottery_seed": "abc"})
    ranks = {row["nik"]: row["rank"] for row in answer.tables["decisions"]}

    def lottery(nik: str) -> str:
        return hashlib.sha256(f"2026-T1|pbi-jk|35.10|{nik}|abc".encode()).hexdigest()

    assert sorted(ranks, key=lambda nik: ranks[nik]) == sorted(ranks, key=lottery)
    assert sorted(ranks.values()) == list(range(1, 8))


def test_rows_of_persons_are_in_order_whatever_their_numbers(tmp_path: Path) -> None:
    """Persons without a valid number on one card: a row for each number, sorted as text, none of them selected."""
    region = Region()
    no_kk, head = region.family(1, "1980-01-01")
    odd = ["35101", "x", "351016010190700A", None, "0000000000000000"]
    for number, nik in enumerate([*odd, "x", None]):
        region.person(no_kk, f"200{number}-01-01", relation=4, nik=nik)
    rows = decide(region, tmp_path, programmes=["pbi-jk"]).tables["decisions"]
    told = [row["nik"] for row in rows]
    assert told == sorted([*odd, head], key=lambda nik: (nik is not None, nik or ""))
    assert {row["outcome"] for row in rows if row["nik"] != head} == {"TUNDA"}
    assert {row["unit"] for row in rows} == {"person"}


def test_a_regional_programme_elsewhere(tmp_path: Path) -> None:
    region = Region()
    region.family(1)
    region.write(tmp_path / "inputs")
    from perlinsos.recipients.determine import determine

    with pytest.raises(Refused, match="of another region") as caught:
        determine("35.09", "2026-T1", tmp_path / "inputs", tmp_path / "out", programmes=["rantang-kasih"])
    assert caught.value.where == "rantang-kasih, region 35.09"
    assert not (tmp_path / "out").exists()


def test_without_programme_it_is_pkh_and_bpnt(tmp_path: Path) -> None:
    region = Region()
    region.family(1)
    assert set(decide(region, tmp_path).summary["programmes"]) == {"pkh", "bpnt"}
