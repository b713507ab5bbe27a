"""A new region with three past stages and the present one in real Airflow, beside a region that works."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from live_services import FAST, copy_project, running

from .new_region import DAYS, NEW, PAST, PROGRAMMES, NewRegion, arrive, begin, bring_in
from .small_world import STAGE

pytestmark = [pytest.mark.services, pytest.mark.airflow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def brought_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewRegion]:
    """All stages are there."""
    folder = tmp_path_factory.mktemp("new-region")
    with running(project=copy_project(folder / "project"), **FAST) as services:
        world = begin(services, folder)
        bring_in(world)
        arrive(world)
        yield world


@pytest.mark.parametrize("stage", [*PAST, STAGE])
def test_the_digests_are_those_of_the_command_on_the_same_inputs(brought_in: NewRegion, stage: str) -> None:
    offline = brought_in.determine_offline(stage)
    assert offline == {name: digest for name, digest in brought_in.digests().items() if name.startswith(stage)}
    assert len(offline) == len(PROGRAMMES)


def test_every_past_stage_is_a_simulation_of_the_batches_up_to_its_cut_off(brought_in: NewRegion) -> None:
    rows = brought_in.line.rows(
        "select stage, track, purpose, document::jsonb as document from work join input_set using (input_set_digest) "
        "join list_revision using (work_id) where region_code = %s and purpose = 'backfill' order by stage",
        NEW,
    )
    assert {(row["stage"], row["track"]) for row in rows} == {(stage, "simulation") for stage in PAST}
    newest = {row["stage"]: max(batch["snapshot_date"] for batch in row["document"]["batches"]) for row in rows}
    assert newest == dict(zip(PAST, DAYS, strict=True))


def test_the_other_region_keeps_every_row_and_every_object(brought_in: NewRegion) -> None:
    assert brought_in.others() == brought_in.before


def test_a_stage_costs_three_tasks_and_runs_once(brought_in: NewRegion) -> None:
    airflow = brought_in.line.services.airflow
    for stage in PAST:
        runs = [run for run in airflow.runs("determine") if run["partition_key"] == f"{NEW}|{stage}"]
        assert len(runs) == 1
        assert len(airflow.task_instances("determine", runs[0]["dag_run_id"])) == 3


def test_later_ticks_change_nothing_and_the_plan_is_done(brought_in: NewRegion) -> None:
    line = brought_in.line
    audited, objects = line.value("select count(*) from audit"), line.objects("work", "published")
    seen_at = line.value("select clock_timestamp()")
    line.wait(
        "two ticks", lambda: line.value("select count(*) from outcome where step = 'dispatch' and recorded_at > %s", seen_at) > 2
    )
    assert (line.value("select count(*) from audit"), line.objects("work", "published")) == (audited, objects)
    assert brought_in.states() == dict.fromkeys(PAST, "DONE")
    file = str(brought_in.folder / "plan.yaml")
    assert brought_in.run("backfill", "apply", file, "--reviewer", "Pemeriksa")["state"] == "unchanged"


def test_the_readiness_of_the_present_stage_names_the_missing_quota_and_counts_by_district(brought_in: NewRegion) -> None:
    done = brought_in.line.services.run("region", "check", NEW, "--html", str(brought_in.folder / "page.html"), "--json")
    assert done.returncode == 1 and "kuota pkh" in done.stdout
    assert "Kabupaten Situbondo" in (brought_in.folder / "page.html").read_text()
