"""A plan of past stages as it is reviewed: when it is refused, applied once, and taken back."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from perlinsos.errors import Conflict, Refused, WrongUsage
from perlinsos.ledger.connection import call
from perlinsos.ledger.work import claim
from perlinsos.operations import dispatch
from perlinsos.operations.backfill.apply import apply_plan, cancel
from perlinsos.operations.backfill.plan import make_plan
from perlinsos.operations.backfill.record import read_plan, write_plan
from perlinsos.operations.backfill.status import read_backfill_status
from perlinsos.operations.readiness.checks import check_region

from .conftest import read_rows
from .past_of_tests import PAST, WORDS, actions, apply, deliver_past, plan, run_all, states, template
from .sources_of_tests import card, nik


def test_a_plan_that_is_no_longer_so_is_refused_and_nothing_is_written(past):
    record = plan(past)
    deliver_past(past, "2025-06-21", dead=(1,))
    with pytest.raises(Conflict, match="no longer what would be done") as error:
        apply(past, record)
    assert error.value.why == "2025-T3 would be decided from other inputs"
    assert read_backfill_status(past) == [] and read_rows(past, "select 1 from cycle where region_code = '35.11'") == []


def test_what_changes_between_apply_and_the_tick_is_not_decided(past):
    apply(past, plan(past))
    deliver_past(past, "2025-06-21", dead=(1,))
    assert dispatch.advance(past)["frozen"] == PAST[1:]
    stage = read_backfill_status(past)[0]["stages"][0]
    assert stage["state"] == "WAITING" and "no longer those of the backfill" in stage["why"]
    again = 'perlinsos backfill plan 35.11 --from 2025-T3 --until 2025-T3 --reason "…" --watcher "NAME"'
    assert stage["next_command"] == again
    missing = check_region(past, "35.11", "2025-T3").first_missing
    assert (missing.found, missing.command) == (stage["why"], again)


def test_the_file_carries_the_plan_and_an_edit_is_seen(past, tmp_path):
    record = plan(past)
    write_plan(record, tmp_path / "plan.yaml")
    read, text = read_plan(tmp_path / "plan.yaml")
    assert read == record and apply_plan(past, read, text, "Reviewer") == "applied"
    edits = [("the pilot's first year", "something else"), (f"backfill: {record.backfill}", "backfill: another-name")]
    for before, after in [*edits, (f"estimate: {record.estimate}", "estimate: none")]:
        assert before in text
        (tmp_path / "plan.yaml").write_text(text.replace(before, after))
        with pytest.raises(Refused, match="was edited"):
            read_plan(tmp_path / "plan.yaml")
    with pytest.raises(WrongUsage, match="is there"):
        write_plan(record, tmp_path / "plan.yaml")


def test_a_second_person_reviews_it(past):
    record = plan(past)
    with pytest.raises(WrongUsage, match="nobody has reviewed"):
        apply_plan(past, record, "")
    with pytest.raises(Refused, match="not reviewed by its watcher"):
        apply_plan(past, record, "", " watcher ")
    with pytest.raises(Refused, match="not reviewed by its watcher"):
        apply_plan(past, record, "", "Watcher\u200b")
    with pytest.raises(Conflict, match="no longer what would be done"):
        apply_plan(past, record.model_copy(update={"stages": record.stages[:1]}).signed(), "", "Reviewer")


def test_applied_again_it_is_unchanged(past):
    record = plan(past)
    apply(past, record)
    audited = read_rows(past, "select count(*) from audit")
    assert apply(past, record) == "unchanged"
    run_all(past)
    assert apply(past, record) == "unchanged"
    assert apply(past, plan(past)) == "nothing to do"
    assert read_rows(past, "select count(*) from backfill") == [{"count": 1}] and audited[0]["count"] > 0


def test_of_two_applies_at_once_one_wins(past):
    records = [plan(past), make_plan(past, "35.11", "2025-T4", "2025-T4", template=template(past), **WORDS)]

    def try_to(record):
        try:
            return apply(past, record)
        except Conflict:
            return "lost"

    with ThreadPoolExecutor(2) as pool:
        found = sorted(pool.map(try_to, records))
    assert found == ["applied", "lost"]
    assert read_rows(past, "select count(*) from backfill") == [{"count": 1}]


def test_a_crash_while_applying_leaves_all_or_nothing(past, monkeypatch):
    from perlinsos.ledger import backfills

    record = plan(past)

    def die(*arguments):
        apply_to_ledger(*arguments)
        raise KeyboardInterrupt

    apply_to_ledger = backfills.apply_plan
    with monkeypatch.context() as patched:
        patched.setattr(backfills, "apply_plan", die)
        with pytest.raises(KeyboardInterrupt):
            apply(past, record)
    assert read_rows(past, "select 1 from cycle where region_code = '35.11'") == []
    assert apply(past, record) == "applied"


def test_cancelled_is_what_nobody_has_begun(past):
    record = plan(past)
    apply(past, record)
    dispatch.advance(past)
    with past.connect("decider") as connection:
        assert claim(connection, "determine", "35.11", "2025-T3", holder="a run", lease_seconds=60)
    assert cancel(past, record.backfill, "Somebody") == ["2025-T4"]
    assert states(past) == {"2025-T3": "RUNNING", "2025-T4": "CANCELLED"}
    assert cancel(past, record.backfill, "Somebody") == []
    later = past.at_time(past.at + timedelta(hours=2))
    assert dispatch.advance(later)["keys"] == [] and states(past)["2025-T4"] == "CANCELLED"
    assert actions(plan(past)) == {"2025-T3": "KEEP", "2025-T4": "RUN"}


def test_what_was_cancelled_before_any_tick_is_never_frozen_and_may_be_planned_again(past):
    record = plan(past)
    apply(past, record)
    assert cancel(past, record.backfill, "Somebody") == ["2025-T3", "2025-T4"]
    assert read_backfill_status(past)[0]["state"] == "cancelled"
    assert dispatch.advance(past)["frozen"] == []
    found = check_region(past, "35.11", "2025-T3")
    assert not found.is_ready and found.first_missing.found == f"the backfill {record.backfill} was cancelled"
    again = plan(past.at_time(past.at + timedelta(hours=1)))
    assert apply(past, again) == "applied"
    assert run_all(past) == PAST


def test_only_the_registrar_may_write_a_plan(past):
    with pytest.raises(Refused), past.connect("decider") as connection:
        call(connection, "apply_backfill", [{}, [], "", past.at])
    with pytest.raises(Refused), past.connect("reader") as connection:
        call(connection, "cancel_backfill", ["x", "x", past.at])


def test_no_number_of_a_person_stands_in_a_plan(past):
    text = json.dumps(plan(past).model_dump(mode="json"))
    assert nik(0, "351116") not in text and card(0, "351116") not in text
