"""Two regions in real Airflow, from the landing bucket to signed lists: nothing but drops, and waiting for what follows."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
import yaml

from perlinsos.ledger.deliveries import Batch, read_batches
from perlinsos.operations.batches import ACCEPTED, QUARANTINE, fetch_file
from perlinsos.settings import find_project

from .conftest import World
from .small_world import OPEN, SHUT, SIZES, SNAPSHOT, STAGE, read_rows, read_truth

pytestmark = [pytest.mark.services, pytest.mark.airflow, pytest.mark.timeout(1800)]

PROGRAMMES = ("pkh", "bpnt")
LISTS = [(region, programme) for region in SIZES for programme in PROGRAMMES]
OUTCOMES = ("LAYAK", "ANTREAN", "TIDAK_LAYAK", "TUNDA")


def test_without_a_team_nothing_is_decided(simulated: World) -> None:
    line = simulated.line
    assert {line.state_of(OPEN, programme) for programme in PROGRAMMES} == {"planned"}
    assert line.rows("select 1 from work where region_code = %s", OPEN) == []
    assert "no decree tim" in line.value("select waiting_reason from cycle where region_code = %s", OPEN)


def test_without_a_quota_it_is_a_simulation_that_no_consumer_sees(simulated: World) -> None:
    line = simulated.line
    assert [line.revisions(SHUT, programme) for programme in PROGRAMMES] == [[], []]
    assert [key for key in line.objects("published", "public") if "consumer=" in key] == []
    assert [key for key in line.objects("work") if key.startswith("work/lists/")] == []


@pytest.mark.parametrize(("region", "programme"), LISTS)
def test_the_run_of_a_list_is_one_of_airflows(published: World, region: str, programme: str) -> None:
    made_by = json.loads((published.line.fetch(region, programme, 1) / "provenance.json").read_bytes())["run"]
    run = published.line.services.airflow.wait_for_run(made_by["dag_id"], made_by["run_id"])
    assert (made_by["dag_id"], made_by["task_id"]) == ("determine", "publish")
    assert (run["partition_key"], run["state"]) == (f"{region}|{STAGE}", "success")


def _first_batches(world: World) -> list[Batch]:
    """The batches of the first deliveries, whatever replaced them since."""
    rows = world.line.rows(
        "select batch_digest from batch as b where suffix = 1 and accepted_at = "
        "(select min(accepted_at) from batch where delivery_id = b.delivery_id) order by source_id, scope"
    )
    with world.line.ctx.connect("reader") as connection:
        return read_batches(connection, [row["batch_digest"] for row in rows])


def test_every_row_that_was_delivered_is_in_one_bucket_of_the_funnel(published: World) -> None:
    line, batches = published.line, _first_batches(published)
    assert len(batches) == len(list(line.out.glob("*/*/*/_COMPLETE")))
    for batch in batches:
        delivered = sum(1 for _ in read_rows(line.out, batch.source_id, batch.scope))
        stored = [pq.read_metadata(fetch_file(line.ctx, batch, name)).num_rows for name in (ACCEPTED, QUARANTINE)]
        assert batch.received == delivered == batch.accepted + batch.accepted_with_warnings + batch.quarantined
        assert stored == [batch.accepted + batch.accepted_with_warnings, batch.quarantined]


@pytest.mark.parametrize(("region", "programme"), LISTS)
def test_every_family_of_a_list_is_in_one_bucket_of_the_funnel(published: World, region: str, programme: str) -> None:
    folder = published.line.fetch(region, programme, 1)
    decisions = published.line.decisions(region, programme, 1)
    counted = Counter(row["outcome"] for row in decisions.values())
    funnel = json.loads((folder / "summary.json").read_bytes())["funnel"]
    manifest = published.line.manifest(region, programme, 1)
    elsewhere = Counter(pq.read_table(folder / "not_decided.parquet")["kind"].to_pylist())
    assert {name: of["rows"] for name, of in manifest["outcomes"].items() if of["rows"]} == counted
    assert funnel["decided"] == len(decisions) == counted.total()
    assert funnel["families_seen"] == len(decisions) + elsewhere.total()
    assert (funnel["elsewhere"], funnel["PINDAH"]) == (elsewhere["ELSEWHERE"], elsewhere["PINDAH"])


@pytest.mark.parametrize(("region", "programme"), LISTS)
def test_nobody_is_refused_or_put_off_without_a_known_reason(published: World, region: str, programme: str) -> None:
    catalogue = yaml.safe_load((find_project() / "programmes" / "reasons.yaml").read_text(encoding="utf-8"))["reasons"]
    rows = published.line.decisions(region, programme, 1).values()
    bare = [row["outcome"] for row in rows if row["outcome"] in ("TIDAK_LAYAK", "TUNDA") and not row["reasons"]]
    assert bare == []
    assert {reason for row in rows for reason in row["reasons"]} <= set(catalogue)
    assert {"TIDAK_LAYAK", "TUNDA"} <= {row["outcome"] for row in rows}


def _told(world: World, batch: Batch) -> set[tuple[int, str, str, str]]:
    """Row, verdict, column and message id of all that was said of the rows of a batch."""
    found = set()
    for name, column, kind in ((QUARANTINE, "_errors", "quarantine"), (ACCEPTED, "_warnings", "warning")):
        for row in pq.read_table(fetch_file(world.line.ctx, batch, name), columns=["_row", column]).to_pylist():
            found |= {(row["_row"], kind, told["column"], told["message_id"]) for told in row[column] or []}
    return found


def test_quarantine_and_warnings_are_those_of_the_truth_file(published: World) -> None:
    truth = [error for error in read_truth(published.line.out) if error["level"] == "row" and error["expected"] != "accepted"]
    assert sum(error["error_id"] == "T01" for error in truth) == 4
    for batch in _first_batches(published):
        here = [error for error in truth if (error["source"], error["scope"]) == (batch.source_id, batch.scope)]
        expected = {(int(error["row"]), error["expected"], error["column"], error["message_id"]) for error in here}
        told = _told(published, batch)
        assert (batch.source_id, sorted(expected - told), sorted(told - expected)) == (batch.source_id, [], [])


def test_a_family_of_both_regions_is_decided_where_the_register_has_it(published: World) -> None:
    line = published.line
    cards = duckdb.sql(
        f"""
        select no_kk, max_by(region_code, status_date) as here
        from read_parquet('{line.out}/canonical/*/population.parquet') where status = 'active'
        group by no_kk having count(distinct region_code) = 2
        """
    ).fetchall()
    decided = {region: line.decisions(region, "bpnt", 1) for region in SIZES}
    assert len(cards) == 7
    for card, here in cards:
        assert [region for region in SIZES if card in decided[region]] == [here]
        other = next(region for region in SIZES if region != here)
        told = pq.read_table(line.fetch(other, "bpnt", 1) / "not_decided.parquet").to_pylist()
        assert [(row["kind"], row["region_code"]) for row in told if row["no_kk"] == card] == [("ELSEWHERE", here)]


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_no_family_and_no_person_counts_in_both_regions(published: World, programme: str) -> None:
    line = published.line
    cards = [set(line.decisions(region, programme, 1)) for region in SIZES]
    persons = [
        set(pq.read_table(line.fetch(region, programme, 1) / "components.parquet")["nik"].drop_null().to_pylist())
        for region in SIZES
    ]
    heads = [{row["head_nik"] for row in line.decisions(region, programme, 1).values()} - {None} for region in SIZES]
    assert [one & other for one, other in (cards, persons, heads)] == [set(), set(), set()]


@pytest.fixture(scope="module")
def copies(published: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A consumer's copy and the authoritative list, as the command brings them."""
    folder, label = tmp_path_factory.mktemp("copies"), f"{STAGE}/{OPEN}/pkh/r1"
    found = {"consumer": folder / "consumer", "list": folder / "list"}
    for name, options in (("consumer", ["--consumer", "kemensos-demo"]), ("list", [])):
        done = published.line.services.run("snapshot", "fetch", label, "--out", str(found[name]), *options)
        assert done.returncode == 0, done.stderr
    return found


