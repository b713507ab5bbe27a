"""A region with one cycle, an input set and work on it, for tests of the ledger alone."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from perlinsos.ledger import records
from perlinsos.ledger.connection import call, transaction

from .records_of_tests import make_cycle, make_region

AT = datetime(2026, 1, 2, tzinfo=UTC)
LIST = "2026-T1/35.10/pkh"


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
