"""Records of delimited text. A block that is proved ordinary is parsed in one go, any other record by record.

Ordinary: every quote opens at the start of a cell and closes at its end, every CR stands before a LF, no byte-order
mark inside. Then cells are counted without looking into them, and records of another count are read one by one.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from perlinsos.errors import Refused

Positions = npt.NDArray[np.int64]
QUOTE, NEWLINE, RETURN = 34, 10, 13
_MARK = "\ufeff"


@dataclass
class OddRecord:
    """A record that is not as wide as the header, or broken: its cells and, where it is broken, its flaw."""

    place: int
    cells: list[str]
    flaw: str | None


@dataclass
class Block:
    """The records of one block: `table` (columns by position) for those of `places`, and the odd ones."""

    table: pa.Table | None
    places: Positions
    odd: list[OddRecord] = field(default_factory=list)
    rest: bytes = b""


def split_block(data: bytes, delimiter: str, *, is_last: bool, line_limit: int) -> Block:
    """Split a block into records; `rest` is the incomplete record at its end.

    Raises Refused for an unclosed quote or a record longer than the limit (bytes).
    """
    block = _split_ordinary(data, delimiter, is_last=is_last)
    if block is None:
        block = _split_exactly(data, delimiter, is_last=is_last, line_limit=line_limit)
    if len(block.rest) > line_limit or (is_last and block.rest):
        raise Refused(
            "a quote is opened and never closed" if b'"' in block.rest else "a line is longer than the limit",
            why="everything after an unclosed quote would be one cell",
            remedy='double the quotes inside a cell (`""`), or send XLSX or Parquet; limits.line_mib bounds a record',
        )
    return block


def _split_ordinary(data: bytes, delimiter: str, *, is_last: bool) -> Block | None:
    """Records of an ordinary block; None where the block is not proved ordinary."""
    if data.count(b"\r") != data.count(b"\r\n") or _MARK.encode() in data:
        return None
    bytes_ = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(bytes_ == NEWLINE)
    marks = np.flatnonzero(bytes_ == ord(delimiter))
    quotes = np.flatnonzero(bytes_ == QUOTE)
    if quotes.size:
        if not _are_quotes_well_formed(bytes_, quotes, ord(delimiter)):
            return None
        ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
        marks = marks[np.searchsorted(quotes, marks) % 2 == 0]
    complete = int(ends[-1]) + 1 if ends.size else 0
    if is_last and complete < len(data):
        if quotes.size % 2:
            return Block(None, np.empty(0, np.int64), rest=data[complete:] if complete == 0 else data)
        ends, complete = np.append(ends, len(data)), len(data)
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1)) if ends.size else ends
    widths = np.searchsorted(marks, ends) - np.searchsorted(marks, starts) + 1
    return _gather(data, delimiter, starts, ends, widths, complete)


def _are_quotes_well_formed(bytes_: npt.NDArray[np.uint8], quotes: Positions, delimiter: int) -> bool:
    """Whether every opening quote begins a cell and every closing one ends it (`\"\"` inside closes and reopens)."""
    opening, closing = quotes[0::2], quotes[1::2]
    before = np.where(opening > 0, bytes_[opening - 1], NEWLINE)
    opens_well = (before == delimiter) | (before == NEWLINE)
    opens_well[1:] |= opening[1:] == closing[: opening.size - 1] + 1
    following = np.where(closing + 1 < bytes_.size, bytes_[np.minimum(closing + 1, bytes_.size - 1)], NEWLINE)
    closes_well = (following == delimiter) | (following == NEWLINE) | (following == RETURN)
    paired = opening[1:]
    closes_well[: paired.size] |= closing[: paired.size] + 1 == paired
    return bool(opens_well.all() and closes_well.all())


def _gather(data: bytes, delimiter: str, starts: Positions, ends: Positions, widths: Positions, complete: int) -> Block:
    """Parse the records of the most common width together and the others one by one."""
    rest = data[complete:]
    if not ends.size:
        return Block(None, np.empty(0, np.int64), rest=rest)
    width = int(np.bincount(widths).argmax())
    is_common = (widths == width) & (ends > starts)
    places = np.flatnonzero(is_common)
    odd = [
        OddRecord(int(i), _cells_of(data[starts[i] : ends[i] + 1].decode(), delimiter), None)
        for i in np.flatnonzero(~is_common)
        if ends[i] > starts[i]
    ]
    if is_common.all():
        text = data[:complete]
    else:
        pieces = _runs(places)
        text = b"".join(data[starts[first] : ends[last] + 1] for first, last in pieces)
    return Block(_parse(text, delimiter, width) if places.size else None, places, odd, rest)


def _runs(places: Positions) -> list[tuple[int, int]]:
    """Consecutive places as (first, last)."""
    if not places.size:
        return []
    breaks = np.flatnonzero(np.diff(places) > 1)
    firsts = np.concatenate((places[:1], places[breaks + 1]))
    lasts = np.concatenate((places[breaks], places[-1:]))
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def _parse(text: bytes, delimiter: str, width: int) -> pa.Table:
    names = [str(position) for position in range(width)]
    return pacsv.read_csv(
        io.BytesIO(text),
        read_options=pacsv.ReadOptions(column_names=names, block_size=max(len(text) + 1, 1024)),
        parse_options=pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=b'"' in text, ignore_empty_lines=False),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), null_values=[], strings_can_be_null=False
        ),
    )


def _split_exactly(data: bytes, delimiter: str, *, is_last: bool, line_limit: int) -> Block:
    """Every record as an odd one."""
    text = data.decode()
    odd: list[OddRecord] = []
    position = 0
    while position < len(text):
        found = read_record(text, position, delimiter, is_last=is_last)
        if found is None:
            break
        cells, flaw, after = found
        if after - position > line_limit:
            return Block(None, np.empty(0, np.int64), odd, text[position:].encode())
        if cells != [""]:
            odd.append(OddRecord(len(odd), cells, flaw))
        position = after
    return Block(None, np.empty(0, np.int64), odd, text[position:].encode())


def read_record(text: str, start: int, delimiter: str, *, is_last: bool) -> tuple[list[str], str | None, int] | None:
    """The record at `start`: its cells, its flaw, the place after it. None where it goes on after the text.

    A cell that opens with a quote and goes on after the closing one is broken: its line alone is the record.
    """
    position = start + 1 if text.startswith(_MARK, start) else start
    cells: list[str] = []
    while True:
        if text.startswith('"', position):
            close = _closing_quote(text, position + 1)
            if close < 0:
                return None
            cells.append(text[position + 1 : close].replace('""', '"'))
            position = close + 1
            if position >= len(text):
                return (cells, None, position) if is_last else None
            if text[position] == delimiter:
                position += 1
                continue
            if text[position] == "\n":
                return cells, None, position + 1
            if text.startswith("\r\n", position):
                return cells, None, position + 2
            return _broken_line(text, start, delimiter)
        mark, end = text.find(delimiter, position), text.find("\n", position)
        if mark >= 0 and (end < 0 or mark < end):
            cells.append(text[position:mark])
            position = mark + 1
            continue
        if end < 0 and not is_last:
            return None
        stop = end if end >= 0 else len(text)
        cells.append(text[position:stop].removesuffix("\r"))
        return cells, None, min(stop + 1, len(text)) if end >= 0 else stop


def _closing_quote(text: str, position: int) -> int:
    while True:
        close = text.find('"', position)
        if close < 0 or not text.startswith('"', close + 1):
            return close
        position = close + 2


def _broken_line(text: str, start: int, delimiter: str) -> tuple[list[str], str, int]:
    end = text.find("\n", start)
    stop = end if end >= 0 else len(text)
    return text[start:stop].removesuffix("\r").split(delimiter), "*.quote_unbalanced", min(stop + 1, len(text))


def _cells_of(record: str, delimiter: str) -> list[str]:
    found = read_record(record, 0, delimiter, is_last=True)
    return found[0] if found else [record]
