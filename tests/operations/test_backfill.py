"""Past stages by a reviewed plan: what it says, when it is refused, what it changes, and what it never touches."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import execute
from perlinsos.errors import Conflict, Refused, WrongUsage
from perlinsos.ledger.connection import call
from perlinsos.ledger.work import claim
from perlinsos.operations import assemble, dispatch
from perlinsos.operations.backfill.apply import apply_plan, cancel
from perlinsos.operations.backfill.plan import make_plan
from perlinsos.operations.backfill.record import read_plan, write_plan
from perlinsos.operations.backfill.status import read_backfill_status

from .conftest import add_cycle, add_region, deliver_rows, make_context, read_rows, register
from .sources_of_tests import card, family, member, nik, person, signal

LIVE, PAST = "35.10|2026-T1", ["35.11|2025-T3", "35.11|2025-T4"]
WORDS = {"reason": "the pilot's first year", "watcher": "Watcher"}


def deliver_past(ctx, day, dead=()):
    """One snapshot of region 35.11: three families, of whom some heads have died by then."""
    rows = [person(n, region="35.11", **({"status": "deceased", "status_date": day} if n in dead else {})) for n in range(3)]
    deliver_rows(ctx, "test-population", rows, "35.11", day)
    period = f"2025-Q{(int(day[5:7]) + 2) // 3}"
    deliver_rows(ctx, "test-family", [family(n, region="35.11", dtsen_period=period) for n in range(3)], "35.11", day)
    deliver_rows(ctx, "test-person", [member(n, region="35.11") for n in range(3)], "35.11", day)


@pytest.fixture(scope="session")
def past_template(postgres, world_template, tmp_path_factory):
    """The world with a second region: a team, no cycle of its own, and snapshots of June and September that came late; by
    December the head of family 2 has died. The live region is determined before anything of the second one is there."""
    name, folder = world_template
    copy = tmp_path_factory.mktemp("past") / "world"
    shutil.copytree(folder, copy, symlinks=True)
    execute(postgres.url("postgres"), f"create database past_template template {name}")
    ctx = make_context(postgres.url("past_template"), copy)
    dispatch.advance(ctx)
    finish(ctx, LIVE)
    add_region(ctx, "35.11")
    register(ctx, regions=("35.11",))
    deliver_past(ctx, "2025-12-20", dead=(2,))
    for day in ("2025-06-20", "2025-09-20"):
        deliver_rows(ctx, "test-signal", [signal(0, region="35.11", observed_on="2025-05-01")], "national", day)
        deliver_past(ctx, day)
    return "past_template", copy


@pytest.fixture
def past(past_template, copy_world):
    """A copy of that."""
    return copy_world(past_template)


def template(ctx):
    """The live region's cycle, as a file would name it."""
    return make_plan(ctx, "35.10", "2026-T1", "2026-T1", **WORDS).template


def plan(ctx, first="2025-T3", last="2025-T4", region="35.11"):
    return make_plan(ctx, region, first, last, template=template(ctx), **WORDS)


def apply(ctx, record):
    return apply_plan(ctx, record, json.dumps(record.model_dump(mode="json")), "Reviewer")


def finish(ctx, key):
    """What the DAG `determine` does with a key, in the ledger and the store; its outcomes by programme."""
    from .test_windows import publish_key

    return publish_key(ctx, key)


def run_all(ctx):
    """Ticks and runs until nothing is due any more; the keys in the order in which they ran."""
    ran = []
    for hour in range(1, 20):
        keys = dispatch.advance(ctx.at_time(ctx.at + timedelta(hours=hour)))["keys"]
        for key in keys:
            finish(ctx, key)
        if not keys:
            return ran
        ran += keys
    raise AssertionError(f"there is no end: {ran}")


def actions(record):
    return {stage.stage: stage.action for stage in record.stages}


def states(ctx):
    return {stage["stage"]: stage["state"] for stage in read_backfill_status(ctx)[0]["stages"]}


def digests(ctx, region="35.11"):
    """List → digest of its newest revision."""
    rows = read_rows(ctx, "select r.list_id, r.list_digest from list_revision as r join list as l using (list_id) "
                          "where l.region_code = %s order by r.list_id, r.revision", region)  # fmt: skip
    return {row["list_id"]: row["list_digest"] for row in rows}


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
            finish(past, PAST[0])
        finish(past, PAST[1])
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
    add_cycle(past, "35.11")
    dispatch.advance(past)
    finish(past, "35.11|2026-T1")
    rows = read_rows(past, "select stage, input_set_digest from work where region_code = '35.11'")
    keys = {row["stage"]: f"determinations/{row['input_set_digest']}/decisions.parquet" for row in rows}
    widow = card(2, "351116")
    assert outcomes_of(past, keys["2025-T4"], widow) == {"LAYAK"}
    assert outcomes_of(past, keys["2026-T1"], widow) == {"TIDAK_LAYAK"}


def outcomes_of(ctx, key, number):
    """What BPNT decided for one card."""
    table = pq.read_table(pa.BufferReader(ctx.storage.get("perlinsos-work", key)), columns=["programme", "no_kk", "outcome"])
    return {row["outcome"] for row in table.to_pylist() if (row["programme"], row["no_kk"]) == ("bpnt", number)}


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
    assert stage["next_command"] == "perlinsos backfill plan 35.11 --from 2025-T3 --until 2025-T3"


def test_the_file_carries_the_plan_and_an_edit_is_seen(past, tmp_path):
    record = plan(past)
    write_plan(record, tmp_path / "plan.yaml")
    read, text = read_plan(tmp_path / "plan.yaml")
    assert read == record and apply_plan(past, read, text, "Reviewer") == "applied"
    (tmp_path / "plan.yaml").write_text(text.replace("the pilot's first year", "something else"))
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
    again = plan(past.at_time(past.at + timedelta(hours=1)))
    assert apply(past, again) == "applied"
    assert run_all(past) == PAST


def test_a_live_stage_that_is_due_goes_first(past):
    apply(past, plan(past))
    deliver_rows(past, "test-family", [family(n, decile=2) for n in range(3)], day="2025-12-21")
    assert dispatch.advance(past)["keys"] == [LIVE]
    with past.connect("decider") as connection:
        assert claim(connection, "determine", "35.10", "2026-T1", holder="a run", lease_seconds=3600)
    soon = past.at_time(past.at + timedelta(seconds=5))
    assert dispatch.advance(soon)["keys"] == PAST[:1]
    assert dispatch.advance(past.at_time(past.at + timedelta(seconds=10)))["keys"] == []


def test_only_the_registrar_may_write_a_plan(past):
    with pytest.raises(Refused), past.connect("decider") as connection:
        call(connection, "apply_backfill", [{}, [], "", past.at])
    with pytest.raises(Refused), past.connect("reader") as connection:
        call(connection, "cancel_backfill", ["x", "x", past.at])


def test_no_number_of_a_person_stands_in_a_plan(past):
    text = json.dumps(plan(past).model_dump(mode="json"))
    assert nik(0, "351116") not in text and card(0, "351116") not in text


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
                finish(other, PAST[0])
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
