"""`perlinsos explain`: why a family has its outcome, in words for the family."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from perlinsos.errors import WrongUsage

if TYPE_CHECKING:
    from perlinsos.explanation.evidence import Evidence

_LIKE_A_NUMBER = re.compile(r"[\s.,'+\-]*(?:[0-9][\s.,'+\-]*){15,}|.*(?<![0-9a-zA-Z])[0-9]{16}(?![0-9a-zA-Z]).*")


class _NoNumbers(TyperCommand):
    """Refuses an argument that looks like a person's number before anything could repeat it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        for argument in args:
            value = argument.partition("=")[2] if argument.startswith("--") else argument
            if _LIKE_A_NUMBER.fullmatch(value) and not Path(value).exists():
                raise WrongUsage(
                    "An argument looks like a number of a person",
                    why="arguments stand in the list of processes and in the shell's history",
                    remedy="write the number on standard input, with --stdin",
                )
        return super().parse_args(ctx, args)


app = typer.Typer()


@app.command(cls=_NoNumbers)
def explain(
    list_id: Annotated[str | None, typer.Argument(metavar="LIST_ID[/rN]", help="A stored list: 2026-T1/35.10/pkh/r1.")] = None,
    list_: Annotated[str | None, typer.Option("--list", help="The same, or a folder of `determine`.")] = None,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read the No KK or NIK from standard input.")] = False,
    row: Annotated[str | None, typer.Option(help="The row of the list's decisions instead, counted from 1.")] = None,
    inputs: Annotated[Path | None, typer.Option(help="Of a folder: the inputs that it was determined from.")] = None,
    office: Annotated[Path | None, typer.Option(help="Of a folder: YAML with the office, as in a region's record.")] = None,
    deadline: Annotated[str | None, typer.Option(help="Of a folder: the end of the period of objection, in words.")] = None,
    simulations: Annotated[bool, typer.Option("--simulations", help="The list's simulation instead of the list.")] = False,
    language: Annotated[str, typer.Option(help="id or en.")] = "id",
    html: Annotated[Path | None, typer.Option(help="Write the answer as a page, to print or to send.")] = None,
    contact_sheet: Annotated[Path | None, typer.Option(help="Write every sentence of the catalogue as a page instead.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Answer for one family. No number of a person is taken as an argument: it comes on standard input."""
    from perlinsos.explanation.answer import explain as answer_for
    from perlinsos.explanation.answer import explain_row

    if contact_sheet is not None:
        from perlinsos.explanation.contact_sheet import write_contact_sheet

        print(f"{write_contact_sheet(contact_sheet)} sentences", file=sys.stderr)
        return
    number = _read_row(row)
    line = _read_line() if stdin else None
    if (line is None) == (number is None):
        raise WrongUsage(
            "One number is asked for", why="it may not stand in the command",
            remedy="write one No KK or NIK on standard input, with --stdin; or name a row, with --row",
        )  # fmt: skip
    with _open(_one_list(list_id, list_), inputs, office, deadline, simulations=simulations) as evidence:
        answer = answer_for(evidence, line, language) if line is not None else explain_row(evidence, number or 0, language)
    _show(answer, html, as_json=json_)


def _read_row(row: str | None) -> int | None:
    """The number of a row; WrongUsage for another text, which is not repeated."""
    if row is None:
        return None
    if not (row.isascii() and row.isdigit() and len(row) < 10):
        raise WrongUsage("--row is not a row", why="it is a number from 1", remedy="see the rows of the list's decisions")
    return int(row)


def _read_line() -> str:
    """The one line on standard input."""
    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise WrongUsage(
            "Standard input is not one number", why="it is not UTF-8 text", remedy="write one No KK or NIK and end the line"
        ) from None
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) != 1:
        why = "it is empty" if not lines else f"it has {len(lines)} lines"
        raise WrongUsage("Standard input is not one number", why=why, remedy="write one No KK or NIK and end the line")
    return lines[0]


def _one_list(argument: str | None, option: str | None) -> str:
    """The list or folder, named once."""
    named = [name for name in (argument, option) if name is not None]
    if len(named) != 1:
        raise WrongUsage("One list is asked for", remedy="name 2026-T1/35.10/pkh/r1, or a folder with --list")
    return named[0]


@contextmanager
def _open(name: str, inputs: Path | None, office: Path | None, deadline: str | None, *, simulations: bool) -> Iterator[Evidence]:
    """The evidence of a folder that is there, else of a stored list."""
    from perlinsos.explanation.evidence import open_folder, read_office

    if re.fullmatch(r"\d{4}-T[1-4]/.*", name) and not Path(name).exists():
        from perlinsos.context import open_context
        from perlinsos.explanation.stored import open_stored
        from perlinsos.settings import load_settings

        if inputs or office or deadline:
            raise WrongUsage("A stored list has its inputs, office and deadline", remedy="leave these options out")
        with open_stored(open_context(load_settings()), name, simulations=simulations) as evidence:
            yield evidence
        return
    with open_folder(Path(name), inputs, office=read_office(office) if office else None, deadline=deadline) as evidence:
        yield evidence


def _show(answer: dict[str, Any], html: Path | None, *, as_json: bool) -> None:
    """Print the answer, as JSON or for people's eyes, or write it as a page."""
    if html is not None:
        from perlinsos.explanation.page import render_page, write_page

        write_page(render_page(answer), html)
    if as_json:
        print(json.dumps(answer, ensure_ascii=False, indent=2))
    elif html is None:
        from perlinsos.explanation.terminal import describe

        print(describe(answer, is_coloured=sys.stdout.isatty()))
    else:
        print(answer["letter"]["why_not"] or f"{html}", file=sys.stderr)
