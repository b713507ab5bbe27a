"""Airflow's configuration and parts: api-server, scheduler, dag-processor. Airflow itself is not imported here."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from perlinsos.operations.services.home import Home, read_json, write_private, write_private_json
from perlinsos.operations.services.ports import LOOPBACK
from perlinsos.operations.services.secrets import USERS, Secrets
from perlinsos.operations.services.supervision import Part
from perlinsos.settings import Settings

PARALLELISM = 4
POOLS = {
    "fetch": (4, "reads of agencies' deliveries"),
    "check": (1, "reading and checking a delivery: one at a time, for its memory"),
    "engine": (2, "determinations"),
    "publish": (2, "writers of published lists"),
}
GROUP = "airflow"
PARTS = ("api-server", "scheduler", "dag-processor")
LONGEST_TASK_SECONDS = 24 * 3600
"""The execution token must outlive the longest task: LocalExecutor does not refresh it."""
OURS = ("PERLINSOS_HOME", "PERLINSOS_PROJECT", "PERLINSOS_SERVICES_ID", "PERLINSOS_SERVICES_PART")
CONFIG_DIGEST = "PERLINSOS_SERVICES_CONFIG"
"""Stands in the parts' environment, so that a changed airflow.cfg restarts them."""


def base_url(port: int) -> str:
    """Where Airflow's pages and interface are."""
    return f"http://{LOOPBACK}:{port}"


def configuration(home: Home, settings: Settings, secrets: Secrets, database_url: str, port: int) -> dict[str, dict[str, object]]:
    """Every option that differs from Airflow's default, by section."""
    return {
        "core": {
            "executor": "LocalExecutor",
            "parallelism": PARALLELISM,
            "dags_folder": settings.project / "dags",
            "plugins_folder": settings.project / "plugins",
            "load_examples": False,
            "dags_are_paused_at_creation": False,
            "default_timezone": "Asia/Jakarta",
            "execution_api_server_url": f"{base_url(port)}/execution/",
            "fernet_key": secrets.airflow_fernet_key,
            "auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
            "simple_auth_manager_users": ",".join(f"{user}:{role}" for user, role in USERS.items()),
            "simple_auth_manager_passwords_file": home.airflow_passwords,
        },
        "database": {
            "sql_alchemy_conn": database_url.replace("postgresql://", "postgresql+psycopg2://", 1),
            "load_default_connections": False,
        },
        "api": {"host": LOOPBACK, "port": port, "base_url": base_url(port), "secret_key": secrets.airflow_session_key},
        "api_auth": {"jwt_secret": secrets.airflow_jwt_secret},
        "execution_api": {"jwt_expiration_time": LONGEST_TASK_SECONDS},
        "scheduler": {
            "scheduler_idle_sleep_time": 0.1,
            "task_instance_heartbeat_timeout": 30,
            "orphaned_tasks_check_interval": 30,  # the tasks of a killed scheduler hold their pool slots until this
        },
        "workers": {"min_heartbeat_interval": 1},
        "dag_processor": {"refresh_interval": 10},
        "logging": {
            "base_log_folder": home.airflow / "logs",
            "dag_processor_child_process_log_directory": home.airflow / "logs" / "dag_processor",
            "colored_console_log": False,
            "file_task_handler_new_folder_permissions": "0o700",
            "file_task_handler_new_file_permissions": "0o600",
        },
        "usage_data_collection": {"enabled": False},
    }


def write_config(home: Home, settings: Settings, secrets: Secrets, database_url: str, port: int) -> str:
    """Write airflow.cfg (mode 0600). Returns its digest."""
    sections = configuration(home, settings, secrets, database_url, port)
    lines = ["# written by `perlinsos up`"]
    for section, options in sections.items():
        lines += [f"[{section}]", *(f"{name} = {str(value).replace('%', '%%')}" for name, value in options.items()), ""]
    text = "\n".join(lines)
    write_private(home.airflow / "airflow.cfg", text)
    return hashlib.sha256(text.encode()).hexdigest()


def environment(home: Home, settings: Settings) -> dict[str, str]:
    """What Airflow's processes get beside airflow.cfg: our own settings, and no home folder but this one."""
    passed = {name: value for name, value in os.environ.items() if name.startswith("PERLINSOS_") and name not in OURS and value}
    return {
        **passed,
        **keep_intervals(home),
        "AIRFLOW_HOME": str(home.airflow),
        "HOME": str(home.airflow),
        "PERLINSOS_HOME": str(home.root),
        "PERLINSOS_PROJECT": str(settings.project),
        "PYTHONPATH": str(Path(__file__).resolve().parents[3]),
        "PYTHONUNBUFFERED": "1",
        "SPT_NOENV": "1",  # Airflow's process titles must not write over the mark by which its processes are known
        "GX_ANALYTICS_ENABLED": "False",
    }


def keep_intervals(home: Home) -> dict[str, str]:
    """The intervals in force (`PERLINSOS_…_SECONDS`): those of the environment, else those of the start before.

    So `up` from another terminal keeps what runs as it runs. An empty value goes back to the default.
    """
    path = home.root / "intervals.json"
    known = read_json(path)
    named = {name: value for name, value in os.environ.items() if name.startswith("PERLINSOS_") and name.endswith("_SECONDS")}
    kept = {name: value for name, value in {**known, **named}.items() if value}
    if kept != known:
        write_private_json(path, kept)
    return kept


def parts(home: Home, settings: Settings, config_digest: str) -> list[Part]:
    """The supervised parts. The scheduler's own log server is off: it would listen on every address."""
    program = [sys.executable, "-m", "airflow"]
    arguments = {"api-server": [], "scheduler": ["--skip-serve-logs"], "dag-processor": []}
    return [
        Part(
            name=name,
            command=[sys.executable, "-m", "perlinsos.operations.services.launch", *program, name, *arguments[name]],
            environment=environment(home, settings) | {CONFIG_DIGEST: config_digest},
            group=GROUP,
            priority=200,
            directory=str(home.airflow),
        )
        for name in PARTS
    ]
