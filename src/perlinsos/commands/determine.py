"""`perlinsos determine`: the recipient lists of a region from plain files."""

from __future__ import annotations

import json
import sys
from datetime import date
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Annotated, Any

import typer

from perlinsos.errors import WrongUsage, say_why

app = typer.Typer()


@app.command()
def determine(
    region: Annotated[str, typer.Option(help="Region code of Kemendagri, such as 35.10.")],
    stage: Annotated[str, typer.Option(help="Payment stage, such as 2026-T1.")],
    inputs: Annotated[Path, typer.Option(help="Folder with population, welfare_family, welfare_person, signal, …")],
    out: Annotated[Path, typer.Option(help="Folder for the result; it appears when all of it is there.")],
    programme: Annotated[list[str] | None, typer.Option(help="Programme; may be repeated. Default: pkh and bpnt.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Day the answer is for. Default: the stage's first day.")] = None,
    scope: Annotated[str, typer.Option(help="population or registrants.")] = "population",
    set_: Annotated[list[str] | None, typer.Option("--set", help="name=value; the result is a simulation.")] = None,
    settings: Annotated[Path | None, typer.Option(help="JSON file with a region's settings.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the engine.")] = None,
    memory_limit: Annotated[
        str | None, typer.Option(help="Memory of the engine, such as 1GB; by default as the inputs need.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Decide every family of a region and write decisions, components, findings and the families not decided."""
    sys.meta_path.insert(0, _NoPandas())
    from perlinsos.recipients.determine import determine as run

    summary = run(
        region, stage, inputs, out,
        programmes=programme or ("pkh", "bpnt"), as_of=_day(as_of), scope=scope,
        set_values=_pairs(set_ or []), settings=_settings(settings), threads=threads, memory_limit=memory_limit,
    )  # fmt: skip
    for warning in summary["warnings"]:
        print(f"perlinsos: warning: {warning}", file=sys.stderr)
    print(json.dumps(summary, ensure_ascii=False, indent=2) if json_ else _terminal(summary, out))


class _NoPandas(MetaPathFinder):
    """pyarrow imports pandas at its first value, where it is installed, and goes on without it: 0.3 CPU s and 50 MB saved."""

    def find_spec(self, name: str, *_: Any) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        found = date.fromisoformat(text)
        if found.isoformat() != text:
            raise ValueError
        return found
    except ValueError:
        raise WrongUsage(f"{text!r} is not a day", remedy="write 2026-01-01") from None


def _pairs(given: list[str]) -> dict[str, object]:
    pairs: dict[str, object] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or name in pairs:
            raise WrongUsage(f"--set {text!r} cannot be used", why="it is name=value, each name once")
        pairs[name] = value
    return pairs


def _settings(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WrongUsage("The settings file cannot be read", where=path.name, why=say_why(error)) from None
    if not isinstance(read, dict):
        raise WrongUsage("The settings file is not a JSON object", where=path.name)
    return read


def _terminal(summary: dict[str, Any], out: Path) -> str:
    """A few lines for a person."""
    lines = [f"{summary['region']} {summary['stage']}: {summary['funnel']['decided']:,} families decided, in {out}"]
    for code, programme in summary["programmes"].items():
        counts = ", ".join(f"{name} {count:,}" for name, count in programme["outcomes"].items())
        mark = ", persons" if programme["unit"] == "person" else ""
        mark += " (simulation only)" if programme["simulation_only"] else ""
        lines += [f"{code}{mark}: {counts}; Rp{programme['amount_stage_idr']:,} this stage"]
        lines += [f"  list_digest {programme['list_digest']}"]
    return "\n".join(lines)
