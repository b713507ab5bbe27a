"""A programme file says only what the vocabulary allows, with dates that do not overlap."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from perlinsos.errors import Refused
from perlinsos.model.programmes import load_programme
from perlinsos.recipients.rule_tables import months_before
from perlinsos.recipients.rules import resolve

PROGRAMMES = Path(__file__).resolve().parents[2] / "programmes"


def _spoilt(folder: Path, old: str, new: str) -> Path:
    text = (PROGRAMMES / "pkh" / "programme.yaml").read_text()
    assert old in text
    path = folder / "pkh" / "programme.yaml"
    path.parent.mkdir()
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "where", "why"),
    [
        pytest.param("attribute: school_level", "attribute: schooling", "", "unknown attribute schooling", id="attribute"),
        pytest.param("is: SD}", "is: TK}", "", "school_level is one of SD, SMP, SMA", id="word"),
        pytest.param("attribute: age, max: 6", "attribute: age, max: 6, min: 1", "AUD.who", "exactly one", id="two"),
        pytest.param("attribute: age, max: 6", "attribute: age, max: six", "", "whole number", id="not a number"),
        pytest.param("unit: family", "unit: household", "unit", "family", id="unit"),
        pytest.param("unit: family", "unit: family\nformula: age * 2", "formula", "not permitted", id="a further key"),
        pytest.param("from: 2024-01-01, value: 3,", "from: 2020-01-01, value: 3,", "max_children", "overlapping", id="dates"),
        pytest.param("01, value: 70", "01, until: 2024-06-30, value: 70", "elderly_min_age", "overlapping", id="until"),
        pytest.param("checked_on: 2026-11-25}", "checked_on: yesterday}", "checked_on", "date", id="day"),
        pytest.param("{parameter: elderly_min_age}", "{parameter: old_age}", "", "unknown parameter old_age", id="parameter"),
        pytest.param("attribute: decile, above:", "attribute: decile, min:", "", "a test of decile is written", id="family test"),
        pytest.param("  MENINGGAL:", "  DAYA_LISTRIK:", "", "stands twice", id="a key twice"),
    ],
)  # fmt: skip
def test_a_faulty_file_is_refused_with_place_and_remedy(tmp_path: Path, old: str, new: str, where: str, why: str) -> None:
    with pytest.raises(Refused) as caught:
        load_programme(_spoilt(tmp_path, old, new))
    assert "pkh/programme.yaml" in caught.value.where
    assert where in caught.value.where
    assert why in caught.value.why
    assert caught.value.remedy


def test_values_hold_from_their_first_day() -> None:
    def members(day: date) -> tuple[object, ...]:
        values = resolve(PROGRAMMES, ["pkh"], day, "population", {}, {}).programmes[0].values
        return values["elderly_min_age"], values["max_children"], values["max_elderly"]

    assert members(date(2023, 12, 31)) == (70, None, 1)
    assert members(date(2024, 1, 1)) == (60, 3, None)


def test_the_digest_follows_the_resolved_rules_only() -> None:
    def digest(day: date, **settings: object) -> str:
        return resolve(PROGRAMMES, ["pkh"], day, "population", settings, {}).programmes[0].digest

    same = digest(date(2026, 1, 1))
    assert digest(date(2026, 4, 1)) == same
    assert digest(date(2026, 1, 1), **{"pkh.max_members": 4, "bpnt.max_decile": 3}) == same
    assert digest(date(2026, 1, 1), **{"pkh.max_members": 3}) != same
    assert digest(date(2026, 1, 1), lottery_seed="x") != same


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 1), 10, date(2025, 3, 1)), (date(2026, 1, 1), 12, date(2025, 1, 1)),
        (date(2025, 12, 31), 10, date(2025, 2, 28)), (date(2024, 12, 31), 10, date(2024, 2, 29)),
        (date(2026, 3, 31), 0, date(2026, 3, 31)), (date(2020, 1, 1), 999_999, date.min),
    ],
)  # fmt: skip
def test_months_before(day: date, months: int, expected: date) -> None:
    assert months_before(day, months) == expected


def test_no_amount_age_or_limit_stands_in_code() -> None:
    root = PROGRAMMES.parent
    files = [*(root / "src/perlinsos/recipients").glob("*.py"), *(root / "sql/recipients").glob("*.sql")]
    numbers = re.compile(r"(?<![\d_])(3000000|900000|1500000|2000000|2400000|10800000|2200|70|60|21)(?![\d_])")
    assert [path.name for path in files if numbers.search(path.read_text())] == []
