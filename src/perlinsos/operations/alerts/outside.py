"""Whether Airflow lives, told from outside of it: a DAG cannot say that nothing runs any more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from perlinsos.context import Context
from perlinsos.operations.alerts.found import AIRFLOW_DEAD, FROM_OUTSIDE, FoundAlert
from perlinsos.operations.alerts.sending import send_waiting
from perlinsos.operations.alerts.settings import read_alert_settings
from perlinsos.operations.alerts.watching import observe
from perlinsos.operations.services.diagnosis import UNREACHABLE, Finding

PARTS = ("airflow", "airflow scheduler", "airflow dag_processor", "api-server", "scheduler", "dag-processor")


def tell_from_outside(ctx: Context, findings: Iterable[Finding]) -> dict[str, Any]:
    """Note and tell what `doctor` found of Airflow's parts, once for all of them; tell too when all live again.

    Raises Unreachable where the ledger itself does not answer: then nothing can be noted, and the caller's exit code says it.
    """
    dead = [one for one in findings if one.part in PARTS and one.state == UNREACHABLE]
    found = []
    if dead:
        what = "; ".join(f"{one.part}: {one.what}" for one in dead)
        found = [FoundAlert(AIRFLOW_DEAD, "airflow", what, "perlinsos doctor", "/perlinsos/coverage")]
    with ctx.connect("watcher") as connection:
        counts = observe(connection, found, FROM_OUTSIDE, ctx)
    return {"found": len(found), **counts, **send_waiting(ctx, read_alert_settings(ctx.settings))}
