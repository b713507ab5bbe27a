"""Alerts: each trouble is made in a real ledger, arrives once at a real SMTP server, and is followed by `resolved`."""

from __future__ import annotations

import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apprise
import pytest

from perlinsos.context import open_context
from perlinsos.errors import Conflict, Refused
from perlinsos.ledger.connection import call
from perlinsos.ledger.outcomes import measure
from perlinsos.operations import accept, dispatch, housekeeping, pull
from perlinsos.operations.alerts import machine
from perlinsos.operations.alerts.found import FROM_INSIDE, FROM_OUTSIDE
from perlinsos.operations.alerts.outside import tell_from_outside
from perlinsos.operations.alerts.watching import watch
from perlinsos.operations.leak_record import check_and_record
from perlinsos.operations.services.diagnosis import FINE, UNREACHABLE, Finding
from perlinsos.publication.publish import publish
from perlinsos.settings import find_project
from perlinsos.watch.strip import Disk
from smtp_sink import open_sink

from .conftest import add_cycle, add_region, deliver_rows, read_rows, register
from .past_of_tests import apply, plan
from .sources_of_tests import as_csv, family, member, nik, person, signal

RUN = {"dag_id": "determine", "run_id": "test-run", "task_id": "publish"}


@pytest.fixture
def sink(monkeypatch):
    """A mail server, and the setting that names it."""
    with open_sink() as opened:
        monkeypatch.setenv("PERLINSOS_ALERT_URLS", opened.url)
        yield opened


def later(ctx, **span):
    """The same context at a later time than the clock of the ledger."""
    return ctx.at_time(datetime.now(UTC) + timedelta(**span))


def send_again(ctx, source, rows, day, minutes=1):
    """The sender's correction, some minutes after what was refused."""
    deliver_rows(ctx.at_time(ctx.at + timedelta(minutes=minutes)), source, rows, day=day)


def assert_told_once(sink, look, words, *, body=()):
    """The trouble is told once however often it is looked at, with all its words and no number of a person."""
    look()
    look()
    told = [subject for subject in sink.subjects if words in subject]
    assert len(told) == 1, sink.subjects
    text = sink.text(sink.subjects.index(told[0]))
    for word in ("region:", "stage:", "rule:", "owner:", "command: perlinsos ", "page: ", "docs/alerts/", *body):
        assert word in text, text
    assert not any(nik(number) in text for number in range(40))


def assert_resolved_once(sink, look, words):
    """What is over is told once, and after the trouble."""
    look()
    look()
    told = [subject for subject in sink.subjects if words in subject]
    assert [subject.startswith("[Perlinsos] resolved: ") for subject in told] == [False, True], sink.subjects


def test_a_healthy_day_sends_nothing(world, sink):
    dispatch.advance(world)
    for minutes in range(0, 24 * 60, 180):
        watch(world.at_time(world.at + timedelta(minutes=minutes)))
    assert sink.subjects == []


def test_a_late_delivery(ctx, sink):
    add_region(ctx)
    register(ctx)
    add_cycle(ctx, required=[{"source": "test-population", "max_age_days": 100}])
    at = later(ctx, days=2)
    assert watch(later(ctx, hours=1))["found"] == 0, "a cycle that was registered today has a day to get its deliveries"
    assert_told_once(sink, lambda: watch(at), "35.10 2026-T1: a delivery is late", body=("test-population", "Lembaga Uji"))
    deliver_rows(ctx, "test-population", [person(0)])
    assert_resolved_once(sink, lambda: watch(at), "a delivery is late")


def test_a_refused_delivery(world, sink):
    spoiled = [{"nik": row["nik"]} for row in (person(n) for n in range(3))]
    with pytest.raises(Refused):
        deliver_rows(world, "test-population", spoiled, day="2025-12-22")
    words = "35.10: a delivery is refused"
    body = ("rule: columns are missing", "test-population/35.10/2025-12-22/part.csv", "command: perlinsos quarantine show ")
    assert_told_once(sink, lambda: watch(world), words, body=body)
    with pytest.raises(Refused):
        send_again(world, "test-population", spoiled[:2], "2025-12-22-2")
    assert watch(world)["sent"] == 0, "a correction that is refused too is the same trouble"
    send_again(world, "test-population", [person(n) for n in range(3)], "2025-12-22-3", minutes=2)
    assert_resolved_once(sink, lambda: watch(world), words)


