"""One way to run a step of the core inside a task: its context, its time, its provenance, and how it fails."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException

from perlinsos.errors import PerlinsosError, Unreachable

# Which S3 identity a task writes with; the others (housekeeping) act as the operator.
_WRITERS = {
    **dict.fromkeys(("list_due", "fetch", "read", "check", "accept"), "loader"),
    **dict.fromkeys(("advance", "assemble", "determine"), "decider"),
    "publish": "publisher",
}
_NUMBERS = re.compile(r"\d{12,}")
_log = logging.getLogger("perlinsos")


def run(step: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Open the context at the time of this DAG run, call `step(context, …)` and return its counts and ids.

    A refusal fails the task at once with its remedy (it is not retried); an unreachable service is retried. Whatever
    else is raised is logged with long numbers masked: an error of a library may quote a row.
    """
    from perlinsos.context import open_context
    from perlinsos.ledger.connection import KeptConnections
    from perlinsos.settings import act_as, load_settings

    try:
        made_by = provenance()
        settings = act_as(load_settings(), _WRITERS.get(made_by["task_id"], "operator"))
        context = open_context(settings, at=run_time(), holder=made_by["run_id"])
        with closing(KeptConnections(settings, actor=made_by["run_id"])) as kept:
            return step(replace(context, connect=kept.transaction), *arguments, **keywords)
    except Unreachable as error:
        raise ConnectionError(str(error)) from None
    except PerlinsosError as error:
        raise AirflowFailException(str(error)) from None
    except Exception as error:
        _log.error("%s", mask(traceback.format_exc()))
        raise RuntimeError(f"{type(error).__name__}: {mask(str(error))}") from None


def run_time() -> datetime:
    """The time this run stands for: `run_after` of the DAG run (never the clock of the worker)."""
    moment = get_current_context()["dag_run"].run_after
    assert isinstance(moment, datetime)
    return moment


def partition_key() -> str:
    """The key of this run: a region, `national`, or a region and stage."""
    key = get_current_context()["dag_run"].partition_key
    if not key:
        raise AirflowFailException("This DAG is started by an asset event with a key; a run without a key does nothing.")
    return str(key)


def provenance() -> dict[str, str]:
    """Which run makes this: DAG, run and task, for `provenance.json`."""
    instance = get_current_context()["ti"]
    return {"dag_id": instance.dag_id, "run_id": instance.run_id, "task_id": instance.task_id}


def mask(text: str) -> str:
    """The text with every run of twelve or more digits hidden."""
    return _NUMBERS.sub("•" * 4, text)
