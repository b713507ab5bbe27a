"""From the read model to HTML and JSON: templates that escape everything, times as ISO text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from perlinsos.model.reasons import OUTCOMES
from perlinsos.watch.coverage import Cell, Coverage
from perlinsos.watch.region import RegionReport, Source
from perlinsos.watch.words import hide, local, span

Render = Callable[..., str]
MOST_PERCENT = 200
"""Up to which a delivery's volume is drawn: a first small delivery would flatten all others."""
LEVELS = {"trouble": "Trouble", "waits": "Waits", "works": "Works", "fine": "Fine"}


def make_renderer(folder: Path, prefix: str) -> Render:
    """A function (template, **values) → HTML. Values are escaped; a name that is not there is an error."""
    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"local": local, "span": span, "hide": hide, "count": count, "size": size, "ranked": rank_reasons}
    environment.globals |= {"prefix": prefix, "levels": LEVELS, "outcomes": OUTCOMES}

    def render(template: str, **values: Any) -> str:
        return environment.get_template(template).render(**values)

    return render


def count(number: int) -> str:
    """`12,345`."""
    return f"{number:,}"


def size(number: int) -> str:
    """Bytes in GiB."""
    return f"{number / 2**30:.1f} GiB"


def rank_reasons(reasons: dict[str, dict[str, int]]) -> list[tuple[str, dict[str, int]]]:
    """From programme → code → families to (code, programme → families), the most frequent first."""
    codes = {code for counted in reasons.values() for code in counted}
    by_code = {code: {programme: counted.get(code, 0) for programme, counted in reasons.items()} for code in codes}
    return sorted(by_code.items(), key=lambda entry: (-max(entry[1].values()), entry[0]))


def jsonable(value: Any) -> Any:
    """The value with times as ISO text and spans as seconds."""
    if isinstance(value, dict):
        return {str(name): jsonable(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value


def describe_cell(cell: Cell, at: datetime) -> dict[str, Any]:
    """A cell for programs, with the seconds that are left."""
    return asdict(cell) | {"time_left": cell.time_left(at), "age": at - cell.since if cell.since else None}


def lay_out(found: Coverage) -> list[dict[str, Any]]:
    """Live and backfill apart: for each its stages, and its regions in the order of their first cell."""
    tables = []
    for purpose in ("live", "backfill"):
        cells = [cell for cell in found.cells if cell.purpose == purpose]
        rows: dict[str, dict[str, Cell]] = {}
        for cell in cells:
            rows.setdefault(cell.region, {})[cell.stage] = cell
        names = {cell.region: cell.region_name for cell in cells}
        stages = sorted({cell.stage for cell in cells})
        tables.append({"purpose": purpose, "stages": stages, "rows": rows, "names": names, "cells": len(cells)})
    return tables


def make_charts(report: RegionReport) -> dict[str, dict[str, Any]]:
    """The charts of a region's page for the chart library, each beside a table that says the same."""
    return {
        "funnel": {
            "labels": [source.source for source in report.sources],
            "lying": True,
            "datasets": [
                {"label": label, "color": color, "data": [getattr(source.newest, name) for source in report.sources]}
                for name, label, color in (
                    ("accepted", "accepted", "fine"),
                    ("accepted_with_warnings", "with warnings", "waits"),
                    ("quarantined", "set aside", "trouble"),
                )
            ],
        },
        "volume": {
            "labels": [source.source for source in report.sources],
            "lying": False,
            "datasets": [
                {
                    "label": f"rows of the newest against the mean of the four before, in percent (drawn up to {MOST_PERCENT})",
                    "color": "works",
                    "data": [_percent(one) for one in report.sources],
                }
            ],
        },
    }


def _percent(source: Source) -> int:
    """The newest delivery's rows in percent of the usual number; 100 where it is the first."""
    return min(round(100 * source.newest.received / source.usual), MOST_PERCENT) if source.usual else 100


def embed(value: Any) -> Markup:
    """JSON that is safe inside a script element."""
    return htmlsafe_json_dumps(value)
