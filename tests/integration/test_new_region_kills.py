"""Tasks and the scheduler are killed while a region gets its past stages: the digests are those of an undisturbed run."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from live_services import FAST, copy_project, running

from .killing import await_now, find_task, holding, kill_before_it_is_recorded, kill_task
from .new_region import PAST, NewRegion, arrive, begin, bring_in
from .small_world import STAGE

pytestmark = [pytest.mark.services, pytest.mark.crash, pytest.mark.timeout(2400)]


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewRegion]:
    """A task of each kind died after it had written and before it was recorded, the publisher before its manifest, and the
    scheduler."""
    folder = tmp_path_factory.mktemp("new-region-kills")
    with running(project=copy_project(folder / "project"), **FAST) as services:
        world = begin(services, folder)
        bring_in(world)
        line = world.line
        store, bucket = line.ctx.storage, line.ctx.settings.buckets.work
        sets = [stage["input_set"] for stage in world.plan["stages"]]

        def has(kind: str, name: str) -> bool:
            return any(store.stat(bucket, f"{kind}/{digest}/{name}") for digest in sets)

        kill_before_it_is_recorded(line, "determine", "assemble", lambda: has("assembled", "assembled.json"))
        kill_before_it_is_recorded(line, "determine", "determine", lambda: has("determinations", "summary.json"))
        task = find_task(line, "determine", "publish")
        await_now("a reservation", lambda: line.rows("select 1 from list_revision where state = 'reserved'"))
        with holding(line, "select 1 from perlinsos.work where state = 'claimed' for update"):
            kill_task(task, with_its_worker=True)
        os.kill(line.services.supervisor.states()["scheduler"]["pid"], signal.SIGKILL)
        arrive(world)
        yield world


@pytest.mark.parametrize("stage", [*PAST, STAGE])
def test_the_digests_are_those_of_the_command_on_the_same_inputs(disturbed: NewRegion, stage: str) -> None:
    offline = disturbed.determine_offline(stage)
    assert offline == {name: digest for name, digest in disturbed.digests().items() if name.startswith(stage)}


def test_nothing_was_made_twice_and_nobody_else_was_touched(disturbed: NewRegion) -> None:
    assert disturbed.line.value("select max(revision) from list_revision where state = 'published'") == 1
    assert disturbed.others() == disturbed.before
    assert disturbed.states() == dict.fromkeys(PAST, "DONE")
