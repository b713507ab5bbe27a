"""The read model on a real ledger: what is shown to whom, in which order, and in which words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import psycopg2
import pytest

from ledger.records_of_tests import make_cycle, make_region
from perlinsos.errors import WrongUsage
from perlinsos.ledger import records
from perlinsos.ledger.connection import call, transaction
from perlinsos.ledger.input_sets import make_input_set
from perlinsos.watch import rights
from perlinsos.watch.coverage import Filters, read_coverage
from perlinsos.watch.dates import ANNOUNCEMENT, CUT_OFF, WINDOW_CLOSES, find_next_date
from perlinsos.watch.region import read_region
from perlinsos.watch.words import hide, span

AT = datetime(2025, 12, 1, tzinfo=UTC)
EVERYTHING = rights.Rights("admin", "operator", None)


@pytest.fixture
def regions(settings):
    """Three regions; the last has a past stage too."""
    with transaction(settings, "registrar") as connection:
        for code, zone in (("35.10", "WIB"), ("51.01", "WITA"), ("91.01", "WIT")):
            records.add_region(connection, make_region(code, zone))
            records.add_cycle(connection, make_cycle(code))
        records.add_cycle(connection, make_cycle("91.01", "2025-T4", purpose="backfill", cut_off="2025-10-01"))
    return settings


def read(settings, filters=None, user=EVERYTHING):
    with rights.open_pages(settings) as connection:
        return read_coverage(connection, user, filters or Filters(), AT)


def test_a_cell_of_every_region_and_stage(regions):
    cells = read(regions).cells
    live = {(code, "2026-T1", "live") for code in ("35.10", "51.01", "91.01")}
    assert {(cell.region, cell.stage, cell.purpose) for cell in cells} == {*live, ("91.01", "2025-T4", "backfill")}
    assert {cell.words for cell in cells} == {"no tick of dispatch has seen it yet"}


def test_least_time_first_in_each_regions_own_clock_and_what_has_no_date_last(regions):
    cells = read(regions, Filters(sort="time_left")).cells
    assert [(cell.region, cell.purpose) for cell in cells] == [
        ("91.01", "live"), ("51.01", "live"), ("35.10", "live"), ("91.01", "backfill"),
    ]  # fmt: skip
    assert cells[2].time_left(AT) - cells[0].time_left(AT) == timedelta(hours=2)


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        (Filters(purpose="backfill"), ["91.01"]),
        (Filters(province="51"), ["51.01"]),
        (Filters(region="35.10"), ["35.10"]),
        (Filters(stage="2025-T4"), ["91.01"]),
        (Filters(level="fine"), []),
        (Filters(programme="pip"), []),
    ],
)
def test_filters(regions, filters, shown):
    assert [cell.region for cell in read(regions, filters).cells] == shown


def test_a_user_of_a_region_sees_it_alone_and_another_one_is_as_if_it_were_not(regions):
    rights.grant(regions, " officer ", "region", ["51.01"], "test")
    with rights.open_pages(regions) as connection:
        user = rights.read_rights(connection, "officer", is_operator=False)
        assert user == rights.Rights("officer", "region", ("51.01",))
        assert [cell.region for cell in read_coverage(connection, user, Filters(), AT).cells] == ["51.01"]
        assert read_region(connection, user, "35.10", AT) is None
        assert read_region(connection, user, "51.01", AT).region["zone"] == "WITA"
        assert rights.read_rights(connection, "nobody", is_operator=False) is None


def test_what_was_granted_is_replaced_and_taken_away(regions):
    rights.grant(regions, "officer", "region", ["51.01"], "test")
    rights.grant(regions, "officer", "auditor", [], "test")
    assert [(one["user"], one["role"], one["regions"]) for one in rights.list_users(regions)] == [("officer", "auditor", [])]
    assert rights.revoke(regions, "officer", "test") and not rights.revoke(regions, "officer", "test")


@pytest.mark.parametrize(("name", "role", "regions"), [("x", "boss", []), ("x", "region", []), (" ", "auditor", [])])
def test_a_grant_that_makes_no_sense_is_refused(settings, name, role, regions):
    with pytest.raises(WrongUsage):
        rights.grant(settings, name, role, regions, "test")


def test_an_auditor_is_told_no_command(regions):
    assert {cell.command for cell in read(regions, user=rights.Rights("auditor", "auditor", None)).cells} == {""}


@pytest.mark.parametrize("table", ["objection", "correction", "family_claim", "approval", "decree", "audit", "consumer"])
def test_the_watcher_reads_no_table_with_persons_or_names(settings, table):
    denied = pytest.raises(psycopg2.errors.InsufficientPrivilege)
    with rights.open_pages(settings) as connection, connection.cursor() as cursor, denied:
        cursor.execute(f"select * from {table}")


def test_the_pages_write_nothing(settings):
    denied = pytest.raises(psycopg2.errors.ReadOnlySqlTransaction)
    with rights.open_pages(settings) as connection, connection.cursor() as cursor, denied:
        cursor.execute("select release_alert_messages(clock_timestamp(), 0)")


def test_an_error_of_dispatch_is_trouble_with_its_words_and_no_number(regions):
    with transaction(regions, "decider") as connection:
        call(connection, "set_waiting", ["2026-T1/35.10", "error: row " + "351001" + "410190" + "7000 is odd"])
    (cell,) = read(regions, Filters(level="trouble")).cells
    assert (cell.region, cell.rule) == ("35.10", "error: row •••• is odd")


@pytest.mark.parametrize(
    ("states", "is_frozen", "name"),
    [
        (["collecting"], False, CUT_OFF),
        (["determined"], True, ANNOUNCEMENT),
        (["provisional", "determined"], True, WINDOW_CLOSES),
        (["final"], True, None),
    ],
)
def test_the_next_legal_date(states, is_frozen, name):
    announced = AT + timedelta(days=3)
    found = find_next_date("live", date(2026, 1, 1), announced, "WIT", states, [AT], is_frozen=is_frozen, at=AT)
    assert (found.name if found else None) == name


def test_words():
    assert span(timedelta(days=12, hours=3, minutes=5)) == "12 d 3 h"
    assert span(timedelta(hours=-4, minutes=-10)) == "−4 h 10 min"
    assert span(timedelta(0)) == "0 s"
    digest = "7" * 20 + "a" * 44
    assert hide(f"{digest} and {'7' * 16}") == f"{digest} and ••••"


NUMBER = "351016" + "410190" + "7000"


@pytest.mark.parametrize(
    "written",
    [
        NUMBER,
        f"{NUMBER[:6]}-{NUMBER[6:12]}-{NUMBER[12:]}",
        " ".join(NUMBER[at : at + 4] for at in range(0, 16, 4)),
        ".".join((NUMBER[:2], NUMBER[2:4], NUMBER[4:6], NUMBER[6:12], NUMBER[12:])),
        f"{NUMBER[:2]}.{NUMBER[2:4]}.{NUMBER[4:6]} {NUMBER[6:12]} {NUMBER[12:]}",
        "_".join(NUMBER),
        NUMBER * 4,
    ],
)
def test_a_number_of_a_person_is_hidden_however_it_is_written(written):
    assert hide(f"in penduduk_{written}.csv of 35.10") == "in penduduk_••••.csv of 35.10"


@pytest.mark.parametrize(
    "text",
    [
        "test-population/35.10/2025-12-20-2/part-35.10.csv is refused; perlinsos quarantine show 12",
        "dukcapil-population of 35.10 2025-12-20 is late: 2025-12-20 2025-12-21, since 2026-01-02 03:04 WIB",
        "manual__2026-01-02T03:04:05.123456+00:00, part-2025-12-20-35.10.parquet, 35.10.16.1014",
        f"http://192.168.100.100:8080/perlinsos/regions/35.10 {'0a' * 32} Rp 600.000 of 12.345.678.900",
    ],
)
def test_dates_snapshots_places_and_digests_stay_readable(text):
    assert hide(text) == text


def test_other_regions_batches_are_named_only_to_who_sees_them(regions):
    batches = [
        {"source": "a", "dataset": "population", "scope": scope, "snapshot_date": "2025-12-20", "role": role, "received": 4}
        for scope, role in (("51.01", "own"), ("national", "own"), ("35.10", "foreign"), ("91.01", "foreign"))
    ]
    frozen = make_input_set({"stage": "2026-T1", "batches": batches, "repairs": [], "quotas": []})
    with transaction(regions, "decider") as connection:
        call(connection, "freeze_input_set", ["2026-T1/51.01", frozen.digest, frozen.text, "7" * 64, "test", AT])
    seen = {}
    with rights.open_pages(regions) as connection:
        for allowed in (("51.01",), ("51.01", "91.01"), None):
            (shown,) = read_region(connection, rights.Rights("x", "auditor", allowed), "51.01", AT).input_sets
            seen[allowed] = [one["scope"] for one in shown["batches"]]
    assert seen == {
        ("51.01",): ["51.01", "national"],
        ("51.01", "91.01"): ["51.01", "national", "91.01"],
        None: ["51.01", "national", "35.10", "91.01"],
    }


@pytest.mark.parametrize("role", ["centre", "auditor", "operator"])
def test_alerts_of_the_platform_are_for_who_sees_all_regions(role):
    assert rights.Rights("x", role, None).sees_platform
    assert not rights.Rights("x", role, ("35.10",)).sees_platform


def test_the_last_error_is_the_newest_that_no_later_success_of_its_step_has_ended(regions):
    lost = "the claim on work 5 was lost: fence 3 was shown, it stands at 4 (superseded)"

    def record(step, state, what=None):
        with transaction(regions, "loader") as connection:
            call(connection, "record_outcome", [step, "35.10|2026-T1", state, {}, {}, {"what": what} if what else None, 1])

    def last_error():
        with rights.open_pages(regions) as connection:
            return read_region(connection, EVERYTHING, "35.10", AT).last_error

    record("determine", "refused", "no key")
    record("publish", "refused", lost)
    told = last_error()
    assert told["step"] == "publish" and told["what"].startswith("newer inputs took its place") and "fence" not in told["what"]
    record("publish", "done")
    assert (last_error()["step"], last_error()["what"]) == ("determine", "no key")
    record("determine", "nothing_new")
    assert last_error() is None
    record("determine", "refused", "no key again")
    assert last_error()["what"] == "no key again"
