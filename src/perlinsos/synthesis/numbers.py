"""Invented NIK and family-card numbers: well formed, and nobody's, because their serials begin at 7000.

Serials are counted per district and day and rarely pass 100 in life. Inside 7000 to 9999 each kind has its own range, so
that no two kinds and no two regencies can meet: see the constants.
"""

from __future__ import annotations

import numpy as np

from perlinsos.synthesis.draws import Array, Ints, rank_within

PERSON_SERIAL = 7000
CARD_SERIAL = 8500
SHARED_CARD_SERIAL = 8900
FOREIGN_SERIAL = 9000
SHARED_SERIAL = 9500


def calendar(day: Array) -> tuple[Ints, Ints, Ints]:
    """Year, month, day of days since 1970."""
    dates = np.asarray(day).astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    year = dates.astype("datetime64[Y]").astype(np.int64) + 1970
    return year, months.astype(np.int64) % 12 + 1, (dates - months).astype(np.int64) + 1


def number_persons(prefix: Ints, birth: Ints, sex: Ints, serial: int | Ints) -> Ints:
    """NIK as integers: six digits of the district, DDMMYY (day + 40 for women), a serial counted up from `serial`."""
    year, month, day = calendar(birth)
    return _number(prefix, (day + 40 * sex) * 10000 + month * 100 + year % 100, serial)


def number_cards(prefix: Ints, issued: Ints, serial: int) -> Ints:
    """Family-card numbers as integers: district, date of issue, serial."""
    year, month, day = calendar(issued)
    return _number(prefix, day * 10000 + month * 100 + year % 100, serial)


def _number(prefix: Ints, ddmmyy: Ints, serial: int | Ints) -> Ints:
    """Put the parts together; equal parts and starts are told apart by the serial."""
    start = np.broadcast_to(np.asarray(serial, dtype=np.int64), prefix.shape)
    key = (prefix * 1_000_000 + ddmmyy) * 10_000 + start
    return np.asarray(key + rank_within(key))


def digits(code: str) -> int:
    """`35.10.16` -> 351016."""
    return int(code.replace(".", ""))
