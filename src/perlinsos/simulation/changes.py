"""Who comes in and goes out, by outcome, decile, district and reason: the tables of a scenario, made with pandas."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from perlinsos.settings import Settings

NOT_THERE = "-"


def describe_changes(changes: pd.DataFrame, causes: Sequence[dict[str, Any]], settings: Settings) -> dict[str, Any]:
    """The difference of one programme from the base.

    `changes`: rows of `changes`. Gives units, entered and left (to and from LAYAK), `by_cause`, `by_transition`,
    `by_decile`, `by_district`, `by_reason` (of who came in the reasons before, of who went out those after).
    """
    rows = changes.assign(
        entered=((changes["outcome_after"] == "LAYAK") & (changes["outcome_before"] != "LAYAK")).astype("int64"),
        left=((changes["outcome_before"] == "LAYAK") & (changes["outcome_after"] != "LAYAK")).astype("int64"),
    )
    names = _district_names(settings.folder("reference") / "regions.csv")
    districts = _group(rows, "district_code")
    return {
        "units": len(rows),
        "entered": int(rows["entered"].sum()),
        "left": int(rows["left"].sum()),
        "by_cause": list(causes),
        "by_transition": _transitions(rows),
        "by_decile": _group(rows, "decile"),
        "by_district": [entry | {"district_name": names.get(str(entry["district_code"]))} for entry in districts],
        "by_reason": _reasons(rows),
    }


def describe_new_programme(
    connection: duckdb.DuckDBPyConnection, folder: Path, programme: str, settings: Settings
) -> dict[str, Any]:
    """The same for a programme that the base does not have: everybody who is selected comes in, by the rule."""
    decisions = connection.read_parquet(str(folder / "decisions.parquet"))
    chosen = decisions.filter(duckdb.ColumnExpression("programme") == duckdb.ConstantExpression(programme))
    rows = chosen.project(
        "programme, district_code, decile, null::varchar as outcome_before, outcome as outcome_after, 'RULE' as cause, "
        "amount_year_idr as delta_year_idr, amount_stage_idr as delta_stage_idr, []::varchar[] as reasons_before, "
        "reasons as reasons_after"
    ).df()
    cause = {
        "programme": programme, "cause": "RULE", "families": len(rows), "delta_year_idr": int(rows["delta_year_idr"].sum()),
        "delta_stage_idr": int(rows["delta_stage_idr"].sum()), "entered": int((rows["outcome_after"] == "LAYAK").sum()),
        "left": 0,
    }  # fmt: skip
    return describe_changes(rows, [cause], settings)


@lru_cache
def _district_names(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["code"]: row["name"] for row in csv.DictReader(file) if row["level"] == "district"}


def _group(rows: pd.DataFrame, column: str) -> list[dict[str, Any]]:
    """Sums by the values of a column (null: not known)."""
    sums = rows.groupby(column, dropna=False, sort=True)[["entered", "left", "delta_year_idr", "delta_stage_idr"]].sum()
    return [_plain({column: value, **row}) for value, row in zip(sums.index, sums.to_dict("records"), strict=True)]


def _transitions(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Units and rupiah by the outcomes before and after, and the cause."""
    named = rows.fillna({"outcome_before": NOT_THERE, "outcome_after": NOT_THERE})
    grouped = named.groupby(["outcome_before", "outcome_after", "cause"], sort=True)
    sums = grouped.agg(
        units=("cause", "size"), delta_year_idr=("delta_year_idr", "sum"), delta_stage_idr=("delta_stage_idr", "sum")
    )
    return [_plain(row) for row in sums.reset_index().to_dict("records")]


def _reasons(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Why: a unit counts under each of its reasons; `-` where it had none (it lost or won its place by the quota, say)."""
    parts = []
    for column, reasons in (("entered", "reasons_before"), ("left", "reasons_after")):
        listed = rows.loc[rows[column] == 1, [reasons]].explode(reasons)[reasons].fillna(NOT_THERE)
        parts.append(listed.value_counts().rename(column))
    table = pd.concat(parts, axis=1).fillna(0).astype("int64").sort_index()
    return [_plain({"reason": reason, **row}) for reason, row in zip(table.index, table.to_dict("records"), strict=True)]


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    """Values that JSON knows: whole numbers, texts, null."""
    return {str(name): _plain_value(value) for name, value in row.items()}


def _plain_value(value: Any) -> Any:
    if pd.isna(value):
        return None
    return value if isinstance(value, str) else int(value)
