"""Real processes are killed while a list is on its way: the next ticks make the list that an undisturbed run makes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from live_services import FAST, copy_project, running
from perlinsos.operations.demo.lay import lay_deliveries
from perlinsos.publication.manifest import MANIFEST, SIGNATURE
from perlinsos.recipients.determine import determine
from perlinsos.settings import find_project
from perlinsos.synthesis.corrections import write_correction
from perlinsos.synthesis.order import SynthOrder, run_order

from .killing import Reader, await_now, find_task, holding, kill_before_it_is_recorded, kill_task
from .line import Line
from .small_world import SCHOOLS, SHUT, SNAPSHOT, STAGE, read_rows, write_settings

pytestmark = [pytest.mark.services, pytest.mark.crash, pytest.mark.timeout(2400)]


@dataclass
class Pendulum:
    """A line whose agency sends now one and now the other of two deliveries: each makes one revision, of one of two digests."""

    line: Line
    deliveries: tuple[Path, Path]
    reader: Reader
    number: int = 1

    def swing(self) -> None:
        """The agency sends the other delivery."""
        self.number += 1
        self.line.lay(f"{SCHOOLS}/national/{SNAPSHOT}-{self.number}", self.deliveries[(self.number - 1) % 2])

    def arrive(self) -> None:
        """Wait for the revision; nothing was lost and nothing was made twice."""
        line = self.line
        line.wait(f"revision {self.number}", lambda: len(line.revisions(SHUT, "pkh")) >= self.number)
        line.settle()
        revisions = line.revisions(SHUT, "pkh")
        digests = [revision.list_digest for revision in revisions]
        assert [revision.revision for revision in revisions] == list(range(1, self.number + 1))
        assert digests[-1] == digests[(self.number - 1) % 2]
        assert len(line.revisions(SHUT, "bpnt")) == 1
        assert line.value("select count(*) from delivery where state <> 'accepted'") == 0
        assert self.reader.faults == []

    @property
    def prefix(self) -> str:
        """Where the revision that is on its way will lie."""
        return f"lists/v1/programme=pkh/region={SHUT}/stage={STAGE}/rev={self.number}/"

    def has(self, key: str) -> bool:
        """Whether an object is in the work bucket."""
        return self.line.ctx.storage.stat(self.line.ctx.settings.buckets.work, key) is not None

    def count(self, beginning: str, end: str) -> int:
        """How many objects of the work bucket begin and end so."""
        found = self.line.ctx.storage.list(self.line.ctx.settings.buckets.work, beginning)
        return sum(item.key.endswith(end) for item in found)

    def newest_input_set(self) -> str:
        """What the work in force is on."""
        return str(self.line.value("select input_set_digest from work where state <> 'superseded'"))


def _find_pupil(out: Path) -> int:
    """The row of a child whom PKH counts at a primary school."""
    determine(SHUT, STAGE, out / "canonical" / SHUT, out / "clean")
    counted = f"from read_parquet('{out}/clean/components.parquet') where component = 'SD' and is_counted"
    niks = {nik for (nik,) in duckdb.sql(f"select nik {counted}").fetchall()}
    return next(number for number, row in enumerate(read_rows(out, SCHOOLS, "national"), 1) if row["nik_siswa"] in niks)


@pytest.fixture(scope="module")
def pendulum(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pendulum]:
    """A region in an Airflow of its own, with two revisions that nobody disturbed, and somebody who reads all the time."""
    folder = tmp_path_factory.mktemp("kills")
    out = folder / "out"
    run_order(SynthOrder({SHUT: 300}, out, errors="none", form="both", canonical=True))
    records = write_settings(folder / "records", {SHUT: {"pkh": 5000, "bpnt": 5000}})
    first = out / SCHOOLS / "national" / SNAPSHOT
    with running(project=copy_project(folder / "project"), **FAST) as services:
        line = Line(services, out, folder / "fetched")
        line.call("consumer", "add", str(find_project() / "demo" / "consumer-kemensos-demo.yaml"))
        for words in ("region", f"region-{SHUT}"), ("decree", f"decrees/tim-{SHUT}"), ("decree", f"decrees/kuota-{STAGE}"):
            line.call(words[0], "add", str(records / f"{words[1]}.yaml"))
        line.call("cycle", "add", str(records / f"cycle-{SHUT}-{STAGE}.yaml"))
        lay_deliveries(line.ctx.settings, line.ctx.storage, out)
        corrected = write_correction(first, {_find_pupil(out): {"jenjang": "SMP"}}, 2)
        with Reader(line).reading() as reader:
            found = Pendulum(line, (first, corrected), reader)
            line.wait("the first list", lambda: len(line.revisions(SHUT, "pkh")) == 1)
            line.settle()
            found.swing()
            found.arrive()
            first_two = [revision.list_digest for revision in line.revisions(SHUT, "pkh")]
            assert first_two[0] != first_two[1]
            yield found


def test_tasks_that_die_before_they_are_recorded_are_made_good_read_and_assemble(pendulum: Pendulum) -> None:
    line, readings = pendulum.line, pendulum.count("temporary/readings/", "/reading.json")
    pendulum.swing()
    kill_before_it_is_recorded(line, "ingest", "read", lambda: pendulum.count("temporary/readings/", "/reading.json") > readings)
    kill_before_it_is_recorded(
        line, "determine", "assemble", lambda: pendulum.has(f"assembled/{pendulum.newest_input_set()}/assembled.json")
    )
    pendulum.arrive()


def test_tasks_that_die_before_they_are_recorded_are_made_good_check_and_determine(pendulum: Pendulum) -> None:
    line, verdicts = pendulum.line, pendulum.count("checks/", ".json")
    pendulum.swing()
    kill_before_it_is_recorded(line, "ingest", "check", lambda: pendulum.count("checks/", ".json") > verdicts)
    kill_before_it_is_recorded(
        line, "determine", "determine", lambda: pendulum.has(f"determinations/{pendulum.newest_input_set()}/summary.json")
    )
    pendulum.arrive()


def test_a_publisher_that_dies_before_its_manifest_leaves_nothing_that_a_reader_sees(pendulum: Pendulum) -> None:
    line = pendulum.line
    pendulum.swing()
    task = find_task(line, "determine", "publish")
    reserved = "select revision from list_revision where state = 'reserved' and list_id = %s"
    await_now("the reservation", lambda: line.rows(reserved, f"{STAGE}/{SHUT}/pkh"))
    with holding(line, "select 1 from perlinsos.work where state = 'claimed' for update"):
        line.wait("the data objects", lambda: pendulum.has(pendulum.prefix + SIGNATURE))
        kill_task(task, with_its_worker=True)
    data = [item.key for item in line.ctx.storage.list("perlinsos-work", pendulum.prefix)]
    assert pendulum.prefix + "decisions.parquet" in data and pendulum.prefix + MANIFEST not in data
    label = f"{STAGE}/{SHUT}/pkh/r{pendulum.number}"
    assert not any(one.endswith(label) for one in pendulum.reader.seen)
    pendulum.arrive()


def test_a_database_that_dies_during_a_determination_loses_nothing(pendulum: Pendulum) -> None:
    line = pendulum.line
    pendulum.swing()
    find_task(line, "determine", "determine")
    os.kill(line.services.supervisor.states()["postgres"]["pid"], signal.SIGKILL)
    line.wait_through_an_outage()
    pendulum.arrive()


def test_a_scheduler_that_dies_during_a_check_loses_nothing(pendulum: Pendulum) -> None:
    line = pendulum.line
    pendulum.swing()
    find_task(line, "ingest", "check")
    before = line.services.supervisor.states()["scheduler"]["pid"]
    os.kill(before, signal.SIGKILL)
    line.wait("another scheduler", lambda: line.services.supervisor.states()["scheduler"]["pid"] not in (0, before))
    pendulum.arrive()


def test_the_reader_has_seen_every_revision_whole(pendulum: Pendulum) -> None:
    pendulum.reader.look()
    revisions = {f"{STAGE}/{SHUT}/pkh/r{n}" for n in range(1, pendulum.number + 1)} | {f"{STAGE}/{SHUT}/bpnt/r1"}
    assert {one.partition(" ")[2] for one in pendulum.reader.seen} == revisions
    assert len(pendulum.reader.seen) == 2 * len(revisions)
    assert pendulum.reader.faults == []
