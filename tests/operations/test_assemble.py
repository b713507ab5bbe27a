"""Assembling: what the determination gets, from the input set alone."""

import json
from functools import partial

import duckdb
import pytest

from perlinsos.engine import open_engine
from perlinsos.errors import Conflict, Refused
from perlinsos.ledger import input_sets, work
from perlinsos.ledger.connection import call
from perlinsos.operations import assemble, dispatch
from perlinsos.operations.assembling import assemble_inputs
from perlinsos.operations.batches import fetch_file
from perlinsos.operations.rule_files import rule_key
from perlinsos.storage import digest_of

from .conftest import add_region, deliver_rows, read_rows, rewrite_programmes
from .sources_of_tests import card, family, nik, person, signal

KEY = "35.10|2026-T1"


def assembled(ctx, out):
    """The input folder of the newest input set."""
    out.mkdir()
    with ctx.connect("reader") as connection:
        frozen = input_sets.read_newest(connection, "2026-T1/35.10")
    with open_engine(1) as engine:
        assemble_inputs(engine, frozen, partial(fetch_file, ctx), out)
    return out


def values(folder, dataset, columns):
    return duckdb.sql(f"select {columns} from '{folder}/{dataset}.parquet' order by all").fetchall()


def test_foreign_rows_come_in_where_they_share_a_number_and_with_their_whole_card(world, tmp_path):
    add_region(world, "35.09")
    moved = person(1, 50, region="35.09", nik=nik(1))
    rest_of_the_card = person(51, 50, region="35.09", family_relation=3)
    stranger = person(60, region="35.09")
    deliver_rows(world, "test-population", [moved, rest_of_the_card, stranger], scope="35.09")
    dispatch.advance(world)
    found = {row[0] for row in values(assembled(world, tmp_path / "a"), "population", "nik")}
    assert found == {nik(0), nik(1), nik(2), rest_of_the_card["nik"]}


def test_national_rows_are_those_about_the_regions_persons(world, tmp_path):
    rows = [signal(1), signal(60, region="35.09"), signal(0, "CAR", value="1")]
    deliver_rows(world, "test-signal", rows, "national", day="2025-12-21")
    dispatch.advance(world)
    assert values(assembled(world, tmp_path / "a"), "signal", "nik, code") == [(nik(0), "CAR"), (nik(1), "ASN")]


def test_of_a_delta_source_the_later_row_of_a_key_is_in_force(world, tmp_path):
    deliver_rows(world, "test-delta", [signal(1, "CAR", value="1"), signal(2, "CAR", value="1")], day="2025-12-18")
    deliver_rows(world, "test-delta", [signal(1, "CAR", value="0")], day="2025-12-19")
    dispatch.advance(world)
    found = values(assembled(world, tmp_path / "a"), "signal", "nik, code, value")
    assert [row for row in found if row[1] == "CAR"] == [(nik(1), "CAR", "0"), (nik(2), "CAR", "1")]


def test_rows_set_aside_are_named_until_they_are_replaced(world, tmp_path):
    deliver_rows(world, "test-family", [family(0), family(1), family(2, decile=77)], day="2025-12-21")
    dispatch.advance(world)
    assert values(assembled(world, tmp_path / "a"), "quarantined", "dataset, nik, no_kk") == [("welfare_family", None, card(2))]
    deliver_rows(world, "test-family", [family(n) for n in range(3)], day="2025-12-22")
    dispatch.advance(world)
    assert values(assembled(world, tmp_path / "b"), "quarantined", "*") == []


def test_the_same_input_set_gives_the_same_bytes(world, tmp_path):
    dispatch.advance(world)
    folders = [assembled(world, tmp_path / name) for name in "ab"]
    digests = [{path.name: digest_of(path) for path in folder.iterdir()} for folder in folders]
    assert digests[0] == digests[1] and len(digests[0]) == 7


def test_a_task_that_was_left_out_is_made_by_the_next_one(world):
    dispatch.advance(world)
    assert assemble.determine(world, KEY)["programmes"]["pkh"]["TIDAK_LAYAK"] == 3
    assert assemble.assemble(world, KEY)["rows"]["population.parquet"] == 3


