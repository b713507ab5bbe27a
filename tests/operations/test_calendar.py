"""The last moment of a window: one calendar month, the region's clock, the next working day."""

from datetime import date, datetime

import pytest

from perlinsos.errors import Refused
from perlinsos.operations.calendar import add_months, close_window, load_holidays
from perlinsos.settings import find_project


@pytest.fixture(scope="module")
def holidays():
    return load_holidays(find_project() / "reference" / "holidays.csv")


def closes(holidays, opens, zone="WIB", months=1):
    return close_window(datetime.fromisoformat(opens), months, zone, holidays).isoformat()


def test_one_calendar_month_until_the_last_second_of_the_day(holidays):
    assert closes(holidays, "2026-01-05T09:00:00+07:00") == "2026-02-05T23:59:59+07:00"


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("WIB", "2026-07-08T23:59:59+07:00"),
        ("WITA", "2026-07-09T23:59:59+08:00"),
        ("WIT", "2026-07-09T23:59:59+09:00"),
    ],
)
def test_the_day_of_opening_is_the_regions_own(holidays, zone, expected):
    assert closes(holidays, "2026-06-08T16:30:00+00:00", zone) == expected


def test_the_month_is_clamped_to_its_end():
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert add_months(date(2027, 12, 31), 2) == date(2028, 2, 29)


def test_a_weekend_ends_on_monday(holidays):
    assert closes(holidays, "2026-06-11T09:00:00+07:00") == "2026-07-13T23:59:59+07:00"


def test_a_holiday_ends_on_the_next_working_day(holidays):
    assert date(2026, 8, 17) in holidays.days
    assert closes(holidays, "2026-07-17T09:00:00+07:00") == "2026-08-18T23:59:59+07:00"


def test_holidays_in_a_row_with_joint_leave_and_a_weekend(holidays):
    assert {date(2026, 12, 24), date(2026, 12, 25)} <= holidays.days
    assert closes(holidays, "2026-11-24T09:00:00+07:00") == "2026-12-28T23:59:59+07:00"


def test_a_year_without_a_table_is_refused(holidays):
    with pytest.raises(Refused, match="holidays of 2031"):
        closes(holidays, "2030-12-15T09:00:00+07:00")
