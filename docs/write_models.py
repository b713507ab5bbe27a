"""Writes docs/models.md from the models themselves: `make models`. A test says when it is old.

The order and the rows are seen while a determination runs: every model file goes through `run_model`, and the page stands
there and counts. What a model makes and reads is taken from its SQL, the grain from its first lines.
"""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

from perlinsos.operations.demo.lay import Population
from perlinsos.recipients import determine as determination

PROJECT = Path(__file__).resolve().parents[1]
PAGE = PROJECT / "docs" / "models.md"
REGION, STAGE = "35.10", "2026-T1"
PROGRAMMES = ("pkh", "bpnt", "blt-dana-desa", "pip")  # for families and for persons, and one that two others exclude
DEMO = Population({"35.10": 36000, "35.09": 6000})
SMALL = Population({"35.10": 2400, "35.09": 400})
COMPILED = "src/perlinsos/recipients/compile.py"
EVERYWHERE = {"odd_id"}  # read nearly everywhere, for the order of ids that are no 16 digits
OUTPUTS = {
    "decisions": "decisions", "decisions_of_persons": "decisions", "components": "components", "findings": "findings",
    "not_decided": "not_decided",
}  # fmt: skip
Rows = dict[tuple[str, str], str]


@dataclass
class Model:
    """One step: its file, what it makes and reads, how often it ran, and the rows of what it made (None: gone at its end)."""

    file: str
    grain: str
    makes: tuple[str, ...]
    reads: tuple[str, ...]
    times: int = 1
    rows: dict[str, int | None] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file without its folder and ending."""
        return Path(self.file).stem


def read_model(path: Path) -> Model:
    """What a model file says of itself."""
    text = path.read_text(encoding="utf-8")
    makes: list[str] = []
    reads: set[str] = set()
    for statement in sqlglot.parse(text, read="duckdb"):
        if statement is None or isinstance(statement, exp.Drop | exp.Command):
            continue
        if isinstance(statement, exp.Create) and statement.kind != "TABLE":
            continue
        named = {part.alias for part in statement.find_all(exp.CTE)}
        fills = isinstance(statement, exp.Insert) and statement.this.find(exp.Table).name == path.stem
        target = statement.this.find(exp.Table) if fills or isinstance(statement, exp.Create) else None
        makes += [target.name] if target is not None and target.name not in makes else []
        reads |= {table.name for table in statement.find_all(exp.Table) if table is not target} - named
    return Model(str(path.relative_to(PROJECT)), _grain(text), tuple(makes), tuple(sorted(reads - set(makes))))


def _grain(text: str) -> str:
    """The first sentence of the grain (of the head where no table of the file has one), on one line."""
    lines = text.splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith("-- Grain: ")), 0)
    said = []
    for line in lines[first:]:
        if not line.startswith("--"):
            break
        said.append(line.removeprefix("--").strip())
    return re.split(r"(?<=\.) ", " ".join(said).removeprefix("Grain: "))[0]


@contextmanager
def _watch() -> Iterator[list[Model]]:
    """Note every model that runs, in order, with the rows of its tables."""
    models: list[Model] = []
    original = determination.run_model

    def run(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        _note_compiled(models, connection)
        original(connection, path)
        model = read_model(PROJECT / path.relative_to(path.parents[2]))
        known = next((one for one in models if one.file == model.file), None)
        if known is None:
            models.append(model)
        else:
            known.times += 1
        (known or model).rows = {table: _count(connection, table) for table in model.makes}

    determination.run_model = run
    try:
        yield models
    finally:
        determination.run_model = original


def _note_compiled(models: list[Model], connection: duckdb.DuckDBPyConnection) -> None:
    """The one table that is made from the rules and not by a file: the candidates of components."""
    if any(model.file == COMPILED for model in models) or _count(connection, "component") is None:
        return
    grain = "one candidate: a programme, a member and a component that it may have, with why it is not counted. From the rules."
    models.append(Model(COMPILED, grain, ("component",), ("member",), rows={"component": _count(connection, "component")}))


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int | None:
    try:
        return int(connection.table(table).count("*").fetchall()[0][0])
    except duckdb.CatalogException:
        return None


def observe(population: Population) -> tuple[list[Model], dict[str, int]]:
    """Determine the clean inputs of an invented population: its models with their rows, and the rows of the inputs."""
    with tempfile.TemporaryDirectory(prefix="perlinsos-models-") as folder, _watch() as models:
        command = [sys.executable, "-m", "perlinsos.cli", *population.command(Path(folder) / "world")]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        inputs, out = Path(folder) / "world" / "canonical" / REGION, Path(folder) / "out"
        summary = determination.determine(REGION, STAGE, inputs, out, programmes=PROGRAMMES)
        for query, name in OUTPUTS.items():
            model = read_model(PROJECT / "sql" / "recipients" / f"output_{query}.sql")
            rows = {f"{name}.parquet": pq.read_metadata(out / f"{name}.parquet").num_rows}
            model.makes, model.rows = tuple(rows), dict(rows)
            models.append(model)
    counts: dict[str, int] = {}
    for file in summary["inputs"]:
        counts[file["dataset"]] = counts.get(file["dataset"], 0) + file["rows"]
    return models, counts


def name_rows(observed: tuple[list[Model], dict[str, int]]) -> dict[tuple[str, str], str]:
    """The rows of every input and of every table of every model, as the page shows them."""
    models, inputs = observed
    shown = {("", name): f"{count:,}" for name, count in inputs.items()}
    for model in models:
        shown |= {(model.name, table): "–" if count is None else f"{count:,}" for table, count in model.rows.items()}
    return shown


def read_demo_rows(page: str) -> dict[tuple[str, str], str]:
    """The same of the demo, from a page: only `make models` counts these again."""
    found = {("", name): rows for name, rows in re.findall(r"^\| (\w+) \| ([\d,]+) \| [\d,]+ \|$", page, re.MULTILINE)}
    for name, makes, rows in re.findall(r"^\| \d+ \| \[(\w+)\].* \| ([^|]*) \| ([^|]*) \| [^|]* \|$", page, re.MULTILINE):
        tables = [table.strip("`") for table in makes.split("<br>") if makes]
        found |= {(name, table): count for table, count in zip(tables, rows.split("<br>"), strict=False)}
    return found


def _picture(models: list[Model]) -> list[str]:
    """Which model reads what which other made, as a Mermaid flowchart."""
    maker = {table: model for model in models for table in model.makes if table not in EVERYWHERE}
    lines = ["```mermaid", "flowchart LR"]
    for model in models:
        sources = {maker[table].name for table in model.reads if table in maker and maker[table] is not model}
        inputs = sorted(table for table in model.reads if table.startswith("input_"))
        lines += [f"  {table}[({table.removeprefix('input_')})] --> {model.name}" for table in inputs if model.name != "odd_id"]
        lines += [f"  {source} --> {model.name}" for source in sorted(sources)]
    return [*lines, "```"]


def _table(models: list[Model], small: Rows, demo: Rows) -> list[str]:
    lines = ["| | model | one row is | reads | makes | rows, demo | rows, small |", "|---:|---|---|---|---|---:|---:|"]
    for number, model in enumerate(models, start=1):
        reads = ", ".join(f"`{table}`" for table in model.reads if table not in EVERYWHERE)
        name = f"[{model.name}](../{model.file})" + (f" × {model.times}" if model.times > 1 else "")
        counts = ["<br>".join(rows.get((model.name, table), "?") for table in model.makes) for rows in (demo, small)]
        makes = "<br>".join(f"`{table}`" for table in model.makes)
        lines.append(f"| {number} | {name} | {model.grain} | {reads} | {makes} | {counts[0]} | {counts[1]} |")
    return lines


def write_page(observed: tuple[list[Model], dict[str, int]], demo: Rows) -> str:
    """The page, from what was observed of the small population and the demo's rows."""
    models, inputs = observed
    small = name_rows(observed)
    opening = (
        "How rows of a register become decisions: each step is one file and makes one or a few tables in memory.\n"
        "`rule_…` tables hold the values of the programmes, `input_…` views are the checked input files. `odd_id` (ids that\n"
        "are no 16 digits) is read nearly everywhere for the order, and left out below.\n\n"
        f"Rows: {', '.join(PROGRAMMES)} of {REGION}, {STAGE}, on the clean inputs of the demo's invented people\n"
        f"(`perlinsos {' '.join(DEMO.command(Path('DIR')))}`),\n"
        f"and of a small population made in the same way ({SMALL.families[REGION]:,} families; a test counts these again).\n"
        "–: the table is gone at the end of its file. × 2: the file ran twice (a programme that others exclude has a later turn)."
    )
    return "\n".join([
        "<!-- Written by `make models` from the SQL files and a run of them; change those, not this page. -->",
        "# The models of a determination, in their order", "", opening, "",
        "| input | rows, demo | rows, small |", "|---|---:|---:|",
        *(f"| {name} | {demo.get(('', name), '?')} | {count:,} |" for name, count in inputs.items()), "",
        *_table(models, small, demo), "",
        "## Who reads whom", "", *_picture(models), "",
    ])  # fmt: skip


def main() -> None:
    """Write the page."""
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    PAGE.write_text(write_page(observe(SMALL), name_rows(observe(DEMO))), encoding="utf-8")


if __name__ == "__main__":
    main()
