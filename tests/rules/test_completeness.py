"""Nothing that the rules can say or ask is without a worked case. Computed from the catalogue and the programme files:
a new code, limit or dated value without cases turns these tests red.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from perlinsos.model.programmes import Programme, RegionValue, load_parameters, load_programme

from .what_cases_show import (
    CATALOGUE,
    PROGRAMMES,
    codes_of,
    day_before,
    general_codes,
    limits_in_file,
    number_tests,
    shown_by,
    signals_asked,
    wage_days,
)

CODES = sorted(path.parent.name for path in PROGRAMMES.glob("*/programme.yaml"))
PARAMETERS = load_parameters(PROGRAMMES / "parameters.yaml")


def _programme(code: str) -> Programme:
    return load_programme(PROGRAMMES / code / "programme.yaml")


def test_every_code_of_the_catalogue_is_produced_by_some_case() -> None:
    given = {code for code, reason in CATALOGUE.items() if reason.kind != "objection"}
    assert given - set().union(*(shown_by(code).codes for code in CODES)) == set()


@pytest.mark.parametrize("unit", ["family", "person"])
def test_every_general_code_is_produced_for_each_unit(unit: str) -> None:
    own = [code for code in CODES if _programme(code).unit == unit]
    assert general_codes() - set().union(*(shown_by(code).codes for code in own)) == set()


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_a_programme_is_produced_by_its_cases(code: str) -> None:
    assert codes_of(_programme(code)) - shown_by(code).codes == set()


def _tests() -> list[Any]:
    return [
        pytest.param(code, where, limit, id=f"{code}-{where}-{limit}")
        for code in CODES
        for where, test, _ in number_tests(_programme(code))
        for limit in sorted(limits_in_file(_programme(code), test), key=str)
    ]


@pytest.mark.parametrize(("code", "where", "limit"), _tests())
def test_below_on_and_above_each_limit(code: str, where: str, limit: Any) -> None:
    shown = shown_by(code)
    if limit is None:  # off: somebody has a value, and with a limit set by hand there are the three
        assert where in shown.is_off
        assert any(place == where and {-1, 0, 1} <= found for (place, _), found in shown.distances.items())
        return
    is_least = limit == 1 and where.endswith(("DESIL_DI_ATAS_BATAS", "living_members above"))  # there is nothing below
    assert ({0, 1} if is_least else {-1, 0, 1}) - shown.distances[where, limit] == set()
    if ": age" in where:
        assert {0, 1} - shown.birthdays[where, limit] == set(), "the birthday today, and tomorrow"


def _caps() -> list[Any]:
    found = []
    for code in CODES:
        programme = _programme(code)
        for cap in programme.caps:
            parameter = programme.parameters[cap.parameter]
            limits = {parameter.read(dated.value) for dated in parameter.values}
            found += [pytest.param(code, cap.code, limit, limits, id=f"{code}-{cap.code}-{limit}") for limit in limits]
    return found


@pytest.mark.parametrize(("code", "cap", "limit", "limits"), _caps())
def test_below_on_and_above_each_cap(code: str, cap: str, limit: int | None, limits: set[int | None]) -> None:
    shown = shown_by(code)
    if limit is None:
        assert any(count > max(one for one in limits if one) for count in shown.counted[cap, None])
        return
    assert {limit - 1, limit} - shown.counted[cap, limit] == set()
    assert (cap, limit) in shown.cut


def _first_days() -> list[Any]:
    found: set[tuple[str, str, date]] = set()
    for code in CODES:
        programme = _programme(code)
        named = {"gate": programme.gate, "unit_amount_year_idr": programme.unit_amount_year_idr}
        named |= {"paid_in": programme.paid_in, "excluded_by": programme.excluded_by}
        named |= {name: parameter.values for name, parameter in (programme.parameters | PARAMETERS).items()}
        named |= {name: part.amount_year_idr for name, part in programme.components.items()}
        begins = min(dated.first_day for dated in programme.amounts)
        found |= {(code, name, max(dated.first_day, begins)) for name, values in named.items() for dated in values}
    return [pytest.param(*one, id="-".join(map(str, one))) for one in sorted(found)]


@pytest.mark.parametrize(("code", "name", "day"), _first_days())
def test_the_first_day_of_each_value_and_the_day_before(code: str, name: str, day: date) -> None:
    shown = shown_by(code)
    assert day in shown.days
    begins = min(dated.first_day for dated in _programme(code).amounts)
    assert day_before(day) in (shown.refused_days if day == begins else shown.days)


@pytest.mark.parametrize("code", CODES)
def test_minimum_wages_that_change_inside_a_year(code: str) -> None:
    tests = [test for _, test, _ in number_tests(_programme(code)) if isinstance(test.limit, RegionValue)]
    for day, regions in wage_days().items() if tests else ():
        shown = shown_by(code)
        assert shown.regions[day] & shown.regions[day_before(day)] & regions, f"{day}: both days in one of {regions}"


@pytest.mark.parametrize("code", CODES)
def test_the_ages_of_signals(code: str) -> None:
    for signal in signals_asked(_programme(code)):
        assert {-1, 0, 1} - shown_by(code).signal_ages[signal] == set(), signal


@pytest.mark.parametrize("code", CODES)
def test_each_amount_is_paid_alone_in_some_case(code: str) -> None:
    programme = _programme(code)
    parts = {(name, int(dated.value)) for name, part in programme.components.items() for dated in part.amount_year_idr}
    parts |= {("", int(dated.value)) for dated in programme.unit_amount_year_idr}
    assert parts - shown_by(code).amounts == set()


@pytest.mark.parametrize("code", CODES)
def test_the_places_around_the_quota(code: str) -> None:
    assert {-1, 0, 1} - shown_by(code).places == set()


def test_every_programme_has_cases() -> None:
    assert [code for code in CODES if not Path(PROGRAMMES / code / "cases.yaml").exists()] == []
