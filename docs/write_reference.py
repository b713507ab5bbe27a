"""Writes docs/reference/ from the code and the files that the product reads: `make reference`. A test says when it is old."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import typer
import yaml

from perlinsos.cli import COMMANDS, app
from perlinsos.model.datasets import DATASETS, RESULT_TABLES
from perlinsos.model.programmes import load_parameters, load_programme
from perlinsos.model.reasons import load_reasons

PROJECT = Path(__file__).resolve().parents[1]
FOLDER = PROJECT / "docs" / "reference"
NOTE = "<!-- Written by `make reference`; change the code or the file that it names, not this page. -->\n"


def _page(title: str, opening: str, lines: Iterable[str]) -> str:
    return f"{NOTE}# {title}\n\n{opening}\n\n" + "\n".join(lines).rstrip() + "\n"


def _table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> list[str]:
    """A table of Markdown; a bar inside a cell is escaped."""
    names = list(head)
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    for row in rows:
        cells = [str("" if cell is None else cell).replace("|", "\\|").replace("\n", " ") for cell in row]
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


def write_commands() -> str:
    """Every command with its arguments and options, as the command line itself knows them."""
    lines: list[str] = []
    group = typer.main.get_command(app)
    context = group.make_context("perlinsos", [], resilient_parsing=True)
    context.resilient_parsing = False
    for name, line in COMMANDS.items():
        lines += _command(f"perlinsos {name}", group.get_command(context, name), line)
    opening = (
        "Exit codes everywhere: 0 done; 1 the data or the request is refused; 2 wrong usage; 3 a service cannot be reached. "
        "Progress goes to stderr. Numbers of persons and cards are never arguments."
    )
    return _page("Commands", opening, lines)


def _command(path: str, command: Any, line: str) -> list[str]:
    """One command; a group's own commands follow it."""
    subcommands = getattr(command, "commands", {})
    help_text = (command.help or line or "").split("\f")[0].strip()
    lines = [f"## `{path}`" if path.count(" ") == 1 else f"### `{path}`", "", " ".join(help_text.split()), ""]
    rows = [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        lines += _table(("option", "what it is", "default"), rows)
    for name, sub in subcommands.items():
        lines += _command(f"{path} {name}", sub, "")
    return lines


def _parameter(parameter: Any) -> tuple[str, str, str]:
    if parameter.param_type_name == "argument":
        name = f"`{(parameter.metavar or parameter.name).upper()}`" + ("…" if parameter.nargs == -1 else "")
    else:
        name = ", ".join(f"`{word}`" for word in parameter.opts)
    default = parameter.default
    is_shown = default is not None and not callable(default) and default is not False and default != ()
    text = " ".join((getattr(parameter, "help", None) or "").split())
    return name, text, "required" if parameter.required else f"`{getattr(default, 'value', default)}`" if is_shown else ""


def write_tables() -> str:
    """The datasets that come in and the tables that go out."""
    lines = ["## Input datasets", ""]
    for dataset in DATASETS.values():
        lines += [f"### `{dataset.name}`", "", f"Key inside one source: {', '.join(f'`{name}`' for name in dataset.key)}.", ""]
        rows = [(f"`{c.name}`", c.kind, "yes" if c.must else "", "yes" if c.required else "") for c in dataset.columns]
        lines += _table(("column", "type", "a row without it is quarantined", "a file without it is refused"), rows)
    lines += ["## Result tables of a determination", ""]
    for table in RESULT_TABLES.values():
        lines += [f"### `{table.name}.parquet`", "", f"Sorted by {', '.join(f'`{name}`' for name in table.order)}.", ""]
        lines += _table(("column", "type"), [(f"`{column.name}`", column.kind) for column in table.columns])
    return _page("Tables", "From `src/perlinsos/model/datasets.py`. Money is whole rupiah; ids are text of 16 digits.", lines)


def write_reasons() -> str:
    """Every code with what it tells a family and what the family can do."""
    catalogue = load_reasons(PROJECT / "programmes" / "reasons.yaml")
    lines: list[str] = []
    for kind in dict.fromkeys(reason.kind for reason in catalogue.reasons.values()):
        lines += [f"## {kind.replace('_', ' ').capitalize()}", ""]
        rows = [
            (
                f"`{code}`",
                reason.text.id,
                reason.text.en,
                reason.next_step,
                "yes" if reason.is_sensitive else "",
                reason.legal_basis,
            )
            for code, reason in catalogue.reasons.items()
            if reason.kind == kind
        ]
        lines += _table(("code", "Indonesian", "English", "next step", "sensitive", "legal basis"), rows)
    lines += ["## Next steps", "", "The most actionable first.", ""]
    lines += _table(("step", "Indonesian", "English"), [(n, s.id, s.en) for n, s in catalogue.next_steps.items()])
    return _page("Reasons", "From `programmes/reasons.yaml`: words in braces are filled in from the family's own row.", lines)


def write_parameters() -> str:
    """Every dated value of every programme."""
    head = ("name", "from", "value", "legal basis", "source", "checked on")
    lines = ["## For every programme", ""]
    lines += _table(head, _dated(load_parameters(PROJECT / "programmes" / "parameters.yaml"), ""))
    for path in sorted((PROJECT / "programmes").glob("*/programme.yaml")):
        programme = load_programme(path)
        lines += [f"## {programme.name['en']} (`{programme.programme}`)", ""]
        rows = [*_dated(programme.parameters, f"{programme.programme}.")]
        for name, part in programme.components.items():
            rows += [(f"component `{name}`, IDR a year", *_value(dated)) for dated in part.amount_year_idr]
        rows += [
            (f"one amount for each {programme.unit}, IDR a year", *_value(dated)) for dated in programme.unit_amount_year_idr
        ]
        lines += _table(head, rows)
    return _page("Parameters and amounts", "From `programmes/`. A value holds until the next one of its name begins.", lines)


def _dated(parameters: dict[str, Any], prefix: str) -> list[tuple[Any, ...]]:
    return [(f"`{prefix}{name}`", *_value(dated)) for name, parameter in parameters.items() for dated in parameter.values]


def _value(dated: Any) -> tuple[Any, ...]:
    return dated.first_day, "none" if dated.value is None else dated.value, dated.legal_basis, dated.source, dated.checked_on


def write_checks() -> str:
    """Every rule on rows."""
    lines: list[str] = []
    for path in sorted((PROJECT / "expectations").glob("*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        lines += [f"## `{document['dataset']}`", ""]
        rows = [
            (f"`{rule['message_id']}`", ", ".join(f"`{name}`" for name in rule.get("columns", [])), rule["severity"], rule["why"])
            for rule in document["rules"]
        ]
        lines += _table(("message id", "columns", "severity", "why"), rows)
    opening = "From `expectations/`: *critical* rows are quarantined, *warning* rows are accepted with the warning."
    return _page("Checks on rows", opening, lines)


def write_dags() -> str:
    """What every DAG says of itself."""
    lines: list[str] = []
    for path in sorted((PROJECT / "dags").glob("*.py")):
        lines += [(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").replace("### ", "## ", 1), ""]
    return _page("DAGs", "From the files of `dags/`: the same text stands on each DAG's page in Airflow.", lines)


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": write_commands,
    "tables.md": write_tables,
    "reasons.md": write_reasons,
    "parameters.md": write_parameters,
    "checks.md": write_checks,
    "dags.md": write_dags,
}


def main() -> int:
    """Write all pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, write in PAGES.items():
        (FOLDER / name).write_text(write(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
