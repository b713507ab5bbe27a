"""A whole line on real PostgreSQL with a folder as object store: a small project, registered regions, landing drops."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ledger.records_of_tests import make_cycle, make_region
from perlinsos.ledger import records
from perlinsos.ledger.connection import fetch_rows
from perlinsos.operations.context import open_context
from perlinsos.settings import PROJECT_FOLDERS, find_project

AT = datetime(2026, 1, 2, 3, tzinfo=UTC)


@pytest.fixture
def project(tmp_path):
    """A project of this test's own: sources/ may be changed, the rest is the repository's."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in PROJECT_FOLDERS:
        if name in ("sources", "expectations"):
            shutil.copytree(find_project() / name, folder / name)
        else:
            (folder / name).symlink_to(find_project() / name)
    return folder


@pytest.fixture
def ctx(settings, project):
    """The context of a run at AT whose object store has its buckets; a landing listing need not be quiet."""
    made = open_context(replace(settings, project=project, landing_quiet_seconds=0, threads=1), AT, holder="test-run")
    for bucket in vars(made.settings.buckets).values():
        made.storage.make_bucket(bucket)
    return made


@pytest.fixture
def rows(ctx):
    """Reads rows of the ledger."""

    def read(query, *arguments):
        with ctx.connect("reader") as connection:
            return fetch_rows(connection, query, arguments)

    return read


@pytest.fixture
def land(ctx):
    """Puts objects under a prefix of the landing bucket, and `_COMPLETE`."""

    def put(prefix, *, complete=True, **files):
        for name, data in files.items():
            content = data.encode() if isinstance(data, str) else data
            ctx.storage.put_landing(ctx.settings.buckets.landing, f"{prefix}/{name}", content)
        if complete:
            ctx.storage.put_landing(ctx.settings.buckets.landing, f"{prefix}/_COMPLETE", b"")

    return put


@pytest.fixture
def region(ctx):
    """Registers regions; 35.10 from the start."""

    def add(code="35.10", **changed):
        with ctx.connect("registrar") as connection:
            records.add_region(connection, make_region(code, **changed))

    add()
    return add


@pytest.fixture
def cycle(ctx):
    """Registers cycles; gives the cycle's id."""

    def add(code="35.10", stage="2026-T1", **changed):
        with ctx.connect("registrar") as connection:
            records.add_cycle(connection, make_cycle(code, stage, **changed))
        return f"{stage}/{code}"

    return add
