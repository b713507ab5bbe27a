"""Reads a strict CSV file (comma, UTF-8) as text; light, for those who read a few rows only."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import duckdb


def read_header(path: Path) -> list[str]:
    """The column names of a CSV file, as they stand there: empty and repeated ones too. No name where the file is empty."""
    with path.open("r", encoding="utf-8-sig", errors="replace", newline="") as stream:
        return next(csv.reader(stream), [])


def open_csv(
    connection: duckdb.DuckDBPyConnection, path: Path, names: list[str], is_wanted: Callable[[str], bool] = bool
) -> duckdb.DuckDBPyRelation:
    """The records below the header `names`, every value as text, not read yet: the wanted columns by name.

    Columns are told apart by their place, so that empty or equal names of others do no harm; of equal ones, whatever
    their case, the first is taken.
    """
    relation = connection.read_csv(
        str(path), header=True, sep=",", quotechar='"', escapechar='"', na_values=[""], auto_detect=False,
        strict_mode=True, encoding="utf-8", columns={f"c{number}": "VARCHAR" for number in range(len(names))},
    )  # fmt: skip
    places: dict[str, int] = {}
    for number, name in enumerate(names):
        if is_wanted(name):
            places.setdefault(name.lower(), number)
    return relation.select(*(duckdb.ColumnExpression(f"c{number}").alias(names[number]) for number in places.values()))
