"""Region codes of one row, judged together."""

from __future__ import annotations

import pytest

from perlinsos.errors import Refused
from perlinsos.settings import load_settings
from perlinsos.sources.places import Codes, Place, load_gazetteer, refuse_bps_codes, resolve_place

KEMENDAGRI = ("kemendagri", "kemendagri", "kemendagri")
BPS = ("bps", "bps", "bps")


def resolve(
    region: str | None, district: str | None = None, village: str | None = None, systems: tuple[str, str, str] = KEMENDAGRI
) -> Place:
    return resolve_place((region, district, village), load_gazetteer(load_settings().folder("reference")), systems)


def test_codes_of_today_are_kept_and_written_with_points() -> None:
    expected = Place(("35.10", "35.10.16", "35.10.16.1014"))
    assert resolve("35.10", "35.10.16", "35.10.16.1014") == resolve("3510", "351016", "3510161014") == expected


def test_bps_codes_are_converted_where_the_source_declares_them() -> None:
    assert resolve("3510", "3510160", None, BPS).codes == ("35.10", "35.10.19", None)


def test_a_lost_zero_is_repaired_only_where_the_row_proves_it() -> None:
    assert resolve("35.1", "35.10.16") == Place(("35.10", "35.10.16", None), ("region_code.region_repaired",))
    assert resolve("35.1").issues == ("region_code.region_unknown",)
    assert resolve("35.1", "35.09.01").issues == ("region_code.region_unknown",)


def test_codes_must_nest() -> None:
    assert resolve("35.10", "35.09.01").issues == ("district_code.region_conflict",)
    assert resolve("35.10", None, "35.09.01.2001").issues == ("village_code.region_conflict",)


def test_a_retired_code_is_carried_forward_with_its_parents() -> None:
    found = resolve("35.10", "35.10.13", "35.10.13.2003")
    assert found == Place(("35.10", "35.10.25", "35.10.25.2007"), ("village_code.region_repaired",))


@pytest.mark.parametrize("codes", [("99.99", None, None), ("35.10", "35.10.99", None), ("35.10.16", None, None)])
def test_unknown_codes_are_never_guessed(codes: Codes) -> None:
    assert resolve(*codes).issues[0].endswith(".region_unknown")


def test_bps_codes_in_a_kemendagri_column_refuse_with_the_evidence() -> None:
    gazetteer = load_gazetteer(load_settings().folder("reference"))
    with pytest.raises(Refused, match="BPS codes"):
        refuse_bps_codes([(("3510", "3510160", None), 30), (("35.10", "35.10.16", None), 5)], gazetteer, KEMENDAGRI)
    refuse_bps_codes([(("3510", "3510160", None), 3), (("35.10", "35.10.16", None), 30)], gazetteer, KEMENDAGRI)


def test_a_row_with_an_unknown_village_keeps_its_region() -> None:
    found = resolve("35.10", "35.10.16", "35.10.16.9999")
    assert found == Place(("35.10", "35.10.16", None), ("village_code.region_unknown",))
