"""Two printed pages for the head of a region: what will happen to the families, what is unsigned, what objections to expect."""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from perlinsos.operations.readiness.checks import Check, Readiness
from perlinsos.operations.readiness.outlook import COUNTS, Outlook
from perlinsos.operations.readiness.words import WORDS

Language = Literal["id", "en"]
CHANGES, STATES = ("gain", "lose", "wait"), ("chosen", "wait", "refused")


def render_page(readiness: Readiness, outlook: Outlook | None, day: date, language: Language = "id") -> str:
    """The page of a day as HTML that needs nothing else; at most two sheets of A4 when it is printed. No data of persons."""
    words = WORDS[language]
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {
        "count": partial(_write_count, language),
        "decimal": lambda number: f"{number:.1f}".replace(".", "," if language == "id" else "."),
        "title_of": partial(_title, words),
    }
    open_checks = [check for check in readiness.checks if not check.is_ready]
    shown = CHANGES if outlook and outlook.before else STATES
    return environment.get_template("page.html").render(
        language=language,
        w=words,
        title=words["title"].format(region=readiness.name),
        day=day.isoformat(),
        readiness=readiness,
        outlook=outlook,
        e=outlook.estimate if outlook else None,
        counts=COUNTS if outlook and outlook.before else COUNTS[2:],
        shown=shown,
        districts=_pivot(outlook, shown) if outlook else [],
        unsigned=[check for check in open_checks if check.kind == "decree"],
        missing=[check for check in open_checks if check.kind != "decree"],
        office=readiness.office,
    )


def _pivot(outlook: Outlook, shown: tuple[str, ...]) -> list[tuple[str, str, list[int]]]:
    """Code, name and the counts of every programme, a line for each district."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for row in outlook.rows:
        found.setdefault(row["district_code"] or "", (row["district"], {}))[1][row["programme"]] = row
    return [
        (code, name, [of.get(programme, {}).get(count, 0) for programme in outlook.programmes for count in shown])
        for code, (name, of) in found.items()
    ]


def _write_count(language: Language, number: int | None) -> str:
    """`12.345` in Indonesian, `12,345` in English; a dash where there is none."""
    if number is None:
        return "–"
    return f"{number:,}".replace(",", "." if language == "id" else ",")


def _title(words: dict[str, str], check: Check) -> str:
    """What is missing, in the page's language."""
    if check.kind == "decree":
        kind, _, programme = check.name.partition(" ")
        return f"{words[f'decree:{kind}']} {programme.upper()}".strip()
    if check.kind == "source":
        return f"{words['source_of']} {check.name}"
    if check.kind == "tick":
        return words["tick"]
    if check.kind in ("cycle", "list"):
        return f"{words[check.kind]} {check.name}"
    return words[f"{check.kind}:{check.name}"]
