"""Past stages by a reviewed plan: what is decided from what, in which order, and what is never touched."""

import json
import shutil
from datetime import timedelta

import pytest

from conftest import execute
from perlinsos.errors import Refused
from perlinsos.ledger.connection import call
from perlinsos.ledger.work import claim
from perlinsos.operations import assemble, dispatch
from perlinsos.operations.backfill.status import read_backfill_status

from .conftest import add_cycle, add_region, deliver_rows, read_rows
from .past_of_tests import LIVE, PAST, actions, apply, deliver_past, digests, outcomes_of, plan, run_all, states
from .sources_of_tests import MAY_BE_SILENT, card, family
from .test_windows import publish_key


def test_a_plan_says_what_would_run_and_changes_nothing(past):
    before = read_rows(past, "select count(*) from audit")
    record = plan(past)
    assert actions(record) == {"2025-T3": "RUN", "2025-T4": "RUN"}
    assert [str(stage.cycle.cut_off) for stage in record.stages] == ["2025-07-01", "2025-10-01"]
    assert {status for stage in record.stages for status in stage.statuses.values()} == {"simulation"}
    assert (read_rows(past, "select count(*) from audit"), read_backfill_status(past)) == (before, [])


def test_the_estimate_rests_on_measured_stages(past):
    record = plan(past)
    assert {stage.estimate_seconds for stage in record.stages} == {None} and record.estimate == "no stage was measured yet"
    measured = [("assemble", 1000, {"population.parquet": 3}), ("determine", 2000, {}), ("publish", 3000, {})]
    for step, milliseconds, counts in measured:
        with past.connect("decider") as connection:
            call(connection, "record_outcome", [step, LIVE, "done", counts, {}, None, milliseconds])
    again = plan(past)
    assert [stage.estimate_seconds for stage in again.stages] == [6.0, 6.0]
    assert "1 measured stages of other regions" in again.estimate
    assert {stage.stage: stage.essence for stage in again.stages} == {stage.stage: stage.essence for stage in record.stages}


def test_what_was_frozen_is_what_the_plan_named(past):
    record = plan(past)
    assert apply(past, record) == "applied"
    assert run_all(past) == PAST
    rows = read_rows(past, "select stage, input_set_digest, purpose from work where region_code = '35.11' order by 1")
    assert {row["stage"]: row["input_set_digest"] for row in rows} == {stage.stage: stage.input_set for stage in record.stages}
    assert {row["purpose"] for row in rows} == {"backfill"}
    assert states(past) == {"2025-T3": "DONE", "2025-T4": "DONE"}
    assert read_backfill_status(past)[0]["state"] == "done"
    assert read_rows(past, "select 1 from objection_window where list_id like '%%/35.11/%%'") == []


def test_when_it_is_done_the_next_tick_changes_nothing_and_a_new_plan_keeps(past):
    apply(past, plan(past))
    run_all(past)
    audited = read_rows(past, "select count(*) from audit")
    assert dispatch.advance(past.at_time(past.at + timedelta(days=2)))["frozen"] == []
    deliver_past(past, "2025-09-21", dead=(0, 1))
    assert dispatch.advance(past.at_time(past.at + timedelta(days=3)))["frozen"] == []
    assert read_rows(past, "select count(*) from audit where action in ('freeze_input_set', 'require_work')") == read_rows(
        past, "select count(*) from audit where action in ('freeze_input_set', 'require_work') and audit_id <= %s",
        audited[0]["count"],
    )  # fmt: skip
    later = plan(past)
    assert actions(later) == {"2025-T3": "KEEP", "2025-T4": "RUN"}
    assert later.stages[1].why == "it was determined from other inputs"


def test_a_later_plan_makes_the_next_revision_and_leaves_the_first(past):
    apply(past, plan(past))
    run_all(past)
    first = digests(past)
    deliver_past(past, "2025-09-21", dead=(0, 1))
    assert apply(past, plan(past)) == "applied"
    assert run_all(past) == PAST[1:]
    rows = read_rows(past, "select revision, list_digest from list_revision where list_id = '2025-T4/35.11/pkh' order by 1")
    assert [row["revision"] for row in rows] == [1, 2] and rows[0]["list_digest"] == first["2025-T4/35.11/pkh"]


def test_other_regions_keep_every_object_and_every_row(past):
    def others():
        found = {table: read_rows(past, f"select * from {table} where {column} like '%%35.10%%' order by 1")
                 for table, column in (("list", "list_id"), ("cycle", "cycle_id"), ("list_revision", "list_id"),
                                       ("cycle_input_set", "cycle_id"), ("work", "region_code"))}  # fmt: skip
        return found, {item.key: item.etag for item in past.storage.list("perlinsos-work")}

    rows, objects = others()
    apply(past, plan(past))
    run_all(past)
    rows_after, objects_after = others()
    assert rows_after == rows
    assert objects_after.items() >= objects.items()


def test_a_blocked_stage_stops_only_itself(past):
    record = plan(past, "2025-T2", "2025-T4")
    assert actions(record) == {"2025-T2": "BLOCKED", "2025-T3": "RUN", "2025-T4": "RUN"}
    assert "test-population" in record.stages[0].why
    assert record.stages[0].remedy == "perlinsos region check 35.11 --stage 2025-T2"
    apply(past, record)
    assert run_all(past) == PAST
    assert states(past) == {"2025-T2": "BLOCKED", "2025-T3": "DONE", "2025-T4": "DONE"}
    assert read_rows(past, "select 1 from cycle where stage = '2025-T2'") == []


