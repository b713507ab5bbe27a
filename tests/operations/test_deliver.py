"""Deliver: a person lays a delivery down as an agency does, and nothing that would be refused unread."""

from datetime import date

import pytest

from perlinsos.cli import app
from perlinsos.errors import Refused, WrongUsage
from perlinsos.operations import accept, pull
from perlinsos.operations.deliver import deliver_files
from perlinsos.operations.quarantine import show_quarantined

from .conftest import deliver_rows, read_rows
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


def test_a_number_that_was_asked_for_is_used_once(ctx, part):
    assert deliver_files(ctx, "test-family", "35.10", DAY, [part], suffix=2).prefix == "test-family/35.10/2025-12-20-2"
    with pytest.raises(Refused, match="holds something already"):
        deliver_files(ctx, "test-family", "35.10", DAY, [part], suffix=2)


@pytest.mark.parametrize("word", ["2025-12-20-1", "2025-12-32", "20 December", "2025-12-20-02"])
def test_a_word_that_is_no_day_is_wrong_usage(part, word):
    words = ["deliver", "--source", "test-family", "--scope", "35.10", "--snapshot-date", word, str(part)]
    with pytest.raises(WrongUsage, match="is no day"):
        app(words, standalone_mode=False)


def test_the_advice_of_a_refused_delivery_works_as_it_is_printed_until_a_later_one_takes_its_place(
    world, monkeypatch, capsys, part
):
    """What is printed is typed word for word; then the refused delivery says that nothing is to be done."""
    settings = world.settings
    with pytest.raises(Refused):
        deliver_rows(world, "test-family", [{"decile": 1}], day="2025-12-21")
    refused = read_rows(world, "select delivery_id from delivery where state = 'refused'")[0]["delivery_id"]
    shown = show_quarantined(world, refused)
    assert shown["command"] == "perlinsos deliver --source test-family --scope 35.10 --snapshot-date 2025-12-21 FILE"
    assert shown["correction"] == "test-family/35.10/2025-12-21-2/" and shown["superseded_by"] is None
    assert "test-family/35.10/2025-12-21/" in shown["error"]["where"], shown["error"]
    monkeypatch.setenv("PERLINSOS_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("PERLINSOS_S3_ENDPOINT", settings.s3_endpoint)
    monkeypatch.setenv("PERLINSOS_HOME", str(settings.home))
    monkeypatch.setenv("PERLINSOS_PROJECT", str(settings.project))
    app(["quarantine", "show", str(refused)], standalone_mode=False)
    told = capsys.readouterr().out
    assert shown["command"] in told and f"lay the corrected file under {shown['correction']} of" in told
    laid = deliver_files(world, "test-family", "35.10", date(2025, 12, 21), [part])
    assert f"{laid.prefix}/" == shown["correction"]
    pull.fetch(world, "test-family")
    accept.accept(world.at_time(world.at.replace(minute=5)), "35.10")
    after = show_quarantined(world, refused)
    assert (after["correction"], after["command"]) == (None, None)
    app(["quarantine", "show", str(refused)], standalone_mode=False)
    assert f"the later delivery {after['superseded_by']} has taken its place: nothing is to be done" in capsys.readouterr().out
