"""On the object store as `perlinsos up` starts it: the publisher writes under its identity, a consumer reads under its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from live_services import Services
from perlinsos.context import open_context
from perlinsos.errors import Refused
from perlinsos.publication.fetch import fetch_list, list_published
from perlinsos.publication.publish import publish
from perlinsos.publication.status_feed import read_standing
from perlinsos.publication.verify import verify_folder
from perlinsos.settings import Settings, act_as
from perlinsos.storage import open_storage

from .conftest import AT, KEY, add_consumer

pytestmark = pytest.mark.services
LABEL = "2026-T1/35.10/pkh/r1"


@pytest.fixture
def settings(settings: Settings, services: Services) -> Settings:
    """A ledger of this test's own, with the embedded object store and its home."""
    running = services.settings
    access = {name: getattr(running, name) for name in ("s3_endpoint", "s3_access_key", "s3_secret_key")}
    return replace(settings, home=running.home, lease_seconds=0, **access)


def test_two_consumers_read_their_own_copies_and_nothing_of_the_other(
    settings: Settings, determined: Any, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PERLINSOS_S3_ACCESS_KEY", raising=False)
    access = {
        name: add_consumer(settings, name, profile)["access"] for name, profile in (("bank-a", "payer"), ("audit-b", "auditor"))
    }
    determined()
    as_publisher = act_as(settings, "publisher")
    assert as_publisher.s3_access_key != settings.s3_access_key
    assert publish(open_context(as_publisher, AT, holder="run-1"), KEY, {})["published"]
    everything = {
        (bucket, found.key)
        for bucket in (settings.buckets.work, settings.buckets.published)
        for found in open_storage(settings).list(bucket)
    }
    for name, keys_of in access.items():
        own = replace(settings, s3_access_key=keys_of["access_key"], s3_secret_key=keys_of["secret_key"])
        storage, public = open_storage(own), keys.read_bytes()
        assert [one["list"] for one in list_published(storage, own.buckets, name)] == [LABEL]
        fetch_list(storage, own.buckets, LABEL.rpartition("/")[0], tmp_path / name, name)
        assert not verify_folder(tmp_path / name, [public]).faults
        standing = read_standing(storage, own.buckets.published, f"consumer={name}/status/", LABEL, [public])
        assert standing is not None and (standing.stands, standing.faults) == ("published", [])
        others = [one for one in everything if not one[1].startswith((f"consumer={name}/", "keys/", "contracts/", "releases/"))]
        assert len(others) > 40
        for bucket, key in others:
            with pytest.raises(Refused):
                storage.get(bucket, key)
