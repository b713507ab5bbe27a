"""A small client of Airflow's REST interface, used by `up`, `doctor`, the demo and the tests."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perlinsos.errors import Refused, Unreachable
from perlinsos.operations.services.home import read_json

PAGE = 100
"""The greatest page that Airflow gives."""
COMPONENTS = ("metadatabase", "scheduler", "dag_processor")
"""What must be healthy. Nothing here defers, so there is no triggerer."""
ALL = "~"


def _part(text: str) -> str:
    return urllib.parse.quote(text, safe="~")


@dataclass
class AirflowApi:
    """One Airflow, asked as one user. Raises Unreachable where nobody answers and Refused where Airflow says no."""

    url: str
    user: str = "admin"
    password: str = field(default="", repr=False)
    seconds: float = 60
    _token: str | None = field(default=None, repr=False)

    def ask(self, method: str, path: str, body: Any = None, *, query: dict[str, Any] | None = None) -> Any:
        """One request below /api/v2 as JSON; logs in when it must. None where the answer is empty."""
        address = f"/api/v2/{path}"
        if query:
            address += "?" + urllib.parse.urlencode({k: v for k, v in query.items() if v is not None}, doseq=True)
        if self._token is None:
            self._token = self.login()
        return self._send(method, address, body)

    def login(self) -> str:
        """A new token of this user."""
        answer = self._send("POST", "/auth/token", {"username": self.user, "password": self.password}, authorised=False)
        return str(answer["access_token"])

    def _send(self, method: str, address: str, body: Any = None, *, authorised: bool = True) -> Any:
        headers = {"content-type": "application/json", "accept": "application/json"}
        if authorised and self._token:
            headers["authorization"] = f"Bearer {self._token}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url.rstrip("/") + address, data, headers, method=method)  # noqa: S310
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=self.seconds) as answer:
                content = answer.read()
        except urllib.error.HTTPError as error:
            raise Refused(
                f"Airflow answered {error.code} to {method} {address.split('?')[0]}",
                where=self.url,
                why=error.read().decode("utf-8", "replace")[:500],
                remedy="a 401 or 403 means another user or role is needed; a 404 that the DAG is not parsed yet",
            ) from error
        except (OSError, ValueError) as error:
            raise Unreachable(
                "Airflow cannot be reached",
                where=self.url,
                why=str(getattr(error, "reason", error)),
                remedy="`perlinsos doctor` says which part is down; `perlinsos up` starts it",
            ) from error
        return json.loads(content) if content else None

    def _all(self, path: str, items: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        offset = 0
        while True:
            answer = self.ask("GET", path, query={**query, "limit": PAGE, "offset": offset})
            yield from answer[items]
            offset += PAGE
            if offset >= answer["total_entries"] or not answer[items]:
                return

    def health(self) -> dict[str, str | None]:
        """Status of each component; a component that was never started is None. Needs no login."""
        answer = self._send("GET", "/api/v2/monitor/health", authorised=False)
        return {name: (value or {}).get("status") for name, value in answer.items()}

    def unhealthy(self) -> list[str]:
        """The components that must be healthy and are not."""
        health = self.health()
        return [name for name in COMPONENTS if health.get(name) != "healthy"]

    def dags(self) -> dict[str, dict[str, Any]]:
        """Every DAG that is parsed, by its id."""
        return {dag["dag_id"]: dag for dag in self._all("dags", "dags", exclude_stale="true")}

    def import_errors(self) -> list[dict[str, Any]]:
        """The DAG files that cannot be imported: filename, stack_trace, timestamp."""
        return list(self._all("importErrors", "import_errors"))

    def pause(self, dag_id: str, *, paused: bool = True) -> None:
        """Pause a DAG, or with paused=False let it run."""
        self.ask("PATCH", f"dags/{_part(dag_id)}", {"is_paused": paused}, query={"update_mask": "is_paused"})

    def unpause(self, dag_id: str) -> None:
        """Let a DAG run."""
        self.pause(dag_id, paused=False)

    def trigger(
        self,
        dag_id: str,
        *,
        run_id: str | None = None,
        partition_key: str | None = None,
        conf: dict[str, Any] | None = None,
        logical_date: str | None = None,
    ) -> dict[str, Any]:
        """Start a run. A run id matches [A-Za-z0-9_.~:+-]; the same id twice is Refused (409)."""
        body: dict[str, Any] = {"dag_run_id": run_id, "partition_key": partition_key, "conf": conf or {}}
        body = {name: value for name, value in body.items() if value is not None} | {"logical_date": logical_date}
        answer: dict[str, Any] = self.ask("POST", f"dags/{_part(dag_id)}/dagRuns", body)
        return answer

    def runs(self, dag_id: str = ALL, **query: Any) -> list[dict[str, Any]]:
        """The runs of a DAG (or of all), oldest first; `state="failed"` and Airflow's other filters as keywords."""
        return list(self._all(f"dags/{_part(dag_id)}/dagRuns", "dag_runs", **{"order_by": "id", **query}))

    def task_instances(self, dag_id: str = ALL, run_id: str = ALL, **query: Any) -> list[dict[str, Any]]:
        """The task instances of a run (or of all), with state, try_number, start_date and end_date."""
        path = f"dags/{_part(dag_id)}/dagRuns/{_part(run_id)}/taskInstances"
        return list(self._all(path, "task_instances", **query))

    def xcoms(self, dag_id: str = ALL, run_id: str = ALL, task_id: str = ALL) -> list[dict[str, Any]]:
        """What the tasks handed on, each with its key and value."""
        path = f"dags/{_part(dag_id)}/dagRuns/{_part(run_id)}/taskInstances/{_part(task_id)}/xcomEntries"
        found = list(self._all(path, "xcom_entries"))
        return [entry | {"value": self._xcom_value(entry)} for entry in found]

    def _xcom_value(self, entry: dict[str, Any]) -> Any:
        run, task = _part(entry["run_id"]), _part(entry["task_id"])
        path = f"dags/{_part(entry['dag_id'])}/dagRuns/{run}/taskInstances/{task}/xcomEntries/{_part(entry['key'])}"
        return self.ask("GET", path, query={"map_index": entry["map_index"]})["value"]

    def asset_events(self, **query: Any) -> list[dict[str, Any]]:
        """The events of assets, oldest first, each with uri, partition_key, extra and its source run."""
        return list(self._all("assets/events", "asset_events", **{"order_by": "timestamp", **query}))

    def task_log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, map_index: int = -1) -> str:
        """The log of one try, one event a line."""
        path = f"dags/{_part(dag_id)}/dagRuns/{_part(run_id)}/taskInstances/{_part(task_id)}/logs/{try_number}"
        answer = self.ask("GET", path, query={"map_index": map_index, "full_content": "true"})
        content = answer["content"]
        events = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in content]
        return "\n".join(events)

    def keep_pool(self, name: str, slots: int, description: str) -> None:
        """Make a pool; one that exists keeps the slots that an operator gave it."""
        if any(pool["name"] == name for pool in self._all("pools", "pools")):
            return
        self.ask("POST", "pools", {"name": name, "slots": slots, "description": description})

    def wait_for_dags(self, dag_ids: set[str], *, seconds: float = 60) -> None:
        """Wait until the DAGs are parsed. Raises Unreachable with the import errors where they are not in time."""
        limit = time.monotonic() + seconds
        while missing := dag_ids - self.dags().keys():
            if time.monotonic() > limit:
                errors = [error["filename"] for error in self.import_errors()]
                raise Unreachable(
                    f"DAGs are not there after {seconds:.0f} seconds: {', '.join(sorted(missing))}",
                    where=self.url,
                    why=f"files that cannot be imported: {', '.join(errors) or 'none'}",
                    remedy="`perlinsos doctor` shows the import errors",
                )
            time.sleep(0.3)

    def wait_for_run(self, dag_id: str, run_id: str, *, seconds: float = 300) -> dict[str, Any]:
        """Wait until a run has ended, well or not, and give it. Raises Unreachable where it has not in time."""
        limit = time.monotonic() + seconds
        path = f"dags/{_part(dag_id)}/dagRuns/{_part(run_id)}"
        while (run := self.ask("GET", path))["state"] not in {"success", "failed"}:
            if time.monotonic() > limit:
                raise Unreachable(f"the run {run_id} of {dag_id} is {run['state']} after {seconds:.0f} seconds", where=self.url)
            time.sleep(0.3)
        answer: dict[str, Any] = run
        return answer


def open_airflow(home: Path) -> AirflowApi:
    """The Airflow that `up` started in a home. Raises Unreachable where none was."""
    services = read_json(home / "services.json")
    if not services.get("airflow_url"):
        raise Unreachable("Airflow was not started", where=str(home), remedy="`perlinsos up`")
    passwords = read_json(Path(services["airflow_password_file"])) if services.get("airflow_password_file") else {}
    user = services.get("airflow_user", "admin")
    return AirflowApi(services["airflow_url"], user, str(passwords.get(user, "")))
