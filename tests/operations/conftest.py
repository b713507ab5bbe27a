"""A whole line on real PostgreSQL with a folder as object store: a small project, registered regions, landing drops."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest

from conftest import execute
from ledger.records_of_tests import make_cycle, make_region
from perlinsos.context import open_context
from perlinsos.ledger import records
from perlinsos.ledger.connection import fetch_rows
from perlinsos.operations import accept, pull
from perlinsos.settings import PROJECT_FOLDERS, Settings, find_project

from .sources_of_tests import REQUIRED, as_csv, family, member, person, signal, write_sources

AT = datetime(2026, 1, 2, 3, tzinfo=UTC)


def make_project(folder):
    """A project of its own: sources/ and expectations/ may be changed, the rest is the repository's."""
    folder.mkdir()
    for name in PROJECT_FOLDERS:
        if name in ("sources", "expectations"):
            shutil.copytree(find_project() / name, folder / name)
        else:
            (folder / name).symlink_to(find_project() / name)
    write_sources(folder / "sources")
    return folder


def rewrite_programmes(ctx):
    """A copy of programmes/ that this test may change, in the place of the repository's; its folder."""
    folder = ctx.settings.folder("programmes")
    if folder.is_symlink():
        original = folder.resolve()
        folder.unlink()
        shutil.copytree(original, folder)
    return folder


def make_context(database_url, folder):
    """A run at AT on a ledger, with home, project and objects under `folder`; a landing listing need not be quiet."""
    (folder / "home").mkdir(exist_ok=True)
    base = Settings(folder / "home", folder / "project", threads=1, landing_quiet_seconds=0)
    base = replace(base, database_url=database_url, s3_endpoint=(folder / "objects").as_uri())
    return open_context(base, AT, holder="test-run")


@pytest.fixture
def project(tmp_path):
    """The project folder of this test."""
    return make_project(tmp_path / "project")


@pytest.fixture
def ctx(database_url, project, tmp_path):
    """The context of a run on an empty ledger and empty buckets."""
    made = make_context(database_url, tmp_path)
    for bucket in vars(made.settings.buckets).values():
        made.storage.make_bucket(bucket)
    return made


def read_rows(ctx, query, *arguments):
    """Rows of the ledger."""
    with ctx.connect("reader") as connection:
        return fetch_rows(connection, query, arguments)


@pytest.fixture
def rows(ctx):
    """Reads rows of the ledger."""
    return partial(read_rows, ctx)


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
    add_region(ctx)
    return partial(add_region, ctx)


def deliver_rows(ctx, source, rows, scope="35.10", day="2025-12-20"):
    """Land rows as a delivery, pull and ingest it; what `accept` gives."""
    landing, prefix = ctx.settings.buckets.landing, f"{source}/{scope}/{day}"
    ctx.storage.put_landing(landing, f"{prefix}/part.csv", as_csv(rows).encode())
    ctx.storage.put_landing(landing, f"{prefix}/_COMPLETE", b"")
    pull.fetch(ctx, source)
    return accept.accept(ctx, scope)


@pytest.fixture
def deliver(ctx):
    """Lands rows as a delivery, pulls and ingests it; gives what `accept` gives."""
    return partial(deliver_rows, ctx)


def register(ctx, kind="tim", regions=("35.10",), **changed):
    """Register a decree as two people: `tim`, or `kuota` with the quotas of its stages, given as programme → number."""
    quotas = [
        {"region_code": code, "programme": programme, "stage": stage, "quota": quota}
        for code in regions
        for stage in changed.get("stages", ["2026-T1"])
        for programme, quota in changed.get("quotas", {}).items()
    ]
    found = {
        "decree": f"{kind}-{'-'.join(regions)}", "kind": kind, "number": "7001", "issuer": "Rekaan",
        "signatory": {"name": "Contoh", "office": "Bupati"}, "signed_on": "2025-11-01",
        "in_force_from": "2025-11-01", "regions": list(regions), "document": "sk.txt",
    }  # fmt: skip
    text = json.dumps(found | changed | {"quotas": quotas})
    record = records.DecreeRecord.model_validate_json(text)
    read = records.ReadRecord(record, hashlib.sha256(text.encode()).hexdigest(), text)
    for name in ("First Person", "Second Person"):
        with ctx.connect("registrar") as connection:
            records.register_decree(connection, read, ("decrees/x", "e" * 64), name)


