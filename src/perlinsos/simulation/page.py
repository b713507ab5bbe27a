"""A simulation as one HTML page that needs nothing else, and as a workbook. SIMULASI stands on every page and sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from perlinsos.simulation.charts import draw_budget, draw_groups, draw_outcomes, draw_targeting
from perlinsos.simulation.run import Simulation
from perlinsos.simulation.tables import all_tables, programmes_of

WORDS = {
    "amount_stage_idr": "Rp, stage", "delta_stage_idr": "± Rp, stage", "amount_year_idr": "Rp, year",
    "delta_year_idr": "± Rp, year",
    "entered": "come in", "left": "go out", "outcome_before": "before", "outcome_after": "after", "district_code": "code",
    "district_name": "district", "leakage_percent": "leakage %", "undercoverage_percent": "undercoverage %",
    "eligible_by_truth": "eligible by the truth", "paid_to_leakage_stage_idr": "Rp to leakage, stage",
    "poor_selected": "poor and LAYAK", "families": "units",
}  # fmt: skip


def write_page(simulation: Simulation, path: Path) -> None:
    """Write the page (UTF-8, no script, nothing from a network)."""
    folder = Path(__file__).parent
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(folder), autoescape=True, undefined=jinja2.StrictUndefined)
    tables = all_tables(simulation)
    text = environment.get_template("page.html").render(
        simulation=simulation,
        parts=[_describe_programme(simulation, programme, tables) for programme in programmes_of(simulation)],
    )
    path.write_text(text, encoding="utf-8")


def _describe_programme(simulation: Simulation, programme: str, tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Charts and tables of one programme."""
    scenarios = [one["name"] for one in simulation.scenarios if programme in one["programmes"]]
    return {
        "programme": programme,
        "budget": _table(tables["budget"], programme),
        "targeting": _table(tables.get("targeting"), programme),
        "charts": [
            ("Budget of the stage", draw_budget(simulation, programme)),
            ("Outcomes", draw_outcomes(simulation, programme)),
            *([("Leakage and undercoverage", chart)] if (chart := draw_targeting(simulation, programme)) else []),
        ],
        "scenarios": [_describe_scenario(simulation, programme, name, tables) for name in scenarios[1:]],
    }


def _describe_scenario(simulation: Simulation, programme: str, name: str, tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    charts = [
        (words, draw_groups(simulation, programme, name, column, label))
        for words, column, label in (
            ("Who comes in and goes out, by decile", "decile", "decile"),
            ("Who comes in and goes out, by district", "district_code", "district"),
        )
    ]
    kinds = (("by_cause", "By cause"), ("by_transition", "By outcome"), ("by_reason", "By reason"))
    return {
        "name": name,
        "charts": [(words, chart) for words, chart in charts if chart],
        "tables": [(words, table) for kind, words in kinds if (table := _table(tables.get(kind), programme, name))],
    }


def _table(table: pd.DataFrame | None, programme: str, scenario: str | None = None) -> dict[str, Any] | None:
    """Heads and rows of texts; numbers are marked, so that they stand on the right."""
    if table is None:
        return None
    rows = table[table["programme"] == programme]
    if scenario is not None:
        rows = rows[rows["scenario"] == scenario].drop(columns="scenario")
    rows = rows.drop(columns="programme").dropna(axis=1, how="all")
    if rows.empty:
        return None
    heads = [WORDS.get(str(name), str(name).replace("_", " ")) for name in rows.columns]
    return {"heads": heads, "rows": [[_cell(value) for value in row] for row in rows.itertuples(index=False)]}


def _cell(value: Any) -> tuple[str, bool]:
    """A value as text, and whether it is a number."""
    if pd.isna(value):
        return "–", False
    if isinstance(value, str):
        return value, False
    return (f"{value:,.1f}" if isinstance(value, float) and value != int(value) else f"{int(value):,}"), True


def write_workbook(simulation: Simulation, path: Path) -> None:
    """Write every table as a sheet; its first row says that it is a simulation."""
    with pd.ExcelWriter(path, engine="openpyxl") as writer:
        for name, table in all_tables(simulation).items():
            table.to_excel(writer, sheet_name=name, index=False, startrow=2)
            sheet = writer.sheets[name]
            sheet["A1"] = f"{simulation.notice}: {simulation.stage} {simulation.region}"
            sheet.freeze_panes = "C4"
