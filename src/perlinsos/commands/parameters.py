"""`perlinsos parameters`: every value of the rules with its legal basis, and those that nobody has checked for a year."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from perlinsos.errors import WrongUsage

app = typer.Typer()


@app.command()
def parameters(
    programme: Annotated[list[str] | None, typer.Option(help="Programme; may be repeated. Default: all.")] = None,
    days: Annotated[int | None, typer.Option(min=0, help="Only those not checked for so many days; a year is 365.")] = None,
    unchecked_since: Annotated[str | None, typer.Option(help="Only those not checked on or after this day.")] = None,
    at: Annotated[str | None, typer.Option(help="The day from which --days counts. Default: today.")] = None,
    rules: Annotated[Path | None, typer.Option(help="Another folder of programmes.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List every dated value of the rules: first day, legal basis, source, and when somebody checked it.

    With --days or --unchecked-since only those that are due; values that ended before the day are left out there.
    """
    from perlinsos.model.parameter_list import list_values, unchecked
    from perlinsos.settings import load_settings

    if days is not None and unchecked_since is not None:
        raise WrongUsage("--days and --unchecked-since say the same", remedy="name one of them")
    today = _day("--at", at) or datetime.now(tz=UTC).date()
    since = _day("--unchecked-since", unchecked_since) or (None if days is None else today - timedelta(days=days))
    found = list_values(rules or load_settings().folder("programmes"), programme or ())
    if since is not None:
        found = unchecked(found, since, today)
    if json_:
        document = {"at": today, "unchecked_since": since, "values": [value.as_dict() for value in found]}
        print(json.dumps(document, ensure_ascii=False, indent=2, default=str))
        return
    for value in found:
        until = "" if value.last_day is None else f" to {value.last_day}"
        print(f"{value.name} = {value.value}" if value.value else value.name)
        print(f"  from {value.first_day}{until}; {value.legal_basis}; {value.source}; checked on {value.checked_on}")
    print(f"{len(found)} values" if since is None else f"{len(found)} values were not checked on or after {since}")


def _day(option: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongUsage(f"{text!r} is not a day", where=option, remedy="write 2026-01-01") from None
