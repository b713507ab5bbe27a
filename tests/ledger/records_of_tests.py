"""Region and cycle records for tests, as they are read from YAML."""

from __future__ import annotations

import hashlib
import json

from perlinsos.ledger import records


def make_region(code="35.10", zone="WIB", programmes=("pkh", "bpnt"), scope="population"):
    """A region record as it is read from YAML."""
    office = {"name": "Posko", "address": "Jalan Contoh 7", "hours": "08.00-15.00", "telephone": "000"}
    found = {"region": code, "name": code, "zone": zone, "programmes": programmes, "scope": scope, "office": office}
    text = json.dumps(found)
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
