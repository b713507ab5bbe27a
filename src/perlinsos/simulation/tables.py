"""A simulation as pandas tables: one for the page, the sheets and the terminal each, scenarios side by side."""

from __future__ import annotations

from typing import Any

import pandas as pd

from perlinsos.simulation.run import Simulation

OUTCOMES = ("LAYAK", "ANTREAN", "TIDAK_LAYAK", "TUNDA")


def programmes_of(simulation: Simulation) -> list[str]:
    """Every programme that a scenario decides."""
    return sorted({code for scenario in simulation.scenarios for code in scenario["programmes"]})


def budget_table(simulation: Simulation) -> pd.DataFrame:
    """One row a programme and scenario: quota, outcomes, rupiah of year and stage, the difference from the base."""
    rows = []
    for programme, scenario, entry in _entries(simulation):
        row = {"programme": programme, "scenario": scenario, "quota": entry["quota"], **entry["outcomes"]}
        row |= {name: entry[name] for name in _AMOUNTS}
        rows.append(row | {name: entry["difference"][name] for name in ("entered", "left")})
    return pd.DataFrame(rows).astype({"quota": "Int64"})


_AMOUNTS = ("amount_stage_idr", "delta_stage_idr", "amount_year_idr", "delta_year_idr")


def targeting_table(simulation: Simulation) -> pd.DataFrame:
    """One row a programme and scenario: leakage and undercoverage. Empty without a truth."""
    rows = [
        {"programme": programme, "scenario": scenario, **entry["targeting"]}
        for programme, scenario, entry in _entries(simulation)
        if "targeting" in entry
    ]
    return pd.DataFrame(rows)


def difference_table(simulation: Simulation, kind: str) -> pd.DataFrame:
    """The rows of `by_cause`, `by_transition`, `by_decile`, `by_district` or `by_reason` of every scenario but the base."""
    rows = [
        {"programme": programme, "scenario": scenario, **row}
        for programme, scenario, entry in _entries(simulation)
        for row in entry["difference"][kind]
    ]
    found = pd.DataFrame(rows)
    return found.astype({"decile": "Int64"}) if "decile" in found.columns else found


def all_tables(simulation: Simulation) -> dict[str, pd.DataFrame]:
    """Every table by its name; those without rows are left out."""
    found = {"budget": budget_table(simulation), "targeting": targeting_table(simulation)}
    kinds = ("by_cause", "by_transition", "by_decile", "by_district", "by_reason")
    found |= {kind: difference_table(simulation, kind) for kind in kinds}
    return {name: table for name, table in found.items() if len(table)}


def _entries(simulation: Simulation) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (programme, scenario["name"], scenario["programmes"][programme])
        for programme in programmes_of(simulation)
        for scenario in simulation.scenarios
        if programme in scenario["programmes"]
    ]
