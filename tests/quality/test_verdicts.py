"""Every received row ends in exactly one place, with the rules that say why."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq
import pytest

from perlinsos.errors import PerlinsosError
from perlinsos.model.vocabulary import NUMBER_SIGNALS
from perlinsos.quality.check import CheckOutcome
from perlinsos.quality.funnel import funnel_rows
from perlinsos.sources.read import RefusedDelivery

from .conftest import PERSON, Judge, describe, person


def messages(outcome: CheckOutcome) -> dict[int, set[str]]:
    """The messages of every row, with `!` where it is quarantined."""
    found: dict[int, set[str]] = {}
    for row in pq.read_table(outcome.accepted).to_pylist():
        found[row["_row"]] = {item["rule"] for item in row["_warnings"]}
    for row in pq.read_table(outcome.quarantine).to_pylist():
        found[row["_row"]] = {"!", *(item["rule"] for item in (*row["_errors"], *row["_warnings"]))}
    return found


def test_rows_and_numbers_add_up(judge: Judge) -> None:
    outcome = judge([person(7061), person(7062, name=""), person(7063, sex=""), person(7064, family_relation="12")])
    assert messages(outcome) == {
        1: set(),
        2: {"name.value_missing"},
        3: {"!", "sex.value_missing"},
        4: {"!", "family_relation.value_range"},
    }
    told = outcome.told
    assert (told["received"], told["accepted"], told["accepted_with_warnings"], told["quarantined"]) == (4, 1, 1, 2)


def test_quarantine_keeps_every_cell_as_it_arrived(judge: Judge) -> None:
    outcome = judge([person(7061, birth_date="31/02/1988", name=" Na ", sex="l")])
    row = pq.read_table(outcome.quarantine).to_pylist()[0]
    arrived = person(7061, birth_date="31/02/1988", name=" Na ", sex="l")
    assert {name: row[name] for name in arrived} == arrived
    assert [len(item["rule_fingerprint"]) for item in row["_errors"]] == [16]


@pytest.mark.parametrize(
    ("nik", "warned"),
    [
        ("3510163209727061", "nik.NIK_TIDAK_VALID"),
        ("3510160013727061", "nik.NIK_TIDAK_VALID"),
        ("3510162902017061", "nik.NIK_TIDAK_VALID"),
        ("3500162509727061", "nik.NIK_TIDAK_VALID"),
        ("3510162509720000", "nik.NIK_TIDAK_VALID"),
        ("3510166509727061", "nik.NIK_JENIS_KELAMIN_BEDA"),
        ("3510162409727061", "nik.NIK_TGL_LAHIR_BEDA"),
        ("9101012509727061", None),
    ],
)
def test_the_digits_of_a_nik_only_warn(judge: Judge, nik: str, warned: str | None) -> None:
    assert messages(judge([{**person(), "nik": nik}])) == {1: {warned} if warned else set()}


@pytest.mark.parametrize("code", NUMBER_SIGNALS)
@pytest.mark.parametrize("gate", [False, True])
def test_a_number_of_a_person_is_no_value_of_a_signal(judge: Judge, code: str, gate: bool) -> None:
    """A shifted column: a NIK stands where the watts, the wage or the square metres belong."""
    values = [PERSON["nik"], "100000000000", "99999999999", "2200", "0", ""]
    rows = [{"nik": PERSON["nik"], "source": "UJI", "code": code, "value": value, "observed_on": ""} for value in values]
    rows = [row | {"observed_on": f"2025-12-{day:02}"} for day, row in enumerate(rows, 1)]
    found = messages(judge(rows, describe("signal"), gate=gate))
    assert found == {1: {"!", "value.value_range"}, 2: {"!", "value.value_range"}, 3: set(), 4: set(), 5: set(), 6: set()}


def test_long_text_of_a_fact_that_only_says_yes_stays(judge: Judge) -> None:
    row = {"nik": PERSON["nik"], "source": "UJI", "code": "ASN", "value": "198001012005011001", "observed_on": "2025-12-01"}
    assert messages(judge([row], describe("signal"))) == {1: set()}


def test_a_repeated_key_warns_after_the_first(judge: Judge) -> None:
    found = messages(judge([person(7061), person(7062), person(7061), person(7061, name="LAIN")]))
    assert found == {1: set(), 2: set(), 3: {"nik.duplicate_row"}, 4: {"nik.duplicate_row"}}


def test_a_column_that_is_not_delivered_warns_about_no_row(judge: Judge) -> None:
    rows = [{name: cell for name, cell in person().items() if name != "name"}]
    assert messages(judge(rows)) == {1: set()}


def many(bad: int, good: int) -> list[dict[str, str]]:
    rows = [person(7000 + number, sex="X") for number in range(bad)]
    return rows + [person(8000 + number) for number in range(good)]


@pytest.mark.parametrize(
    ("bad", "good", "keys", "is_refused"),
    [
        (10, 189, {}, True),
        (10, 190, {}, False),
        (9, 20, {}, False),
        (3, 97, {"rules": {"code_unknown": {"max_percent": 1, "min_rows": 1}}}, True),
        (30, 20, {"shares": {"rules": {"sex.code_unknown": {"max_percent": 90}}}}, False),
    ],
)
def test_one_rule_above_its_share_refuses(judge: Judge, bad: int, good: int, keys: dict[str, Any], is_refused: bool) -> None:
    source = describe(**{"shares": {}, **keys})
    if not is_refused:
        assert judge(many(bad, good), source).told["quarantined"] == bad
        return
    with pytest.raises(RefusedDelivery) as error:
        judge(many(bad, good), source)
    assert "sex.code_unknown" in error.value.where
    assert error.value.outcome["received"] == bad + good
    assert error.value.outcome["rules"][0]["rows"] == bad


def test_an_empty_delivery_refuses_unless_the_source_allows_it(judge: Judge) -> None:
    header_only = [dict.fromkeys(person(), "")]
    with pytest.raises(RefusedDelivery, match="no data rows"):
        judge(header_only)
    outcome = judge(header_only, describe(allow_empty=True), out="allowed", gate=True)
    assert outcome.told["received"] == outcome.accepted_rows == 0


def test_drift_beside_the_delivery_before_warns(judge: Judge) -> None:
    before = judge([person(7000 + n, occupation="PETANI") for n in range(10)], out="before").told
    told = judge([person(7000 + n, occupation="") for n in range(5)], previous=before).told
    assert {(item["rule"], item["column"]) for item in told["warnings"]} == {
        ("rows_drift", "*"),
        ("null_drift", "occupation"),
    }


def test_a_funnel_that_does_not_add_up_is_an_error() -> None:
    told = {"received": 3, "accepted": 1, "accepted_with_warnings": 1, "quarantined": 0}
    with pytest.raises(PerlinsosError, match="do not add up"):
        funnel_rows(told)
    assert [row["rows"] for row in funnel_rows({**told, "quarantined": 1})] == [3, 1, 1, 1]
