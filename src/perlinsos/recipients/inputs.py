"""Opens the input datasets of a determination: finds the files, checks every value, gives one typed view per dataset.

A view `input_<dataset>` has the columns that the determination uses, in the kinds of the contract, words in one case.
What cannot be read is refused with dataset, file, row and column, never with the value: it may be a person's number.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
from sqlglot import exp

from perlinsos.errors import Refused, say_why
from perlinsos.model.datasets import DATASETS, Dataset
from perlinsos.recipients.conversions import TARGETS, Check, cell_checks, in_one_case, kind_of, row_checks, typed
from perlinsos.recipients.csv_text import open_csv, read_header
from perlinsos.recipients.input_files import find_files

USED: dict[str, tuple[str, ...]] = {
    "population": (
        "nik", "no_kk", "sex", "birth_date", "family_relation", "region_code", "district_code", "village_code",
        "status", "status_date",
    ),
    "welfare_family": (
        "no_kk", "dtsen_family_id", "dtsen_period", "decile", "national_rank", "region_code", "district_code",
        "village_code", "electricity_va",
    ),
    "welfare_person": (
        "nik", "no_kk", "family_relation", "disability", "is_pregnant", "pregnancy_number", "school_level",
    ),
    "signal": ("nik", "source", "code", "value", "observed_on"),
    "registration": ("nik", "no_kk", "registered_at", "consent"),
    "quota": ("region_code", "programme", "stage", "quota", "decree_id"),
    "minimum_wage": ("region_code", "year", "umk_idr", "ump_idr", "valid_from"),
    "quarantined": ("dataset", "source", "nik", "no_kk"),
}  # fmt: skip
NEEDED = ("population", "welfare_family", "welfare_person", "signal")
WITH_REFERENCE = ("quota", "minimum_wage")
ID_NUMBER = "[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)([eE][+-]?[0-9]+)?"


@dataclass(frozen=True)
class InputFile:
    """One file of a dataset, as it was read. `name` is shown to people; `view` holds its raw columns and record numbers."""

    dataset: str
    name: str
    path: Path
    sha256: str
    rows: int
    view: str

    def as_dict(self) -> dict[str, Any]:
        """For summary.json."""
        return {"dataset": self.dataset, "file": self.name, "sha256": self.sha256, "rows": self.rows}


def open_inputs(
    connection: duckdb.DuckDBPyConnection, inputs: Path, reference: Path, work: Path, *, registrants: bool
) -> list[InputFile]:
    """Make the views `input_<dataset>` and return the files. `work` takes CSV files turned into Parquet.

    Raises Refused where a dataset, column or value is missing or wrong.
    """
    if not inputs.is_dir():
        raise Refused("There is no folder of inputs", where=str(inputs), remedy="name the folder that holds population …")
    opened: list[InputFile] = []
    for name in USED:
        is_read = name != "registration" or registrants
        files = find_files(inputs, name) if is_read else []
        if not files and name in WITH_REFERENCE:
            files = find_files(reference, name)
        if not files and (name in NEEDED or (name == "registration" and registrants)):
            raise Refused(
                "A dataset is missing",
                where=f"{name} in {inputs.name}",
                why="the determination never decides on a part of the data",
                remedy=f"put {name}.csv, {name}.parquet or a folder {name}/ there",
            )
        opened += _open_dataset(connection, DATASETS[name], files, work)
    return opened


def _open_dataset(connection: duckdb.DuckDBPyConnection, dataset: Dataset, files: list[Path], work: Path) -> list[InputFile]:
    """Open each file, check it, and make the view of all of them."""
    opened, parts = [], []
    for number, path in enumerate(files):
        view = f"raw_{dataset.name}_{number}"
        kinds = _open_file(connection, dataset, path, work / f"{view}.parquet", view)
        with _readable(f"{dataset.name}, {_shown(dataset, path)}", path.suffix.removeprefix(".")):
            file = InputFile(dataset.name, _shown(dataset, path), path, _sha256(path), _count(connection, view), view)
            _check(connection, dataset, file, kinds)
        parts.append(_typed_select(dataset, view, kinds))
        opened.append(file)
    query: exp.Query = parts[0] if parts else _typed_select(dataset, None, {})
    for part in parts[1:]:
        query = exp.union(query, part, distinct=False)
    connection.execute(_create_view(f"input_{dataset.name}", query))
    return opened


def _shown(dataset: Dataset, path: Path) -> str:
    return f"{dataset.name}/{path.name}" if path.parent.name == dataset.name else path.name


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _count(connection: duckdb.DuckDBPyConnection, view: str) -> int:
    return int(connection.execute(exp.select("count(*)").from_(view).sql(dialect="duckdb")).fetchall()[0][0])


def _create_view(name: str, query: exp.Query) -> str:
    create = exp.Create(
        this=exp.to_table(name), kind="VIEW", expression=query,
        properties=exp.Properties(expressions=[exp.TemporaryProperty()]),
    )  # fmt: skip
    return create.sql(dialect="duckdb")


def _open_file(connection: duckdb.DuckDBPyConnection, dataset: Dataset, path: Path, spare: Path, view: str) -> dict[str, str]:
    """Make the raw view of one file (record numbers as file_row_number) and return its used columns with their types."""
    if path.suffix == ".csv":
        _csv_to_parquet(connection, dataset, path, spare)
    source = spare if path.suffix == ".csv" else path
    place = f"{dataset.name}, {_shown(dataset, path)}"
    with _readable(place, "Parquet"):
        names = pq.read_schema(source).names
        _check_header(dataset, names, place)
        relation = connection.read_parquet(str(source), file_row_number=True)
        relation.create_view(view, replace=True)
        found = dict(zip(relation.columns, (str(kind) for kind in relation.types), strict=True))
    return {name: found[name] for name in USED[dataset.name] if name in names}


@contextmanager
def _readable(place: str, form: str) -> Iterator[None]:
    """Turn an engine's error, which may quote a record, into one that does not."""
    try:
        yield
    except (duckdb.Error, OSError, ValueError) as error:
        raise Refused(
            f"A file cannot be read as {form}", where=place, why=say_why(error), remedy="deliver the file again"
        ) from None


