"""A region with one cycle, an input set and work on it, for tests of the ledger alone."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest

from perlinsos.ledger import records
from perlinsos.ledger.connection import call, transaction

AT = datetime(2026, 1, 2, tzinfo=UTC)
LIST = "2026-T1/35.10/pkh"


def make_region(code="35.10", zone="WIB", programmes=("pkh", "bpnt")):
    """A region record as it is read from YAML."""
    office = {"name": "Posko", "address": "Jalan Contoh 7", "hours": "08.00-15.00", "telephone": "000"}
    text = json.dumps({"region": code, "name": code, "zone": zone, "programmes": programmes, "office": office})
    record = records.RegionRecord.model_validate_json(text)
    return records.ReadRecord(record, hashlib.sha256(text.encode()).hexdigest(), text)


def make_cycle(code="35.10", stage="2026-T1", **changed):
    """A cycle record as it is read from YAML; `changed` replaces keys."""
    found = {
        "region": code,
        "stage": stage,
        "purpose": "live",
        "cut_off": "2026-01-01",
        "required": [{"source": "test-population", "max_age_days": 45}],
        "announce_at": "2025-12-22T09:00:00+07:00",
    }
    text = json.dumps(found | changed)
    record = records.CycleRecord.model_validate_json(text)
    return records.ReadRecord(record, hashlib.sha256(text.encode()).hexdigest(), text)


@pytest.fixture
def cycle(settings):
    """The id of a registered cycle whose lists are collecting."""
    with transaction(settings, "registrar") as connection:
        records.add_region(connection, make_region())
        records.add_cycle(connection, make_cycle())
    with transaction(settings, "decider") as connection:
        for programme in ("pkh", "bpnt"):
            call(connection, "move_list", [f"2026-T1/35.10/{programme}", "collecting", "test", AT])
    return "2026-T1/35.10"


@pytest.fixture
def freeze(settings, cycle):
    """Freezes an input set of any content and asks for the work on it; gives its digest."""

    def do(content="{}", status="provisional"):
        digest = hashlib.sha256(content.encode()).hexdigest()
        statuses = {"pkh": status, "bpnt": status}
        with transaction(settings, "decider") as connection:
            call(connection, "freeze_input_set", [cycle, digest, content, "7" * 64, "test", AT])
            call(connection, "require_work", ["determine", cycle, digest, statuses])
        return digest

    return do
