"""supervisord: its generated configuration, and the calls that start, stop and list the parts."""

from __future__ import annotations

import http.client
import os
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import psutil

from perlinsos.errors import Unreachable
from perlinsos.operations.services.home import Home, write_private
from perlinsos.operations.services.processes import MARK, PART
from perlinsos.operations.services.secrets import Secrets

RUNNING, STARTING, BACKOFF, STOPPED = "RUNNING", "STARTING", "BACKOFF", "STOPPED"
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Part:
    """One supervised program. `group` parts are started and stopped together; a low `priority` starts first."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    user: str | None = None
    group: str | None = None
    priority: int = 100
    stop_signal: str = "TERM"
    directory: str = "/"

    @property
    def full_name(self) -> str:
        """The name in supervisord's calls."""
        return f"{self.group or self.name}:{self.name}"


def render(home: Home, secrets: Secrets, parts: list[Part]) -> str:
    """The configuration file. Nothing starts by itself: `up` starts parts in their order; each is restarted when it dies."""
    lines = [
        "; written by `perlinsos up`; holds no setting that a person would change here",
        "[supervisord]",
        "nodaemon=true",
        f"identifier=perlinsos-{secrets.services_id}",
        *([] if os.geteuid() else ["user=root"]),
        f"logfile={_plain(home.log('supervisord'))}",
        "logfile_maxbytes=5MB",
        "logfile_backups=2",
        f"pidfile={_plain(home.supervisor_pid)}",
        f"childlogdir={_plain(home.logs)}",
        "umask=077",
        "minfds=4096",
        "[unix_http_server]",
        f"file={_plain(home.run / 'supervisor.sock')}",
        "chmod=0600",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for part in parts:
        lines += _section(home, secrets, part)
    for group in sorted({part.group for part in parts if part.group}):
        members = [part for part in parts if part.group == group]
        lines += [f"[group:{group}]", f"programs={','.join(part.name for part in members)}"]
        lines += [f"priority={members[0].priority}"]
    return "\n".join(lines) + "\n"


def _section(home: Home, secrets: Secrets, part: Part) -> list[str]:
    environment = {**part.environment, MARK: secrets.services_id, PART: part.name}
    quoted = ",".join(f"{name}={_quoted(value)}" for name, value in sorted(environment.items()))
    return [
        f"[program:{part.name}]",
        f"command={_plain(shlex.join(part.command))}",
        f"directory={_plain(part.directory)}",
        f"environment={quoted}",
        *([f"user={part.user}"] if part.user else []),
        f"priority={part.priority}",
        "autostart=false",
        "autorestart=true",
        "startsecs=2",
        "startretries=20",
        f"stopsignal={part.stop_signal}",
        "stopwaitsecs=30",
        f"stopasgroup={'false' if part.stop_signal == 'INT' else 'true'}",
        "killasgroup=true",
        "redirect_stderr=true",
        f"stdout_logfile={_plain(home.log(part.name))}",
        "stdout_logfile_maxbytes=20MB",
        "stdout_logfile_backups=2",
    ]


def _plain(value: Any) -> str:
    return str(value).replace("%", "%%")


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_plain(escaped)}"'