@pytest.fixture
def decree(ctx):
    """Registers a decree as two people."""
    return partial(register, ctx)


def add_region(ctx, code="35.10", **changed):
    """Register a region."""
    with ctx.connect("registrar") as connection:
        records.add_region(connection, make_region(code, **changed))


def add_cycle(ctx, code="35.10", stage="2026-T1", **changed):
    """Register a cycle of the test sources whose window is far away; its id."""
    found = {"required": REQUIRED, "announce_at": "2099-01-01T00:00:00+07:00"} | changed
    with ctx.connect("registrar") as connection:
        records.add_cycle(connection, make_cycle(code, stage, **found))
    return f"{stage}/{code}"


@pytest.fixture(scope="session")
def world_template(postgres, migrated, tmp_path_factory):
    """A database and a folder of objects: region 35.10 with a team, a cycle, and deliveries of three families, of which
    the first is of a civil servant. Made once; every test works on a copy."""
    folder = tmp_path_factory.mktemp("world")
    execute(postgres.url("postgres"), f"create database world_template template {migrated}")
    make_project(folder / "project")
    ctx = make_context(postgres.url("world_template"), folder)
    for bucket in vars(ctx.settings.buckets).values():
        ctx.storage.make_bucket(bucket)
    add_region(ctx)
    register(ctx)
    add_cycle(ctx)
    deliver_rows(ctx, "test-population", [person(n) for n in range(3)])
    deliver_rows(ctx, "test-family", [family(n) for n in range(3)])
    deliver_rows(ctx, "test-person", [member(n) for n in range(3)])
    deliver_rows(ctx, "test-signal", [signal(0)], "national")
    return "world_template", folder


@pytest.fixture
def copy_world(new_database, tmp_path):
    """Makes the context of a run on a copy of a template: the name of its database, the folder of its objects."""

    def make(template):
        name, folder = template
        shutil.copytree(folder, tmp_path / "world", symlinks=True)
        return make_context(new_database(name), tmp_path / "world")

    return make


@pytest.fixture
def world(world_template, copy_world):
    """The context of a run on a copy of the world."""
    return copy_world(world_template)


@pytest.fixture(scope="session")
def past_template(postgres, world_template, tmp_path_factory):
    """The world with a second region: a team, no cycle of its own, and snapshots of June and September that came late; by
    December the head of family 2 has died. The live region is determined before anything of the second one is there."""
    name, folder = world_template
    copy = tmp_path_factory.mktemp("past") / "world"
    shutil.copytree(folder, copy, symlinks=True)
    execute(postgres.url("postgres"), f"create database past_template template {name}")
    ctx = make_context(postgres.url("past_template"), copy)
    from perlinsos.operations import dispatch

    from .past_of_tests import LIVE, deliver_past
    from .test_windows import publish_key

    dispatch.advance(ctx)
    publish_key(ctx, LIVE)
    add_region(ctx, "35.11")
    register(ctx, regions=("35.11",))
    deliver_past(ctx, "2025-12-20", dead=(2,))
    for day in ("2025-06-20", "2025-09-20"):
        deliver_rows(ctx, "test-signal", [signal(0, region="35.11", observed_on="2025-05-01")], "national", day)
        deliver_past(ctx, day)
    return "past_template", copy


@pytest.fixture
def past(past_template, copy_world):
    """A copy of that."""
    return copy_world(past_template)
