"""The commands of the ledger, as a person calls them."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from perlinsos.cli import app
from perlinsos.errors import Refused, WrongUsage
from perlinsos.ledger.connection import call as call_function
from perlinsos.ledger.connection import transaction
from perlinsos.ledger.input_sets import freeze, make_input_set
from perlinsos.ledger.work import claim, fail_work, retry_work
from perlinsos.operations import dispatch
from perlinsos.operations.status import read_status
from perlinsos.settings import find_project

DEMO = find_project() / "demo"


@pytest.fixture
def run(settings, monkeypatch, capsys):
    """Runs a command in this process on a fresh ledger; its JSON."""
    monkeypatch.setenv("PERLINSOS_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("PERLINSOS_S3_ENDPOINT", settings.s3_endpoint)
    monkeypatch.setenv("PERLINSOS_HOME", str(settings.home))
    from perlinsos.storage import open_storage

    for bucket in vars(settings.buckets).values():
        open_storage(settings).make_bucket(bucket)

    def call(*words):
        app([*words, "--json"], standalone_mode=False)
        return json.loads(capsys.readouterr().out)

    return call


def test_the_demos_regions_decrees_and_cycles_are_registered_once(run):
    for _ in range(2):
        for kind, file in (("region", "region-35.10.yaml"), ("decree", "decrees/tim-35.10.yaml"),
                           ("decree", "decrees/kuota-2026-T1.yaml"), ("cycle", "cycle-35.10-2026-T1.yaml")):  # fmt: skip
            run(kind, "add", str(DEMO / file))
    assert [row["region_code"] for row in run("region", "list")["regions"]] == ["35.10"]
    assert [row["cycle_id"] for row in run("cycle", "list")["cycles"]] == ["2026-T1/35.10"]
    assert all(row["is_registered"] for row in run("decree", "list")["decrees"])


def test_status_says_what_is_missing_and_the_next_command(run):
    run("region", "add", str(DEMO / "region-35.10.yaml"))
    run("cycle", "add", str(DEMO / "cycle-35.10-2026-T1.yaml"))
    assert run("dispatch", "--at", "2026-01-02T10:00:00+07:00")["keys"] == []
    entry = run("status")["cycles"][0]
    assert "no decree tim is in force for 35.10" in entry["reason"] and entry["next_command"] == "perlinsos decree add FILE"


def test_only_work_that_was_refused_can_be_asked_for_again(settings, run):
    run("region", "add", str(DEMO / "region-35.10.yaml"))
    run("cycle", "add", str(DEMO / "cycle-35.10-2026-T1.yaml"))
    with transaction(settings, "decider") as connection:
        frozen = make_input_set({"region": "35.10", "batches": [], "lottery_seed": None})
        freeze(connection, "2026-T1/35.10", frozen, "cut-off", datetime.now(UTC))
        call_function(connection, "require_work", ["determine", "2026-T1/35.10", frozen.digest, {"pkh": "simulation"}])
        held = claim(connection, "determine", "35.10", "2026-T1", holder="a", lease_seconds=60)
        assert not retry_work(connection, "determine", "35.10", "2026-T1")
        fail_work(connection, held.work_id, held.fence, {"what": "no key"})
    assert run("status")["cycles"][0]["next_command"] == "perlinsos dispatch --retry '35.10|2026-T1'"
    assert run("dispatch", "--retry", "35.10|2026-T1")["keys"] == ["35.10|2026-T1"]
    assert run("status")["cycles"][0]["work"] == "due"


def test_a_decree_counts_after_the_second_person(run):
    file = str(DEMO / "decrees" / "tim-35.10.yaml")
    first, second = "daerah-pendaftar-35.10", "daerah-pemeriksa-35.10"
    assert run("decree", "add", file, "--registrar", first)["state"] == "registered"
    with pytest.raises(Refused, match="same person"):
        run("decree", "add", file, "--registrar", first)
    assert run("decree", "add", file, "--registrar", second)["state"] == "confirmed"


def test_a_decree_with_another_text_or_registrar_is_refused(run, tmp_path):
    for name in ("tim-35.10.yaml", "tim-35.10.txt"):
        (tmp_path / name).write_text((DEMO / "decrees" / name).read_text())
    run("decree", "add", str(tmp_path / "tim-35.10.yaml"), "--registrar", "daerah-pendaftar-35.10")
    (tmp_path / "tim-35.10.txt").write_text("another document")
    with pytest.raises(Refused, match="another text or document"):
        run("decree", "add", str(tmp_path / "tim-35.10.yaml"), "--registrar", "daerah-pemeriksa-35.10")
    with pytest.raises(Refused, match="not among those"):
        run("decree", "add", str(tmp_path / "tim-35.10.yaml"), "--registrar", "somebody")


def test_an_unknown_key_names_file_and_key(run, tmp_path):
    (tmp_path / "region.yaml").write_text((DEMO / "region-35.10.yaml").read_text() + "colour: red\n")
    with pytest.raises(WrongUsage, match=r"region\.yaml is no region") as error:
        run("region", "add", str(tmp_path / "region.yaml"))
    assert "colour" in error.value.why


def test_a_cycle_of_an_unregistered_region_is_refused(run):
    with pytest.raises(Refused, match=r"35\.10 is not registered"):
        run("cycle", "add", str(DEMO / "cycle-35.10-2026-T1.yaml"))


def test_migrate_finds_nothing_to_do(run):
    assert run("migrate") == {"applied": []}


def test_without_a_ledger_the_exit_code_is_3(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "perlinsos.cli", "status"],
        capture_output=True, text=True, check=False, cwd=tmp_path, env={"PERLINSOS_HOME": str(tmp_path), "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 3 and "perlinsos up" in done.stderr


def test_the_states_of_a_region_in_words(world):
    assert read_status(world)[0]["reason"] == "no tick of dispatch has seen it yet"
    dispatch.advance(world)
    entry = read_status(world)[0]
    assert (entry["reason"], entry["work"]) == ("it is due and begins by itself; nothing is to be done", "due")
    assert entry["next_command"] == ""


def test_status_says_that_deliveries_are_being_read(world):
    from perlinsos.operations import pull

    for name, text in (("part.csv", "no_kk\n"), ("_COMPLETE", "")):
        world.storage.put_landing("perlinsos-landing", f"test-family/35.10/2025-12-30/{name}", text.encode())
    pull.fetch(world, "test-family")
    dispatch.advance(world)
    entry = read_status(world)[0]
    assert entry["reason"].startswith("deliveries have arrived and are being read (1 to go)") and entry["next_command"] == ""


def test_status_names_the_command_of_a_refused_delivery_though_others_are_being_read(world):
    from perlinsos.operations import pull
    from perlinsos.watch.coverage import Filters, read_coverage
    from perlinsos.watch.rights import Rights

    from .conftest import deliver_rows, read_rows
    from .sources_of_tests import as_csv, family, member

    with pytest.raises(Refused):
        deliver_rows(world, "test-family", [{"decile": 1}], day="2025-12-28")
    for name, text in (("part.csv", as_csv([member(0)])), ("_COMPLETE", "")):
        world.storage.put_landing("perlinsos-landing", f"test-person/35.10/2025-12-30/{name}", text.encode())
    pull.fetch(world, "test-person")
    dispatch.advance(world)
    (number,) = (row["delivery_id"] for row in read_rows(world, "select delivery_id from delivery where state = 'refused'"))
    entry = read_status(world)[0]
    assert entry["next_command"] == f"perlinsos quarantine show {number}" and "nothing is to be done" not in entry["reason"]
    assert entry["reason"].startswith("test-family of 2025-12-28 is refused: columns are missing")
    with world.connect("reader") as connection:
        (cell,) = read_coverage(connection, Rights("admin", "operator", None), Filters(), world.at).cells
    assert cell.command == entry["next_command"]
    deliver_rows(world.at_time(world.at.replace(minute=5)), "test-family", [family(0)], day="2025-12-28-2")
    assert "quarantine show" not in read_status(world)[0]["next_command"]


def test_status_fetches_a_list_for_a_consumer_only_whose_scope_holds_it(world):
    from publication.conftest import add_consumer

    from .conftest import register
    from .test_windows import publish

    register(world, "kuota", quotas={"pkh": 1, "bpnt": 5})
    dispatch.advance(world)
    publish(world)
    add_consumer(world.settings, "bank-demo", "payer", programmes=["pip"])
    assert read_status(world)[0]["next_command"] == "perlinsos snapshot fetch 2026-T1/35.10/bpnt --out DIR"
    add_consumer(world.settings, "other-demo", "payer", programmes=["pkh"])
    expected = "perlinsos snapshot fetch 2026-T1/35.10/pkh --consumer other-demo --out DIR"
    assert read_status(world)[0]["next_command"] == expected


@pytest.mark.parametrize(
    ("at", "told"),
    [("2026-01-02T10:00:00+07:00", "objections open at the announcement, 2026-01-05 08:00 WIB"),
     ("2026-01-05T08:01:00+07:00", "the next tick of dispatch opens its window")],
)  # fmt: skip
def test_status_after_publication_speaks_in_the_regions_time(world, at, told):
    from .conftest import add_cycle, register
    from .test_windows import publish

    add_cycle(world, announce_at="2026-01-05T08:00:00+07:00")
    register(world, "kuota", quotas={"pkh": 1, "bpnt": 5})
    dispatch.advance(world)
    publish(world)
    entry = read_status(world.at_time(datetime.fromisoformat(at)))[0]
    assert told in entry["reason"] and entry["next_command"] == "perlinsos snapshot fetch 2026-T1/35.10/bpnt --out DIR"
    opened = world.at_time(datetime.fromisoformat("2026-01-05T09:00:00+07:00"))
    dispatch.advance(opened)
    assert read_status(opened)[0]["reason"] == "objections are open until 2026-02-05 23:59 WIB"


def test_an_unknown_consumer_is_refused(run):
    with pytest.raises(Refused, match="no consumer nobody"):
        run("snapshot", "list", "--consumer", "nobody")


def test_what_was_set_aside_is_listed_and_shown_in_counts(world):
    from perlinsos.operations.quarantine import list_quarantined, show_quarantined

    from .conftest import deliver_rows
    from .sources_of_tests import family

    deliver_rows(world, "test-family", [family(0), family(1, decile=77)], day="2025-12-21")
    found = list_quarantined(world, "35.10")
    assert [(row["source_id"], row["quarantined"]) for row in found] == [("test-family", 1)]
    assert any(rule["rows"] == 1 for rule in show_quarantined(world, found[0]["delivery_id"])["rules"])
