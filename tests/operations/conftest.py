"""A whole line on real PostgreSQL with a folder as object store: a small project, registered regions, landing drops."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ledger.records_of_tests import make_cycle, make_region
from perlinsos.ledger import records
from perlinsos.ledger.connection import fetch_rows
from perlinsos.operations import accept, pull
from perlinsos.operations.context import open_context
from perlinsos.settings import PROJECT_FOLDERS, find_project

from .sources_of_tests import REQUIRED, as_csv, family, member, person, signal, write_sources

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


@pytest.fixture
def deliver(ctx, land):
    """Lands rows as a delivery, pulls and ingests it; gives what `accept` gives."""
    write_sources(ctx.settings.folder("sources"))

    def do(source, rows, scope="35.10", day="2025-12-20"):
        land(f"{source}/{scope}/{day}", **{"part.csv": as_csv(rows)})
        pull.fetch(ctx, source)
        return accept.accept(ctx, scope)

    return do


@pytest.fixture
def decree(ctx):
    """Registers a decree as two people: `tim`, or `kuota` with the quotas given as programme → number."""

    def register(kind="tim", regions=("35.10",), **changed):
        quotas = [
            {"region_code": code, "programme": programme, "stage": "2026-T1", "quota": quota}
            for code in regions
            for programme, quota in changed.pop("quotas", {}).items()
        ]
        found = {
            "decree": f"{kind}-{'-'.join(regions)}", "kind": kind, "number": "7001", "issuer": "Rekaan",
            "signatory": {"name": "Contoh", "office": "Bupati"}, "signed_on": "2025-11-01",
            "in_force_from": "2025-11-01", "regions": list(regions), "quotas": quotas, "document": "sk.txt",
        }  # fmt: skip
        text = json.dumps(found | changed)
        record = records.DecreeRecord.model_validate_json(text)
        read = records.ReadRecord(record, hashlib.sha256(text.encode()).hexdigest(), text)
        for name in ("First Person", "Second Person"):
            with ctx.connect("registrar") as connection:
                records.register_decree(connection, read, ("decrees/x", "e" * 64), name)

    return register


@pytest.fixture
def world(ctx, region, cycle, decree, deliver):
    """Region 35.10 with a team, a cycle whose window is far away, and deliveries of three families."""
    decree()
    cycle(required=REQUIRED, announce_at="2099-01-01T00:00:00+07:00")
    deliver("test-population", [person(n) for n in range(3)])
    deliver("test-family", [family(n) for n in range(3)])
    deliver("test-person", [member(n) for n in range(3)])
    deliver("test-signal", [signal(0)], "national")
    return cycle
