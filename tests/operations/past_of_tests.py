"""A second region that is given its past, for tests of backfills: its snapshots, plans of its stages, and runs of what is due."""

import json
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from perlinsos.operations import dispatch
from perlinsos.operations.backfill.apply import apply_plan
from perlinsos.operations.backfill.plan import make_plan
from perlinsos.operations.backfill.status import read_backfill_status

from .conftest import deliver_rows, read_rows
from .sources_of_tests import family, member, person
from .test_windows import publish_key

LIVE, PAST = "35.10|2026-T1", ["35.11|2025-T3", "35.11|2025-T4"]
WORDS = {"reason": "the pilot's first year", "watcher": "Watcher"}


def deliver_past(ctx, day, dead=()):
    """One snapshot of region 35.11: three families, of whom some heads have died by then."""
    rows = [person(n, region="35.11", **({"status": "deceased", "status_date": day} if n in dead else {})) for n in range(3)]
    deliver_rows(ctx, "test-population", rows, "35.11", day)
    period = f"2025-Q{(int(day[5:7]) + 2) // 3}"
    deliver_rows(ctx, "test-family", [family(n, region="35.11", dtsen_period=period) for n in range(3)], "35.11", day)
    deliver_rows(ctx, "test-person", [member(n, region="35.11") for n in range(3)], "35.11", day)


def template(ctx):
    """The live region's cycle, as a file would name it."""
    return make_plan(ctx, "35.10", "2026-T1", "2026-T1", **WORDS).template


def plan(ctx, first="2025-T3", last="2025-T4", region="35.11"):
    return make_plan(ctx, region, first, last, template=template(ctx), **WORDS)


def apply(ctx, record):
    return apply_plan(ctx, record, json.dumps(record.model_dump(mode="json")), "Reviewer")


def run_all(ctx):
    """Ticks and runs until nothing is due any more; the keys in the order in which they ran."""
    ran = []
    for hour in range(1, 20):
        keys = dispatch.advance(ctx.at_time(ctx.at + timedelta(hours=hour)))["keys"]
        for key in keys:
            publish_key(ctx, key)
        if not keys:
            return ran
        ran += keys
    raise AssertionError(f"there is no end: {ran}")


def actions(record):
    return {stage.stage: stage.action for stage in record.stages}


def states(ctx):
    return {stage["stage"]: stage["state"] for stage in read_backfill_status(ctx)[0]["stages"]}


def digests(ctx, region="35.11"):
    """List → digest of its newest revision."""
    rows = read_rows(ctx, "select r.list_id, r.list_digest from list_revision as r join list as l using (list_id) "
                          "where l.region_code = %s order by r.list_id, r.revision", region)  # fmt: skip
    return {row["list_id"]: row["list_digest"] for row in rows}


def outcomes_of(ctx, key, number):
    """What BPNT decided for one card."""
    table = pq.read_table(pa.BufferReader(ctx.storage.get("perlinsos-work", key)), columns=["programme", "no_kk", "outcome"])
    return {row["outcome"] for row in table.to_pylist() if (row["programme"], row["no_kk"]) == ("bpnt", number)}
