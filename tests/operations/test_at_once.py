"""Two of everything at once: one of them does it."""

from concurrent.futures import ThreadPoolExecutor

from perlinsos.operations import accept, assemble, dispatch, pull

from .conftest import read_rows
from .sources_of_tests import as_csv, family

KEY = "35.10|2026-T1"


def both(step, *arguments):
    with ThreadPoolExecutor(2) as pool:
        return [f.result() for f in [pool.submit(step, *arguments) for _ in range(2)]]


def test_two_dispatches_freeze_one_input_set(world):
    results = both(dispatch.advance, world)
    assert sorted(len(result["frozen"]) for result in results) == [0, 1]
    assert read_rows(world, "select count(*) from cycle_input_set") == [{"count": 1}]


def test_two_pulls_and_two_ingests_make_one_delivery_and_one_batch(world):
    for name, text in (("part.csv", as_csv([family(9)])), ("_COMPLETE", "")):
        world.storage.put_landing("perlinsos-landing", f"test-family/35.10/2025-12-21/{name}", text.encode())
    taken = both(pull.fetch, world, "test-family")
    assert sorted(len(result["deliveries"]) for result in taken) == [0, 1]
    results = both(accept.accept, world, "35.10")
    assert sum(len(result["new"]) for result in results) == 1
    assert read_rows(world, "select count(*) from batch where snapshot_date = '2025-12-21'") == [{"count": 1}]


def test_of_two_runs_one_holds_the_work_and_the_other_ends_at_once(world):
    from dataclasses import replace

    dispatch.advance(world)
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(assemble.determine, replace(world, holder=name), KEY) for name in ("one", "two")]
        found = [run.result() for run in runs]
    assert any(result["input_set"] for result in found)
    assert len(list(world.storage.list("perlinsos-work", "determinations/"))) == 5
