"""A delivery as a whole beside the one before it: rows, empty values and zeros that moved far. Only warnings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
from sqlglot import exp, select

from perlinsos.model.datasets import DATASETS
from perlinsos.quality.rules import BatchEntry, RuleSet
from perlinsos.sources.expressions import is_null, literal, name_of


def profile(connection: duckdb.DuckDBPyConnection, dataset: str, accepted: Path) -> dict[str, Any]:
    """Rows, and for each column the percent of nulls and (numbers and signal values) of zeros."""
    fields: list[exp.Expr] = [exp.alias_(exp.Count(this=exp.Star()), "rows")]
    columns = DATASETS[dataset].columns
    numbers = [c.name for c in columns if c.kind == "int64" or (dataset, c.name) == ("signal", "value")]
    for column in columns:
        fields.append(exp.alias_(exp.CountIf(this=is_null(name_of(column.name))), f"null__{column.name}"))
    for name in numbers:
        is_zero = exp.EQ(this=exp.cast(name_of(name), "text"), expression=literal("0"))
        fields.append(exp.alias_(exp.CountIf(this=is_zero), f"zero__{name}"))
    table = exp.Table(this=exp.Anonymous(this="read_parquet", expressions=[literal(str(accepted))]))
    values = connection.execute(select(*fields).from_(table).sql(dialect="duckdb")).fetchall()[0]
    found = dict(zip((field.alias for field in fields), values, strict=True))
    rows = int(found.pop("rows"))
    shares: dict[str, dict[str, float]] = {"null": {}, "zero": {}}
    for name, count in found.items():
        kind, _, column_name = name.partition("__")
        shares[kind][column_name] = round(100 * int(count or 0) / rows, 4) if rows else 0.0
    return {"rows": rows, "null_percent": shares["null"], "zero_percent": shares["zero"]}


def judge_delivery(rules: RuleSet, now: Mapping[str, Any], previous: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The warnings of the `delivery` rules. Drift is judged only beside an earlier delivery's outcome."""
    before = (previous or {}).get("profile")
    return [warning for entry in rules.delivery for warning in _judge(entry, now, before)]


def _judge(entry: BatchEntry, now: Mapping[str, Any], before: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    limit = entry.max_percent or 0.0
    rows = int(now["rows"])
    if entry.kind == "row_count":
        return [_warn(entry, "*", rows)] if rows < (entry.min_rows or 0) else []
    if entry.kind in {"null_share", "zero_share"}:
        shares = now["null_percent" if entry.kind == "null_share" else "zero_percent"]
        return [_warn(entry, name, shares[name]) for name in entry.columns if shares.get(name, 0) > limit]
    if before is None:
        return []
    if entry.kind == "rows_drift":
        earlier = int(before["rows"])
        moved = 100 * abs(rows - earlier) / earlier if earlier else 0.0
        return [_warn(entry, "*", round(moved, 2))] if moved > limit else []
    kind = "null_percent" if entry.kind == "null_drift" else "zero_percent"
    found = []
    for name in entry.columns:
        moved = abs(now[kind].get(name, 0) - before[kind].get(name, 0))
        if moved > limit:
            found.append(_warn(entry, name, round(moved, 2)))
    return found


def _warn(entry: BatchEntry, column: str, seen: float) -> dict[str, Any]:
    return {"rule": entry.id, "column": column, "seen": seen, "allowed": entry.max_percent, "why": entry.why}