def test_a_copy_verifies_with_the_product(published: World, copies: dict[str, Path]) -> None:
    for folder in copies.values():
        done = published.line.services.run("snapshot", "verify", str(folder))
        assert done.returncode == 0, done.stderr


def test_a_copy_verifies_with_sha256sum(copies: dict[str, Path]) -> None:
    folder = copies["consumer"]
    done = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True)
    unlisted = {path.name for path in folder.iterdir()} - {line.partition(":")[0] for line in done.stdout.splitlines()}
    assert done.returncode == 0, done.stdout
    assert unlisted == {"SHA256SUMS", "manifest.json", "manifest.json.minisig"}


@pytest.mark.debian
@pytest.mark.skipif(shutil.which("minisign") is None, reason="minisign is not installed")
def test_a_copy_verifies_with_minisign(published: World, copies: dict[str, Path], tmp_path: Path) -> None:
    line, key = published.line, tmp_path / "platform.pub"
    (name,) = [item.key for item in line.ctx.storage.list("perlinsos-published", "keys/")]
    line.ctx.storage.fetch("perlinsos-published", name, key)
    for folder in copies.values():
        done = subprocess.run(["minisign", "-Vm", folder / "manifest.json", "-p", key], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_a_stranger_computes_the_list_digest(published: World, copies: dict[str, Path]) -> None:
    script = find_project() / "docs" / "verify_list_digest.py"
    done = subprocess.run([sys.executable, script, copies["list"], "pkh"], capture_output=True, text=True)
    assert done.stdout.strip() == published.line.revisions(OPEN, "pkh")[0].list_digest, done.stderr


def test_leak_scan_finds_nothing_over_this_airflow(published: World) -> None:
    done = published.line.services.run("leak-scan", "--json")
    assert (json.loads(done.stdout)["leaks"], done.returncode) == ([], 0), done.stderr


def _describe_everything(world: World) -> list[object]:
    """All objects that are not the agencies', and how many things of each kind the ledger knows."""
    counts = ("delivery", "batch", "list_revision", "cycle_input_set", "work")
    found: list[object] = [world.line.value(f"select count(*) from {name}") for name in counts]
    return [*found, world.line.objects("raw", "work", "published", "public")]


def test_the_same_bytes_again_are_nothing_new(published: World) -> None:
    line, before = published.line, _describe_everything(published)
    for delivery in sorted(line.out.glob(f"*/*/{SNAPSHOT}")):
        line.lay(f"{delivery.relative_to(line.out)}-2", delivery)
    line.settle()
    assert _describe_everything(published) == before
