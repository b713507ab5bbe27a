"""Legal dates: when a window of objection closes, in the region's own time, on a working day (legal-process.md section 5)."""

from __future__ import annotations

import calendar
import csv
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from perlinsos.errors import Refused

ZONES = {"WIB": "Asia/Jakarta", "WITA": "Asia/Makassar", "WIT": "Asia/Jayapura"}
LAST_SECOND = time(23, 59, 59)
SATURDAY = 5


@dataclass(frozen=True)
class Holidays:
    """National holidays and joint-leave days, and the years that the table covers."""

    days: frozenset[date]
    years: frozenset[int]

    def is_working_day(self, day: date) -> bool:
        """Monday to Friday and no holiday. Refused where the table says nothing of that year."""
        if day.year not in self.years:
            raise Refused(
                f"the holidays of {day.year} are not known",
                where="reference/holidays.csv",
                why="a window must close on a working day",
                remedy="add that year's joint decree (SKB) to the table",
            )
        return day.weekday() < SATURDAY and day not in self.days


def load_holidays(path: Path) -> Holidays:
    """Read reference/holidays.csv (column `date`; national holidays and joint leave alike)."""
    with path.open(encoding="utf-8", newline="") as file:
        days = frozenset(date.fromisoformat(row["date"]) for row in csv.DictReader(file))
    return Holidays(days, frozenset(day.year for day in days))


def local_day(moment: datetime, zone: str) -> date:
    """The calendar day of a moment in WIB, WITA or WIT."""
    return moment.astimezone(ZoneInfo(ZONES[zone])).date()


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day where it has none."""
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def close_window(opens_at: datetime, months: int, zone: str, holidays: Holidays) -> datetime:
    """When a window that opens then closes: so many calendar months later, at 23:59:59 of the region's time, on that
    day or else the next working day."""
    day = add_months(local_day(opens_at, zone), months)
    while not holidays.is_working_day(day):
        day += timedelta(days=1)
    return datetime.combine(day, LAST_SECOND, ZoneInfo(ZONES[zone]))
