"""Options at the edge of what numbers and days can be: said in words, exit 2, or simply meant."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from perlinsos.commands.determine import _day
from perlinsos.errors import Refused, WrongUsage
from perlinsos.model.stages import Stage
from perlinsos.recipients.determine import determine
from perlinsos.recipients.rule_tables import _days_after
from perlinsos.simulation.scenarios import parse_scenario


@pytest.mark.parametrize("text", ["٢٠٢٦-T1", "0000-T1", "9999-T4", "2026-T5", "2026-t1 "])
def test_a_stage_is_a_year_of_four_digits_and_a_quarter(text: str) -> None:
    with pytest.raises(WrongUsage):
        Stage.parse(text)


@pytest.mark.parametrize("text", ["2026-W01-1", "20260101", "2026-1-1"])
def test_a_day_is_written_in_one_way(text: str) -> None:
    with pytest.raises(WrongUsage):
        _day(text)


def test_a_window_longer_than_all_days_ends_with_the_last_one() -> None:
    assert _days_after(date(2026, 1, 1), 3_000_000) == date.max
    assert _days_after(date(2026, 1, 1), 31) == date(2026, 2, 1)


@pytest.mark.parametrize("word", ["amount.pkh.AUD=99999999999999999999", "quota.pkh=99999999999999999999"])
def test_a_scenario_gives_no_number_beyond_what_sums_can_hold(word: str) -> None:
    with pytest.raises(WrongUsage):
        parse_scenario(f"a:{word}")


def test_a_link_is_not_replaced_by_a_result(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(Refused, match="is a link"):
        determine("35.10", "2026-T1", tmp_path, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
