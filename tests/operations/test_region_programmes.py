"""Which programmes a region can name, which of them have a list at a stage, and what rests on another one's quota."""

import json
from dataclasses import replace

import pytest

from perlinsos.ledger import cycles, input_sets
from perlinsos.operations import assemble, dispatch

from .conftest import add_cycle, add_region, read_rows, register
from .past_of_tests import plan

KEY = "35.10|2026-T1"
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
