"""From the header of a file to the columns of the dataset: which position holds which column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from perlinsos.errors import Refused
from perlinsos.model.datasets import DATASETS
from perlinsos.sources.description import SourceDescription

INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad\u202a\u202b\u202c\u202d\u202e"
HEADER_SEARCH_ROWS = 50
_INVISIBLE_TABLE = {ord(character): None for character in INVISIBLE} | {0xA0: " ", 0x202F: " ", 0x3000: " "}


def plain_name(text: str | None) -> str:
    """A column's name for comparing: without invisible characters and outer blanks, blanks single, lower case."""
    return re.sub(r"\s+", " ", (text or "").translate(_INVISIBLE_TABLE)).strip().casefold()


class MissingColumns(Refused):
    """A file does not name the required columns."""


@dataclass(frozen=True)
class Layout:
    """`names[i]` is the cell column that position i of a record fills; `mapped` are those that are dataset columns.

    Dataset columns stand under the dataset's name, others under the name of the header (made unique, never one that
    begins with `_` or holds `__`).
    """

    names: tuple[str, ...]
    mapped: frozenset[str]
    header: tuple[str, ...]


def wanted_names(source: SourceDescription) -> dict[str, str]:
    """Dataset column -> the plain name of the file's column it is taken from (constants are not in the file)."""
    found = {}
    for column in DATASETS[source.dataset].columns:
        described = source.column(column.name)
        if described.constant is None:
            found[column.name] = plain_name(described.origin or column.name)
    return found


def required_names(source: SourceDescription) -> dict[str, str]:
    """The part of `wanted_names` without which a file is refused."""
    needed = {column.name for column in DATASETS[source.dataset].columns if column.must or column.required}
    return {name: origin for name, origin in wanted_names(source).items() if name in needed}


def count_required(header: Sequence[str | None], source: SourceDescription) -> int:
    """How many of the required columns this line names."""
    return len({plain_name(cell) for cell in header} & set(required_names(source).values()))


def has_all_required(header: Sequence[str | None], source: SourceDescription) -> bool:
    """Whether this line names every required column."""
    return set(required_names(source).values()) <= {plain_name(cell) for cell in header}


def plan_layout(header: Sequence[str | None], source: SourceDescription, where: str) -> Layout:
    """Match a header to the dataset. Raises MissingColumns where a required one is, Refused where a mapped one repeats."""
    cells = list(header)
    while cells and not plain_name(cells[-1]):
        cells.pop()
    plain = [plain_name(cell) for cell in cells]
    _refuse_missing(plain, cells, source, where)
    wanted = {origin: name for name, origin in wanted_names(source).items()}
    _refuse_repeated(plain, wanted, where)
    names: list[str] = []
    taken = {name.casefold() for name in wanted.values()}
    for position, cell in enumerate(plain):
        name = wanted.get(cell) or _free_name(cell or f"column {position + 1}", taken)
        taken.add(name.casefold())
        names.append(name)
    return Layout(tuple(names), frozenset(wanted.values()) & frozenset(names), tuple(plain))


def _free_name(text: str, taken: set[str]) -> str:
    base = re.sub(r"__+", "_", text).lstrip("_") or "column"
    name, count = base, 1
    while name.casefold() in taken:
        count += 1
        name = f"{base} ({count})"
    return name


def _refuse_missing(plain: list[str], cells: list[str | None], source: SourceDescription, where: str) -> None:
    missing = [
        name if origin == name else f"{name} (from {origin!r})"
        for name, origin in required_names(source).items()
        if origin not in plain
    ]
    if missing:
        raise MissingColumns(
            f"columns are missing: {', '.join(missing)}",
            where=where,
            why=f"the {source.dataset} of {source.source} needs them; columns found: {_tell_header(cells)}",
            remedy="send the file with these columns, or name their columns with `from`, or the header's row with "
            "format.header_rows, in the source's file",
        )


def _tell_header(cells: list[str | None]) -> str:
    """The names of a header. A line with numbers in it may be a person's: of that nothing is told."""
    named = [str(cell)[:40] for cell in cells[:30] if cell]
    if any(sum(character.isdigit() for character in cell) >= 4 for cell in named):
        return "none (the line that should be the header looks like data)"
    return ", ".join(named) or "none"


def _refuse_repeated(plain: list[str], wanted: dict[str, str], where: str) -> None:
    for origin, name in wanted.items():
        places = [position + 1 for position, cell in enumerate(plain) if cell == origin]
        if len(places) > 1:
            raise Refused(
                f"the column {name} stands twice",
                where=f"{where}, columns {' and '.join(map(str, places))}",
                why="case and blanks of a name are ignored; nobody can say which of them is meant",
                remedy="remove or rename one of the columns, or say with `from` which one is meant",
            )


def find_header(rows: Sequence[Sequence[str | None]], source: SourceDescription) -> tuple[int, int, list[str | None]]:
    """Where the header stands in the first rows: (rows before it, rows up to its end, its names).

    A declared header is taken as declared (the lowest non-empty cell of its rows names the column); otherwise the
    first row that names all required columns, else the row that names most of them (which is then refused).
    """
    if source.format.is_header_declared:
        first, last = source.format.header_span
        span = rows[first - 1 : last]
        width = max((len(row) for row in span), default=0)
        names = [next((row[i] for row in reversed(span) if i < len(row) and plain_name(row[i])), None) for i in range(width)]
        return first - 1, last, names
    best, best_count = 0, -1
    for number, row in enumerate(rows[:HEADER_SEARCH_ROWS]):
        if has_all_required(row, source):
            return number, number + 1, list(row)
        count = count_required(row, source)
        if count > best_count and any(plain_name(cell) for cell in row):
            best, best_count = number, count
    return best, best + 1, list(rows[best]) if rows else []
