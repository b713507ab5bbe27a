"""`snapshot diff` of two revisions of the ledger: from their folders, and split exactly by the rules of the first."""

import pytest

from perlinsos.errors import WrongUsage
from perlinsos.operations import assemble, dispatch
from perlinsos.publication.keys import ensure_keys
from perlinsos.publication.publish import publish
from perlinsos.simulation.list_differences import diff_counterfactually, diff_lists, open_side
from perlinsos.storage import Missing

from .conftest import deliver_rows, register, rewrite_programmes
from .sources_of_tests import family

KEY, LIST = "35.10|2026-T1", "2026-T1/35.10/bpnt"


def release(ctx):
    """Dispatch, determine and publish."""
    dispatch.advance(ctx)
    assemble.assemble(ctx, KEY)
    assemble.determine(ctx, KEY)
    publish(ctx, KEY, {})


@pytest.fixture
def two_revisions(world):
    """One of two LAYAK families goes to decile 9, and BPNT doubles: revisions 1 and 2."""
    ensure_keys(world.settings)
    register(world, "kuota", quotas={"bpnt": 9})
    release(world)
    file = rewrite_programmes(world) / "bpnt" / "programme.yaml"
    file.write_text(file.read_text().replace("value: 2400000", "value: 4800000"))
    deliver_rows(world, "test-family", [family(n, decile=9 if n == 1 else 1) for n in range(3)], day="2025-12-21")
    release(world)
    return world


@pytest.fixture
def sides(two_revisions, tmp_path):
    return [open_side(two_revisions, f"{LIST}/r{number}", tmp_path / str(number)) for number in (1, 2)]


def test_the_folders_alone_tell_rule_from_data(two_revisions, sides):
    found = diff_lists(two_revisions, *sides)
    parts = {row["cause"]: row["delta_year_idr"] for row in found.causes}
    assert parts == {"DATA": -2_400_000, "RULE": 2_400_000}
    assert found.totals["bpnt"]["difference"]["year_idr"] == 0
    assert (found.before["list"], found.after["list"]) == (f"{LIST}/r1", f"{LIST}/r2")


def test_old_rules_on_new_inputs_split_exactly(two_revisions, sides, tmp_path):
    found = diff_counterfactually(two_revisions, *sides, tmp_path / "between")
    parts = {(row["step"], row["cause"]): row["delta_year_idr"] for row in found.causes}
    assert parts == {(1, "DATA"): -2_400_000, (2, "RULE"): 2_400_000}
    assert found.totals["bpnt"]["sum_of_causes"]["year_idr"] == 0


def test_the_newest_revision_is_meant_where_none_is_named(two_revisions, tmp_path):
    assert open_side(two_revisions, LIST, tmp_path / "newest").label == f"{LIST}/r2"


def test_a_counterfactual_of_a_plain_folder_is_wrong_usage(two_revisions, sides, tmp_path):
    (sides[0].folder / "manifest.json").unlink()
    plain = open_side(two_revisions, str(sides[0].folder), tmp_path / "x")
    with pytest.raises(WrongUsage, match="two published lists"):
        diff_counterfactually(two_revisions, plain, sides[1], tmp_path / "between")


def test_a_list_that_is_not_there_is_missing(two_revisions, tmp_path):
    with pytest.raises(Missing):
        open_side(two_revisions, f"{LIST}/r7", tmp_path / "x")