def test_a_rule_above_its_share_and_a_delivery_of_which_many_rules_took_rows(world, sink, monkeypatch):
    monkeypatch.setenv("PERLINSOS_ALERT_QUARANTINE_SHARE", "0.2")
    with pytest.raises(Refused):
        deliver_rows(world, "test-population", [person(n, sex="") for n in range(30)], day="2025-12-22")
    assert_told_once(sink, lambda: watch(world), "too many rows are set aside", body=("rule: sex.value_missing",))
    send_again(world, "test-population", [person(n) for n in range(30)], "2025-12-22-2")
    assert_resolved_once(sink, lambda: watch(world), "too many rows are set aside")


def test_a_region_whose_work_was_set_aside(world, sink):
    dispatch.advance(world)
    with world.connect("decider") as connection, connection.cursor() as cursor:
        cursor.execute("select work_id, fence from claim_work('determine', '35.10', '2026-T1', 'test', 60)")
        cursor.execute("select end_claim(%s, %s, 'failed', %s)", [*cursor.fetchone(), '{"what": "a rule file is missing"}'])
    words = "35.10 2026-T1: a region stands still"
    assert_told_once(sink, lambda: watch(world), words, body=("a rule file is missing", "dispatch --retry '35.10|2026-T1'"))
    with world.connect("decider") as connection, connection.cursor() as cursor:
        cursor.execute("select * from retry_work('determine', '35.10', '2026-T1')")
    assert_resolved_once(sink, lambda: watch(world), words)


def test_a_past_stage_whose_work_was_set_aside(past, sink):
    apply(past, plan(past))
    dispatch.advance(past)
    at = past.at_time(past.at + timedelta(days=30))
    assert watch(at)["found"] == 0, "what waits for its turn is no trouble"
    with past.connect("decider") as connection, connection.cursor() as cursor:
        cursor.execute("select work_id, fence from claim_work('determine', '35.11', '2025-T4', 'test', 60)")
        cursor.execute("select end_claim(%s, %s, 'failed', %s)", [*cursor.fetchone(), '{"what": "a rule file is missing"}'])
    words = "35.11 2025-T4: a region stands still"
    body = ("a rule file is missing", "owner: Watcher", "dispatch --retry '35.11|2025-T4'", "of backfill ")
    assert_told_once(sink, lambda: watch(at), words, body=body)
    with past.connect("decider") as connection, connection.cursor() as cursor:
        cursor.execute("select * from retry_work('determine', '35.11', '2025-T4')")
    assert_resolved_once(sink, lambda: watch(at), words)


def test_a_past_stage_that_something_holds_up(past, sink):
    apply(past, plan(past))
    with past.connect("decider") as connection:
        call(connection, "set_waiting", ["2025-T3/35.11", "error: the plan does no longer hold"])
    assert watch(past.at_time(past.at + timedelta(hours=23)))["found"] == 0
    body = ("no longer hold", "owner: Watcher", "perlinsos backfill status --region 35.11")
    at = past.at_time(past.at + timedelta(hours=25))
    assert_told_once(sink, lambda: watch(at), "35.11 2025-T3: a region stands still", body=body)
    dispatch.advance(past)
    assert_resolved_once(sink, lambda: watch(at), "35.11 2025-T3: a region stands still")


def test_a_region_without_a_team_long_after_its_cut_off(ctx, sink, monkeypatch):
    add_region(ctx)
    add_cycle(ctx, cut_off="2026-01-01", required=[{"source": "test-signal", "max_age_days": 400}])
    deliver_rows(ctx, "test-signal", [signal(0)], "national")
    dispatch.advance(ctx)
    at = later(ctx, days=2)
    monkeypatch.setenv("PERLINSOS_ALERT_SLOW_SECONDS", str(10**6))
    assert_told_once(
        sink, lambda: watch(at), "a region stands still", body=("no decree tim", "owner: Posko", "perlinsos decree add")
    )
    register(ctx, in_force_from="2025-11-01")
    for source, rows in (("test-population", [person(0)]), ("test-family", [family(0)])):
        deliver_rows(ctx, source, rows)
    deliver_rows(ctx, "test-person", [member(0)])
    dispatch.advance(ctx)
    assert_resolved_once(sink, lambda: watch(at), "a region stands still")


