"""The difference of two lists: one cause a changed family, from the two folders alone, and parts that add up."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from perlinsos.engine import open_engine
from perlinsos.errors import Refused
from perlinsos.publication.differences import CauseSum, compare_lists, summarise_changes
from perlinsos.settings import find_project
from rules.small_region import Region, decide


@dataclass(frozen=True)
class Difference:
    rows: list[dict[str, Any]]
    sums: list[CauseSum]

    def causes(self, programme: str = "pkh") -> dict[str, str]:
        return {row["no_kk"]: row["cause"] for row in self.rows if row["programme"] == programme}

    def one(self, no_kk: str, programme: str = "pkh") -> tuple[str | None, str | None, str]:
        (row,) = [row for row in self.rows if (row["no_kk"], row["programme"]) == (no_kk, programme)]
        return row["outcome_before"], row["outcome_after"], row["cause"]


def compare(before: Path, after: Path, **options: Any) -> Difference:
    with open_engine() as connection:
        rows = compare_lists(connection, before, after, **options).to_arrow_table().to_pylist()
        return Difference(rows, summarise_changes(connection))


@pytest.fixture
def difference(tmp_path: Path) -> Callable[..., Difference]:
    def make(
        before: Region, after: Region, old: dict[str, Any] | None = None, new: dict[str, Any] | None = None, **options: Any
    ) -> Difference:
        decide(before, tmp_path / "before", **(old or {}))
        decide(after, tmp_path / "after", **(new or {}))
        return compare(tmp_path / "before/out", tmp_path / "after/out", **options)

    return make


def families(count: int, quota: int | None = None, **more: Any) -> tuple[Region, list[str]]:
    """Lone old women: one a family, ranked by their number, with an optional quota of PKH."""
    region = Region()
    cards = [region.family(number, national_rank=number, **more)[0] for number in range(1, count + 1)]
    if quota is not None:
        region.add("quota", region_code="35.10", programme="pkh", stage="2026-T1", quota=quota, decree_id="SK")
    return region, cards


def test_equal_lists_differ_in_nothing(difference: Callable[..., Difference]) -> None:
    found = difference(families(3)[0], families(3)[0])
    assert (found.rows, found.sums) == ([], [])


def test_another_limit_is_a_rule(difference: Callable[..., Difference]) -> None:
    region, (card,) = families(1, decile=4)
    found = difference(region, region, new={"set_values": {"pkh.max_decile": 3}})
    assert found.one(card) == ("LAYAK", "TIDAK_LAYAK", "RULE")
    assert found.sums == [CauseSum("pkh", "RULE", 1, -2_400_000, -600_000, 0, 1)]


def test_another_decile_is_data_whatever_else_the_rules_say(difference: Callable[..., Difference]) -> None:
    found = difference(families(1, decile=2)[0], families(1, decile=9)[0], new={"set_values": {"pkh.max_decile": 3}})
    assert set(found.causes().values()) == {"DATA"}


def test_power_judged_by_a_lower_limit_is_a_rule(difference: Callable[..., Difference]) -> None:
    region, (card,) = families(1, electricity_va=1300)
    found = difference(region, region, new={"set_values": {"pkh.electricity_min_va": 1300}})
    assert found.one(card) == ("LAYAK", "TIDAK_LAYAK", "RULE")


def test_new_power_is_data(difference: Callable[..., Difference]) -> None:
    found = difference(families(1)[0], families(1, electricity_va=3500)[0])
    assert set(found.causes().values()) == {"DATA"}


def test_a_cap_that_cuts_a_component_is_a_rule(difference: Callable[..., Difference]) -> None:
    region, (card,) = families(1)
    region.person(card, "2023-01-01", relation=4)
    found = difference(region, region, new={"set_values": {"pkh.max_members": 1}})
    assert found.one(card) == ("LAYAK", "LAYAK", "RULE")


def test_a_birth_is_data(difference: Callable[..., Difference]) -> None:
    before, (card,) = families(1)
    after, _ = families(1)
    after.person(card, "2025-11-01", relation=4)
    found = difference(before, after)
    assert found.one(card) == ("LAYAK", "LAYAK", "DATA")


def test_a_larger_quota_moves_the_queue(difference: Callable[..., Difference]) -> None:
    found = difference(families(3, quota=1)[0], families(3, quota=2)[0])
    assert found.causes() == {families(2)[1][1]: "QUOTA"}
    assert [(part.cause, part.entered, part.left) for part in found.sums] == [("QUOTA", 1, 0)]


def test_a_place_lost_to_a_poorer_family_is_quota_and_that_family_is_data(difference: Callable[..., Difference]) -> None:
    before, cards = families(2, quota=1)
    after, _ = families(2, quota=1)
    before.rows["welfare_family"][1]["decile"] = 9
    after.rows["welfare_family"][1]["national_rank"] = 0
    found = difference(before, after)
    assert found.causes() == {cards[0]: "QUOTA", cards[1]: "DATA"}


def test_a_family_that_moved_away_is_a_move_here(difference: Callable[..., Difference]) -> None:
    before, cards = families(2)
    after, _ = families(2)
    after.rows["population"][0] |= {"region_code": "35.09", "district_code": "35.09.01", "village_code": "35.09.01.2001"}
    found = difference(before, after)
    assert found.one(cards[0]) == ("LAYAK", None, "MOVE")


def test_a_new_card_of_a_known_head_is_a_move(difference: Callable[..., Difference]) -> None:
    before, cards = families(2)
    after, _ = families(2)
    new = after.welfare("3510160101207999")
    after.rows["population"][0]["no_kk"] = new
    found = difference(before, after)
    assert found.causes() == {cards[0]: "MOVE", new: "MOVE"}


def test_a_dead_family_and_a_dead_head_are_deaths(difference: Callable[..., Difference]) -> None:
    before, cards = families(2)
    after, _ = families(2)
    for region in (before, after):
        region.person(cards[1], "1955-01-01", relation=3)
    for row in (after.rows["population"][0], after.rows["population"][1]):
        row |= {"status": "deceased", "status_date": "2025-12-01"}
        after.said(row["nik"], row["no_kk"], family_relation=1)
    for row in (before.rows["population"][0], before.rows["population"][1]):
        before.said(row["nik"], row["no_kk"], family_relation=1)
    found = difference(before, after)
    assert found.one(cards[0]) == ("LAYAK", "TIDAK_LAYAK", "DEATH")
    assert found.one(cards[1]) == ("LAYAK", "LAYAK", "DEATH")


def test_a_dead_member_is_a_death_where_the_register_is_asked(difference: Callable[..., Difference]) -> None:
    before, (card,) = families(1)
    after, _ = families(1)
    person = before.person(card, "1940-01-01", relation=6)
    after.person(card, "1940-01-01", relation=6, status="deceased", status_date="2025-12-01")
    assert difference(before, after).one(card) == ("LAYAK", "LAYAK", "DATA")
    assert difference(before, after, deceased=[person]).one(card) == ("LAYAK", "LAYAK", "DEATH")


def test_a_repaired_row_is_a_correction_and_a_verdict_an_objection(difference: Callable[..., Difference]) -> None:
    before, cards = families(2)
    for card in cards:
        before.add("quarantined", dataset="population", source="dukcapil", nik=None, no_kk=card)
    after, _ = families(2)
    found = difference(before, after, corrected_by_verdict=[cards[1]])
    assert found.causes() == {cards[0]: "CORRECTION", cards[1]: "OBJECTION"}


def test_quarantine_that_no_longer_holds_is_a_rule(difference: Callable[..., Difference]) -> None:
    region, (card,) = families(1)
    region.add("quarantined", dataset="population", source="dukcapil", nik=None, no_kk=card)
    found = difference(region, region, new={"set_values": {"quarantine.holds": "no"}})
    assert found.one(card) == ("TUNDA", "LAYAK", "RULE")


def excluding(folder: Path, *codes: str) -> dict[str, Any]:
    """Options of a determination in which BLT Dana Desa gives way to these programmes alone."""
    shutil.copytree(find_project() / "programmes", folder)
    file = folder / "blt-dana-desa" / "programme.yaml"
    document = yaml.safe_load(file.read_text())
    document["excluded_by"][0]["value"] = list(codes)
    file.write_text(yaml.safe_dump(document))
    return {"programmes": ["blt-dana-desa", *codes], "rules_folder": folder}


def test_another_programme_that_excludes_is_a_rule(difference: Callable[..., Difference], tmp_path: Path) -> None:
    region, (card,) = families(1)
    old, new = excluding(tmp_path / "old", "pip"), excluding(tmp_path / "new", "pip", "bpnt")
    assert difference(region, region, old, new).one(card, "blt-dana-desa") == ("LAYAK", "TIDAK_LAYAK", "RULE")
    assert difference(region, region, new, old).one(card, "blt-dana-desa") == ("TIDAK_LAYAK", "LAYAK", "RULE")


def test_who_is_excluded_by_other_rules_of_that_programme_is_a_rule(
    difference: Callable[..., Difference], tmp_path: Path
) -> None:
    region, (card,) = families(1)
    options = excluding(tmp_path / "rules", "pkh")
    found = difference(region, region, options | {"set_values": {"pkh.elderly_min_age": 120}}, options)
    assert found.one(card, "blt-dana-desa") == ("LAYAK", "TIDAK_LAYAK", "RULE")


def test_who_is_excluded_since_a_birth_is_data_with_another_seed_too(
    difference: Callable[..., Difference], tmp_path: Path
) -> None:
    """Each stage has a lottery of its own; the digest of the programme that excludes covers its seed."""
    before, after = Region(), Region()
    for region in (before, after):
        card = region.welfare("3510160101207001")
        region.person(card, "1990-01-01")
    after.person(card, "2025-11-01", relation=4)
    options = excluding(tmp_path / "rules", "pkh")
    seeds = ({"settings": {"lottery_seed": seed}} for seed in ("one", "another"))
    found = difference(before, after, *(options | seed for seed in seeds))
    assert found.one(card, "blt-dana-desa") == ("LAYAK", "TIDAK_LAYAK", "DATA")
    assert found.one(card) == ("TIDAK_LAYAK", "LAYAK", "DATA")


def test_a_card_whose_only_pupil_is_on_another_card_is_a_move(difference: Callable[..., Difference]) -> None:
    """A programme for persons has a row of the family while it considers nobody of the card."""
    regions = Region(), Region()
    for region, pupils_card in zip(regions, (0, 1), strict=True):
        cards = [region.family(number, decile=decile)[0] for number, decile in ((1, 1), (2, 9))]
        region.signal(region.person(cards[pupils_card], "2012-01-01", relation=4), "ENROLLED", "SMP")
    found = difference(*regions, *({"programmes": ["pip"]} for _ in regions))
    assert {(row["unit"], row["no_kk"], row["cause"]) for row in found.rows} == {("family", card, "MOVE") for card in cards}
    assert found.sums == [CauseSum("pip", "MOVE", 2, 0, 0, 0, 0)]


def test_a_card_with_a_new_pupil_is_data(difference: Callable[..., Difference]) -> None:
    regions = Region(), Region()
    for region, said in zip(regions, ("none", "SMP"), strict=True):
        card, _ = region.family(1)
        region.signal(region.person(card, "2012-01-01", relation=4), "ENROLLED", said)
    found = difference(*regions, *({"programmes": ["pip"]} for _ in regions))
    assert {(row["unit"], row["cause"]) for row in found.rows} == {("family", "DATA"), ("person", "DATA")}


def test_a_new_lottery_seed_is_no_rule(difference: Callable[..., Difference]) -> None:
    region, _ = families(1, decile=1)
    for number in range(2, 12):
        region.family(number, national_rank=1)
    region.add("quota", region_code="35.10", programme="pkh", stage="2026-T1", quota=5, decree_id="SK")
    found = difference(region, region, {"settings": {"lottery_seed": "one"}}, {"settings": {"lottery_seed": "another"}})
    assert set(found.causes().values()) == {"QUOTA"}


def test_lists_without_a_common_programme_cannot_be_compared(difference: Callable[..., Difference]) -> None:
    with pytest.raises(Refused, match="no programme in common"):
        difference(families(1)[0], families(1)[0], {"programmes": ["pkh"]}, {"programmes": ["bpnt"]})


def test_a_folder_that_is_no_list_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(Refused, match="not the folder of a list"):
        compare(tmp_path / "empty", tmp_path / "empty")
