"""The three assets that pass the work on, and the one function that emits their partition keys.

The interface for run-time partitions is young (Airflow 3.2), so that everything stands behind `emit`; its contract test
is `tests/dags/test_emission.py`. A key is a region (`35.10`), `national`, or a region and stage (`35.10|2026-T1`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowSkipException

landed = Asset(name="landed", uri="x-perlinsos://landed")
accepted = Asset(name="accepted", uri="x-perlinsos://accepted")
due = Asset(name="due", uri="x-perlinsos://due")


def emit(outlet_events: Any, asset: Asset, keys: Iterable[str]) -> list[str]:
    """Emit one event per distinct key, in the order given; return them.

    Without a key the task is skipped: an outlet without keys would register an event that starts nothing and leaves a
    warning at every tick.
    """
    distinct = list(dict.fromkeys(keys))
    if not distinct:
        raise AirflowSkipException(f"nothing to say on {asset.name}")
    outlet_events[asset].add_partitions(distinct)
    return distinct
