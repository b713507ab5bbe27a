"""Scenarios beside the base: what is said of them follows from two determinations of the same inputs."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from perlinsos.errors import Refused, WrongUsage
from perlinsos.recipients.determine import determine
from perlinsos.simulation.bases import Base
from perlinsos.simulation.run import Simulation, simulate
from perlinsos.simulation.scenarios import Scenario, parse_scenario
from rules.small_region import Region

from .conftest import REGION, STAGE, entry, open_base


def test_the_base_is_the_determination_itself(simulated: Simulation, base: Base, tmp_path: Path) -> None:
    summary = determine(REGION, STAGE, base.inputs, tmp_path / "out")
    for programme in ("bpnt", "pkh"):
        found = entry(simulated, "base", programme)
        assert found["list_digest"] == summary["programmes"][programme]["list_digest"]
        assert (found["difference"]["units"], found["delta_year_idr"]) == (0, 0)


def test_a_scenario_of_a_limit_is_the_determination_with_it(simulated: Simulation, base: Base, tmp_path: Path) -> None:
    summary = determine(REGION, STAGE, base.inputs, tmp_path / "out", set_values={"pkh.max_decile": 2, "bpnt.max_decile": 3})
    found = entry(simulated, "stricter")
    assert found["list_digest"] == summary["programmes"]["pkh"]["list_digest"]
    assert found["difference"]["left"] == entry(simulated, "base")["outcomes"]["LAYAK"] - found["outcomes"]["LAYAK"] > 0
    assert [row["decile"] for row in found["difference"]["by_decile"]] == [3, 4]
    assert [row["cause"] for row in found["difference"]["by_cause"]] == ["RULE"]
    assert [row["reason"] for row in found["difference"]["by_reason"]] == ["DESIL_DI_ATAS_BATAS"]


def test_a_quota_makes_a_queue_and_its_cause_is_the_quota(simulated: Simulation) -> None:
    found = entry(simulated, "places")
    assert (found["quota"], found["outcomes"]["LAYAK"]) == (20, 20)
    assert {(row["outcome_before"], row["outcome_after"], row["cause"]) for row in found["difference"]["by_transition"]} == {
        ("LAYAK", "ANTREAN", "QUOTA")
    }
    assert entry(simulated, "places", "bpnt")["difference"]["units"] == 0


def test_amounts_of_a_component_and_of_a_programme_can_be_others(simulated: Simulation) -> None:
    bpnt = entry(simulated, "amounts", "bpnt")
    assert bpnt["amount_year_idr"] == 1_200_000 * bpnt["outcomes"]["LAYAK"]
    pkh = entry(simulated, "amounts")
    assert pkh["delta_year_idr"] > 0 and pkh["delta_year_idr"] % 600_000 == 0
    assert (pkh["difference"]["entered"], pkh["difference"]["left"]) == (0, 0)


@pytest.mark.parametrize("kind", ["by_cause", "by_transition", "by_decile", "by_district"])
def test_every_table_adds_up_to_the_difference_of_the_budgets(simulated: Simulation, kind: str) -> None:
    for scenario in simulated.scenarios:
        for found in scenario["programmes"].values():
            for amount in ("delta_year_idr", "delta_stage_idr"):
                assert sum(row[amount] for row in found["difference"][kind]) == found[amount]


def test_an_amount_that_begins_later_than_the_stage_changes_nothing(base: Base) -> None:
    scenario = Scenario.model_validate({"name": "later", "amounts": {"bpnt": [{"from": "2026-01-02", "value": 1}]}})
    found = entry(simulate(base, [scenario]), "later", "bpnt")
    assert (found["difference"]["units"], found["delta_year_idr"]) == (0, 0)


def test_leakage_and_undercoverage_are_of_the_ranking_alone(simulated: Simulation, base: Base, invented: Path) -> None:
    found = entry(simulated, "base", "bpnt")["targeting"]
    assert found["eligible"] - found["leakage"] == found["eligible_by_truth"] - found["undercoverage"]
    assert 0 < found["leakage"] < found["eligible"] and found["undercoverage"] > 0
    assert found["poor"] >= found["poor_selected"] > 0
    everybody = simulate(base, [parse_scenario("all:bpnt.max_decile=10")], truth=invented / "truth" / "families.parquet")
    without_limit = entry(everybody, "all", "bpnt")["targeting"]
    assert (without_limit["leakage"], without_limit["undercoverage"]) == (0, 0)


def test_a_draft_of_a_new_programme_is_decided_beside(base: Base, tmp_path: Path) -> None:
    draft = yaml.safe_load((base.rules / "bpnt" / "programme.yaml").read_text()) | {"programme": "sembako2"}
    (tmp_path / "draft").mkdir()
    (tmp_path / "draft" / "programme.yaml").write_text(yaml.safe_dump(draft, sort_keys=False))
    simulation = simulate(base, [Scenario(name="draft", programmes=(tmp_path / "draft",))])
    found, bpnt = entry(simulation, "draft", "sembako2"), entry(simulation, "draft", "bpnt")
    assert found["amount_year_idr"] == bpnt["amount_year_idr"] == found["delta_year_idr"]
    assert found["difference"]["entered"] == found["outcomes"]["LAYAK"]
    assert "sembako2" not in simulation.scenarios[0]["programmes"]


def test_a_draft_of_a_known_programme_replaces_it(base: Base, tmp_path: Path) -> None:
    draft = (base.rules / "pkh" / "programme.yaml").read_text().replace("value: 900000,", "value: 1000000,")
    (tmp_path / "draft").mkdir()
    (tmp_path / "draft" / "programme.yaml").write_text(draft)
    found = entry(simulate(base, [Scenario(name="draft", programmes=(tmp_path / "draft",))]), "draft")
    assert found["delta_year_idr"] > 0 and found["delta_year_idr"] % 100_000 == 0


def test_quotas_of_others_stay(tmp_path: Path) -> None:
    region = Region()
    for number in range(1, 6):
        region.family(number, national_rank=number)
    for programme in ("pkh", "bpnt"):
        region.add("quota", region_code=REGION, programme=programme, stage=STAGE, quota=3, decree_id="SK")
    region.write(tmp_path / "inputs")
    simulation = simulate(
        open_base(tmp_path / "inputs"), [parse_scenario("more:quota.pkh=4"), parse_scenario("none:quota.bpnt=none")]
    )
    assert [entry(simulation, name, "pkh")["outcomes"]["LAYAK"] for name in ("base", "more", "none")] == [3, 4, 3]
    assert [entry(simulation, name, "bpnt")["outcomes"]["LAYAK"] for name in ("base", "more", "none")] == [3, 3, 5]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a:pkh.max_decil=3", "not a parameter"),
        ("a:pkh.max_decile=three", "not a value of"),
        ("a:quota.blt=3", "has a quota of"),
        ("a:amount.pkh.AUDD=3", "has no amount"),
        ("a:amount.nix=3", "not a programme"),
        ("a:draft=/nowhere", r"no programme\.yaml"),
    ],
)
def test_a_scenario_that_does_not_fit_is_refused(base: Base, text: str, error: str) -> None:
    with pytest.raises(WrongUsage, match=error):
        simulate(base, [parse_scenario(text)])


def test_a_truth_without_deciles_is_refused(base: Base, tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("no_kk,is_poor\n")
    with pytest.raises(Refused, match="lacks a column"):
        simulate(base, [parse_scenario("a:pkh.max_decile=3")], truth=tmp_path / "truth.csv")


def test_nothing_of_the_inputs_is_written(base: Base) -> None:
    before = {path: path.stat().st_mtime_ns for path in base.inputs.iterdir()}
    simulate(base, [parse_scenario("a:quota.pkh=1,amount.bpnt=1")])
    assert {path: path.stat().st_mtime_ns for path in base.inputs.iterdir()} == before


@settings(max_examples=15, deadline=None)
@given(
    ranks=st.lists(st.tuples(st.integers(1, 10), st.integers(1, 5)), min_size=2, max_size=6),
    quota=st.integers(0, 6),
    limit=st.integers(0, 10),
)
def test_parts_always_sum_to_the_difference(
    tmp_path_factory: pytest.TempPathFactory, ranks: list[tuple[int, int]], quota: int, limit: int
) -> None:
    folder = tmp_path_factory.mktemp("world")
    region = Region()
    for number, (decile, rank) in enumerate(ranks, 1):
        region.family(number, decile=decile, national_rank=rank)
    region.add("quota", region_code=REGION, programme="pkh", stage=STAGE, quota=3, decree_id="SK")
    region.write(folder / "inputs")
    scenario = parse_scenario(f"other:quota.pkh={quota},pkh.max_decile={limit}")
    found = entry(simulate(open_base(folder / "inputs", ["pkh"]), [scenario], keep=folder / "kept"), "other")
    rows = [pq.read_table(folder / "kept" / name / "decisions.parquet").to_pylist() for name in ("base", "other")]
    before, after = ({row["no_kk"]: row for row in one} for one in rows)
    crossed = [card for card in before if (before[card]["outcome"] == "LAYAK") != (after[card]["outcome"] == "LAYAK")]
    assert found["difference"]["entered"] + found["difference"]["left"] == len(crossed)
    total = sum(row["amount_stage_idr"] for row in after.values()) - sum(row["amount_stage_idr"] for row in before.values())
    assert sum(row["delta_stage_idr"] for row in found["difference"]["by_cause"]) == total == found["delta_stage_idr"]
