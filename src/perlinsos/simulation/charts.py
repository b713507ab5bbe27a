"""The charts of a simulation's page as SVG texts, drawn by matplotlib: they need no script and no network, and print."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from perlinsos.simulation.run import Simulation
from perlinsos.simulation.tables import OUTCOMES, budget_table, difference_table, targeting_table

# Okabe and Ito's colours, told apart by people who do not see red and green as different
COLOURS = {"LAYAK": "#009E73", "ANTREAN": "#E69F00", "TIDAK_LAYAK": "#999999", "TUNDA": "#56B4E9"}
IN, OUT = "#0072B2", "#D55E00"
WIDTH = 7.2
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "perlinsos", "font.size": 10, "font.family": "sans-serif",
    "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 11, "axes.titlelocation": "left",
}  # fmt: skip


def draw_budget(simulation: Simulation, programme: str) -> str:
    """Rupiah of the stage by scenario."""
    table = _of(budget_table(simulation), programme)

    def draw(axes: Axes) -> None:
        values = [value / 1e6 for value in table["amount_stage_idr"]]
        bars = axes.barh(list(table["scenario"]), values, color=IN)
        axes.bar_label(bars, labels=[f"Rp{value:,.1f} m" for value in values], padding=4)
        axes.margins(x=0.2)
        axes.set_xlabel("million rupiah in this stage")

    return _draw(draw, len(table))


def draw_outcomes(simulation: Simulation, programme: str) -> str:
    """Units by outcome and scenario, stacked."""
    table = _of(budget_table(simulation), programme)

    def draw(axes: Axes) -> None:
        start = [0] * len(table)
        for outcome in OUTCOMES:
            values = [int(value) for value in table[outcome]]
            axes.barh(list(table["scenario"]), values, left=start, color=COLOURS[outcome], label=outcome)
            start = [before + value for before, value in zip(start, values, strict=True)]
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False)

    return _draw(draw, len(table))


def draw_groups(simulation: Simulation, programme: str, scenario: str, column: str, label: str) -> str | None:
    """Who comes in (to the right) and goes out (to the left) by decile or district; None where nobody does."""
    kind = "by_decile" if column == "decile" else "by_district"
    table = difference_table(simulation, kind)
    if table.empty:
        return None
    table = _of(table, programme)
    table = table[table["scenario"] == scenario]
    table = table[(table["entered"] > 0) | (table["left"] > 0)]
    if table.empty:
        return None
    names = [_name(row, column) for row in table.to_dict("records")][::-1]

    def draw(axes: Axes) -> None:
        entered, left = list(table["entered"])[::-1], [-value for value in table["left"]][::-1]
        axes.bar_label(
            axes.barh(names, entered, color=IN, label="come in"), labels=[f"{v:,}" if v else "" for v in entered], padding=3
        )
        axes.bar_label(
            axes.barh(names, left, color=OUT, label="go out"), labels=[f"{-v:,}" if v else "" for v in left], padding=3
        )
        axes.axvline(0, color="#333333", linewidth=0.8)
        axes.margins(x=0.15)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):,.0f}"))
        axes.set_ylabel(label)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)

    return _draw(draw, len(names))


def draw_targeting(simulation: Simulation, programme: str) -> str | None:
    """Leakage and undercoverage in percent by scenario; None without a truth."""
    table = targeting_table(simulation)
    if table.empty:
        return None
    table = _of(table, programme)

    def draw(axes: Axes) -> None:
        places = range(len(table))
        for shift, column, colour, words in (
            (0.2, "leakage_percent", OUT, "leakage, % of those eligible"),
            (-0.2, "undercoverage_percent", IN, "undercoverage, % of the truly eligible"),
        ):
            values = [float(value or 0) for value in table[column].fillna(0)]
            bars = axes.barh([place + shift for place in places], values, height=0.38, color=colour, label=words)
            axes.bar_label(bars, labels=[f"{value:.1f}" for value in values], padding=3)
        axes.set_yticks(list(places), list(table["scenario"]))
        axes.margins(x=0.12)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)

    return _draw(draw, 2 * len(table))


def _of(table: pd.DataFrame, programme: str) -> pd.DataFrame:
    return table[table["programme"] == programme]


def _name(row: dict[Any, Any], column: str) -> str:
    if column == "decile":
        return "none" if _is_missing(row["decile"]) else str(row["decile"])
    name, code = row.get("district_name"), row["district_code"]
    return "not known" if _is_missing(code) else f"{name or ''} {code}".strip()


def _is_missing(value: Any) -> bool:
    return value is None or value != value or str(value) == "<NA>"


def _draw(draw: Callable[[Axes], None], bars: int) -> str:
    """One chart of horizontal bars as an SVG element, the first bar on top."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH, 1.3 + 0.34 * bars), layout="constrained")
        axes = figure.subplots()
        draw(axes)
        if not any(value < 0 for value in axes.dataLim.intervalx) and axes.get_ylabel() == "":
            axes.invert_yaxis()
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = file.getvalue()
    return text[text.index("<svg") :]
