"""A region that works, and another one that is brought in with three past stages and the present one, by commands only."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from live_services import Services
from perlinsos.settings import find_project
from perlinsos.synthesis.order import SynthOrder, parse_day, run_order

from .line import Line
from .small_world import SHUT, SNAPSHOT, STAGE, Row, write_settings

NEW, PAST, PROGRAMMES = "35.12", ("2025-T2", "2025-T3", "2025-T4"), ("bpnt", "pkh")
DAYS = ("2025-03-20", "2025-06-20", "2025-09-20")
NOT_REQUIRED = ("emis-enrolment", "perlinsos-registration", "samsat-vehicle")
SLOW = 1500
"""Seconds for 28 deliveries on a machine that is busy with something else."""
THIRD = find_project() / "demo" / "third-region"


@dataclass
class NewRegion:
    """The line, what was planned, and what stood of the other region before."""

    line: Line
    folder: Path
    plan: Row = field(default_factory=dict)
    before: tuple[Any, ...] = ()

    def run(self, *words: str) -> Row:
        """One command in a process of its own, as an operator types it; its JSON."""
        done = self.line.services.run(*words, "--json")
        assert done.returncode == 0, f"{words}: {done.stderr}"
        found: Row = json.loads(done.stdout)
        return found

    def others(self) -> tuple[Any, ...]:
        """Every row of the ledger and every object that belongs to the region that was there first."""
        tables = (("list", "list_id"), ("cycle", "cycle_id"), ("list_revision", "list_id"), ("cycle_input_set", "cycle_id"),
                  ("work", "region_code"), ("objection_window", "list_id"), ("list_step", "list_id"))  # fmt: skip
        rows = {name: self.line.rows(f"select * from {name} where {column} like %s order by 1, 2", f"%{SHUT}%")
                for name, column in tables}  # fmt: skip
        objects = {key: found for key, found in self.line.objects("work", "published").items() if SHUT in key}
        return rows, objects

    def states(self) -> dict[str, str]:
        """Stage → state of the backfill."""
        stages = self.run("backfill", "status", self.plan["backfill"])["backfills"][0]["stages"]
        return {stage["stage"]: stage["state"] for stage in stages}

    def digests(self) -> dict[str, str]:
        """List → digest of its newest revision, past and present."""
        rows = self.line.rows(
            "select distinct on (list_id) list_id, list_digest from list_revision join list using (list_id) "
            "where region_code = %s and list_revision.state = 'published' order by list_id, revision desc",
            NEW,
        )
        return {row["list_id"]: row["list_digest"] for row in rows}

    def determine_offline(self, stage: str) -> dict[str, str]:
        """List → digest that `perlinsos determine --settings` gives on the exported inputs, without any service."""
        out = self.folder / f"inputs-{stage}"
        found = self.run("snapshot", "inputs", f"{stage}/{NEW}/pkh", "--out", str(out), "--simulations")
        alone = self.line.services.run(*found["command"][1:], "--json", PERLINSOS_DATABASE_URL="", PERLINSOS_S3_ENDPOINT="")
        assert alone.returncode == 0, alone.stderr
        programmes = json.loads(alone.stdout)["programmes"]
        return {f"{stage}/{NEW}/{name}": of["list_digest"] for name, of in programmes.items()}


def begin(services: Services, folder: Path) -> NewRegion:
    """The first region is determined and its window is open; the second one's deliveries lie on the disk."""
    out = folder / "out"
    run_order(SynthOrder({SHUT: 300}, out, errors="none", form="both"))
    for day in DAYS:
        run_order(SynthOrder({NEW: 300}, folder / day, errors="none", form="both", snapshot=parse_day(day)))
    run_order(SynthOrder({SHUT: 300, NEW: 300}, folder / "both", errors="none", form="both"))
    for path in sorted((folder / "both").glob(f"*/national/{SNAPSHOT}")):
        path.rename(path.with_name(f"{SNAPSHOT}-2"))
    for path in sorted((folder / "both").glob(f"*/{SHUT}")):
        shutil.rmtree(path)
    for source in NOT_REQUIRED:
        for path in folder.glob(f"*/{source}"):
            shutil.rmtree(path)
    records = write_settings(folder / "records", {SHUT: {"pkh": 20, "bpnt": 40}})
    line = Line(services, out, folder / "fetched")
    services.airflow.wait_for_dags({"pull", "ingest", "dispatch", "determine"}, seconds=240)
    for words in ("region", f"region-{SHUT}"), ("decree", f"decrees/tim-{SHUT}"), ("decree", f"decrees/kuota-{STAGE}"):
        line.call(words[0], "add", str(records / f"{words[1]}.yaml"))
    shutil.copy(find_project() / "demo" / f"cycle-{SHUT}-{STAGE}.yaml", records)
    line.call("cycle", "add", str(records / f"cycle-{SHUT}-{STAGE}.yaml"))
    line.call("deliver", str(out))
    line.wait("an open window", lambda: line.value("select count(*) from objection_window") == 2, SLOW)
    line.settle()
    found = NewRegion(line, folder)
    found.before = found.others()
    return found


def bring_in(world: NewRegion) -> None:
    """What docs/bring-in-a-region.md says, up to the applied plan."""
    line = world.line
    line.call("region", "add", str(THIRD / f"region-{NEW}.yaml"))
    line.call("decree", "add", str(THIRD / f"tim-{NEW}.yaml"))
    for name in (*DAYS, "both"):
        line.call("deliver", str(world.folder / name))
    line.wait("all deliveries to be judged", line.is_still, SLOW)
    line.settle()
    file, model = str(world.folder / "plan.yaml"), str(THIRD / f"cycle-{NEW}-{STAGE}.yaml")
    words = ["--from", PAST[0], "--until", PAST[-1], "--reason", "uji", "--watcher", "Operator", "--cycle", model, "--out", file]
    world.plan = world.run("backfill", "plan", NEW, *words)
    assert {stage["stage"]: stage["action"] for stage in world.plan["stages"]} == dict.fromkeys(PAST, "RUN")
    assert world.run("backfill", "apply", file, "--reviewer", "Pemeriksa")["state"] == "applied"


def arrive(world: NewRegion) -> None:
    """The present stage too: wait for all stages, and until the line has nothing more to do."""
    world.line.call("cycle", "add", str(THIRD / f"cycle-{NEW}-{STAGE}.yaml"))
    lists = len(PROGRAMMES) * (len(PAST) + 1)
    world.line.wait("every list", lambda: len(world.digests()) == lists, SLOW)
    world.line.settle()
