"""Windows and what may still change while one is open."""

import json
import shutil
from datetime import datetime, timedelta

import pytest

from conftest import execute
from perlinsos.ledger import revisions, work
from perlinsos.operations import accept, assemble, dispatch

from .conftest import add_cycle, deliver_rows, make_context, read_rows, register
from .sources_of_tests import family, person, signal

KEY, LIST = "35.10|2026-T1", "2026-T1/35.10/bpnt"


def publish(ctx):
    """Publish the work of KEY."""
    publish_key(ctx, KEY)


def publish_key(ctx, key):
    """What publishing does in the ledger: a revision of each programme with the digest of its determination; its outcomes."""
    region, stage = key.split("|")
    outcomes = assemble.determine(ctx, key)["programmes"]
    with ctx.connect("publisher") as connection:
        held = work.claim(connection, "determine", region, stage, holder=ctx.holder, lease_seconds=60)
        text = ctx.storage.get("perlinsos-work", f"determinations/{held.input_set_digest}/summary.json")
        for programme, status in held.statuses.items():
            list_id, digest = f"{stage}/{region}/{programme}", json.loads(text)["programmes"][programme]["list_digest"]
            number = revisions.reserve_revision(connection, list_id, digest, status, held.work_id, held.fence)
            if number:
                revisions.record_published(
                    connection, list_id, number, status=status, list_digest=digest, manifest_key="k",
                    manifest_sha256="b" * 64, work_id=held.work_id, fence=held.fence, at=ctx.at,
                )  # fmt: skip
        work.finish_work(connection, held.work_id, held.fence)
    return outcomes


def windows(ctx):
    return read_rows(ctx, "select opens_at, closes_at from objection_window where list_id = %s", LIST)


def states(ctx):
    return {row["state"] for row in read_rows(ctx, "select state from list")}


@pytest.fixture(scope="session")
def counted_template(postgres, world_template, tmp_path_factory):
    """The world with quotas for both programmes, one row of the register set aside, frozen and published once."""
    name, folder = world_template
    copy = tmp_path_factory.mktemp("counted") / "world"
    shutil.copytree(folder, copy, symlinks=True)
    execute(postgres.url("postgres"), f"create database counted_template template {name}")
    ctx = make_context(postgres.url("counted_template"), copy)
    deliver_rows(ctx, "test-population", [person(0), person(1), person(2, sex="X")], day="2025-12-20-2")
    register(ctx, "kuota", quotas={"pkh": 1, "bpnt": 5})
    dispatch.advance(ctx)
    publish(ctx)
    return "counted_template", copy


@pytest.fixture
def counted(counted_template, copy_world):
    """A copy of that."""
    return copy_world(counted_template)


def announce(ctx, text):
    add_cycle(ctx, announce_at=text)


def test_the_window_opens_at_the_tick_that_sees_revision_1_where_the_announcement_is_past(counted):
    announce(counted, "2025-12-22T09:00:00+07:00")
    tick = counted.at_time(datetime.fromisoformat("2026-01-02T12:00:00+07:00"))
    dispatch.advance(tick)
    assert [(w["opens_at"].isoformat(), w["closes_at"].isoformat()) for w in windows(counted)] == [
        ("2026-01-02T05:00:00+00:00", "2026-02-02T16:59:59+00:00")
    ]
    assert states(counted) == {"provisional"}


def test_the_window_opens_at_the_announcement_where_revision_1_was_seen_before(counted):
    announce(counted, "2026-01-05T08:00:00+07:00")
    dispatch.advance(counted)
    assert windows(counted) == [] and states(counted) == {"determined"}
    dispatch.advance(counted.at_time(datetime.fromisoformat("2026-01-05T08:04:00+07:00")))
    assert windows(counted)[0]["opens_at"].isoformat() == "2026-01-05T01:00:00+00:00"


def test_a_backfilled_stage_opens_no_window(counted):
    add_cycle(counted, announce_at="2025-12-22T09:00:00+07:00", purpose="backfill")
    dispatch.advance(counted)
    assert windows(counted) == []


def test_a_simulation_opens_no_window(world):
    dispatch.advance(world)
    publish(world)
    announce(world, "2025-12-22T09:00:00+07:00")
    dispatch.advance(world)
    assert windows(world) == [] and states(world) == {"simulation"}


def test_until_the_window_opens_a_new_batch_makes_the_next_revision(counted):
    deliver_rows(counted, "test-family", [family(n, decile=5) for n in range(3)], day="2025-12-20-2")
    assert dispatch.advance(counted)["frozen"] == [KEY]
    publish(counted)
    with counted.connect("reader") as connection:
        assert [r.revision for r in revisions.read_revisions(connection, LIST)] == [1, 2]


@pytest.fixture
def opened(counted):
    """The same with its window open."""
    announce(counted, "2025-12-22T09:00:00+07:00")
    dispatch.advance(counted)
    return counted


