"""A programme's code may have hyphens, and nothing else may come into a list's name."""

import pytest

from perlinsos.errors import Refused
from perlinsos.ledger import records
from perlinsos.ledger.connection import fetch_rows, transaction

from .records_of_tests import make_cycle, make_region


def test_the_lists_of_a_region_with_more_programmes(settings):
    with transaction(settings, "registrar") as connection:
        records.add_region(connection, make_region("35.78", programmes=("pkh", "blt-dana-desa", "pbi-jk")))
        records.add_cycle(connection, make_cycle("35.78"))
    with transaction(settings, "reader") as connection:
        found = fetch_rows(connection, "select list_id from list where region_code = '35.78' order by list_id")
    names = ["blt-dana-desa", "pbi-jk", "pkh"]
    assert [row["list_id"] for row in found] == [f"2026-T1/35.78/{name}" for name in names]


def test_another_name_is_refused(settings):
    with pytest.raises(Refused) as caught, transaction(settings, "registrar") as connection:
        records.add_region(connection, make_region("35.79", programmes=("../pkh",)))
        records.add_cycle(connection, make_cycle("35.79"))
    assert "list_programme_check" in str(caught.value)
