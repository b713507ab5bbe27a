"""Replay: a published list comes out again from what was frozen for it, whatever changed since; else the cause is named."""

import json

import pytest

from perlinsos.errors import Refused
from perlinsos.ledger.input_sets import make_input_set, read_newest
from perlinsos.operations import assemble, dispatch
from perlinsos.operations.batches import key_of
from perlinsos.operations.rebuild import determine_frozen
from perlinsos.publication.keys import ensure_keys
from perlinsos.publication.publish import publish
from perlinsos.publication.replay import replay_list

from .conftest import deliver_rows, register, rewrite_programmes
from .sources_of_tests import family

KEY, LIST = "35.10|2026-T1", "2026-T1/35.10/bpnt"


def release(ctx):
    """Dispatch, determine and publish; what was published."""
    dispatch.advance(ctx)
    assemble.assemble(ctx, KEY)
    assemble.determine(ctx, KEY)
    return publish(ctx, KEY, {"dag_run": "test"})["published"]


@pytest.fixture
def published(world):
    """The world after its first lists: BPNT with a quota of one, PKH as a simulation."""
    ensure_keys(world.settings)
    register(world, "kuota", quotas={"bpnt": 1})
    release(world)
    return world


def test_a_list_comes_out_again_to_the_byte(published):
    found = replay_list(published, f"{LIST}/r1")
    assert (found.is_equal, found.has_equal_bytes, found.causes) == (True, True, [])
    assert found.list_digest == found.replayed_digest
    assert found.tables["decisions"]["replayed_rows"] == 3


def test_a_simulation_of_the_ledger_can_be_replayed(published):
    assert replay_list(published, "2026-T1/35.10/pkh", is_simulation=True).is_equal


def test_changed_rules_and_later_deliveries_do_not_reach_an_old_list(published):
    file = rewrite_programmes(published) / "bpnt" / "programme.yaml"
    file.write_text(file.read_text().replace("value: 2400000", "value: 4800000"))
    deliver_rows(published, "test-family", [family(n, decile=9) for n in range(3)], day="2025-12-21")
    (second,) = [done for done in release(published) if done["list_id"] == LIST]
    assert second["revision"] == 2
    first, newest = replay_list(published, f"{LIST}/r1"), replay_list(published, LIST)
    assert (first.is_equal, newest.is_equal, newest.label) == (True, True, f"{LIST}/r2")
    assert first.replayed_digest != newest.replayed_digest


def test_an_input_that_is_gone_is_named(published):
    with published.connect("reader") as connection:
        batch = next(b for b in read_newest(connection, "2026-T1/35.10").batches() if b.dataset == "welfare_family")
    path = published.storage.root / published.settings.buckets.work / key_of(batch.batch_digest, "accepted.parquet")
    path.unlink()
    with pytest.raises(Refused, match="An input of the list is gone: welfare_family of test-family"):
        replay_list(published, LIST)


def test_an_input_with_other_bytes_is_named(published):
    with published.connect("reader") as connection:
        batch = next(b for b in read_newest(connection, "2026-T1/35.10").batches() if b.dataset == "signal")
    path = published.storage.root / published.settings.buckets.work / key_of(batch.batch_digest, "accepted.parquet")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"7")
    with pytest.raises(Refused, match="other bytes than were recorded"):
        replay_list(published, LIST)


def test_a_list_that_was_decided_otherwise_is_found_and_its_cause_said(world, tmp_path):
    """What was published had lain in the place of the input set's own determination: of another setting."""
    ensure_keys(world.settings)
    register(world, "kuota", quotas={"bpnt": 1})
    dispatch.advance(world)
    with world.connect("reader") as connection:
        frozen = read_newest(connection, "2026-T1/35.10")
    other = make_input_set(frozen.document | {"settings": {"bpnt.max_decile": 0}})
    determine_frozen(world, other, tmp_path / "other")
    for file in (tmp_path / "other" / "out").iterdir():
        world.storage.put_new(world.settings.buckets.work, f"determinations/{frozen.digest}/{file.name}", file)
    assert LIST in {done["list_id"] for done in publish(world, KEY, {"dag_run": "test"})["published"]}
    found = replay_list(world, LIST)
    assert not found.is_equal
    assert "the rules resolve otherwise: bpnt.max_decile" in found.causes
    assert any(cause.startswith("decisions differ") for cause in found.causes)


def test_a_list_that_is_not_there_is_refused(published):
    with pytest.raises(Refused, match="There is no such list"):
        replay_list(published, f"{LIST}/r7")


def test_the_command_says_whether_it_is_equal(published, monkeypatch):
    from typer.testing import CliRunner

    from perlinsos.commands.replay import app

    monkeypatch.setenv("PERLINSOS_HOME", str(published.settings.home))
    monkeypatch.setenv("PERLINSOS_PROJECT", str(published.settings.project))
    monkeypatch.setenv("PERLINSOS_DATABASE_URL", published.settings.database_url)
    monkeypatch.setenv("PERLINSOS_S3_ENDPOINT", published.settings.s3_endpoint)
    done = CliRunner().invoke(app, [LIST, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["is_equal"] is True
