"""Claims and fences: who may commit."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from perlinsos.errors import Conflict
from perlinsos.ledger import work
from perlinsos.ledger.connection import transaction


def claim(settings, holder, lease=600):
    with transaction(settings, "decider") as connection:
        return work.claim(connection, "determine", "35.10", "2026-T1", holder=holder, lease_seconds=lease)


def test_of_eight_that_claim_at_once_one_wins(settings, freeze):
    freeze()
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda number: claim(settings, f"run-{number}"), range(8)))
    assert [c is not None for c in claims].count(True) == 1


def test_a_worker_that_wakes_after_its_lease_loses(settings, freeze):
    freeze()
    late = claim(settings, "first", lease=0)
    claim(settings, "second")
    with pytest.raises(Conflict, match="claim on work"), transaction(settings, "decider") as connection:
        work.assert_fence(connection, late.work_id, late.fence)


def test_a_retry_of_the_same_run_takes_over_at_once(settings, freeze):
    freeze()
    before = claim(settings, "run-7")
    after = claim(settings, "run-7")
    assert after.fence == before.fence + 1


def test_a_newer_input_set_takes_the_work_away(settings, freeze):
    freeze("{}")
    late = claim(settings, "run")
    newer = freeze('{"more": 1}')
    with pytest.raises(Conflict), transaction(settings, "publisher") as connection:
        work.finish_work(connection, late.work_id, late.fence)
    assert claim(settings, "run").input_set_digest == newer


def test_finished_work_is_not_claimed_again(settings, freeze):
    freeze()
    held = claim(settings, "run")
    with transaction(settings, "publisher") as connection:
        work.finish_work(connection, held.work_id, held.fence)
    assert claim(settings, "another") is None


def test_failed_work_can_be_run_again_by_a_person(settings, freeze):
    freeze()
    held = claim(settings, "run")
    with transaction(settings, "decider") as connection:
        work.fail_work(connection, held.work_id, held.fence, {"what": "no wage row"})
    assert claim(settings, "another").fence == held.fence + 1


def test_an_input_set_that_comes_back_is_worked_on_again(settings, freeze):
    freeze("{}")
    held = claim(settings, "run")
    with transaction(settings, "publisher") as connection:
        work.finish_work(connection, held.work_id, held.fence)
    freeze('{"other": 1}')
    again = freeze("{}")
    assert claim(settings, "run").input_set_digest == again
