"""Revisions: reserved once, recorded once, never overwritten."""

import pytest

from perlinsos.errors import Conflict, Refused
from perlinsos.ledger import revisions, work
from perlinsos.ledger.connection import call, fetch_rows, transaction

from .conftest import AT, LIST


@pytest.fixture
def claim(settings, freeze):
    freeze()
    with transaction(settings, "publisher") as connection:
        return work.claim(connection, "determine", "35.10", "2026-T1", holder="run", lease_seconds=600)


def reserve(settings, claim, digest, status="provisional"):
    with transaction(settings, "publisher") as connection:
        return revisions.reserve_revision(connection, LIST, digest, status, claim.work_id, claim.fence)


def record(settings, claim, number, digest, manifest="b" * 64, status="provisional"):
    with transaction(settings, "publisher") as connection:
        revisions.record_published(
            connection, LIST, number, status=status, list_digest=digest, manifest_key="k", manifest_sha256=manifest,
            work_id=claim.work_id, fence=claim.fence, at=AT,
        )  # fmt: skip


def test_a_reservation_of_the_same_digest_gives_the_same_number(settings, claim):
    assert [reserve(settings, claim, "a" * 64) for _ in range(2)] == [1, 1]


def test_an_equal_digest_and_status_is_nothing_new(settings, claim):
    record(settings, claim, reserve(settings, claim, "a" * 64), "a" * 64)
    assert reserve(settings, claim, "a" * 64) is None


def test_another_digest_is_the_next_revision_and_supersedes(settings, claim):
    record(settings, claim, reserve(settings, claim, "a" * 64), "a" * 64)
    record(settings, claim, reserve(settings, claim, "c" * 64), "c" * 64)
    with transaction(settings, "reader") as connection:
        found = revisions.read_revisions(connection, LIST)
    assert [(r.revision, r.supersedes) for r in found] == [(1, None), (2, 1)]


def test_the_number_of_an_abandoned_reservation_is_never_used_again(settings, claim):
    reserve(settings, claim, "a" * 64)
    assert reserve(settings, claim, "c" * 64) == 2
    with pytest.raises(Conflict, match="not reserved"):
        record(settings, claim, 1, "a" * 64)


def test_recording_twice_changes_nothing_and_another_manifest_is_refused(settings, claim):
    number = reserve(settings, claim, "a" * 64)
    record(settings, claim, number, "a" * 64)
    record(settings, claim, number, "a" * 64)
    with pytest.raises(Conflict, match="another manifest"):
        record(settings, claim, number, "a" * 64, manifest="d" * 64)


def test_a_status_that_was_not_asked_for_is_refused(settings, claim):
    with pytest.raises(Refused, match="does not ask"):
        reserve(settings, claim, "a" * 64, "proposed")


def test_the_first_published_revision_makes_the_list_determined(settings, claim):
    record(settings, claim, reserve(settings, claim, "a" * 64), "a" * 64)
    with transaction(settings, "reader") as connection:
        rows = fetch_rows(connection, "select state from list where list_id = %s", [LIST])
    assert rows == [{"state": "determined"}]


def test_a_list_takes_no_step_that_the_table_does_not_have(settings, claim):
    with pytest.raises(Refused, match="cannot go from collecting to final"), transaction(settings, "publisher") as c:
        call(c, "move_list", [LIST, "final", "shortcut", AT])


def test_a_role_takes_no_step_of_another(settings, claim):
    with pytest.raises(Refused, match="may not move"), transaction(settings, "decider") as connection:
        call(connection, "move_list", [LIST, "determined", "shortcut", AT])
