"""How often the DAGs look: settings of the environment, in seconds, so that a demonstration may tick faster."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import DeltaTriggerTimetable

_DEFAULT_SECONDS = {"pull": 900, "dispatch": 300, "watch": 300}


def interval(dag_id: str) -> timedelta:
    """The interval of `pull` (15 minutes), `dispatch` or `watch` (5 minutes), or what `PERLINSOS_<ID>_SECONDS` says."""
    return timedelta(seconds=float(os.environ.get(f"PERLINSOS_{dag_id.upper()}_SECONDS", _DEFAULT_SECONDS[dag_id])))


def every(dag_id: str) -> DeltaTriggerTimetable:
    """The timetable of a DAG that looks at its interval."""
    return DeltaTriggerTimetable(interval(dag_id))


def retries() -> dict[str, Any]:
    """Only input and output are retried (a refusal fails at once, see `steps.run`): three times, after 5 s, 10 s, 20 s.

    The owner is what Airflow's pages show beside each DAG.
    """
    return {"owner": "perlinsos", "retries": 3, "retry_delay": timedelta(seconds=5), "retry_exponential_backoff": 2.0}