def test_a_stage_that_is_refused_stops_only_itself(past, monkeypatch):
    apply(past, plan(past))
    run = assemble._run_determination

    def refuse_one(ctx, frozen, folder):
        if frozen.document["stage"] == "2025-T3":
            raise Refused("no wage row")
        return run(ctx, frozen, folder)

    with monkeypatch.context() as patched:
        patched.setattr(assemble, "_run_determination", refuse_one)
        assert dispatch.advance(past)["keys"] == PAST
        with pytest.raises(Refused):
            publish_key(past, PAST[0])
        publish_key(past, PAST[1])
    stage = read_backfill_status(past)[0]["stages"][0]
    assert (stage["state"], stage["why"]) == ("FAILED", "no wage row")
    assert stage["next_command"] == f"perlinsos dispatch --retry '{PAST[0]}'"
    assert states(past)["2025-T4"] == "DONE"
    assert plan(past).stages[0].action == "BLOCKED"


def test_without_a_team_it_is_blocked(past):
    add_region(past, "35.12")
    stage = plan(past, "2025-T4", "2025-T4", "35.12").stages[0]
    assert (stage.action, stage.remedy) == ("BLOCKED", "perlinsos decree add FILE")
    assert "no decree tim" in stage.why


def test_a_stage_that_has_not_come_and_a_live_one_are_left_alone(past):
    assert plan(past, "2026-T2", "2026-T2").stages[0].why == "the cut-off is on 2026-04-01"
    stage = plan(past, "2026-T1", "2026-T1", "35.10").stages[0]
    assert (stage.action, stage.why) == ("KEEP", "it has a live cycle, which dispatch brings")


def test_a_death_after_as_of_is_not_seen_in_the_past_stage(past):
    apply(past, plan(past))
    run_all(past)
    add_cycle(past, "35.11", required=MAY_BE_SILENT)
    dispatch.advance(past)
    publish_key(past, "35.11|2026-T1")
    rows = read_rows(past, "select stage, input_set_digest from work where region_code = '35.11'")
    keys = {row["stage"]: f"determinations/{row['input_set_digest']}/decisions.parquet" for row in rows}
    widow = card(2, "351116")
    assert outcomes_of(past, keys["2025-T4"], widow) == {"LAYAK"}
    assert outcomes_of(past, keys["2026-T1"], widow) == {"TIDAK_LAYAK"}


def test_a_live_stage_that_is_due_goes_first(past):
    apply(past, plan(past))
    deliver_rows(past, "test-family", [family(n, decile=2) for n in range(3)], day="2025-12-21")
    assert dispatch.advance(past)["keys"] == [LIVE]
    with past.connect("decider") as connection:
        assert claim(connection, "determine", "35.10", "2026-T1", holder="a run", lease_seconds=3600)
    soon = past.at_time(past.at + timedelta(seconds=5))
    assert dispatch.advance(soon)["keys"] == PAST[:1]
    assert dispatch.advance(past.at_time(past.at + timedelta(seconds=10)))["keys"] == []


def test_what_a_death_between_two_tasks_leaves_ends_in_the_same_digests(past, copy_world, past_template, monkeypatch, tmp_path):
    record = plan(past)
    apply(past, record)
    run_all(past)
    undisturbed = digests(past)
    shutil.move(tmp_path / "world", tmp_path / "undisturbed")
    other = copy_world(past_template)
    apply(other, record)
    dispatch.advance(other)

    def crash(*arguments, **keywords):
        raise KeyboardInterrupt

    for name in ("_write_assembled", "_put", "_run_determination", "_check_funnel"):
        with monkeypatch.context() as patched:
            patched.setattr(assemble, name, crash)
            with pytest.raises(KeyboardInterrupt):
                publish_key(other, PAST[0])
    execute(other.settings.database_url, "update perlinsos.work set lease_until = now() where state = 'claimed'")
    run_all(other)
    assert digests(other) == undisturbed


def test_the_exported_inputs_give_the_same_digests_offline(past, tmp_path):
    from perlinsos.operations.export import export_inputs
    from perlinsos.recipients.determine import determine

    apply(past, plan(past))
    run_all(past)
    done = export_inputs(past, "2025-T4/35.11/pkh", None, tmp_path / "out", simulations=True)
    settings = json.loads((tmp_path / "out" / "settings.json").read_text())
    summary = determine("35.11", "2025-T4", tmp_path / "out" / "inputs", tmp_path / "determined", settings=settings)
    found = {f"2025-T4/35.11/{name}": of["list_digest"] for name, of in summary["programmes"].items()}
    assert found == {name: digest for name, digest in digests(past).items() if name.startswith("2025-T4")}
    assert found[done["list_id"]] == done["list_digest"]
    assert done["command"][:6] == ["perlinsos", "determine", "--region", "35.11", "--stage", "2025-T4"]
    with pytest.raises(Refused, match="no such revision"):
        export_inputs(past, "2025-T4/35.11/pkh", None, tmp_path / "none")
