"""From delivered files to a list without services: `ingest --into`, then `determine`, decide as the whole line does."""

from __future__ import annotations

import json

import pytest

from perlinsos.errors import Refused
from perlinsos.ledger.input_sets import read_newest
from perlinsos.operations import assemble, dispatch
from perlinsos.operations.rebuild import settings_of
from perlinsos.recipients.determine import determine

from .conftest import deliver_rows, register
from .sources_of_tests import as_csv, family, member, person, signal

DELIVERIES = {
    "test-population": [person(0), person(1), person(2, sex="X")],
    "test-family": [family(n) for n in range(3)],
    "test-person": [member(0), member(1), member(2, disability="severe")],
    "test-signal": [signal(0), signal(1, "CAR", value="2")],
}


@pytest.fixture
def ingest(world, tmp_path, monkeypatch):
    """Runs `perlinsos ingest --into` on rows of a source of the test project."""
    from perlinsos.cli import app

    monkeypatch.setenv("PERLINSOS_PROJECT", str(world.settings.project))
    monkeypatch.setenv("PERLINSOS_HOME", str(tmp_path / "home"))

    def run(source, rows, *words):
        file = tmp_path / f"{source}.csv"
        file.write_text(as_csv(rows))
        description = world.settings.folder("sources") / f"{source}.yaml"
        app(
            ["ingest", "--source", str(description), "--into", str(tmp_path / "inputs"), str(file), *words], standalone_mode=False
        )
        return tmp_path / "inputs"

    return run


def test_the_files_give_the_list_digests_of_the_line(world, ingest, tmp_path):
    for source, rows in DELIVERIES.items():
        deliver_rows(world, source, rows, "national" if source == "test-signal" else "35.10", day="2025-12-21")
        inputs = ingest(source, rows)
    register(world, "kuota", quotas={"pkh": 1, "bpnt": 5})
    dispatch.advance(world)
    found = assemble.determine(world, "35.10|2026-T1")
    line = json.loads(world.storage.get("perlinsos-work", f"determinations/{found['input_set']}/summary.json"))
    with world.connect("reader") as connection:
        settings = settings_of(read_newest(connection, "2026-T1/35.10"))
    quotas = [f"35.10,{programme},2026-T1,{quota},kuota" for programme, quota in (("pkh", 1), ("bpnt", 5))]
    (inputs / "quota.csv").write_text("\n".join(["region_code,programme,stage,quota,decree_id", *quotas]) + "\n")
    files = determine("35.10", "2026-T1", inputs, tmp_path / "out", settings=settings)
    assert files["programmes"]["bpnt"]["outcomes"]["TUNDA"] == 1
    for programme in ("pkh", "bpnt"):
        assert files["programmes"][programme]["list_digest"] == line["programmes"][programme]["list_digest"]


def test_agencies_of_one_dataset_stand_side_by_side_and_a_full_delivery_replaces_its_own(ingest):
    ingest("test-signal", [signal(0)])
    ingest("test-delta", [signal(1)])
    inputs = ingest("test-signal", [signal(2), signal(3)])
    assert sorted(path.name for path in (inputs / "signal").iterdir()) == ["test-delta.parquet", "test-signal.parquet"]
    with pytest.raises(Refused, match="earlier delta"):
        ingest("test-delta", [signal(4)])
    ingest("test-delta", [signal(4)], "--part", "test-delta-2")


def test_a_dataset_that_is_one_file_already_is_not_made_two(ingest, tmp_path):
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "signal.csv").touch()
    with pytest.raises(Refused, match="stands there as a file"):
        ingest("test-signal", [signal(0)])
