"""The body of the task that `dispatch` and `dispatch_on_accept` share."""

from __future__ import annotations

from typing import Any

from perlinsos_airflow.assets import due, emit
from perlinsos_airflow.steps import run


def advance_and_call(outlet_events: Any) -> dict[str, object]:
    """One tick for every region at the time of this run, then one event on `due` for each key that it calls for.

    Skipped where nothing is due: an outlet without keys would leave a warning at every tick.
    """
    from perlinsos.operations import dispatch

    outcome = dict(run(dispatch.advance))
    emit(outlet_events, due, outcome["keys"])
    return outcome