def _check_header(dataset: Dataset, names: list[str], place: str) -> None:
    """Refused where a column that is needed is missing, or one that is used stands twice."""
    for column in dataset.columns:
        if column.required and column.name not in names:
            raise Refused("A column is missing", where=f"{place}, column {column.name}", remedy="deliver it with the column")
        if column.name in USED[dataset.name] and [name.lower() for name in names].count(column.name) > 1:
            raise Refused("A column stands twice", where=f"{place}, column {column.name}", remedy="remove one of the two")


def _csv_to_parquet(connection: duckdb.DuckDBPyConnection, dataset: Dataset, path: Path, target: Path) -> None:
    """Read a strict CSV file (comma, UTF-8) as text, its used columns, into a Parquet file of the same order."""
    place = f"{dataset.name}, {_shown(dataset, path)}"
    names = _csv_header(path, place)
    _check_header(dataset, names, place)
    try:
        open_csv(connection, path, names, USED[dataset.name].__contains__).write_parquet(str(target))
    except duckdb.IOException:
        raise  # the disk's fault, not the file's
    except duckdb.Error:
        row, why = _find_fault(path, len(names))
        raise Refused(
            "A CSV file cannot be read", where=f"{place}{row}", why=why,
            remedy="write it with commas, UTF-8, one kind of line end, and quotes around text that holds a comma or quote",
        ) from None  # fmt: skip


def _csv_header(path: Path, place: str) -> list[str]:
    """The column names of a CSV file; Refused where there are none."""
    with _readable(place, "CSV"):
        names = read_header(path)
    if not names:
        raise Refused("A CSV file is empty", where=place, remedy="deliver it with a header")
    return names


def _find_fault(path: Path, width: int) -> tuple[str, str]:
    """The first record of a CSV file that is not in order: `, row 3` and why."""
    row = 0
    try:
        with path.open("r", encoding="utf-8-sig", newline="") as stream:
            for row, record in enumerate(csv.reader(stream, strict=True)):
                if record and len(record) != width:
                    return f", row {row}", f"it has {len(record)} cells, the header has {width}"
    except UnicodeDecodeError:
        return f", after row {row}", "it is not UTF-8"
    except csv.Error:
        return f", row {row + 1}", "a quote is not closed, or stands in the middle of a cell"
    return "", "its line ends or quotes are not of one kind"


