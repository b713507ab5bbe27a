"""`perlinsos explain`: why a family has its outcome, in words for the family."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from perlinsos.errors import WrongUsage

app = typer.Typer()


@app.command()
def explain(
    list_: Annotated[Path, typer.Option("--list", help="Folder of a stored determination.")],
    stdin: Annotated[bool, typer.Option("--stdin", help="Read the No KK or NIK from standard input.")] = False,
    inputs: Annotated[Path | None, typer.Option(help="Folder of its inputs, to find the card of any NIK.")] = None,
    language: Annotated[str, typer.Option(help="id or en.")] = "id",
    deadline: Annotated[str | None, typer.Option(help="End of the period of objection, in words.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Answer for one family. No number of a person is taken as an argument: it comes on standard input."""
    from perlinsos.recipients.explain import explain as run

    if not stdin:
        raise WrongUsage("No number is given", why="it may not stand in the command", remedy="add --stdin and write it there")
    number = sys.stdin.readline().strip()
    if not number:
        raise WrongUsage("Standard input is empty", remedy="write one No KK or NIK and end the line")
    answer = run(list_, number, language, inputs=inputs, deadline=deadline)
    print(json.dumps(answer, ensure_ascii=False, indent=2) if json_ else describe(answer))


def describe(answer: dict[str, Any]) -> str:
    """The answer for a person's eyes."""
    lines = [f"{answer['region']} · {answer['stage']}"]
    if answer["simulation_only"]:
        lines.append("SIMULASI" if answer["language"] == "id" else "SIMULATION")
    for family in answer["families"]:
        if family["kind"] != "decided":
            lines += ["", family["text"], f"  → {family['next_step']}"]
        for programme in family.get("programmes", []):
            lines += ["", f"{programme['name']}: {programme['outcome']}", programme["text"]]
            for part in (*programme["reasons"], *programme["warnings"]):
                lines += [f"- {part['text']}", f"  → {part['next_step']}"]
            for part in programme["counted"]:
                lines.append(f"{programme['headings']['counted']}: {part['name']}, {part['amount']}")
            for part in programme["not_counted"]:
                name = f"{programme['headings']['not_counted']}: {part['name']}"
                lines += [f"{name}. {part['text'] or ''}".rstrip(), f"  → {part['next_step']}"]
    return "\n".join(lines)