def held(ctx):
    """Outcomes of the determination of today's work."""
    return assemble.determine(ctx, KEY)["programmes"]["bpnt"]


def test_once_it_is_open_a_new_batch_changes_nothing(opened):
    deliver_rows(opened, "test-family", [family(n, decile=9) for n in range(3)], day="2025-12-20-2")
    assert dispatch.advance(opened)["frozen"] == []


def test_once_it_is_open_a_repaired_row_changes_the_families_that_it_held_and_nothing_else(opened):
    deliver_rows(opened, "test-population", [person(0), person(1, status="deceased"), person(2)], day="2025-12-20-3")
    assert dispatch.advance(opened)["frozen"] == [KEY]
    assert held(opened) == {"LAYAK": 2, "ANTREAN": 0, "TIDAK_LAYAK": 1, "TUNDA": 0}


def test_a_row_that_is_judged_anew_is_repaired_too(opened):
    source = opened.settings.folder("sources") / "test-population.yaml"
    source.write_text(source.read_text() + "columns:\n  sex: {values: {X: P}}\n")
    delivery = read_rows(opened, "select delivery_id from delivery where source_id = 'test-population' and suffix = 2")
    shown = accept.replay(opened, delivery[0]["delivery_id"], apply=False)
    assert (shown["before"]["quarantined"], shown["after"]["quarantined"]) == (1, 0)
    assert dispatch.advance(opened)["frozen"] == []
    accept.replay(opened, delivery[0]["delivery_id"], apply=True)
    assert dispatch.advance(opened)["frozen"] == [KEY]
    assert held(opened)["TUNDA"] == 0


def test_a_repair_is_frozen_once(opened):
    deliver_rows(opened, "test-population", [person(n) for n in range(3)], day="2025-12-20-3")
    dispatch.advance(opened)
    assert dispatch.advance(opened)["frozen"] == []


def test_the_window_closes_after_its_last_second_and_then_nothing_is_frozen(opened):
    closes = windows(opened)[0]["closes_at"]
    dispatch.advance(opened.at_time(closes))
    assert states(opened) == {"provisional"}
    dispatch.advance(opened.at_time(closes + timedelta(seconds=1)))
    assert states(opened) == {"window_closed"}
    deliver_rows(opened, "test-population", [person(n) for n in range(3)], day="2025-12-20-3")
    assert dispatch.advance(opened.at_time(closes + timedelta(days=1)))["frozen"] == []


def test_a_cycle_with_an_open_window_cannot_be_rewritten(opened):
    from perlinsos.errors import Refused

    with pytest.raises(Refused, match="window was opened"):
        add_cycle(opened, cut_off="2026-02-01")


def test_before_the_window_the_held_family_waits(counted):
    assert held_before(counted) == {"LAYAK": 1, "ANTREAN": 0, "TIDAK_LAYAK": 1, "TUNDA": 1}


def held_before(ctx):
    row = read_rows(ctx, "select input_set_digest from work where state = 'done'")[0]
    text = ctx.storage.get("perlinsos-work", f"determinations/{row['input_set_digest']}/summary.json")
    return json.loads(text)["programmes"]["bpnt"]["outcomes"]


def test_a_repair_by_a_later_delta_row_of_the_same_key(world):
    deliver_rows(world, "test-delta", [signal(1, "ELECTRICITY", value="900"), signal(2, "ELECTRICITY", value="900")])
    deliver_rows(
        world,
        "test-delta",
        [signal(1, "CAR", value="1", observed_on="31/31/2025"), signal(2, "ELECTRICITY", value="450")],
        day="2025-12-21",
    )
    register(world, "kuota", quotas={"pkh": 1, "bpnt": 5})
    dispatch.advance(world)
    publish(world)
    assert held_before(world) == {"LAYAK": 1, "ANTREAN": 0, "TIDAK_LAYAK": 1, "TUNDA": 1}
    announce(world, "2025-12-22T09:00:00+07:00")
    dispatch.advance(world)
    deliver_rows(world, "test-delta", [signal(1, "CAR", value="0"), signal(2, "CAR", value="1")], day="2025-12-22")
    assert dispatch.advance(world)["frozen"] == [KEY]
    assert held(world) == {"LAYAK": 2, "ANTREAN": 0, "TIDAK_LAYAK": 1, "TUNDA": 0}


def test_a_row_whose_cells_a_person_corrected_is_repaired_too(opened, tmp_path):
    from perlinsos.operations.quarantine import write_out

    found = read_rows(opened, "select delivery_id from delivery where source_id = 'test-population' and suffix = 2")
    rows = tmp_path / "rows.csv"
    write_out(opened, found[0]["delivery_id"], rows)
    rows.write_text(rows.read_text(encoding="utf-8-sig").replace(",X,", ",P,"))
    accept.replay(opened, found[0]["delivery_id"], apply=True, corrected=rows, by="Petugas Contoh")
    assert dispatch.advance(opened)["frozen"] == [KEY]
    assert held(opened)["TUNDA"] == 0
