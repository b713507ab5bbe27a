"""What a backfill of eight stages of a small region costs beside eight `perlinsos determine` runs on the same inputs.

    .venv/bin/python bench/backfill.py [--families 2000]

Starts the services with Airflow in a home of its own and ends them. CPU seconds are those of every process of that
home (user and system, ended children included). Airflow's own part is measured apart: as many runs of `determine` whose
work is done already, so that each of their tasks finds nothing to do; and what the home costs when nothing happens.

The limit of 1.2 is meant for `ratio_with_airflow`: what the backfill costs above the idle home, by eight `determine` runs plus
Airflow's own tasks. `ratio_of_steps` leaves Airflow out on both sides: what reading from the store, assembling, publishing
with digests and signature, PostgreSQL and the object store cost beside the determination.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

ROOT = Path(__file__).resolve().parents[1]
REGION = "35.12"
STAGES = ("2024-T2", "2024-T3", "2024-T4", "2025-T1", "2025-T2", "2025-T3", "2025-T4", "2026-T1")
DAYS = ("2024-03-20", "2024-06-20", "2024-09-20", "2024-12-20", "2025-03-20", "2025-06-20", "2025-09-20", "2025-12-20")
LIMIT = 1.2


@dataclass(frozen=True)
class Home:
    """A home of services and the project that they work on."""

    root: Path
    project: Path

    @property
    def environment(self) -> dict[str, str]:
        """The caller's, with this home's settings: ticks of a few seconds."""
        ticks = {f"PERLINSOS_{name}_SECONDS": "5" for name in ("PULL", "DISPATCH", "LANDING_QUIET")}
        return os.environ | ticks | {"PERLINSOS_HOME": str(self.root), "PERLINSOS_PROJECT": str(self.project)}

    def run(self, *words: str) -> Any:
        """One command; its JSON."""
        command = [sys.executable, "-m", "perlinsos.cli", *words, "--json"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(words)}: {done.stderr}")
        return json.loads(done.stdout)

    def cpu_seconds(self) -> float:
        """Of every living process of this home, with its children that ended."""
        from perlinsos.operations.services.home import Home as Paths
        from perlinsos.operations.services.postgres import data_folder
        from perlinsos.operations.services.processes import find_ours
        from perlinsos.operations.services.secrets import keep_secrets

        paths, total = Paths(self.root), 0.0
        for process in find_ours(keep_secrets(paths).services_id, data_folder(paths)):
            try:
                total += sum(process.cpu_times()[:4])
            except psutil.NoSuchProcess:
                continue
        return total


def make_project(folder: Path) -> Path:
    """The repository with legal bases that reach back to 2024, so that eight past stages have deliveries."""
    folder.mkdir()
    for path in ROOT.iterdir():
        if path.name not in ("sources", ".perlinsos", ".git"):
            (folder / path.name).symlink_to(path)
    shutil.copytree(ROOT / "sources", folder / "sources")
    for path in (folder / "sources").glob("*.yaml"):
        path.write_text(path.read_text().replace("valid_from: 2025-01-01", "valid_from: 2024-01-01"))
    return folder


def wait(what: str, holds: Callable[[], bool], seconds: float = 1800) -> None:
    """Until it holds."""
    limit = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > limit:
            raise SystemExit(f"{what}: not in {seconds:.0f} seconds")
        time.sleep(1)


def prepare(home: Home, folder: Path, families: int) -> Path:
    """Eight snapshots of the region are accepted; the plan that runs eight stages."""
    third = ROOT / "demo" / "third-region"
    home.run("region", "add", str(third / f"region-{REGION}.yaml"))
    home.run("decree", "add", str(third / f"tim-{REGION}.yaml"))
    for day in DAYS:
        words = ["synth", "--region", REGION, "--families", str(families), "--seed", "7", "--format", "both"]
        home.run(*words, "--snapshot-date", day, "--out", str(folder / day))
        home.run("deliver", str(folder / day))
    cycle = yaml.safe_load((third / f"cycle-{REGION}-2026-T1.yaml").read_text())
    (folder / "cycle.yaml").write_text(yaml.safe_dump(cycle | {"purpose": "backfill"}))
    plan = folder / "plan.yaml"

    def is_runnable() -> bool:
        plan.unlink(missing_ok=True)
        words = ["--from", STAGES[0], "--until", STAGES[-1], "--reason", "bench", "--watcher", "a", "--out", str(plan)]
        made = home.run("backfill", "plan", REGION, "--cycle", str(folder / "cycle.yaml"), *words)
        return all(stage["action"] == "RUN" for stage in made["stages"])

    wait("eight accepted snapshots", is_runnable)
    return plan


def measure(home: Home, what: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds of the home and wall seconds, while something is done."""
    cpu, began = home.cpu_seconds(), time.monotonic()
    what()
    return home.cpu_seconds() - cpu, time.monotonic() - began


def run_backfill(home: Home, plan: Path) -> None:
    """Apply the plan and wait for its end."""
    home.run("backfill", "apply", str(plan), "--reviewer", "b")
    wait("the backfill", lambda: home.run("backfill", "status")["backfills"][0]["state"] == "done")


def run_empty_tasks(home: Home) -> None:
    """As many runs of `determine`, whose work is done."""
    from perlinsos.operations.services.airflow_api import open_airflow

    airflow = open_airflow(home.root)
    runs = [airflow.trigger("determine", partition_key=f"{REGION}|{stage}")["dag_run_id"] for stage in STAGES]
    for run in runs:
        airflow.wait_for_run("determine", run)


def determine_offline(home: Home, folder: Path) -> float:
    """CPU seconds of eight `perlinsos determine` runs on the exported inputs; their digests must be the backfill's."""
    commands = []
    for stage in STAGES:
        words = ["snapshot", "inputs", f"{stage}/{REGION}/pkh", "--simulations", "--out", str(folder / f"in-{stage}")]
        commands.append(home.run(*words))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for found in commands:
        summary = home.run(*found["command"][1:])
        if summary["programmes"]["pkh"]["list_digest"] != found["list_digest"]:
            raise SystemExit(f"{found['list_id']}: other digests")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure, print, and write bench/out/backfill.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", type=int, default=2000)
    families = parser.parse_args().families
    folder = Path(tempfile.mkdtemp(prefix="perlinsos-bench-"))
    folder.chmod(0o711)
    home = Home(folder / "home", make_project(folder / "project"))
    try:
        home.run("up")
        plan = prepare(home, folder, families)
        idle, idle_wall = measure(home, lambda: time.sleep(30))
        backfill, wall = measure(home, lambda: run_backfill(home, plan))
        empty, empty_wall = measure(home, lambda: run_empty_tasks(home))
        offline = determine_offline(home, folder)
    finally:
        home.run("down")
        shutil.rmtree(folder)
    rate = idle / idle_wall
    own = empty - rate * empty_wall
    steps = backfill - rate * wall - own
    found = {
        "families": families, "stages": len(STAGES), "determine_cpu_seconds": round(offline, 1),
        "backfill_cpu_seconds": round(backfill, 1), "backfill_wall_seconds": round(wall, 1),
        "idle_cpu_seconds_meanwhile": round(rate * wall, 1), "airflow_own_cpu_seconds": round(own, 1),
        "steps_cpu_seconds": round(steps, 1), "ratio_of_steps": round(steps / offline, 2),
        "ratio_with_airflow": round((steps + own) / (offline + own), 2), "limit": LIMIT,
    }  # fmt: skip
    for name, value in found.items():
        print(f"{name:<32} {value}")
    out = ROOT / "bench" / "out" / "backfill.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
