"""Deliver: a person lays a delivery down as an agency does, and nothing that would be refused unread."""

from datetime import date

import pytest

from perlinsos.errors import Refused, WrongUsage
from perlinsos.operations import pull
from perlinsos.operations.deliver import deliver_files

from .sources_of_tests import as_csv, family

DAY = date(2025, 12, 20)


@pytest.fixture
def part(tmp_path):
    """A file of one row."""
    path = tmp_path / "part.csv"
    path.write_text(as_csv([family(1)]))
    return path


def test_a_delivery_is_taken_by_the_next_pull_and_a_second_one_is_its_correction(ctx, region, part, rows):
    assert deliver_files(ctx, "test-family", "35.10", DAY, [part]).prefix == "test-family/35.10/2025-12-20"
    assert len(pull.fetch(ctx, "test-family")["deliveries"]) == 1
    part.write_text(as_csv([family(2)]))
    assert deliver_files(ctx, "test-family", "35.10", DAY, [part]).prefix == "test-family/35.10/2025-12-20-2"
    pull.fetch(ctx, "test-family")
    assert [row["suffix"] for row in rows("select suffix from delivery order by suffix")] == [1, 2]


@pytest.mark.parametrize(
    ("source", "scope", "day"),
    [("nobody", "35.10", DAY), ("test-family", "national", DAY), ("test-signal", "35.10", DAY), ("test-family", "35", DAY)],
)
def test_a_wrong_source_or_scope_lays_nothing(ctx, part, source, scope, day):
    with pytest.raises(WrongUsage):
        deliver_files(ctx, source, scope, day, [part])
    assert list(ctx.storage.list("perlinsos-landing")) == []


def test_a_day_without_a_legal_basis_or_a_missing_file_lays_nothing(ctx, part, tmp_path):
    for day, path in ((date(2019, 1, 1), part), (DAY, tmp_path / "missing.csv")):
        with pytest.raises(Refused):
            deliver_files(ctx, "test-family", "35.10", day, [path])
    assert list(ctx.storage.list("perlinsos-landing")) == []
