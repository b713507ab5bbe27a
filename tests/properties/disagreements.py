"""Run the product and the referee on one population, say where they differ, and shrink a difference to a few rows.

By hand: `python tests/properties/disagreements.py FIRST LAST` names the seeds that disagree and shrinks the first;
with `all` behind it of the populations for every programme.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from oracle.all_programmes import generate_for_all
from oracle.families import Population, generate
from oracle.inputs import Row, Unreadable
from oracle.oracle import determine as referee
from oracle.persons import Refused
from oracle.worlds import write
from perlinsos.errors import PerlinsosError
from perlinsos.recipients.determine import determine as product

TABLES = ("decisions", "components", "findings", "not_decided")
FORMS = ("csv", "parquet", "odd", "lean")
FUNNEL = ("families_seen", "elsewhere", "PINDAH", "TIDAK_MENDAFTAR", "decided")


def ask_command(inputs: Path, out: Path, population: Population) -> subprocess.CompletedProcess[str]:
    """What the command line answers, as a process that ended; its result is in `out`."""
    words: list[Any] = ["determine", "--region", population.region, "--stage", population.stage, "--inputs", inputs]
    words += ["--out", out, "--as-of", population.as_of, "--scope", population.scope, "--json"]
    for programme in population.programmes:
        words += ["--programme", programme]
    for name, value in population.settings.items():
        words += ["--set", f"{name}={value}"]
    command = [sys.executable, "-m", "perlinsos.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def ask_referee(inputs: Path, population: Population) -> dict[str, Any] | None:
    """The referee's tables and funnel, None where it refuses."""
    options = (population.region, population.stage, population.programmes, population.as_of)
    try:
        answer = referee(inputs, *options, population.settings, population.scope)
    except (Refused, Unreadable):
        return None
    return {name: getattr(answer, name) for name in (*TABLES, "funnel")}


def run_product(inputs: Path, out: Path, population: Population, **options: Any) -> dict[str, Any]:
    """The product's summary."""
    return product(
        population.region,
        population.stage,
        inputs,
        out,
        programmes=population.programmes,
        as_of=population.as_of,
        scope=population.scope,
        set_values=population.settings or None,
        settings=None,
        **options,
    )


def ask_product(inputs: Path, out: Path, population: Population, **options: Any) -> dict[str, Any] | None:
    """The product's tables (without legal_basis) and funnel, None where it refuses."""
    try:
        summary = run_product(inputs, out, population, **options)
    except PerlinsosError:
        return None
    found: dict[str, Any] = {name: pq.read_table(out / f"{name}.parquet").to_pylist() for name in TABLES}
    for row in found["findings"]:
        row.pop("legal_basis")
    return found | {"funnel": {name: summary["funnel"][name] for name in FUNNEL}}


def _difference(name: str, expected: list[Row], found: list[Row]) -> list[str]:
    """Rows on one side only, and rows in another order."""
    wanted, got = Counter(map(repr, expected)), Counter(map(repr, found))
    lines = [f"  rules {name}: {row}" for row in sorted((wanted - got).elements())]
    lines += [f"  found {name}: {row}" for row in sorted((got - wanted).elements())]
    if not lines and expected != found:
        lines = [f"  {name}: the same rows in another order"]
    return sorted(lines, key=lambda line: line.partition(": ")[2])


def differences(population: Population, form: str = "csv", **options: Any) -> list[str]:
    """What the product and the referee say differently of this population; empty where they agree."""
    with tempfile.TemporaryDirectory() as folder:
        inputs = write(Path(folder) / "inputs", population.data, form)
        expected = ask_referee(inputs, population)
        found = ask_product(inputs, Path(folder) / "out", population, **options)
    if expected is None or found is None:
        return [] if expected is found else [f"  refused by the {'rules' if expected is None else 'product'} alone"]
    lines = [line for name in TABLES for line in _difference(name, expected[name], found[name])]
    if expected["funnel"] != found["funnel"]:
        lines.append(f"  funnel: rules {expected['funnel']}, found {found['funnel']}")
    return lines


def explain(population: Population, lines: list[str], which: str = "") -> str:
    """The first differences and how to see them again."""
    shown = "\n".join(lines[:12])
    seed = population.seed
    return f"seed {seed} (python tests/properties/disagreements.py {seed}{which}), {len(lines)} lines:\n{shown}"


def shrink(population: Population, form: str = "csv") -> Population:
    """Take rows and settings away as long as some difference stays."""

    def without(part: str, start: int, size: int) -> Population:
        rows = population.data[part]
        return replace(population, data=population.data | {part: rows[:start] + rows[start + size :]})

    for name in list(population.settings):
        smaller = replace(population, settings={n: v for n, v in population.settings.items() if n != name})
        population = smaller if differences(smaller, form) else population
    for part in population.data:
        size = max(1, len(population.data[part]) // 2)
        while size:
            start = 0
            while start < len(population.data[part]):
                smaller = without(part, start, size)
                if differences(smaller, form):
                    population = smaller
                else:
                    start += size
            size //= 2
    return population


def main() -> None:
    """Hunt through seeds; shrink the first that disagrees."""
    words = [word for word in sys.argv[1:] if word != "all"]
    make = generate_for_all if "all" in sys.argv else generate
    first, last = int(words[0]), int(words[-1])
    is_shrunk = False
    for seed in range(first, last + 1):
        population, form = make(seed), FORMS[seed % len(FORMS)]
        if lines := differences(population, form):
            print(explain(population, lines, " all" if make is generate_for_all else ""), flush=True)
            if not is_shrunk:
                small, is_shrunk = shrink(population, form), True
                print(f"  shrunk: {small.stage} {small.as_of} {small.scope} {small.programmes} {small.settings}")
                for name, rows in small.data.items():
                    for row in rows:
                        print(f"    {name}: { ({key: value for key, value in row.items() if value is not None}) }")
                print("\n".join(differences(small, form)), flush=True)


if __name__ == "__main__":
    main()
