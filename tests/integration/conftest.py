"""One world on the platform, and what happens to it, one thing after the other: each fixture is the world after its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from live_services import Services
from perlinsos.operations.demo.lay import lay_deliveries
from perlinsos.settings import find_project
from perlinsos.synthesis.corrections import write_correction, write_repair

from .line import Line
from .small_world import (
    ELECTRICITY,
    OPEN,
    QUOTAS,
    SCHOOLS,
    SHUT,
    SIZES,
    SNAPSHOT,
    STAGE,
    Followed,
    make_deliveries,
    write_settings,
)

INGEST, DETERMINE = ("read", "check", "accept"), ("assemble", "determine", "publish")
KEY = f"{SHUT}|{STAGE}"


@dataclass(frozen=True)
class World:
    """The line with a world in it, the families that are followed, and the folder of regions, cycles and decrees."""

    line: Line
    followed: Followed
    records: Path

    def drop_again(self, source: str, number: int, delivery: Path) -> None:
        """Lay a delivery as the correction `-number` of a national source."""
        self.line.lay(f"{source}/national/{SNAPSHOT}-{number}", delivery)


@pytest.fixture(scope="session")
def world(platform: Services, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Regions and cycles are registered, only SHUT has a team, nobody has a quota; all deliveries lie in the landing bucket."""
    folder = tmp_path_factory.mktemp("world")
    followed = make_deliveries(folder / "out")
    records = write_settings(folder / "records", QUOTAS)
    line = Line(platform, folder / "out", folder / "fetched")
    platform.airflow.wait_for_dags({"pull", "ingest", "dispatch", "determine"}, seconds=240)
    line.call("consumer", "add", str(find_project() / "demo" / "consumer-kemensos-demo.yaml"))
    for region in SIZES:
        line.call("region", "add", str(records / f"region-{region}.yaml"))
    line.call("decree", "add", str(records / "decrees" / f"tim-{SHUT}.yaml"))
    for region in SIZES:
        line.call("cycle", "add", str(records / f"cycle-{region}-{STAGE}.yaml"))
    lay_deliveries(line.ctx.settings, line.ctx.storage, line.out)
    return World(line, followed, records)


@pytest.fixture(scope="session")
def simulated(world: World) -> World:
    """SHUT is determined without a quota."""
    line = world.line
    line.wait("simulations", lambda: all(line.revisions(SHUT, p, simulations=True) for p in ("pkh", "bpnt")))
    line.settle()
    return world


@pytest.fixture(scope="session")
def published(simulated: World) -> World:
    """The decrees are there: first lists of both regions, and the window of OPEN is open."""
    line = simulated.line
    line.call("decree", "add", str(simulated.records / "decrees" / f"tim-{OPEN}.yaml"))
    line.call("decree", "add", str(simulated.records / "decrees" / f"kuota-{STAGE}.yaml"))
    line.wait("an open window", lambda: all(line.state_of(OPEN, p) == "provisional" for p in ("pkh", "bpnt")))
    line.wait("lists", lambda: all(line.state_of(SHUT, p) == "determined" for p in ("pkh", "bpnt")))
    line.settle()
    return simulated


@pytest.fixture(scope="session")
def corrected(published: World) -> World:
    """The schools corrected the level of one pupil of SHUT."""
    line = published.line
    delivery = write_correction(line.first(SCHOOLS), {published.followed.pupil: {"jenjang": "SMP"}}, 3)
    published.drop_again(SCHOOLS, 3, delivery)
    line.settle()
    return published


@pytest.fixture(scope="session")
def held_up(corrected: World) -> Iterator[World]:
    """The schools took their correction back; the delivery is fetched, and `ingest` and `determine` are paused."""
    line = corrected.line
    for dag_id in ("ingest", "determine"):
        line.services.airflow.pause(dag_id)
    corrected.drop_again(SCHOOLS, 4, line.first(SCHOOLS))
    line.wait("the delivery", lambda: line.value("select count(*) from delivery where state = 'landed'") == 1)
    yield corrected
    for dag_id in ("ingest", "determine"):
        line.services.airflow.unpause(dag_id)


@pytest.fixture(scope="session")
def marked(held_up: World) -> World:
    """Every task of `ingest` and of `determine` was marked as successful in a run of its own before it ran."""
    line = held_up.line
    _run_marked(line, "ingest", "national", INGEST)
    line.wait("acceptance", lambda: line.value("select count(*) from delivery where state = 'landed'") == 0)
    line.wait("work", lambda: line.value("select count(*) from work where state = 'due'") == 1)
    _run_marked(line, "determine", KEY, DETERMINE)
    line.wait("a list", lambda: len(line.revisions(SHUT, "pkh")) == 3)
    line.settle()
    return held_up


def _run_marked(line: Line, dag_id: str, key: str, tasks: tuple[str, ...]) -> None:
    """Runs of a paused DAG, in each of which one task is marked; then the DAG goes on."""
    for task_id in tasks:
        run_id = line.services.airflow.trigger(dag_id, partition_key=key)["dag_run_id"]
        line.mark_success(dag_id, run_id, task_id)
    line.services.airflow.unpause(dag_id)


@pytest.fixture(scope="session")
def cleared(marked: World) -> World:
    """Every task of `ingest` and of `determine` was cleared, each in another of the newest runs, and has run again."""
    line, airflow = marked.line, marked.line.services.airflow
    for dag_id, key, tasks in (("ingest", "national", INGEST), ("determine", KEY, DETERMINE)):
        line.wait(f"the runs of {dag_id}", lambda dag_id=dag_id: not airflow.runs(dag_id, state=["queued", "running"]))
        done = airflow.runs(dag_id, state="success")
        runs = [run["dag_run_id"] for run in done if run["partition_key"] == key][-len(tasks) :]
        for run_id, task_id in zip(runs, tasks, strict=True):
            line.clear(dag_id, run_id, task_id)
        for run_id in runs:
            assert airflow.wait_for_run(dag_id, run_id)["state"] == "success"
    line.settle()
    return marked


@pytest.fixture(scope="session")
def power_read(cleared: World) -> World:
    """PLN sent its delivery with every cell right that had its row set aside."""
    line = cleared.line
    cleared.drop_again(ELECTRICITY, 3, write_repair(line.out, ELECTRICITY, "national", SNAPSHOT, 3))
    line.wait("the repaired list", lambda: len(line.revisions(OPEN, "bpnt")) == 2)
    line.settle()
    return cleared


@pytest.fixture(scope="session")
def school_read(power_read: World) -> World:
    """The unknown word was entered in the schools' description, and their newest delivery judged anew."""
    line = power_read.line
    description = line.services.project / "sources" / f"{SCHOOLS}.yaml"
    description.write_text(description.read_text().replace("SDLB: SD,", "SDLB: SD, PAKET A: SD,"))
    newest = line.value("select max(delivery_id) from delivery where source_id = %s", SCHOOLS)
    done = line.services.run("quarantine", "replay", str(newest), "--apply", "--json")
    assert done.returncode == 0, done.stderr
    line.wait("the repaired list", lambda: len(line.revisions(OPEN, "bpnt")) == 3)
    line.settle()
    return power_read