class Supervisor:
    """The running supervisord of one home, asked over its socket."""

    def __init__(self, home: Home, secrets: Secrets) -> None:
        self.home = home
        self.secrets = secrets
        self._socket = home.run / "supervisor.sock"

    def call(self, method: str, *arguments: Any) -> Any:
        """One call of supervisord's interface. Raises Unreachable where it does not answer."""
        from supervisor.xmlrpc import SupervisorTransport

        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        server = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=cast(xmlrpc.client.Transport, transport))
        try:
            return getattr(server, method)(*arguments)
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(
                "the supervisor does not answer",
                where=str(self._socket),
                why=str(error),
                remedy="`perlinsos down`, then `perlinsos up`",
            ) from error
        finally:
            transport.close()

    def is_running(self) -> bool:
        """Whether a supervisord of this very home answers."""
        if not self._socket.exists():
            return False
        try:
            return bool(self.call("supervisor.getIdentification") == f"perlinsos-{self.secrets.services_id}")
        except Unreachable:
            return False

    def states(self) -> dict[str, dict[str, Any]]:
        """State of every part by its name: statename, pid, spawnerr and supervisord's other fields."""
        return {info["name"]: info for info in self.call("supervisor.getAllProcessInfo")}

    def launch(self) -> psutil.Process:
        """Start supervisord, detached from this terminal, and wait until it answers."""
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment |= {"LC_ALL": "C.UTF-8", "NO_PROXY": "127.0.0.1,localhost", MARK: self.secrets.services_id}
        with self.home.log("supervisord-start").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.home.supervisor_config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=environment,
                start_new_session=True,
            )

        def answers() -> bool:
            if process.poll() is not None:
                raise Unreachable(
                    "the supervisor could not start",
                    where=str(log.name),
                    why=last_lines(Path(str(log.name))),
                    remedy="read the reason; then `perlinsos up` again",
                )
            return self.is_running()

        wait_for(answers, "the supervisor", seconds=20, log=Path(str(log.name)))
        return psutil.Process(process.pid)

    def configure(self, text: str) -> list[str]:
        """Put a configuration in force and give the groups that it stopped, which the caller starts again."""
        running = self.is_running()
        if running and self.home.supervisor_config.exists() and self.home.supervisor_config.read_text() == text:
            return []
        write_private(self.home.supervisor_config, text)
        if not running:
            self.launch()
            return []
        ((added, changed, removed),) = self.call("supervisor.reloadConfig")
        for group in [*changed, *removed]:
            self.call("supervisor.stopProcessGroup", group)
            self.call("supervisor.removeProcessGroup", group)
        for group in [*added, *changed]:
            self.call("supervisor.addProcessGroup", group)
        return list(changed)

    def start(self, parts: list[Part]) -> None:
        """Start the parts that do not run yet, without waiting for them."""
        states = self.states()
        for part in parts:
            if states[part.name]["statename"] not in {RUNNING, STARTING, BACKOFF}:
                self.call("supervisor.startProcess", part.full_name, False)

    def stop_group(self, group: str) -> None:
        """Stop a group's parts side by side and wait for them."""
        try:
            self.call("supervisor.stopProcessGroup", group)
        except xmlrpc.client.Fault as fault:
            if "BAD_NAME" not in fault.faultString:  # the group was never configured: nothing to stop
                raise


def wait_for(condition: Callable[[], bool], what: str, *, seconds: float, log: Path) -> None:
    """Ask again and again until the condition holds. Raises Unreachable with the end of the part's log after `seconds`."""
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise Unreachable(
                f"{what} did not become ready within {seconds:.0f} seconds",
                where=str(log),
                why=last_lines(log),
                remedy="read the log; `perlinsos doctor` examines every part",
            )
        time.sleep(0.1)


@dataclass
class Patience:
    """How often a part may die while somebody waits for it. supervisord itself goes on for minutes, `up` does not."""

    supervisor: Supervisor
    deaths: int = 4
    _starts: dict[str, set[int]] = field(default_factory=dict)

    def check(self, part: str) -> None:
        """Raises Unreachable with the end of its log where a part was given up, or dies at each start."""
        info = self.supervisor.states().get(part, {})
        state = info.get("statename")
        if state == BACKOFF:
            self._starts.setdefault(part, set()).add(info["start"])
        if state != "FATAL" and len(self._starts.get(part, ())) < self.deaths:
            return
        log = self.supervisor.home.log(part)
        raise Unreachable(
            f"{part} cannot be started",
            where=str(log),
            why=info.get("spawnerr") or last_lines(log),
            remedy="read the log; `perlinsos down`, then `perlinsos up` tries again",
        )


def last_lines(log: Path, count: int = 4) -> str:
    """The end of a log, for an error message. The services' logs hold no rows and no personal data."""
    if not log.exists():
        return "it wrote no log"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        lines = [line for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return " / ".join(line.strip()[:300] for line in lines[-count:]) or "its log is empty"
