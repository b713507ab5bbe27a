"""Housekeeping: what a dead publisher left, what the store changed, and what nobody needs any more."""

import hashlib
import json
from datetime import timedelta

import pytest

from conftest import execute
from perlinsos.errors import Conflict
from perlinsos.ledger import revisions, work
from perlinsos.operations import assemble, dispatch, housekeeping
from perlinsos.publication.manifest import MANIFEST, list_prefix

from .conftest import deliver_rows, read_rows
from .sources_of_tests import family

KEY, LIST = "35.10|2026-T1", "2026-T1/35.10/pkh"


@pytest.fixture
def reserved(world):
    """The world with simulation 1 of a list reserved for a digest, and its publisher dead."""
    dispatch.advance(world)
    with world.connect("publisher") as connection:
        held = work.claim(connection, "determine", "35.10", "2026-T1", holder="dead", lease_seconds=600)
        revisions.reserve_revision(connection, LIST, "a" * 64, "simulation", held.work_id, held.fence)
    return world


def leave_manifest(ctx, digest="a" * 64):
    text = json.dumps({"list_digest": digest}).encode()
    ctx.storage.put_new("perlinsos-work", list_prefix(LIST, 1, is_simulation=True) + MANIFEST, text)
    return hashlib.sha256(text).hexdigest()


def take_the_work_away(ctx):
    """A newer batch freezes a newer input set: the dead publisher's work will not run again."""
    deliver_rows(ctx, "test-family", [family(n, decile=2) for n in range(3)], day="2025-12-21")
    dispatch.advance(ctx)


def test_a_complete_manifest_of_equal_digest_is_adopted_where_its_publisher_will_not_come_back(reserved):
    sha256 = leave_manifest(reserved)
    take_the_work_away(reserved)
    assert housekeeping.reconcile(reserved)["adopted"] == [f"{LIST}/r1"]
    rows = read_rows(reserved, "select state, manifest_sha256 from list_revision")
    assert rows == [{"state": "published", "manifest_sha256": sha256}]
    assert housekeeping.reconcile(reserved)["adopted"] == []


def test_while_the_work_will_run_again_it_is_left_to_it(reserved):
    leave_manifest(reserved)
    found = housekeeping.reconcile(reserved)
    assert (found["adopted"], found["pending"]) == ([], [f"{LIST}/r1"])


def test_a_manifest_of_another_digest_stops_and_is_named(reserved):
    leave_manifest(reserved, "b" * 64)
    with pytest.raises(Conflict, match="disagree in 1 places") as error:
        housekeeping.reconcile(reserved)
    assert f"{LIST}/r1" in error.value.where
    assert read_rows(reserved, "select state from list_revision") == [{"state": "reserved"}]


def test_over_the_rotation_every_object_is_hashed_and_a_changed_one_is_found(world):
    objects = sum(len(row["files"]) for row in read_rows(world, "select files from batch"))
    parts = len(read_rows(world, "select distinct raw_key from delivery_part"))
    days = [world.at_time(world.at + timedelta(days=n)) for n in range(housekeeping.ROTATION_DAYS)]
    assert sum(housekeeping.reconcile(day)["hashed"] for day in days) == objects + parts


def test_a_forged_audit_row_is_named(world):
    execute(world.settings.database_url, "alter table perlinsos.audit disable trigger user")
    execute(world.settings.database_url, "update perlinsos.audit set actor = 'nobody' where audit_id = 3")
    with pytest.raises(Conflict) as error:
        housekeeping.reconcile(world)
    assert "audit chain is broken at row 3" in error.value.where


def test_readings_are_deleted_a_day_after_their_delivery_was_judged(world):
    readings = list(world.storage.list("perlinsos-work", "temporary/readings/"))
    assert housekeeping.clean(world)["temporary_deleted"] == 0
    later = world.at_time(world.at + timedelta(days=3650))
    assert housekeeping.clean(later)["temporary_deleted"] == len(readings) > 0
    assert assemble.assemble(world, KEY) == {"input_set": ""}


def test_the_head_of_the_audit_chain_is_anchored_once(world):
    assert housekeeping.clean(world)["audit_rows"] == housekeeping.clean(world)["audit_rows"] > 0
    assert len(list(world.storage.list("perlinsos-work", "audit/"))) == 1
