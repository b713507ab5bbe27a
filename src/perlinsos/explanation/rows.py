"""Reads the few rows about one number from tables and input files, without reading the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
from duckdb import ColumnExpression as Column
from duckdb import ConstantExpression as Constant
from duckdb import FunctionExpression as Function

from perlinsos.errors import Refused, say_why
from perlinsos.model.datasets import DATASETS
from perlinsos.recipients.csv_text import open_csv, read_header

Row = dict[str, Any]
Relation = duckdb.DuckDBPyRelation
NOISE = r"[^0-9A-Za-z,.+]"  # what a person may have typed, or an agency sent, between the digits


def open_file(connection: duckdb.DuckDBPyConnection, path: Path) -> Relation:
    """A Parquet or CSV file, not read yet; every value of a CSV is text, as the determination reads it."""
    if path.suffix != ".csv":
        return connection.read_parquet(str(path))
    return open_csv(connection, path, read_header(path))


def find_rows(relation: Relation, column: str, text: str, *, loosely: bool = False) -> list[Row]:
    """The rows with a text in a column. The engine decodes the other columns only where one is found.

    `loosely`: blanks, quotes and other signs on either side are not compared.
    """
    kind = str(relation.types[relation.columns.index(column)])
    compared = Column(column) if kind == "VARCHAR" else Column(column).cast("VARCHAR")
    if loosely:
        compared = Function("regexp_replace", compared, Constant(NOISE), Constant(""), Constant("g"))
    return as_rows(relation.filter(compared == Constant(text)))


def as_rows(relation: Relation) -> list[Row]:
    """The rows of a relation by column."""
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


class InputRows:
    """The input datasets of a determination. `paths` gives the files of a dataset, when they are first asked for."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, paths: Callable[[str], Sequence[Path]]) -> None:
        self._connection = connection
        self._paths = paths
        self._opened: dict[str, list[Relation]] = {}

    def find(self, dataset: str, column: str, text: str, *, loosely: bool = False) -> list[Row]:
        """The rows of a dataset with a number, with the contract's columns; null where a file has no such column."""
        found: list[Row] = []
        for relation in self._open(dataset):
            if column in relation.columns:
                rows = find_rows(relation, column, text, loosely=loosely)
                found += [{name: row.get(name) for name in DATASETS[dataset].names} for row in rows]
        return found

    def _open(self, dataset: str) -> list[Relation]:
        if dataset not in self._opened:
            paths = self._paths(dataset)
            try:
                self._opened[dataset] = [open_file(self._connection, path) for path in paths]
            except duckdb.Error as error:
                raise Refused(
                    "An input file cannot be read", where=dataset, why=say_why(error),
                    remedy="name the folder that the determination was made from",
                ) from None  # fmt: skip
        return self._opened[dataset]
