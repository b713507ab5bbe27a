"""An answer on a terminal, for a village officer's eyes."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

WIDEST = 100


def describe(answer: dict[str, Any], width: int | None = None, *, is_coloured: bool = False) -> str:
    """The answer as lines of at most `width` columns (default: the terminal's, at most 100)."""
    out = io.StringIO()
    columns = width or min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST)
    console = Console(file=out, width=columns, force_terminal=is_coloured, no_color=not is_coloured, highlight=False)
    for part in _parts(answer):
        console.print(part)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _parts(answer: dict[str, Any]) -> Iterable[RenderableType]:
    heading = answer["headings"]
    yield Text(f"{answer['region_name']} · {heading['stage']}", style="bold")
    if answer["simulation_only"]:
        yield Text(heading["simulation"], style="bold")
    for family in answer["families"]:
        yield Text("")
        if family["kind"] != "decided":
            yield _advised(family["text"], family["next_step"])
            if family.get("office"):
                yield Group(Text(family["office_heading"]), _office(family["office"], heading))
        for programme in family.get("programmes", []):
            yield from _programme(programme, heading)
    if answer["remedies"]:
        yield Group(Text(""), Text(heading["remedies"], style="bold"), _indented(answer["remedies"]))
    yield Group(Text(""), Text(heading["where"], style="bold"), _office(answer["office"], heading))
    if answer["letter"]["why_not"]:
        yield Text(answer["letter"]["why_not"], style="italic")


def _programme(programme: dict[str, Any], heading: dict[str, str]) -> Iterable[RenderableType]:
    yield Text(f"{programme['name']}: {programme['outcome_name']} ({programme['outcome']})", style="bold")
    if programme["member"]:
        yield Text(programme["member"])
    yield Text(programme["text"])
    if programme["reasons"]:
        yield Text(f"{heading['reasons']}:")
        for reason in programme["reasons"]:
            yield _advised(reason["text"], " ".join(filter(None, (reason["turn"], reason["next_step"]))), "-")
    for remark in programme["remarks"]:
        yield Text(remark)
    if programme["counted"]:
        yield Text(f"{programme['headings']['counted']}:")
        for part in programme["counted"]:
            yield _signed("-", part["name"] + (f": {part['amount']}" if part["amount"] else ""))
    if programme["not_counted"]:
        yield Text(f"{programme['headings']['not_counted']}:")
        for part in programme["not_counted"]:
            yield _advised(f"{part['name']}. {part['text']}", part["next_step"], "-")
    if programme["warnings"]:
        yield Text(f"{heading['warnings']}:")
        for warning in programme["warnings"]:
            yield _advised(warning["text"], warning["next_step"], "-")
    yield Text("")


def _advised(text: str, step: str, sign: str = "") -> RenderableType:
    """A sentence, after a sign where it is one of several, and below it what can be done."""
    return Group(_signed(sign, text) if sign else _indented(text), _signed("→", step, 4))


def _signed(sign: str, text: str, columns: int = 2) -> RenderableType:
    """A sentence beside a sign; its further lines stand below its first."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_row(Text(sign), Text(text))
    return Padding(grid, (0, 0, 0, columns), expand=False)


def _indented(text: str, columns: int = 2) -> RenderableType:
    return Padding(Text(text), (0, 0, 0, columns), expand=False)


def _office(office: dict[str, str | None], heading: dict[str, str]) -> RenderableType:
    lines = [office["name"], office["address"]]
    lines += [f"{heading[name]}: {office[name]}" for name in ("hours", "telephone") if office[name]]
    return Group(*(_indented(line) for line in lines if line))
