"""Publishing: once, whole, by one publisher, and never a part of a list for a reader that follows the manifest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from perlinsos.context import Context
from perlinsos.errors import Conflict, PerlinsosError, Refused
from perlinsos.ledger.connection import fetch_rows
from perlinsos.publication.commit import list_manifests
from perlinsos.publication.publish import publish
from perlinsos.publication.verify import verify_folder

from .conftest import KEY

RUN = {"dag_id": "determine", "run_id": "run-1", "task_id": "publish"}
CONSUMER = "consumer=kemensos-demo/programme=pkh/region=35.10/stage=2026-T1/rev=1/"
LIST = "lists/v1/programme=pkh/region=35.10/stage=2026-T1/rev=1/"


class Died(BaseException):
    """The publisher is killed here."""


def objects(ctx: Context) -> dict[str, bytes]:
    buckets = (ctx.settings.buckets.work, ctx.settings.buckets.published)
    return {
        f"{bucket}/{found.key}": ctx.storage.get(bucket, found.key) for bucket in buckets for found in ctx.storage.list(bucket)
    }


def complete_folders(ctx: Context, into: Path, revision: int = 1) -> Iterator[Path]:
    """Every folder of a revision that a reader sees who follows manifests, fetched by what its manifest names."""
    for bucket in (ctx.settings.buckets.work, ctx.settings.buckets.published):
        for number, key in enumerate(list_manifests(ctx.storage, bucket, "")):
            if f"/rev={revision}/" not in key:
                continue
            prefix, folder = key.removesuffix("manifest.json"), into / f"{bucket}-{number}"
            names = [entry["path"] for entry in json.loads(ctx.storage.get(bucket, key))["files"]]
            for name in (*names, "manifest.json", "manifest.json.minisig"):
                ctx.storage.fetch(bucket, prefix + name, folder / name)
            yield folder


def revisions(ctx: Context) -> list[tuple[Any, ...]]:
    with ctx.connect("reader") as connection:
        rows = fetch_rows(connection, "select list_id, revision, state, status from list_revision order by 1, 2")
    return [tuple(row.values()) for row in rows]


def test_a_list_is_published_with_its_consumers_copy(determined: Any, context: Any, keys: Path, tmp_path: Path) -> None:
    determined(programmes=("pkh", "bpnt"))
    ctx = context()
    done = publish(ctx, KEY, RUN)
    assert [(found["list_id"], found["revision"], found["status"]) for found in done["published"]] == [
        ("2026-T1/35.10/bpnt", 1, "provisional"),
        ("2026-T1/35.10/pkh", 1, "provisional"),
    ]
    assert done["published"][1]["rows"] == {"ANTREAN": 6, "LAYAK": 6, "TIDAK_LAYAK": 6, "TUNDA": 5}
    verdicts = [verify_folder(folder, [keys.read_bytes()]) for folder in complete_folders(ctx, tmp_path / "fetched")]
    assert [verdict.faults for verdict in verdicts] == [[]] * 4
    stored = objects(ctx)
    manifest = json.loads(stored[f"perlinsos-published/{CONSUMER}manifest.json"])
    assert manifest["consumer"]["profile"] == "programme_owner" and manifest["quota"] == {"value": 6, "decree": "SK-TEST-1"}
    provenance = json.loads(stored[f"perlinsos-work/{LIST}provenance.json"])
    assert provenance["run"] == RUN
    latest = json.loads(stored["perlinsos-published/consumer=kemensos-demo/latest.json"])
    assert {name: found["revision"] for name, found in latest["lists"].items()} == {
        "2026-T1/35.10/bpnt": 1,
        "2026-T1/35.10/pkh": 1,
    }
    with ctx.connect("reader") as connection:
        assert fetch_rows(connection, "select distinct state from work") == [{"state": "done"}]


def test_publishing_again_changes_nothing(determined: Any, context: Any) -> None:
    determined()
    publish(context(), KEY, RUN)
    before = objects(context())
    assert publish(context(), KEY, RUN) == {"published": [], "unchanged": []}
    determined(status="provisional", programmes=("bpnt", "pkh"))  # asked for again, and one more
    done = publish(context("run-2"), KEY, RUN)
    assert done["unchanged"] == ["2026-T1/35.10/pkh"]
    after = objects(context())
    assert all(after[key] == data for key, data in before.items() if not key.endswith("latest.json"))


def steps_of_a_publication(ctx: Context) -> list[str]:
    steps: list[str] = []
    publish(ctx, KEY, RUN, steps.append)
    return steps


def test_a_death_at_any_step_is_repaired_and_never_shows_a_part(
    determined: Callable[..., str], context: Callable[..., Context], keys: Path, tmp_path: Path
) -> None:
    """One publication after another on the same ledger, each killed at the next of its steps."""
    determined(families=1000)
    count = len(steps_of_a_publication(context("first")))
    assert count > 25
    for killed_at in range(count):
        determined(families=5 + killed_at)
        passed: list[str] = []

        def die(step: str, passed: list[str] = passed, killed_at: int = killed_at) -> None:
            if len(passed) == killed_at:
                raise Died
            passed.append(step)

        with pytest.raises(Died):
            publish(context(f"run-{killed_at}"), KEY, RUN, die)
        for folder in complete_folders(context(), tmp_path / f"dead-{killed_at}", killed_at + 2):
            assert not verify_folder(folder, [keys.read_bytes()]).faults
        publish(context(f"again-{killed_at}"), KEY, RUN | {"run_id": "again"})
        found = revisions(context())
        assert found[-1] == ("2026-T1/35.10/pkh", killed_at + 2, "published", "provisional"), passed
        assert {row[2] for row in found} == {"published"}
        repaired = list(complete_folders(context(), tmp_path / f"repaired-{killed_at}", killed_at + 2))
        assert [verify_folder(folder, [keys.read_bytes()]).faults for folder in repaired] == [[], []]


def test_of_eight_publishers_one_makes_the_revision(determined: Any, context: Any, keys: Path, tmp_path: Path) -> None:
    determined()

    def run(number: int) -> Any:
        try:
            return publish(context(f"run-{number}"), KEY, RUN | {"run_id": f"run-{number}"})
        except PerlinsosError as error:
            return error

    with ThreadPoolExecutor(8) as publishers:
        ends = list(publishers.map(run, range(8)))
    assert sum(bool(isinstance(end, dict) and end["published"]) for end in ends) <= 1
    publish(context("last"), KEY, RUN)
    assert revisions(context()) == [("2026-T1/35.10/pkh", 1, "published", "provisional")]
    folders = list(complete_folders(context(), tmp_path / "fetched"))
    assert len(folders) == 2
    assert not [fault for folder in folders for fault in verify_folder(folder, [keys.read_bytes()]).faults]


def test_a_publisher_that_lost_its_claim_writes_no_manifest(determined: Any, context: Any) -> None:
    determined()
    ctx = context("late")

    def overtake(step: str) -> None:
        if step.endswith("signature"):
            with ctx.connect("decider") as connection:
                fetch_rows(connection, "select claim_work('determine', '35.10', '2026-T1', 'other', 600)")

    with pytest.raises(Conflict, match="was lost"):
        publish(ctx, KEY, RUN, overtake)
    assert not [key for key in objects(ctx) if key.endswith("/manifest.json")]


def test_bytes_that_somebody_put_there_before_are_a_conflict(determined: Any, context: Any) -> None:
    determined()
    ctx = context()
    ctx.storage.put_new(ctx.settings.buckets.published, CONSUMER + "recipients.parquet", b"planted")
    with pytest.raises(Conflict, match=r"recipients\.parquet"):
        publish(ctx, KEY, RUN)
    assert f"perlinsos-published/{CONSUMER}manifest.json" not in objects(ctx)


def test_a_simulation_lies_apart_and_never_with_a_consumer(determined: Any, context: Any) -> None:
    determined(status="simulation")
    done = publish(context(), KEY, RUN)
    assert done["published"][0]["status"] == "simulation"
    keys = list(objects(context()))
    assert not [key for key in keys if "consumer=" in key or key.startswith("perlinsos-work/lists/")]
    manifest = objects(context())["perlinsos-work/simulations/v1/programme=pkh/region=35.10/stage=2026-T1/rev=1/manifest.json"]
    assert json.loads(manifest)["notice"] == "SIMULASI / SIMULATION"


def test_what_can_only_be_a_simulation_is_not_published_as_a_list(determined: Any, context: Any) -> None:
    digest = determined()
    ctx = context()
    path = ctx.storage.root / ctx.settings.buckets.work / "determinations" / digest / "summary.json"
    summary = json.loads(path.read_text())
    summary["programmes"]["pkh"]["simulation_only"] = True
    path.write_text(json.dumps(summary))
    with pytest.raises(Refused, match="only be a simulation"):
        publish(ctx, KEY, RUN)
    assert revisions(ctx) == []


def test_rows_of_another_digest_are_not_published(determined: Any, context: Any) -> None:
    digest = determined()
    ctx = context()
    path = ctx.storage.root / ctx.settings.buckets.work / "determinations" / digest / "summary.json"
    summary = json.loads(path.read_text())
    summary["programmes"]["pkh"]["list_digest"] = "0" * 64
    path.write_text(json.dumps(summary))
    with pytest.raises(Conflict, match="digest of the list"):
        publish(ctx, KEY, RUN)
    assert not [key for key in objects(ctx) if "lists/v1" in key and "publishing" not in key]


def test_without_a_determination_there_is_nothing_to_publish(determined: Any, context: Any) -> None:
    digest = determined()
    ctx = context()
    (ctx.storage.root / ctx.settings.buckets.work / "determinations" / digest / "findings.parquet").unlink()
    with pytest.raises(Refused, match=r"lacks findings\.parquet"):
        publish(ctx, KEY, RUN)
    with ctx.connect("reader") as connection:
        assert fetch_rows(connection, "select state, error ->> 'what' as what from work") == [{"state": "due", "what": None}]
