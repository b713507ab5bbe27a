"""Ingest: refused deliveries are set aside, the others stand; every step may run again or be left out."""

import pytest

from perlinsos.errors import Refused
from perlinsos.operations import accept, batches, pull

from .conftest import deliver_rows, read_rows
from .sources_of_tests import as_csv, family, member, person


def land(ctx, source, text, day, scope="35.10"):
    prefix = f"{source}/{scope}/{day}"
    for name, data in (("part.csv", text), ("_COMPLETE", "")):
        ctx.storage.put_landing("perlinsos-landing", f"{prefix}/{name}", data.encode())
    pull.fetch(ctx, source)


def test_each_step_may_run_alone_again_or_not_at_all(world):
    land(world, "test-family", as_csv([family(9)]), "2025-12-21")
    assert len(accept.read(world, "35.10")["new"]) == 1
    assert accept.read(world, "35.10")["new"] == []
    assert len(accept.check(world, "35.10")["new"]) == 1
    assert accept.check(world, "35.10")["new"] == []
    assert len(accept.accept(world, "35.10")["new"]) == 1
    assert accept.accept(world, "35.10") == {"deliveries": [], "new": [], "refused": []}


def test_a_refused_delivery_is_recorded_and_stops_no_other(world):
    land(world, "test-population", "no,such,columns\n1,2,3\n", "2025-12-21")
    land(world, "test-family", as_csv([family(9)]), "2025-12-21")
    land(world, "test-person", as_csv([member(9)]), "2025-12-22")
    accept.read(world, "35.10")
    accept.check(world, "35.10")
    with pytest.raises(Refused, match=r"1 of the deliveries of 35\.10") as error:
        accept.accept(world, "35.10")
    assert "test-population of 2025-12-21" in error.value.where
    states = read_rows(world, "select source_id, state from delivery where snapshot_date > '2025-12-20' order by 1")
    assert [(row["source_id"], row["state"]) for row in states] == [
        ("test-family", "accepted"), ("test-person", "accepted"), ("test-population", "refused"),
    ]  # fmt: skip


def test_a_refused_delivery_is_judged_again_once_its_description_is_put_right(world):
    with pytest.raises(Refused):
        deliver_rows(world, "test-family", [{"kartu" if k == "no_kk" else k: v for k, v in family(9).items()}], day="2025-12-21")
    assert accept.accept(world.at_time(world.at.replace(minute=5)), "35.10")["deliveries"] == []
    source = world.settings.folder("sources") / "test-family.yaml"
    source.write_text(source.read_text() + "columns:\n  no_kk: {from: kartu}\n")
    later = world.at_time(world.at.replace(minute=10))
    assert len(accept.accept(later, "35.10")["new"]) == 1


def test_the_funnel_of_every_batch_adds_up_and_its_rules_are_counted(world):
    deliver_rows(world, "test-population", [person(0), person(1, sex="X"), person(2, birth_date="1990-02-31")], day="2025-12-21")
    row = read_rows(world, "select * from batch where snapshot_date = '2025-12-21'")[0]
    assert (row["received"], row["accepted"] + row["accepted_with_warnings"], row["quarantined"]) == (3, 1, 2)
    rules = read_rows(
        world, "select rows from quarantine_summary where batch_digest = %s and severity = 'critical'", row["batch_digest"]
    )
    assert sum(rule["rows"] for rule in rules) == 2


def test_a_crash_before_the_ledger_is_repaired_by_the_next_run(world, monkeypatch):
    land(world, "test-family", as_csv([family(9)]), "2025-12-21")

    def crash(*arguments):
        raise KeyboardInterrupt

    for name in ("store_batch", "accept_delivery"):
        with monkeypatch.context() as patched:
            patched.setattr(accept, name, crash)
            with pytest.raises(KeyboardInterrupt):
                accept.accept(world, "35.10")
        assert read_rows(world, "select state from delivery where snapshot_date = '2025-12-21'") == [{"state": "landed"}]
    assert len(accept.accept(world, "35.10")["new"]) == 1


def test_an_older_delivery_that_comes_later_is_accepted_and_not_in_force(world):
    from perlinsos.ledger.deliveries import read_batches_until
    from perlinsos.operations.inputs import pick_in_force

    deliver_rows(world, "test-family", [family(9)], day="2025-12-01")
    with world.connect("reader") as connection:
        found = pick_in_force(read_batches_until(connection, world.at.date()))
    assert [str(b.snapshot_date) for b in found if b.source_id == "test-family"] == ["2025-12-20"]


def test_the_index_holds_each_number_once_and_the_objects_have_the_recorded_digests(world):
    from perlinsos.ledger.deliveries import read_batches_until

    with world.connect("reader") as connection:
        found = {b.dataset: b for b in read_batches_until(connection, world.at.date())}
    for name in found["population"].files:
        assert batches.fetch_file(world, found["population"], name).exists()
    assert read_rows(world, "select numbers from batch where dataset = 'population'") == [{"numbers": 6}]