def test_a_date_seven_days_and_one_day_before(ctx, sink):
    add_region(ctx)
    day = datetime.now(UTC).date() + timedelta(days=30)
    add_cycle(ctx, stage=f"{day.year}-T{(day.month - 1) // 3 + 1}", cut_off=str(day))
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=7)
    assert watch(ctx.at_time(midnight - timedelta(days=8)))["found"] == 0
    assert_told_once(
        sink, lambda: watch(ctx.at_time(midnight - timedelta(days=6))), "a date comes near", body=("less than 7 days",)
    )
    assert watch(ctx.at_time(midnight - timedelta(hours=20)))["sent"] == 1
    assert "less than 1 day" in sink.text()
    watch(ctx.at_time(midnight + timedelta(minutes=1)))
    told = [subject for subject in sink.subjects if "a date comes near" in subject]
    assert [subject.startswith("[Perlinsos] resolved") for subject in told] == [False, False, True, True]


def test_a_publication_that_meets_another_plan(world, sink):
    with pytest.raises(Conflict), measure(world.connect, "publisher", "publish", "35.10|2026-T1"):
        raise Conflict("Another decision was planned under this revision", where="2026-T1/35.10/pkh/r1")
    words = "35.10 2026-T1: a publication conflicts"
    assert_told_once(sink, lambda: watch(world), words, body=("2026-T1/35.10/pkh/r1",))
    publish(world, "35.10|2026-T1", RUN)
    assert_resolved_once(sink, lambda: watch(world), words)


def test_a_bucket_that_differs_from_the_ledger(world, sink):
    (key,) = [item.key for item in world.storage.list("perlinsos-raw")][:1]
    path = Path(world.settings.s3_endpoint.removeprefix("file://")) / "perlinsos-raw" / key
    right = path.read_bytes()
    path.write_bytes(b"other bytes")
    days = [world.at_time(world.at + timedelta(days=n)) for n in range(housekeeping.ROTATION_DAYS)]
    with pytest.raises(Conflict):
        for day in days:
            housekeeping.reconcile(day)
    assert_told_once(sink, lambda: watch(world), "platform: bucket and ledger differ", body=(key,))
    path.write_bytes(right)
    housekeeping.reconcile(day)
    assert_resolved_once(sink, lambda: watch(world), "bucket and ledger differ")


def test_a_leak(world, sink):
    logs = world.settings.home / "logs"
    logs.mkdir(parents=True)
    (logs / "a.log").write_text(f"a row of {nik(0)} was read\n")
    with pytest.raises(Refused):
        housekeeping.scan(world)
    assert_told_once(sink, lambda: watch(world), "a number of a person stands where it must not", body=("a.log",))
    (logs / "a.log").write_text("a row was read\n")
    housekeeping.scan(world)
    assert_resolved_once(sink, lambda: watch(world), "a number of a person stands where it must not")


def test_a_full_disk(world, sink, monkeypatch):
    usage = shutil.disk_usage(world.settings.home)
    monkeypatch.setenv("PERLINSOS_ALERT_DISK_SHARE", str(usage.free / usage.total + 0.2))
    assert_told_once(sink, lambda: watch(world), "platform: the disk is nearly full", body=("GiB",))
    monkeypatch.delenv("PERLINSOS_ALERT_DISK_SHARE")
    assert_resolved_once(sink, lambda: watch(world), "the disk is nearly full")