def _typed_select(dataset: Dataset, view: str | None, kinds: dict[str, str]) -> exp.Select:
    """The used columns of a file in the contract's kinds; null where absent. Without a view: no row."""
    columns = []
    for name in USED[dataset.name]:
        kind = kind_of(dataset.name, name, dataset.column(name).kind)
        value = typed(name, kind, kinds[name]) if name in kinds else exp.cast(exp.null(), TARGETS[kind])
        columns.append(exp.alias_(in_one_case(dataset.name, name, value), name))
    select = exp.select(*columns)
    return select.from_(view) if view else select.where(exp.false())


def _check(connection: duckdb.DuckDBPyConnection, dataset: Dataset, file: InputFile, kinds: dict[str, str]) -> None:
    """Refused at the first value of a file that has the wrong type or is an unknown word."""
    checks: list[Check] = []
    for name, found in kinds.items():
        kind = kind_of(dataset.name, name, dataset.column(name).kind)
        checks += cell_checks(dataset.name, name, kind, found)
    checks += row_checks(dataset.name, kinds)
    if not checks:
        return
    counts = [exp.alias_(exp.func("count_if", check.is_wrong.copy()), f"n{n}") for n, check in enumerate(checks)]
    found_counts = connection.execute(exp.select(*counts).from_(file.view).sql(dialect="duckdb")).fetchall()[0]
    for check, count in zip(checks, found_counts, strict=True):
        if count:
            raise _wrong_value(connection, file, check, count)


def _wrong_value(connection: duckdb.DuckDBPyConnection, file: InputFile, check: Check, count: int) -> Refused:
    first = exp.select("min(file_row_number) + 1").from_(file.view).where(check.is_wrong.copy())
    row = connection.execute(first.sql(dialect="duckdb")).fetchall()[0]
    return Refused(
        check.what,
        where=f"{file.dataset}, {file.name}, row {row[0]}, column {check.column}",
        why=f"{check.why} ({count} such {'row' if count == 1 else 'rows'})",
        remedy=check.remedy,
    )


def refuse_number_ids(connection: duckdb.DuckDBPyConnection, opened: list[InputFile]) -> None:
    """Refused where an id has an exponent or a point: it went through a number and may have lost digits.

    Looks among the odd ids (sql/core/odd_id.sql) first; the files are only searched where one is there.
    """
    odd = exp.select("count(*)").from_("odd_id").where(_is_number_id("text"))
    if connection.execute(odd.sql(dialect="duckdb")).fetchall()[0][0] == 0:
        return
    for file in opened:
        if file.dataset == "quarantined":
            continue
        for column in ("nik", "no_kk"):
            if column not in USED[file.dataset]:
                continue
            wrong = _is_number_id(column)
            query = exp.select(exp.func("count_if", wrong)).from_(file.view)
            count = connection.execute(query.sql(dialect="duckdb")).fetchall()[0][0]
            if count:  # null where the file has no row
                raise _wrong_value(connection, file, _number_id(column), count)


@contextmanager
def damage_named(connection: duckdb.DuckDBPyConnection, opened: list[InputFile]) -> Iterator[None]:
    """Name the file whose pages cannot be read, where an engine's error comes from one: its schema may still be whole."""
    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException):
        raise
    except duckdb.Error:
        for file in opened:
            with _readable(f"{file.dataset}, {file.name}", "Parquet"):
                connection.execute(exp.select("max(hash(columns(*)))").from_(file.view).sql(dialect="duckdb")).fetchall()
        raise


def _is_number_id(column: str) -> exp.Expr:
    """An id that reads as a number with an exponent or a point."""
    return exp.and_(
        exp.func("regexp_full_match", exp.column(column), exp.Literal.string(ID_NUMBER)),
        exp.func("regexp_matches", exp.column(column), exp.Literal.string("[.eE]")),
    )


def _number_id(column: str) -> Check:
    return Check(
        column, _is_number_id(column), "An id was written as a number",
        "it has an exponent or a point, so digits may be lost", "deliver ids as text of 16 digits",
    )  # fmt: skip
