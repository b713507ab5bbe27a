"""Single cells: ids, numbers, dates, words. One table each: what arrives, the value, the message."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from .conftest import ReadBytes, describe

NIK = "3510162509727061"


def read_column(read: ReadBytes, name: str, cells: list[str], dataset: str, **keys: Any) -> list[tuple[Any, str | None]]:
    """Value and issues of each cell of one column, in a file that holds this column and all required ones."""
    source = describe(dataset, **keys)
    filler = {
        "population": {"nik": NIK, "no_kk": NIK, "sex": "L", "birth_date": "1972-09-25", "family_relation": "1",
                       "region_code": "35.10", "status": "active"},
        "signal": {"nik": NIK, "code": "WAGE", "value": "1", "observed_on": "2025-10-01"},
        "welfare_family": {"no_kk": NIK, "dtsen_period": "2025-Q4", "decile": "1", "region_code": "35.10"},
        "registration": {"nik": NIK, "no_kk": NIK, "registered_at": "2025-12-01", "consent": "true"},
        "objection": {"objection_id": "x", "received_at": "2025-12-01", "channel": "portal", "claims": "AMOUNT"},
    }[dataset]  # fmt: skip
    names = list(dict.fromkeys([*filler, name]))
    lines = ["\t".join(names)]
    lines += ["\t".join({**filler, name: '"' + cell.replace('"', '""') + '"'}[n] for n in names) for cell in cells]
    rows = read("\n".join(lines).encode(), source)
    return [(row[name], row["_issues"]) for row in rows]


@pytest.mark.parametrize(
    ("cell", "value", "issue"),
    [
        (NIK, NIK, None),
        (f"'{NIK}", NIK, "nik.id_repaired"),
        (f" {NIK}", NIK, "nik.id_repaired"),
        ("3510 1625 0972 7061", NIK, "nik.id_repaired"),
        (f"NIK : {NIK}", NIK, "nik.id_repaired"),
        (f"\u200b{NIK}\ufeff", NIK, "nik.id_repaired"),
        ("٣٥١٠١٦٢٥٠٩٧٢٧٠٦١", None, "nik.id_form"),
        ("351016250972706", None, "nik.id_form"),
        (f"{NIK}.0", None, "nik.id_as_number"),
        ("3,51016E+15", None, "nik.id_as_number"),
        ("TIDAK ADA", None, "nik.id_empty"),
        ("-", None, "nik.id_empty"),
        ("0000000000000000", "0000000000000000", None),
        ("3510-1625-0972-7061", None, "nik.id_form"),
    ],
)
def test_id(read_bytes: ReadBytes, cell: str, value: str | None, issue: str | None) -> None:
    assert read_column(read_bytes, "nik", [cell], "population") == [(value, issue)]


def test_word_for_none_in_an_optional_id_is_null_with_a_warning(read_bytes: ReadBytes) -> None:
    found = read_column(read_bytes, "filed_by_nik", ["", "TIDAK ADA", "12"], "objection")
    assert found == [(None, None), (None, "filed_by_nik.id_empty"), (None, "filed_by_nik.id_form")]


def test_dates_are_day_first_and_never_guessed(read_bytes: ReadBytes) -> None:
    cells = {
        "1985-04-03": (date(1985, 4, 3), None),
        "03/04/1985": (date(1985, 4, 3), None),
        "3.4.1985": (date(1985, 4, 3), None),
        "3 Pebruari 1985": (date(1985, 2, 3), None),
        "03-Agt-1985": (date(1985, 8, 3), None),
        "31105": (date(1985, 2, 27), None),
        "Senin, 3 Mei 1985": (date(1985, 5, 3), "birth_date.date_repaired"),
        "1985-04-03 10:30": (date(1985, 4, 3), "birth_date.time_dropped"),
        "1985-04-03T20:30:00Z": (date(1985, 4, 4), "birth_date.time_dropped"),
        "03/04/85": (None, "birth_date.date_ambiguous"),
        "04/13/1985": (None, "birth_date.date_invalid"),
        "31/02/1985": (None, "birth_date.date_invalid"),
        "00/00/0000": (None, "birth_date.date_invalid"),
        "2025-10-0": (None, "birth_date.date_invalid"),
        "1985-04-03 25:00": (None, "birth_date.date_invalid"),
        "3 Mai 1985": (None, "birth_date.date_invalid"),
        "03041985": (None, "birth_date.date_invalid"),
        "3/4-1985": (None, "birth_date.date_invalid"),
        "1985": (None, "birth_date.date_invalid"),
    }
    found = read_column(read_bytes, "birth_date", list(cells), "population")
    assert dict(zip(cells, found, strict=True)) == cells


def test_two_digit_years_need_the_sources_century(read_bytes: ReadBytes) -> None:
    columns = {"birth_date": {"formats": ["%d/%m/%y"], "century": {"pivot": 27}}}
    found = read_column(read_bytes, "birth_date", ["03/04/26", "03/04/27"], "population", columns=columns)
    assert [value for value, _ in found] == [date(2026, 4, 3), date(1927, 4, 3)]


def test_moments_have_a_zone_and_are_jakartas_without_one(read_bytes: ReadBytes) -> None:
    cells = ["2025-12-01T08:00:00+07:00", "2025-12-01 08:00", "2025-12-01T01:00:00Z", "01/12/2025 08:00:00"]
    found = read_column(read_bytes, "registered_at", cells, "registration")
    assert {value.astimezone(UTC) for value, _ in found} == {datetime(2025, 12, 1, 1, tzinfo=UTC)}


def test_a_zone_may_be_hours_alone_as_postgresql_writes_it(read_bytes: ReadBytes) -> None:
    cells = {
        "2025-12-01 08:00:00+07": (datetime(2025, 12, 1, 1, tzinfo=UTC), None),
        "2025-12-01 08:00:00.25+07": (datetime(2025, 12, 1, 1, 0, 0, 250_000, tzinfo=UTC), None),
        "2025-11-30 21:30:00-0330": (datetime(2025, 12, 1, 1, tzinfo=UTC), None),
        "2025-12-01 08:00:00+7": (None, "registered_at.date_invalid"),
    }
    found = read_column(read_bytes, "registered_at", list(cells), "registration")
    assert [(value and value.astimezone(UTC), issue) for value, issue in found] == list(cells.values())


def test_money_is_read_one_way_by_the_columns_evidence(read_bytes: ReadBytes) -> None:
    indonesian = read_column(read_bytes, "value", ["1.500", "2.989.145,00", "Rp 3.000.000,-", "1,5"], "signal")
    assert indonesian == [("1500", None), ("2989145", None), ("3000000", None), (None, "value.value_type")]
    english = read_column(read_bytes, "value", ["1,500", "2,989,145.00"], "signal")
    assert english == [("1500", None), ("2989145", None)]
    unknown = read_column(read_bytes, "value", ["1.500", "450000"], "signal")
    assert unknown == [(None, "value.number_ambiguous"), ("450000", None)]
    declared = read_column(read_bytes, "value", ["1.500"], "signal", format={"decimal": ","})
    assert declared == [("1500", None)]


def test_decile_words_mean_null_numbers_count_other_text_is_unknown(read_bytes: ReadBytes) -> None:
    cells = ["1", "01", "0", "-", "belum diperingkat", "", "Desil 1", "2,5"]
    found = read_column(read_bytes, "decile", cells, "welfare_family")
    assert [value for value, _ in found] == [1, 1, None, None, None, None, None, None]
    assert [issue for _, issue in found[-2:]] == ["decile.code_unknown", "decile.value_type"]
    assert {issue for _, issue in found[:-2]} == {None}


def test_a_list_of_number_codes_lets_no_other_number_pass(read_bytes: ReadBytes) -> None:
    columns = {"electricity_va": {"values": {"1": 450, "2": 900}}}
    found = read_column(read_bytes, "electricity_va", ["1", "2", "6"], "welfare_family", columns=columns)
    assert found == [(450, None), (900, None), (None, "electricity_va.code_unknown")]


def test_words_are_mapped_by_the_source_and_t_is_never_true(read_bytes: ReadBytes) -> None:
    columns = {"consent": {"values": {"Y": True}}}
    found = read_column(read_bytes, "consent", ["y", "TRUE", "0", "T"], "registration", columns=columns)
    assert found == [(True, None), (True, None), (False, None), (None, "consent.code_unknown")]


def test_text_is_kept_exactly(read_bytes: ReadBytes) -> None:
    cells = ["Null", " NAN ", "=1+1", "\\N", 'kata "tunggu"', "O'Hara; --"]
    assert [value for value, _ in read_column(read_bytes, "name", cells, "population")] == cells


def test_claims_are_a_list(read_bytes: ReadBytes) -> None:
    found = read_column(read_bytes, "claims", ["AMOUNT | RANK", "kurang"], "objection")
    assert found == [(["AMOUNT", "RANK"], None), (None, "claims.code_unknown")]