def test_a_disk_around_its_limit_begins_once_and_ends_with_a_margin(world, sink, monkeypatch):
    def look(free):
        monkeypatch.setattr(machine, "read_disk", lambda home: Disk(int(free * 10**6), 10**6))
        watch(world)
        return [subject.startswith("[Perlinsos] resolved: ") for subject in sink.subjects]

    for free in (0.0999, 0.1001, 0.0999, 0.1001, 0.1199):
        assert look(free) == [False]
    assert look(0.1201) == [False, True]
    assert look(0.1001) == [False, True], "between the limit and the margin nothing begins"


def test_a_dead_airflow_is_told_from_outside(world, sink):
    dead = [Finding("airflow scheduler", UNREACHABLE, "does not report", "monitor/health says unhealthy", "`perlinsos up`")]
    words = "platform: Airflow is dead"
    assert_told_once(sink, lambda: tell_from_outside(world, dead), words, body=("airflow scheduler",))
    watch(world)
    alive = [Finding("airflow scheduler", FINE, "healthy")]
    assert_resolved_once(sink, lambda: tell_from_outside(world, alive), words)


def test_two_watchers_at_once_tell_once(world, sink):
    with pytest.raises(Refused):
        deliver_rows(world, "test-population", [{"nik": nik(0)}], day="2025-12-22")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: watch(open_context(world.settings, world.at)), range(4)))
    assert len(sink.subjects) == 1


def test_what_cannot_be_sent_is_sent_later(world, sink, monkeypatch):
    with pytest.raises(Refused):
        deliver_rows(world, "test-population", [{"nik": nik(0)}], day="2025-12-22")
    monkeypatch.setenv("PERLINSOS_ALERT_URLS", "mailto://127.0.0.1:9?from=a@example.org&to=b@example.org&mode=insecure")
    assert watch(world)["failed"] == 1
    (alert,) = read_rows(world, "select opening, send_error from alert")
    assert alert == {"opening": "waiting", "send_error": "none of 1 recipients could be reached"}
    monkeypatch.setenv("PERLINSOS_ALERT_URLS", sink.url)
    assert watch(world)["sent"] == 1


def test_many_regions_of_a_province_are_told_in_one_digest(ctx, sink):
    regions = [f"35.{number:02}" for number in range(1, 8)]
    for code in regions:
        add_region(ctx, code)
        landing = ctx.settings.buckets.landing
        ctx.storage.put_landing(landing, f"test-population/{code}/2025-12-20/part.csv", as_csv([{"nik": "x"}]).encode())
        ctx.storage.put_landing(landing, f"test-population/{code}/2025-12-20/_COMPLETE", b"")
    pull.fetch(ctx, "test-population")
    for code in regions:
        with pytest.raises(Refused):
            accept.accept(ctx, code)
    watch(ctx)
    assert sink.subjects == ["[Perlinsos] province 35: 7 times a delivery is refused"]
    assert all(code in sink.text() for code in regions)


def test_every_kind_has_a_runbook():
    for kind in (*FROM_INSIDE, *FROM_OUTSIDE):
        text = (find_project() / "docs" / "alerts" / f"{kind}.md").read_text(encoding="utf-8")
        for heading in ("## What it means", "## What to do", "## When it is over"):
            assert heading in text, f"{kind}: {heading}"


def test_without_a_recipient_nothing_is_lost(world, sink, monkeypatch):
    monkeypatch.delenv("PERLINSOS_ALERT_URLS")
    with pytest.raises(Refused):
        leak = {"place": "a.log", "kind": "form", "count": 1}
        check_and_record(world.settings, {"leaks": [leak], "looked_at": {}, "unread": []})
    assert watch(world)["opened"] == 1
    monkeypatch.setenv("PERLINSOS_ALERT_URLS", sink.url)
    assert watch(world)["sent"] == 1


def refuse_three(world):
    """Three troubles at once: three messages wait."""
    for source in ("test-population", "test-family", "test-person"):
        with pytest.raises(Refused):
            deliver_rows(world, source, [{"status": "x"}], day="2025-12-22")


def mend_three(world):
    """Correct what `refuse_three` spoiled."""
    for source, row in (("test-population", person), ("test-family", family), ("test-person", member)):
        send_again(world, source, [row(n) for n in range(3)], "2025-12-22-2")


