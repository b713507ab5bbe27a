"""Text that lies beside a table in one zip: whether any line of it could be a record of that table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from perlinsos.sources.csv_blocks import read_record
from perlinsos.sources.decoding import Utf8Text
from perlinsos.sources.description import SourceDescription
from perlinsos.sources.layout import plain_name, required_names, wanted_names

LONGEST_BYTES = 2**18
"""A longer text is never taken for an explanation."""
_ID = re.compile(r"'?(\d{15,17}(\.0)?|\d[.,]\d+E\+?1[4-6])", re.IGNORECASE)
_NUMBER = re.compile(r"'?\d[\d.,:/ -]*")
_MARKS = (",", ";", "\t", "|")


def may_hold_records(text: Utf8Text, source: SourceDescription) -> bool:
    """Whether rows could be lost if a text without the table's header were left out.

    So it is where, cut at any of the usual marks, a cell is an id; or a line has three cells or more (two, where two
    columns are required) and a number among them or another line of its width; or below a line that names a required
    column stands one that names none. Lines that name a column are no records: an explanation of the columns has such.
    """
    if text.end - text.start > LONGEST_BYTES:
        return True
    content = b"".join(text.blocks()).decode(errors="replace")
    marks = {*_MARKS, source.format.delimiter} - {"auto"}
    return any(_is_table(list(_records(content, mark)), source) for mark in sorted(marks))


def _records(content: str, mark: str) -> Iterator[list[str]]:
    """The lines with anything in them as cells, outer blanks kept."""
    position = 0
    while position < len(content):
        found = read_record(content, position, mark, is_last=True)
        if found is None:
            yield from (line.split(mark) for line in content[position:].split("\n") if line.strip())
            return
        if any(cell.strip() for cell in found[0]):
            yield found[0]
        position = found[2]


def _is_table(records: list[list[str]], source: SourceDescription) -> bool:
    if any(_ID.fullmatch(cell.strip()) for cells in records for cell in cells):
        return True
    least = max(2, min(3, len(required_names(source))))
    unnamed = [cells for cells in records if not _names_in(cells) & set(wanted_names(source).values())]
    wide = [cells for cells in unnamed if sum(bool(cell.strip()) for cell in cells) >= least]
    if any(_NUMBER.fullmatch(cell.strip()) for cells in wide for cell in cells):
        return True
    # Prose has a blank behind its commas.
    tight = Counter(len(cells) for cells in wide if not all(cell.startswith(" ") for cell in cells[1:]))
    return any(count > 1 for count in tight.values()) or _has_header(records, source)


def _names_in(cells: list[str]) -> set[str]:
    return {plain_name(cell) for cell in cells}


def _has_header(records: list[list[str]], source: SourceDescription) -> bool:
    required, wanted = set(required_names(source).values()), set(wanted_names(source).values())
    is_below = False
    for cells in records:
        names = _names_in(cells)
        if is_below and not names & wanted:
            return True
        is_below = is_below or bool(names & required)
    return False