def test_no_work_is_done_in_no_time(world):
    assert assemble.assemble(world, KEY) == {"input_set": ""}


def test_a_worker_whose_claim_was_lost_writes_nothing(world, monkeypatch):
    dispatch.advance(world)

    def wake_late(ctx, frozen, folder):
        deliver_rows(ctx, "test-family", [family(n, decile=2) for n in range(3)], day="2025-12-21")
        dispatch.advance(ctx)
        return {}

    monkeypatch.setattr(assemble, "_write_assembled", wake_late)
    with pytest.raises(Conflict, match="was lost"):
        assemble.assemble(world, KEY)
    assert list(world.storage.list("perlinsos-work", "assembled/")) == []


@pytest.mark.parametrize("name", ["_write_assembled", "_store", "_put", "_run_determination", "_check_funnel"])
def test_a_crash_between_any_two_steps_is_repaired_by_the_same_runs_retry(world, monkeypatch, name):
    dispatch.advance(world)

    def crash(*arguments, **keywords):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(assemble, name, crash)
        with pytest.raises(KeyboardInterrupt):
            assemble.determine(world, KEY)
    assert assemble.determine(world, KEY)["programmes"]["bpnt"]["LAYAK"] == 2


def test_what_failed_is_set_aside_with_its_reason_and_not_called_for_again(world, monkeypatch):
    dispatch.advance(world)

    def refuse(*arguments):
        raise Refused("no wage row for 35.10")

    with monkeypatch.context() as patched:
        patched.setattr(assemble, "_run_determination", refuse)
        with pytest.raises(Refused):
            assemble.determine(world, KEY)
    assert dispatch.advance(world)["keys"] == []
    assert read_rows(world, "select state, error ->> 'what' as what from work") == [
        {"state": "failed", "what": "no wage row for 35.10"}
    ]


def test_a_list_is_decided_by_the_rules_that_were_frozen(world):
    dispatch.advance(world)
    file = rewrite_programmes(world) / "bpnt" / "programme.yaml"
    file.write_text(file.read_text().replace("value: 2400000", "value: 4800000"))
    assert assemble.determine(world, KEY)["programmes"]["bpnt"]["LAYAK"] == 2
    frozen = read_rows(world, "select input_set_digest as digest from input_set")[0]["digest"]
    summary = world.storage.get(world.settings.buckets.work, f"determinations/{frozen}/summary.json")
    assert json.loads(summary)["programmes"]["bpnt"]["amount_year_idr"] == 2 * 2_400_000


def test_a_rule_file_that_was_not_kept_and_changed_is_named(world):
    dispatch.advance(world)
    file = rewrite_programmes(world) / "bpnt" / "programme.yaml"
    kept = rule_key(digest_of(file))
    file.write_text(file.read_text().replace("value: 2400000", "value: 4800000"))
    (world.storage.root / world.settings.buckets.work / kept).unlink()
    with pytest.raises(Refused, match="rule file of the list is gone: bpnt/programme"):
        assemble.determine(world, KEY)


def test_an_expired_claim_is_called_for_again(world):
    dispatch.advance(world)
    with world.connect("decider") as connection:
        work.claim(connection, "determine", "35.10", "2026-T1", holder="dead", lease_seconds=600)
    later = world.at_time(world.at.replace(hour=9))
    assert dispatch.advance(later)["keys"] == []
    with world.connect("decider") as connection:
        row = read_rows(world, "select work_id, fence from work")[0]
        call(connection, "renew_claim", [row["work_id"], row["fence"], -1])
    assert dispatch.advance(later)["keys"] == [KEY]


def test_every_step_leaves_an_outcome_row_also_when_it_fails(world, monkeypatch):
    dispatch.advance(world)
    assemble.assemble(world, KEY)
    monkeypatch.setattr(assemble, "_run_determination", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        assemble.determine(world, KEY)
    rows = read_rows(world, "select step, state from outcome where key = %s order by outcome_id", KEY)
    assert [(row["step"], row["state"]) for row in rows] == [("assemble", "done"), ("determine", "failed")]
