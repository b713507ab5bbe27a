"""The same on a real object store and a real ledger, with publishers that are processes of their own and are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from perlinsos.context import Context, open_context
from perlinsos.errors import PerlinsosError
from perlinsos.ledger.connection import fetch_rows
from perlinsos.publication.publish import publish
from perlinsos.publication.verify import verify_folder
from perlinsos.settings import Settings
from storage.conftest import KEYS, Server, seaweed  # noqa: F401 (a fixture)

from .conftest import AT, KEY
from .test_publish import complete_folders

pytestmark = pytest.mark.services
PUBLISHER = """
    import json, os, signal, sys
    from datetime import UTC, datetime
    from dataclasses import replace
    from perlinsos.context import open_context
    from perlinsos.publication.publish import publish
    from perlinsos.settings import Buckets, load_settings

    holder, killed_at, buckets = sys.argv[1:]
    settings = replace(load_settings(), lease_seconds=0, buckets=Buckets(**json.loads(buckets)))
    ctx = open_context(settings, datetime(2026, 1, 2, tzinfo=UTC), holder=holder)

    def at_step(step):
        if step == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)

    publish(ctx, "35.10|2026-T1", {"run_id": holder}, at_step)
"""


@pytest.fixture
def settings(settings: Settings, seaweed: Server) -> Settings:  # noqa: F811
    """The ledger of the test with SeaweedFS, under buckets of this test's own."""
    name = settings.home.parent.name[-12:].replace("_", "-").strip("-").lower()
    buckets = replace(settings.buckets, work=f"work-{name}-{os.getpid()}", published=f"published-{name}-{os.getpid()}")
    return replace(
        settings, s3_endpoint=seaweed.endpoint, s3_access_key=KEYS[0], s3_secret_key=KEYS[1], lease_seconds=0, buckets=buckets
    )


def start(settings: Settings, holder: str, killed_at: str = "") -> subprocess.Popen[bytes]:
    """A publisher in a process of its own."""
    environment = os.environ | {
        "PERLINSOS_HOME": str(settings.home),
        "PERLINSOS_DATABASE_URL": str(settings.database_url),
        "PERLINSOS_S3_ENDPOINT": str(settings.s3_endpoint),
        "PERLINSOS_S3_ACCESS_KEY": KEYS[0],
        "PERLINSOS_S3_SECRET_KEY": KEYS[1],
    }
    command = [sys.executable, "-c", textwrap.dedent(PUBLISHER), holder, killed_at, json.dumps(asdict(settings.buckets))]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)


def check_one_revision(ctx: Context, keys: Path, into: Path) -> None:
    with ctx.connect("reader") as connection:
        rows = fetch_rows(connection, "select list_id, revision, state from list_revision")
    assert [tuple(row.values()) for row in rows] == [("2026-T1/35.10/pkh", 1, "published")]
    folders = list(complete_folders(ctx, into))
    assert [verify_folder(folder, [keys.read_bytes()]).faults for folder in folders] == [[], []]


def test_of_four_processes_that_publish_at_once_one_revision_comes(
    determined: Any, settings: Settings, keys: Path, tmp_path: Path
) -> None:
    determined()
    publishers = [start(settings, f"run-{number}") for number in range(4)]
    for process in publishers:
        process.communicate(timeout=120)
    ctx = open_context(settings, AT, holder="last")
    publish(ctx, KEY, {})
    check_one_revision(ctx, keys, tmp_path / "fetched")


@pytest.mark.crash
@pytest.mark.parametrize("step", ["pkh reserved", "pkh planned", "data findings.parquet", "signature", "manifest", "pkh written"])
def test_a_killed_process_is_repaired_by_the_next(
    determined: Any, settings: Settings, keys: Path, tmp_path: Path, step: str
) -> None:
    determined()
    at = step if step.startswith("pkh") else f"{settings.buckets.work} {step}"
    process = start(settings, "killed", at)
    _, error = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, error.decode()
    ctx = open_context(settings, AT, holder="next")
    try:
        assert publish(ctx, KEY, {})["published"]
    except PerlinsosError as raised:
        pytest.fail(str(raised))
    check_one_revision(ctx, keys, tmp_path / "fetched")
