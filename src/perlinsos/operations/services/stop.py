"""`perlinsos down`: stop everything that `up` started here, and prove that no process of it is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psutil

from perlinsos.errors import Refused
from perlinsos.operations.services.airflow_config import GROUP
from perlinsos.operations.services.home import Home, hold
from perlinsos.operations.services.postgres import data_folder
from perlinsos.operations.services.processes import end, find_ours
from perlinsos.operations.services.secrets import Secrets, keep_secrets
from perlinsos.operations.services.supervision import Supervisor

STOP_SECONDS = 90


def stop(home: Home, say: Callable[[str], None]) -> dict[str, Any]:
    """Stop the services of a home; data, secrets and ports stay. Doing it twice changes nothing."""
    if not home.secrets.exists():
        say(f"nothing was ever started in {home.root}; PERLINSOS_HOME names another folder")
        return {"home": str(home.root), "stopped": 0}
    with hold(home):
        return {"home": str(home.root), "stopped": stop_all(home, keep_secrets(home), say)}


def stop_all(home: Home, secrets: Secrets, say: Callable[[str], None]) -> int:
    """Airflow first, then the rest by the supervisor's order, then by process id what still lives. Returns how many."""
    data, session = data_folder(home), home.read_supervisor_pid()
    ours = find_ours(secrets.services_id, data, session=session)
    supervisor = Supervisor(home, secrets)
    if supervisor.is_running():
        number = int(supervisor.call("supervisor.getPID"))
        process = psutil.Process(number)
        say("Airflow stops")
        supervisor.stop_group(GROUP)
        say("the object store and PostgreSQL stop")
        supervisor.call("supervisor.shutdown")
        psutil.wait_procs([process], timeout=STOP_SECONDS)
    left = find_ours(secrets.services_id, data, session=session)
    if left:
        say(f"{len(left)} processes that the supervisor did not end are ended")
    alive = end(left, patience=3)
    if alive:
        raise Refused(
            "processes of the services are still there",
            where=", ".join(str(process.pid) for process in alive),
            why="they did not end even when killed",
            remedy="a process in uninterruptible input or output ends when its disk answers; then `perlinsos down` again",
        )
    for name in (home.services, home.supervisor_pid, home.run / "supervisor.sock"):
        name.unlink(missing_ok=True)
    return len(ours)
