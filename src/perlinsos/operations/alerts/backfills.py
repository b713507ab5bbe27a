"""Past stages of applied backfills that will not move by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from perlinsos.ledger.connection import Connection, fetch_rows
from perlinsos.ledger.work import make_key
from perlinsos.operations.alerts.found import REGION_STUCK, FoundAlert, region_page
from perlinsos.operations.alerts.settings import AlertSettings

_STANDING = """
with newest as (
    select distinct on (b.region_code, s.stage) backfill_id, b.region_code, b.watcher, b.applied_at, s.stage,
        s.input_set_digest, s.cancelled_at
    from backfill as b join backfill_stage as s using (backfill_id)
    where s.action = 'RUN' order by b.region_code, s.stage, b.number desc
)
select n.backfill_id, n.region_code, n.stage, n.watcher, w.state, w.error ->> 'what' as error, c.waiting_reason
from newest as n join cycle as c using (region_code, stage)
left join work as w on w.kind = 'determine' and w.region_code = n.region_code and w.stage = n.stage
    and w.input_set_digest = n.input_set_digest and w.state <> 'superseded'
where c.purpose = 'backfill' and n.cancelled_at is null
    and (w.state = 'failed' or (w.state is null and c.waiting_reason is not null and n.applied_at < %s))
order by n.region_code, n.stage
"""


def find_standing(connection: Connection, settings: AlertSettings, at: datetime) -> Iterator[FoundAlert]:
    """Stages that a plan runs whose work was set aside, and those that something holds up a while after it was applied.

    The owner is the plan's watcher: who promised to look after it. What waits behind live work is not told.
    """
    for row in fetch_rows(connection, _STANDING, [at - settings.patience]):
        region, stage = row["region_code"], row["stage"]
        if row["state"] == "failed":
            why, command = f"its work was set aside: {row['error']}", f"perlinsos dispatch --retry '{make_key(region, stage)}'"
        else:
            why, command = f"it waits: {row['waiting_reason']}", f"perlinsos backfill status --region {region}"
        yield FoundAlert(
            REGION_STUCK, f"backfill/{stage}/{region}", f"the past stage of backfill {row['backfill_id']} stands still; {why}",
            command, region_page(region), region, stage, None, row["watcher"],
        )  # fmt: skip
