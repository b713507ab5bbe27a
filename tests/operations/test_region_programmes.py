"""Which programmes a region can name, which of them have a list at a stage, and what rests on another one's quota."""

import json
from dataclasses import replace

import pytest
import yaml

from ledger.records_of_tests import make_cycle, make_region
from perlinsos.cli import app
from perlinsos.errors import Refused
from perlinsos.ledger import cycles, input_sets
from perlinsos.operations import assemble, dispatch
from perlinsos.operations.readiness.checks import check_region
from perlinsos.operations.readiness.page import render_page
from perlinsos.operations.region_programmes import find_faults
from perlinsos.operations.rule_files import load_today

from .conftest import add_cycle, add_region, read_rows, register, rewrite_programmes
from .past_of_tests import PAST, actions, apply, digests, plan, run_all
from .sources_of_tests import REQUIRED

KEY = "35.10|2026-T1"
DATED = {"from": "2020-01-01", "legal_basis": "uji", "source": "uji", "checked_on": "2026-11-26"}
THREE = ("pkh", "bpnt", "blt-dana-desa")


def statuses(ctx):
    return read_rows(ctx, "select statuses from work where state <> 'superseded'")[0]["statuses"]


def told_simulations(ctx):
    """Programme → whether its determination can only be a simulation, as the summary says it."""
    assemble.determine(ctx, KEY)
    digest = read_rows(ctx, "select input_set_digest from work where state <> 'superseded'")[0]["input_set_digest"]
    summary = json.loads(ctx.storage.get("perlinsos-work", f"determinations/{digest}/summary.json"))
    return {code: entry["simulation_only"] for code, entry in summary["programmes"].items()}


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs a command on the ledger of a context; its JSON."""

    def call(ctx, *words):
        monkeypatch.setenv("PERLINSOS_DATABASE_URL", ctx.settings.database_url)
        monkeypatch.setenv("PERLINSOS_HOME", str(ctx.settings.home))
        app([*words, "--json"], standalone_mode=False)
        return json.loads(capsys.readouterr().out)

    return call


@pytest.fixture
def three(world):
    """The world with BLT Dana Desa, which PKH and BPNT exclude."""
    add_region(world, programmes=THREE)
    add_cycle(world, window_months=2)
    return world


@pytest.mark.parametrize("quotas", [{"bpnt": 5, "blt-dana-desa": 5}, {"pkh": 1, "bpnt": 5, "blt-dana-desa": 5}])
def test_a_list_that_rests_on_one_without_a_quota_is_a_simulation_for_dispatch_as_for_the_determination(three, quotas):
    register(three, "kuota", quotas=quotas)
    dispatch.advance(three)
    assert statuses(three)["blt-dana-desa"] == ("provisional" if "pkh" in quotas else "simulation")
    assert {code: status == "simulation" for code, status in statuses(three).items()} == told_simulations(three)


def test_a_list_with_an_open_window_stays_provisional_when_the_quota_it_rests_on_is_revoked(three):
    register(three, "kuota", quotas=dict.fromkeys(THREE, 5))
    dispatch.advance(three)
    with three.connect("reader") as connection:
        wanted = input_sets.read_newest(connection, "2026-T1/35.10")
        lists = cycles.read_lists(connection, "2026-T1/35.10")
    bare = input_sets.make_input_set(wanted.document | {"quotas": []})
    opened = [replace(one, state="provisional") if one.programme == "bpnt" else one for one in lists]
    found = dispatch.decide_statuses(three, opened, bare)
    assert found == {"bpnt": "provisional", "pkh": "simulation", "blt-dana-desa": "simulation"}


def test_a_plan_of_past_stages_says_it_too(past):
    add_region(past, "35.11", programmes=THREE)
    stages = ["2025-T3", "2025-T4"]
    register(past, "kuota", ("35.11",), in_force_from="2025-01-01", stages=stages, quotas={"bpnt": 5, "blt-dana-desa": 5})
    assert {json.dumps(stage.statuses) for stage in plan(past).stages} == {
        json.dumps({"blt-dana-desa": "simulation", "bpnt": "provisional", "pkh": "simulation"})
    }


def list_states(ctx, cycle):
    rows = read_rows(ctx, "select programme, state from list where cycle_id = %s", cycle)
    return {row["programme"]: row["state"] for row in rows}


def write_record(folder, code="35.10", programmes=("pkh", "bpnt")):
    path = folder / f"region-{code}.yaml"
    path.write_text(make_region(code, programmes=programmes).document)
    return str(path)


def write_cycle_file(folder, code="35.10", **changed):
    path = folder / f"cycle-{code}.yaml"
    path.write_text(make_cycle(code, required=REQUIRED, announce_at="2099-01-01T00:00:00+07:00", **changed).document)
    return str(path)


@pytest.mark.parametrize(
    ("code", "programmes", "what", "remedy"),
    [
        ("35.11", ["pkh", "rantang-kasih"], "rantang-kasih is a programme of another region", "take rantang-kasih out"),
        ("35.10", ["blt-dana-desa", "pkh"], "blt-dana-desa cannot be determined without bpnt", "add bpnt to the record"),
        ("35.10", ["sembako"], "'sembako' is not a programme", "name folders of programmes/"),
    ],
)
def test_a_region_is_not_registered_with_programmes_that_it_cannot_have(run, ctx, tmp_path, code, programmes, what, remedy):
    path = write_record(tmp_path, code, programmes)
    with pytest.raises(Refused, match=what) as error:
        run(ctx, "region", "add", path)
    assert error.value.exit_code == 1 and error.value.where == f"{path}: programmes" and remedy in error.value.remedy
    assert read_rows(ctx, "select region_code from region") == []


def test_a_region_is_registered_with_its_own_programme_and_with_all_that_exclude_one_another(run, ctx, tmp_path):
    assert run(ctx, "region", "add", write_record(tmp_path, programmes=[*THREE, "rantang-kasih"]))["changed"]


def test_a_region_that_was_registered_with_such_programmes_is_told_so(world):
    add_region(world, programmes=("blt-dana-desa",))
    found = check_region(world, "35.10")
    check = next(one for one in found.checks if one.name == "programmes")
    assert not found.is_ready and check.found.startswith("blt-dana-desa cannot be determined without bpnt and pkh")
    assert check.command == "perlinsos region add FILE (add bpnt, pkh to the record)"
    assert "program dalam catatan daerah" in render_page(found, None, world.at.date())


def test_a_programme_that_another_region_has_alone_is_no_obstacle(world):
    """Rules of an excluding programme are kept with an input set where it does not exist, too."""
    rules = rewrite_programmes(world)
    with (rules / "bpnt" / "programme.yaml").open("a") as file:
        file.write(yaml.safe_dump({"excluded_by": [DATED | {"value": ["rantang-kasih"]}]}))
    dispatch.advance(world)
    assert list(find_faults(load_today(world), "35.11", ["pkh", "bpnt"], "a record")) == []
    assert [str(fault) for fault in find_faults(load_today(world), "35.10", ["pkh", "bpnt"], "a record")] != []
    statuses(world)


def test_a_cycle_has_no_list_of_a_programme_that_does_not_exist_then_and_the_others_run(run, world, tmp_path):
    add_region(world, programmes=("pkh", "bpnt", "blt-kesra"))
    found = run(world, "cycle", "add", write_cycle_file(tmp_path, window_months=2))
    assert found["without_list"] == {"blt-kesra": "it exists from 2025-10-01 to 2025-12-31"}
    assert dispatch.advance(world)["keys"] == [KEY]
    assert set(told_simulations(world)) == {"pkh", "bpnt"} == set(list_states(world, "2026-T1/35.10"))
    checks = {check.name: check for check in check_region(world, "35.10").checks}
    assert checks["blt-kesra"].is_ready and "2026-T1 has no list of it" in checks["blt-kesra"].found
    assert "kuota blt-kesra" not in checks and checks["tim"].is_ready


def test_a_list_from_before_of_a_programme_that_does_not_exist_then_stays_planned(world):
    add_region(world, programmes=("pkh", "bpnt", "blt-kesra"))
    add_cycle(world, window_months=2)
    assert dispatch.advance(world)["keys"] == [KEY]
    assert set(told_simulations(world)) == {"pkh", "bpnt"}
    assert list_states(world, "2026-T1/35.10")["blt-kesra"] == "planned"


def test_the_same_cycle_again_brings_the_list_of_a_programme_that_exists_now(run, world, tmp_path):
    path = write_cycle_file(tmp_path, window_months=2)
    add_region(world, programmes=("pkh", "bpnt", "blt-kesra"))
    assert [run(world, "cycle", "add", path)["changed"] for _ in range(2)] == [True, False]
    add_region(world, programmes=("pkh", "bpnt", "pip"))
    assert [run(world, "cycle", "add", path)["changed"] for _ in range(2)] == [True, False]
    assert set(list_states(world, "2026-T1/35.10")) == {"pkh", "bpnt", "pip"}


def test_a_stage_in_which_no_programme_of_the_region_exists_is_refused(run, world, tmp_path):
    add_region(world, "35.11", programmes=("blt-kesra",))
    with pytest.raises(Refused, match=r"no programme of the region 35\.11 exists in 2026-T1"):
        run(world, "cycle", "add", write_cycle_file(tmp_path, "35.11"))
    assert list_states(world, "2026-T1/35.11") == {}


def test_a_backfill_leaves_a_programme_out_of_the_stages_in_which_it_does_not_exist(past):
    add_region(past, "35.11", programmes=("pkh", "bpnt", "blt-kesra"))
    record = plan(past)
    assert actions(record) == {"2025-T3": "RUN", "2025-T4": "RUN"}
    assert [sorted(stage.statuses) for stage in record.stages] == [["bpnt", "pkh"], ["blt-kesra", "bpnt", "pkh"]]
    assert "2025-T3 has no list of blt-kesra (it exists from 2025-10-01 to 2025-12-31)" in record.stages[0].why
    apply(past, record)
    assert sorted(list_states(past, "2025-T3/35.11")) == ["bpnt", "pkh"]
    assert run_all(past) == PAST
    assert {one.split("/")[0] for one in digests(past) if one.endswith("blt-kesra")} == {"2025-T4"}
    assert actions(plan(past, "2025-T3")) == {"2025-T3": "KEEP", "2025-T4": "KEEP"}


def test_a_past_stage_without_any_programme_of_the_region_stays_as_it_is(past):
    add_region(past, "35.11", programmes=("blt-kesra",))
    record = plan(past)
    assert actions(record) == {"2025-T3": "KEEP", "2025-T4": "RUN"}
