"""Measure the determination against two independent rivals and against the floor, all as whole processes.

python bench/run.py [--families full|N] [--rounds 3] [--inputs DIR --quarter DIR] [--work DIR] [--document]

The rivals are a pandas script and hand-written array code (bench/README.md says why there are two). Contenders run one
after the other in alternating rounds; CPU seconds are user + system of the whole process. Then the rows of the product and
of both rivals are compared, all four tables. Writes bench/out/results.json and bench/out/determination.png; with --document
also docs/performance.md. Exit 1 where the rows differ.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from report import draw, write_document

HERE = Path(__file__).resolve().parent
OUT = HERE / "out"
REGION, STAGE = "35.10", "2026-T1"
FULL_FAMILIES = 624_317
# What the allocation rule of docs/synthetic-data.md gives Banyuwangi, as shares of its families.
QUOTA_SHARE = {"pkh": 53_142 / FULL_FAMILIES, "bpnt": 106_251 / FULL_FAMILIES}
PERLINSOS = [sys.executable, "-m", "perlinsos.cli"]
RIVALS = {"pandas": "pandas_idiomatic.py", "array": "pandas_determination.py"}


@dataclass(frozen=True)
class Run:
    """One whole process: CPU and wall seconds, peak resident megabytes."""

    cpu_s: float
    wall_s: float
    peak_mb: float


def measure(command: list[str], stdin: str = "") -> tuple[Run, str]:
    """Run a command to its end; returns its use of the machine and what it printed. Raises where it fails."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as errors:
        given.write(stdin)
        given.seek(0)
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=given, stdout=output, stderr=errors)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        if process.returncode != 0:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(command[:4])} … ended with {process.returncode}:\n{errors.read()[-2000:]}")
        return Run(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024), output.read()


def run_apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a process of its own: Linux counts the memory of the one that starts a program as that program's
    own, so this process must stay small."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def synthesise(families: str, folder: Path) -> tuple[Path, Run]:
    """Make a population; returns the folder of its inputs for `determine`, and what it took."""
    command = [*PERLINSOS, "synth", "--region", REGION, "--families", families, "--canonical", "--format", "parquet"]
    run, _ = measure([*command, "--out", str(folder)])
    return folder / "canonical" / REGION, run


def set_quota(inputs: Path) -> None:
    """Give the region a quota in proportion to its families, unless its inputs have one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if (inputs / "quota.parquet").exists():
        return

    families = pq.read_metadata(inputs / "welfare_family.parquet").num_rows
    rows = [
        {"region_code": REGION, "programme": programme, "stage": STAGE, "quota": round(families * share), "decree_id": "bench"}
        for programme, share in QUOTA_SHARE.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows), inputs / "quota.parquet")


def contenders(inputs: Path, quarter: Path, work: Path) -> dict[str, list[str]]:
    """The command of each contender. The floor comes after the product, whose rows it writes."""
    common = ["--region", REGION, "--stage", STAGE]

    def product(name: str, threads: int, data: Path) -> list[str]:
        options = ["--inputs", str(data), "--out", str(work / name), "--threads", str(threads)]
        return [*PERLINSOS, "determine", *common, *options]

    def rivals(threads: int) -> dict[str, list[str]]:
        options = ["--inputs", str(inputs), "--threads", str(threads)]
        return {
            f"{name}_{threads}": [sys.executable, str(HERE / file), *common, *options, "--out", str(work / f"{name}_{threads}")]
            for name, file in RIVALS.items()
        }

    floor = ["--inputs", str(inputs), "--result", str(work / "product_1"), "--out", str(work / "floor"), "--threads", "1"]
    return {
        "product_1": product("product_1", 1, inputs),
        **rivals(1),
        "product_2": product("product_2", 2, inputs),
        **rivals(2),
        "floor": [sys.executable, str(HERE / "floor.py"), *floor],
        "product_quarter": product("product_quarter", 1, quarter),
    }


def run_rounds(commands: dict[str, list[str]], rounds: int, work: Path) -> dict[str, list[Run]]:
    """Every contender once a round, so that a slow minute of the machine meets all of them."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds):
        for name, command in commands.items():
            if name != "floor":
                shutil.rmtree(work / name, ignore_errors=True)
            run, printed = measure(command)
            if name == "floor":
                run = Run(run.cpu_s - float(printed.split()[-1]), run.wall_s, run.peak_mb)
            runs[name].append(run)
            print(f"round {number + 1} {name}: {run.cpu_s:.2f} CPU s, {run.wall_s:.2f} s, {run.peak_mb:.0f} MB", file=sys.stderr)
    return runs


def middle(runs: list[Run]) -> Run:
    """The medians of several runs."""
    return Run(*(statistics.median(getattr(run, field) for run in runs) for field in ("cpu_s", "wall_s", "peak_mb")))


