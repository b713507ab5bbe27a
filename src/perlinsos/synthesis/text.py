"""Columns of text for whole slices of rows, made by look-up instead of row by row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perlinsos.synthesis.draws import Array

FIRST_DAY, LAST_DAY = date(1890, 1, 1), date(2035, 12, 31)
MONTHS = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November", "Desember",
)  # fmt: skip


def look_up(values: Sequence[str | None], positions: Array) -> pa.Array:
    """`values[position]` for every position; null for a negative one."""
    index = pa.array(positions, mask=np.asarray(positions) < 0)
    return pc.take(pa.array(values, pa.string()), index)


def number_text(values: Array, missing: Array | None = None) -> pa.Array:
    """Whole numbers as text, null where `missing`."""
    return pc.cast(pa.array(values, pa.int64(), mask=missing), pa.string())


@cache
def _days(form: str) -> list[str]:
    """Every day from FIRST_DAY on, written in one form."""
    span = (LAST_DAY - FIRST_DAY).days + 1
    return [write_day(FIRST_DAY + timedelta(days=number), form) for number in range(span)]


def day_text(days: Array, form: str, missing: Array | None = None) -> pa.Array:
    """Days since 1970 as text in a form of strftime, null where `missing`."""
    positions = np.asarray(days) + (date(1970, 1, 1) - FIRST_DAY).days
    return look_up(_days(form), np.where(missing, -1, positions) if missing is not None else positions)


def write_day(day: date, form: str) -> str:
    """One day in a form of strftime; `%B` is the Indonesian month; `excel_serial` the number that a spreadsheet keeps."""
    if form == "excel_serial":
        return str((day - date(1899, 12, 30)).days)
    return day.strftime(form.replace("%B", MONTHS[day.month - 1]))


def constant(value: str, count: int) -> pa.Array:
    """The same text for every row."""
    return pa.repeat(pa.scalar(value), count)


def scatter(rows: Array, choices: int) -> Array:
    """A number from 0 to `choices` - 1 for each row: fixed, without a generator's state, the same in every slice."""
    mixed = (np.asarray(rows, dtype=np.uint64) + np.uint64(0x9E3779B9)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(31)
    mixed *= np.uint64(0x94D049BB133111EB)
    return np.asarray(((mixed >> np.uint64(33)) % np.uint64(choices)).astype(np.int64))