def break_notify(monkeypatch, error, calls=(1,)):
    """Make the library raise at the calls with these numbers."""
    real, made = apprise.Apprise.notify, []

    def notify(self, *arguments, **named):
        made.append(1)
        if len(made) in calls:
            raise error
        return real(self, *arguments, **named)

    monkeypatch.setattr(apprise.Apprise, "notify", notify)


def openings(world):
    return sorted(row["opening"] for row in read_rows(world, "select opening from alert"))


def test_a_watcher_that_dies_while_sending_loses_nothing(world, sink, monkeypatch):
    refuse_three(world)
    break_notify(monkeypatch, KeyboardInterrupt(), calls=(2,))
    with pytest.raises(KeyboardInterrupt):
        watch(world)
    assert openings(world) == ["sent", "taken", "waiting"]
    watch(world)
    assert len(sink.subjects) == 2, "the message under way belongs to its watcher for a while"
    assert watch(later(world, minutes=16))["sent"] == 1
    assert watch(later(world, minutes=40))["sent"] == 0
    told = [sink.text(number) for number in range(3)]
    assert len(set(told)) == 3, "each of the three was told"
    mend_three(world)
    watch(later(world, minutes=50))
    assert [subject.startswith("[Perlinsos] resolved: ") for subject in sink.subjects] == [False] * 3 + [True] * 3


def test_what_nobody_was_told_has_no_ending(world, sink, monkeypatch):
    refuse_three(world)
    break_notify(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        watch(world)
    mend_three(world)
    watch(later(world, minutes=5))
    watch(later(world, minutes=30))
    assert sink.subjects == []
    assert openings(world) == ["left_out"] * 3
    assert {row["ending"] for row in read_rows(world, "select ending from alert")} == {"left_out"}


def test_an_error_of_the_library_is_kept_and_the_message_sent_later(world, sink, monkeypatch):
    refuse_three(world)
    break_notify(monkeypatch, TypeError(f"odd: {sink.url}"))
    counts = watch(world)
    assert (counts["sent"], counts["failed"]) == (0, 1), "the round ends at the first message that reaches nobody"
    errors = read_rows(world, "select send_error from alert where send_error is not null")
    assert errors == [{"send_error": "none of 1 recipients could be reached (TypeError)"}]
    assert watch(world)["sent"] == 3
    assert len({sink.text(number) for number in range(3)}) == 3


def test_a_message_that_always_fails_does_not_hold_up_the_others(world, sink, monkeypatch):
    refuse_three(world)
    break_notify(monkeypatch, TypeError("odd"), calls=(1, 4))
    first, second = watch(world), watch(world)
    assert (first["sent"], first["failed"]) == (0, 1)
    assert (second["sent"], second["failed"]) == (2, 1), "what failed is tried after the others"
    mend_three(world)
    watch(later(world, minutes=5))
    assert [subject.startswith("[Perlinsos] resolved: ") for subject in sink.subjects] == [False, False, True, True]


def test_a_server_that_says_nothing_costs_one_message_a_round(world, monkeypatch):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        port = silent.getsockname()[1]
        monkeypatch.setenv(
            "PERLINSOS_ALERT_URLS", f"mailto://127.0.0.1:{port}?from=a@x.org&to=b@x.org&mode=insecure&cto=0.2&rto=0.2"
        )
        refuse_three(world)
        assert watch(world)["failed"] == 1
    assert openings(world) == ["waiting"] * 3


def test_a_message_counts_as_told_when_one_recipient_has_it(world, sink, monkeypatch):
    monkeypatch.setenv(
        "PERLINSOS_ALERT_URLS", f"{sink.url} mailto://127.0.0.1:9?from=a@example.org&to=b@example.org&mode=insecure"
    )
    with pytest.raises(Refused):
        deliver_rows(world, "test-population", [{"nik": nik(0)}], day="2025-12-22")
    assert watch(world)["sent"] == 1
    (alert,) = read_rows(world, "select opening, send_error from alert")
    assert alert == {"opening": "sent", "send_error": "1 of 2 recipients could not be reached"}
    assert watch(world)["sent"] == 0
