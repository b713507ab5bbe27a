"""Recognise numbers of persons (NIK and No KK) in bytes of any kind, and hold what was found without ever showing it.

Sixteen digits that are not part of a longer run are a *candidate*. It counts as a number of a person when it is one of
the numbers that the project knows, or when it has the form: a district that exists, a day (a woman's + 40), a month, a
serial. A moment in microseconds has sixteen digits too, and rarely this form; a hex digest or a fraction is no number
unless it is a known one.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

CANDIDATE = re.compile(rb"(?<![0-9])[0-9]{16}(?![0-9])")
SYNTHETIC_SERIAL = 7000  # invented people have serials from here on
OVERLAP = 160  # bytes that two blocks share, so that a number and its surroundings are seen whole
BLOCK = 4 << 20
_HEX = re.compile(rb"[0-9a-fA-F]+")
_LONGEST_PLAIN = 19  # a longer run of hex digits with a letter is an id or a digest
_LONG_DIGITS = re.compile(r"\d{12,}")


def hide_numbers(place: str) -> str:
    """The name of a place with every run of twelve or more digits hidden: a key may be the leak itself."""
    return _LONG_DIGITS.sub("••••", place)


@dataclass(frozen=True)
class NumberForm:
    """The form of a number: districts (six digits, as integers) that exist or existed, and the least serial."""

    districts: frozenset[int]
    least_serial: int = SYNTHETIC_SERIAL

    def fits(self, number: int) -> bool:
        """Whether the sixteen digits have the form of a NIK or No KK."""
        rest, serial = divmod(number, 10_000)
        rest, year = divmod(rest, 100)
        rest, month = divmod(rest, 100)
        district, day = divmod(rest, 100)
        del year  # any
        is_day = 1 <= day <= 31 or 41 <= day <= 71
        return serial >= self.least_serial and 1 <= month <= 12 and is_day and district in self.districts


def read_districts(reference: Path) -> frozenset[int]:
    """Every district of the reference tables, also those that were retired."""
    found = set()
    for name, column in (("regions.csv", "code"), ("region_changes.csv", "retired_code")):
        with (reference / name).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["level"] == "district" or row[column].count(".") == 2:
                    found.add(int(row[column].replace(".", "")[:6]))
    return frozenset(found)


@dataclass
class Found:
    """The candidates of a scan: how often each stands in each place. Numbers stay inside this object."""

    form: NumberForm
    plain: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    doubtful: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    places: int = 0

    def __repr__(self) -> str:
        return f"Found({len(self.plain)} + {len(self.doubtful)} candidates)"

    def look(self, place: str, data: bytes, start: int = 0, end: int | None = None) -> None:
        """Note the candidates of `data` that begin in [start, end)."""
        limit = len(data) if end is None else end
        for match in CANDIDATE.finditer(data, max(0, start - 1)):
            if not start <= match.start() < limit:
                continue
            number = int(match[0])
            is_plain = self.form.fits(number) and not _is_part_of_another_thing(data, match.start(), match.end())
            (self.plain if is_plain else self.doubtful)[number][place] += 1

    def look_through(self, place: str, file: BinaryIO) -> None:
        """The same for a stream, block by block."""
        kept, start = b"", 0
        while block := file.read(BLOCK):
            data = kept + block
            end = max(start, len(data) - OVERLAP)
            self.look(place, data, start, end)
            cut = max(0, end - OVERLAP)
            kept, start = data[cut:], end - cut
        self.look(place, kept, start)

    def look_at_integers(self, place: str, numbers: np.ndarray[Any, np.dtype[np.int64]]) -> None:
        """The same for numbers that are stored as integers."""
        for number in numbers[(numbers >= 10**15) & (numbers < 10**16)].tolist():
            (self.plain if self.form.fits(number) else self.doubtful)[number][place] += 1

    def leaks(self, known: Iterator[np.ndarray[Any, np.dtype[np.int64]]]) -> list[dict[str, Any]]:
        """Place, kind (`known` or `form`) and count; `known` are the numbers of real rows, in parts of any size."""
        candidates = np.array(sorted({*self.plain, *self.doubtful}), dtype=np.int64)
        are_known: set[int] = set()
        if len(candidates):
            for part in known:
                are_known.update(candidates[np.isin(candidates, part)].tolist())
        counts: Counter[tuple[str, str]] = Counter()
        for number, places in self.plain.items():
            for place, count in places.items():
                counts[place, "known" if number in are_known else "form"] += count
        for number in are_known:
            for place, count in self.doubtful.get(number, {}).items():
                counts[place, "known"] += count
        return [{"place": hide_numbers(place), "kind": kind, "count": count} for (place, kind), count in sorted(counts.items())]


def _is_part_of_another_thing(data: bytes, start: int, end: int) -> bool:
    """Whether the digits are a piece of a hex id, or the fraction of a decimal number."""
    before, after = data[max(0, start - 64) : start], data[end : end + 64]
    if re.search(rb"[0-9]\.$", before):
        return True
    head = re.search(rb"[0-9a-fA-F]*$", before)
    tail = _HEX.match(after)
    run = (head[0] if head else b"") + (tail[0] if tail else b"")
    return len(run) + 16 > _LONGEST_PLAIN and re.search(rb"[a-fA-F]", run) is not None
