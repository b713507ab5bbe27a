"""What comes after the first lists: corrections, repairs, a person who clicks in Airflow, a stopped scheduler, a leak."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg2
import pytest

from perlinsos.operations.demo.watch import Watch
from perlinsos.operations.leak_scan import local_databases
from perlinsos.publication.manifest import MANIFEST

from .conftest import World
from .small_world import OPEN, SHUT, SIZES, Row

pytestmark = [pytest.mark.services, pytest.mark.airflow, pytest.mark.timeout(1800)]

PROGRAMMES = ("pkh", "bpnt")
PLACES = ("rank", "queue_position")
HELD = ("TUNDA", ["DATA_DIKARANTINA"])


@pytest.fixture(scope="session")
def first_objects(published: World) -> dict[str, tuple[int, str]]:
    """The objects of the first PKH revision of SHUT before anything was corrected."""
    return published.line.objects_of(SHUT, "pkh", 1)


def test_a_correction_makes_a_revision_where_it_changes_a_row(first_objects: dict[str, object], corrected: World) -> None:
    line = corrected.line
    assert [revision.revision for revision in line.revisions(SHUT, "pkh")] == [1, 2]
    assert line.manifest(SHUT, "pkh", 2)["supersedes"] == 1
    assert len(_find_changed(line.decisions(SHUT, "pkh", 1), line.decisions(SHUT, "pkh", 2))) == 1
    assert line.objects_of(SHUT, "pkh", 1) == first_objects


def test_a_correction_makes_no_revision_where_it_changes_nothing(corrected: World) -> None:
    line = corrected.line
    assert len(line.revisions(SHUT, "bpnt")) == 1
    assert [len(line.revisions(OPEN, programme)) for programme in PROGRAMMES] == [1, 1]


class _BackError(Exception):
    """The watcher said that Airflow is back."""


def test_the_demo_waits_for_a_stopped_scheduler_and_says_so(held_up: World) -> None:
    line, said = held_up.line, []
    supervisor = line.services.supervisor

    def say(text: str) -> None:
        said.append(text)
        if "scheduler of Airflow is not running" in text:
            supervisor.call("supervisor.startProcess", "airflow:scheduler")
        if "Airflow is back" in text:
            raise _BackError

    supervisor.call("supervisor.stopProcess", "airflow:scheduler")
    watch = Watch(line.ctx, line.services.airflow, tuple(SIZES), say, lambda _: None)
    watch.skip_what_was_before()
    with pytest.raises(_BackError):
        watch.until_published(patience_seconds=240)
    assert sum("is not running" in text for text in said) == 1


def test_nothing_is_lost_where_tasks_are_marked_as_successful(marked: World) -> None:
    line = marked.line
    digests = [revision.list_digest for revision in line.revisions(SHUT, "pkh")]
    assert digests[2] == digests[0] != digests[1]
    assert len(line.revisions(SHUT, "bpnt")) == 1
    assert [len(line.revisions(OPEN, programme)) for programme in PROGRAMMES] == [1, 1]


def test_nothing_is_done_twice_where_tasks_are_cleared(cleared: World) -> None:
    line = cleared.line
    assert [len(line.revisions(region, programme)) for region in (SHUT, OPEN) for programme in PROGRAMMES] == [3, 1, 1, 1]
    manifests = [key for key in line.objects("work") if key.startswith("work/lists/") and key.endswith(f"/{MANIFEST}")]
    assert len(manifests) == line.value("select count(*) from list_revision where track = 'list' and state = 'published'") == 6


def _find_changed(before: dict[str, Row], after: dict[str, Row]) -> set[str]:
    """The cards whose row is another, places in the order aside."""

    def plain(row: Row | None) -> Row | None:
        return row and {name: value for name, value in row.items() if name not in PLACES}

    return {card for card in before.keys() | after.keys() if plain(before.get(card)) != plain(after.get(card))}


def _judged(world: World, region: str, programme: str, revision: int, card: str) -> tuple[str, list[str]]:
    row = world.line.decisions(region, programme, revision)[card]
    return row["outcome"], row["reasons"]


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_a_family_with_a_row_in_quarantine_is_put_off(published: World, programme: str) -> None:
    for region, card in [*published.followed.power.items(), *published.followed.school.items()]:
        assert (region, *_judged(published, region, programme, 1, card)) == (region, *HELD)


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_before_the_window_a_corrected_delivery_decides_the_family(power_read: World, programme: str) -> None:
    newest = power_read.line.revisions(SHUT, programme)[-1].revision
    assert _judged(power_read, SHUT, programme, newest, power_read.followed.power[SHUT])[0] in ("LAYAK", "ANTREAN")
    assert _judged(power_read, SHUT, programme, newest, power_read.followed.school[SHUT]) == HELD


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_in_the_window_a_corrected_delivery_decides_that_family_alone(power_read: World, programme: str) -> None:
    line, card = power_read.line, power_read.followed.power[OPEN]
    before, after = line.decisions(OPEN, programme, 1), line.decisions(OPEN, programme, 2)
    assert _find_changed(before, after) == {card}
    assert (after[card]["outcome"], after[card]["reasons"]) == ("LAYAK", [])


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_before_the_window_a_replay_decides_the_family(school_read: World, programme: str) -> None:
    newest = school_read.line.revisions(SHUT, programme)[-1].revision
    assert _judged(school_read, SHUT, programme, newest, school_read.followed.school[SHUT])[0] in ("LAYAK", "ANTREAN")


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_in_the_window_a_replay_decides_that_family_alone(school_read: World, programme: str) -> None:
    line, card = school_read.line, school_read.followed.school[OPEN]
    before, after = line.decisions(OPEN, programme, 2), line.decisions(OPEN, programme, 3)
    assert _find_changed(before, after) == {card}
    assert (after[card]["outcome"], after[card]["reasons"]) == ("LAYAK", [])


PLANT = """
insert into xcom (dag_run_id, task_id, map_index, key, dag_id, run_id, value, timestamp)
select dag_run_id, task_id, map_index, 'planted', dag_id, run_id, %s::jsonb, now() from xcom limit 1
"""


@pytest.fixture
def planted(school_read: World) -> Iterator[set[str]]:
    """A number of the invented people in a log, in an XCom and in the key of an object; where the scan must find them.

    The XCom is written into Airflow's database: what is written through its REST interface stands in its audit log too.
    """
    services, number = school_read.line.services, next(iter(school_read.followed.power.values()))
    log, key = services.home.airflow / "logs" / "planted.log", {"Bucket": "perlinsos-work", "Key": f"planted/{number}"}
    log.write_text(f"the family {number} is here\n")
    services.s3().put_object(**key, Body=b"")
    airflow = psycopg2.connect(local_databases(services.settings)[0])
    with airflow, airflow.cursor() as cursor:
        cursor.execute(PLANT, [json.dumps({"family": number})])
    yield {"airflow/logs/planted.log", "public.xcom.value", "key perlinsos-work/planted/"}
    log.unlink()
    services.s3().delete_object(**key)
    with airflow, airflow.cursor() as cursor:
        cursor.execute("delete from xcom where key = 'planted'")
    airflow.close()


def test_leak_scan_finds_a_number_in_a_log_an_xcom_and_a_key(planted: set[str], school_read: World) -> None:
    done = school_read.line.services.run("leak-scan", "--json")
    places = [leak["place"] for leak in json.loads(done.stdout)["leaks"]]
    assert done.returncode == 1
    assert {wanted for wanted in planted if any(wanted in place for place in places)} == planted
    assert all(any(wanted in place for wanted in planted) for place in places)
    assert not any(number in done.stdout + done.stderr for number in school_read.followed.power.values())
