"""Payment stages: a quarter written `2026-T1`, whose first day is the list's `as_of`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from perlinsos.errors import WrongUsage

_FORM = re.compile(r"([0-9]{4})-T([1-4])")
_YEARS = range(1, 9999)  # what a date holds, with the quarters before and after


@dataclass(frozen=True, order=True)
class Stage:
    """One payment quarter (triwulan)."""

    year: int
    quarter: int

    @classmethod
    def parse(cls, text: str) -> Stage:
        """Read `2026-T1`. Raises WrongUsage for any other form."""
        match = _FORM.fullmatch(text)
        if not match or int(match[1]) not in _YEARS:
            raise WrongUsage(f"{text!r} is not a stage", why="a stage is a year and a quarter", remedy="write 2026-T1")
        return cls(int(match[1]), int(match[2]))

    @property
    def as_of(self) -> date:
        """The first day of the quarter: the day the answer is for."""
        return date(self.year, 3 * self.quarter - 2, 1)

    @property
    def last_day(self) -> date:
        """The last day of the quarter."""
        return self.next().as_of - timedelta(days=1)

    def next(self) -> Stage:
        """The quarter after this one."""
        return Stage(self.year + 1, 1) if self.quarter == 4 else Stage(self.year, self.quarter + 1)

    def previous(self) -> Stage:
        """The quarter before this one."""
        return Stage(self.year - 1, 4) if self.quarter == 1 else Stage(self.year, self.quarter - 1)

    def __str__(self) -> str:
        return f"{self.year}-T{self.quarter}"