def compute_ratios(medians: dict[str, Run]) -> dict[str, float]:
    """The figures that carry over to another machine."""
    cpu = {name: run.cpu_s for name, run in medians.items()}
    ratios = {}
    for rival in RIVALS:
        ratios[f"product_to_{rival}_1_thread"] = cpu["product_1"] / cpu[f"{rival}_1"]
        ratios[f"product_to_{rival}_2_threads"] = cpu["product_2"] / cpu[f"{rival}_2"]
        ratios[f"memory_product_to_{rival}"] = medians["product_1"].peak_mb / medians[f"{rival}_1"].peak_mb
    return ratios | {
        "product_to_floor": cpu["product_1"] / cpu["floor"],
        "product_2_threads_to_1": cpu["product_2"] / cpu["product_1"],
        "four_times_the_families": cpu["product_1"] / cpu["product_quarter"],
    }


def compare_results(work: Path) -> list[str]:
    """What differs between the product and each rival, and between one thread and two."""
    from compare import compare_folders

    return [
        f"{other}: {difference}"
        for other in (*(f"{rival}_1" for rival in RIVALS), "product_2")
        for difference in compare_folders(work / "product_1", work / other)
    ]


def find_middle_card(result: Path) -> str:
    """The No KK in the middle of the list."""
    import pyarrow.parquet as pq

    cards = pq.read_table(result / "decisions.parquet", columns=["no_kk"])["no_kk"]
    return str(cards[len(cards) // 2].as_py())


def measure_small_commands(result: Path, inputs: Path) -> dict[str, Run]:
    """`perlinsos --help`, and `explain` of the family in the middle of the list."""
    explain = [*PERLINSOS, "explain", "--list", str(result), "--inputs", str(inputs), "--stdin"]
    number = run_apart(find_middle_card, result) + "\n"
    helps = middle([measure([*PERLINSOS, "--help"])[0] for _ in range(5)])
    starts = middle([measure([*PERLINSOS, "explain", "--help"])[0] for _ in range(3)])
    return {"help": helps, "explain": middle([measure(explain, number)[0] for _ in range(3)]), "explain_start": starts}


def describe_machine() -> dict[str, Any]:
    """The processor, cores and memory: no names, no paths."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gb": round(memory, 1),
        "load_before": round(os.getloadavg()[0], 2),
    }


def count_rows(inputs: Path, result: Path) -> dict[str, int]:
    """Rows of every input and every table of the result."""
    import pyarrow.parquet as pq

    tables = ("decisions", "components", "findings", "not_decided")
    files = [*sorted(inputs.glob("*.parquet")), *(result / f"{name}.parquet" for name in tables)]
    return {file.stem: pq.read_metadata(file).num_rows for file in files}


def run_benchmark(args: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Everything, in order; returns the results."""
    machine = describe_machine()
    synthesis = None
    full = FULL_FAMILIES if args.families == "full" else int(args.families)
    if args.inputs is None:
        args.inputs, synthesis = synthesise(args.families, work / "world")
    if args.quarter is None:
        args.quarter, _ = synthesise(str(full // 4), work / "quarter")
    for inputs in (args.inputs, args.quarter):
        run_apart(set_quota, inputs)
    runs = run_rounds(contenders(args.inputs, args.quarter, work), args.rounds, work)
    medians = {name: middle(of) for name, of in runs.items()}
    small = measure_small_commands(work / "product_1", args.inputs)
    packages = ("duckdb", "pyarrow", "pandas", "numpy")
    return {
        "measured_on": datetime.now(tz=UTC).date().isoformat(),
        "machine": machine,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        "rounds": args.rounds,
        "rows": run_apart(count_rows, args.inputs, work / "product_1"),
        "runs": {name: [asdict(run) for run in of] for name, of in runs.items()},
        "medians": {name: asdict(run) for name, run in medians.items()},
        "ratios": compute_ratios(medians),
        "synth": asdict(synthesis) if synthesis else None,
        "commands": {name: asdict(run) for name, run in small.items()},
        "differences": run_apart(compare_results, work),
    }


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--families", default="full", help="families of the region, or full (624,317)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--inputs", type=Path, help="canonical inputs that exist already (then synth is not measured)")
    parser.add_argument("--quarter", type=Path, help="canonical inputs of a quarter of the families")
    parser.add_argument("--work", type=Path, help="folder for populations and results; kept. Default: a temporary one")
    parser.add_argument("--document", action="store_true", help="write docs/performance.md from the results")
    return parser.parse_args()


def main() -> None:
    """Measure, write the results, say where the rows differ."""
    args = parse_arguments()
    work = args.work or Path(tempfile.mkdtemp(prefix="perlinsos-bench-"))
    work.mkdir(parents=True, exist_ok=True)
    try:
        results = run_benchmark(args, work)
    finally:
        if args.work is None:
            shutil.rmtree(work, ignore_errors=True)
    OUT.mkdir(exist_ok=True)
    (OUT / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    draw(results, OUT / "determination.png")
    if args.document:
        write_document(results, HERE.parent / "docs" / "performance.md")
    print(json.dumps(results["ratios"], indent=1))
    print("rows of the product and both rivals: " + ("; ".join(results["differences"]) or "equal in all four tables"))
    sys.exit(1 if results["differences"] else 0)


if __name__ == "__main__":
    main()
