"""Simulating on what was frozen: an input set or a list of the ledger is a base, and the result can never be a list."""

import pytest

from perlinsos.errors import Refused, WrongUsage
from perlinsos.ledger.input_sets import read_newest
from perlinsos.operations import assemble, dispatch
from perlinsos.publication.keys import ensure_keys
from perlinsos.publication.publish import publish
from perlinsos.simulation.bases import open_reference
from perlinsos.simulation.run import simulate
from perlinsos.simulation.scenarios import parse_scenario

from .conftest import deliver_rows, register, rewrite_programmes
from .sources_of_tests import family

KEY, LIST = "35.10|2026-T1", "2026-T1/35.10/bpnt"


@pytest.fixture
def frozen(world):
    """The digest of the world's first input set, in which BPNT has a quota of one."""
    register(world, "kuota", quotas={"bpnt": 1})
    dispatch.advance(world)
    with world.connect("reader") as connection:
        return read_newest(connection, "2026-T1/35.10").digest


def selected(simulation, programme="bpnt"):
    return [one["programmes"][programme]["outcomes"]["LAYAK"] for one in simulation.scenarios]


def test_an_input_set_is_a_base_with_its_quotas_and_rules(world, frozen, tmp_path):
    base = open_reference(world, frozen, tmp_path / "base")
    assert (base.digest, base.region, base.programmes) == (frozen, "35.10", ("bpnt", "pkh"))
    found = simulate(base, [parse_scenario("two:quota.bpnt=2"), parse_scenario("none:bpnt.max_decile=0")])
    assert selected(found) == [1, 2, 0]
    assert found.inputs == {"from": frozen, "digest": frozen}


def test_a_list_is_a_base_whatever_came_later(world, frozen, tmp_path):
    ensure_keys(world.settings)
    assemble.determine(world, KEY)
    published = publish(world, KEY, {})["published"]
    file = rewrite_programmes(world) / "bpnt" / "programme.yaml"
    file.write_text(file.read_text().replace("value: 2400000", "value: 4800000"))
    deliver_rows(world, "test-family", [family(n, decile=9) for n in range(3)], day="2025-12-21")
    dispatch.advance(world)
    found = simulate(open_reference(world, LIST, tmp_path / "base"), [parse_scenario("two:quota.bpnt=2")])
    (digest,) = [one["list_digest"] for one in published if one["list_id"] == LIST]
    assert found.scenarios[0]["programmes"]["bpnt"]["list_digest"] == digest
    assert [one["programmes"]["bpnt"]["amount_year_idr"] for one in found.scenarios] == [2_400_000, 4_800_000]


def test_simulated_tables_in_a_lists_place_are_refused(world, frozen, tmp_path):
    ensure_keys(world.settings)
    simulate(open_reference(world, frozen, tmp_path / "base"), [parse_scenario("x:quota.bpnt=1")], keep=tmp_path / "kept")
    for path in (tmp_path / "kept" / "base").iterdir():
        world.storage.put_new(world.settings.buckets.work, f"determinations/{frozen}/{path.name}", path)
    with pytest.raises(Refused, match="can only be a simulation"):
        publish(world, KEY, {})


def test_a_programme_that_was_not_frozen_is_refused(world, frozen, tmp_path):
    with pytest.raises(Refused, match="not about pip"):
        open_reference(world, frozen, tmp_path / "base", ["pip"])


def test_an_unknown_list_is_refused(world, frozen, tmp_path):
    with pytest.raises(Refused, match="no such list"):
        open_reference(world, f"{LIST}/r3", tmp_path / "base")
    with pytest.raises(WrongUsage):
        open_reference(world, "2026-T1/35/bpnt", tmp_path / "base")
