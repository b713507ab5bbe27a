"""How well a scenario finds those whom it is meant for, where a truth is at hand (an invented population has one).

True eligibility is what the same rules would give if the welfare data knew every family's true decile: so only the
ranking's error counts, not the policy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from perlinsos.errors import Refused
from perlinsos.settings import load_settings

NEEDED = ("no_kk", "true_decile")


def open_truth(connection: duckdb.DuckDBPyConnection, truth: Path) -> duckdb.DuckDBPyRelation:
    """The rows of a truth file (CSV or Parquet)."""
    if truth.suffix == ".parquet":
        return connection.read_parquet(str(truth))
    return connection.read_csv(str(truth), header=True, sep=",", dtype={"no_kk": "varchar"})


def check_truth(truth: Path) -> None:
    """Refused unless the file has the columns that are needed."""
    if not truth.is_file():
        raise Refused("There is no such truth file", where=str(truth), remedy="`perlinsos synth` writes truth/families.parquet")
    with duckdb.connect(":memory:") as connection:
        missing = [name for name in NEEDED if name not in open_truth(connection, truth).columns]
    if missing:
        raise Refused(
            "The truth file lacks a column", where=f"{truth.name}: {', '.join(missing)}",
            remedy="it needs no_kk and true_decile, and may have is_poor",
        )  # fmt: skip


def measure_targeting(
    connection: duckdb.DuckDBPyConnection, decided: Path, by_truth: Path, truth: Path, programme: str
) -> dict[str, Any]:
    """Leakage and undercoverage of one programme.

    `eligible` (LAYAK or ANTREAN) by the data and by the truth; `leakage_…`: eligible by the data and not by the truth;
    `undercoverage_…`: the reverse; shares in percent of those eligible by the data, and by the truth. `paid_to_leakage_
    stage_idr`: what goes to the first. `poor`, `poor_selected`: families whom the truth calls poor, and those among them
    who are LAYAK; null where the file does not say.
    """
    for name, folder in (("decided_rows", decided), ("true_rows", by_truth)):
        connection.read_parquet(str(folder / "decisions.parquet")).create_view(name)
    rows = open_truth(connection, truth)
    has_poor = "is_poor" in rows.columns
    rows.project(f"no_kk, {'is_poor' if has_poor else 'null::boolean as is_poor'}").create_view("truth_rows")
    connection.execute("set variable simulated_programme = $1", [programme])
    query = (load_settings().folder("sql") / "reports" / "targeting.sql").read_text(encoding="utf-8")
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description or []]
    found = dict(zip(names, cursor.fetchall()[0], strict=True))
    if not has_poor:
        found |= {"poor": None, "poor_selected": None}
    found["leakage_percent"] = _percent(found["leakage"], found["eligible"])
    found["undercoverage_percent"] = _percent(found["undercoverage"], found["eligible_by_truth"])
    return found


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None
