"""Where the services keep their files inside `PERLINSOS_HOME`, and what is private there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perlinsos.errors import Refused

LONGEST_SOCKET_PATH = 100
"""A Unix socket's path may have 107 bytes on Linux and 103 on macOS."""
LEAST_FREE_BYTES = 300 * 2**20
"""Below this `up` refuses: initdb alone writes 50 MB and a database that meets a full disk stops."""


@dataclass(frozen=True)
class Home:
    """The folder of one installation. Its files of mode 0600 hold the secrets; nothing secret lies elsewhere."""

    root: Path

    @property
    def logs(self) -> Path:
        """One log per part, rotated by the supervisor."""
        return self.root / "logs"

    @property
    def secrets(self) -> Path:
        """The secrets made at the first start (mode 0600)."""
        return self.root / "secrets.json"

    @property
    def airflow_passwords(self) -> Path:
        """Airflow's users and passwords (mode 0600)."""
        return self.root / "airflow-passwords.json"

    @property
    def consumer_identities(self) -> Path:
        """The consumers' keys at the embedded object store (mode 0600)."""
        return self.root / "consumer-identities.json"

    @property
    def ports(self) -> Path:
        """The ports chosen at the first start."""
        return self.root / "ports.json"

    @property
    def services(self) -> Path:
        """What `settings.load_settings` reads: addresses and keys of what runs (mode 0600; gone after `down`)."""
        return self.root / "services.json"

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME."""
        return self.root / "airflow"

    @property
    def objects(self) -> Path:
        """The object store's volumes."""
        return self.root / "objects"

    @property
    def object_config(self) -> Path:
        """The object store's identities, keys and certificates."""
        return self.root / "object-store"

    @property
    def supervisor_config(self) -> Path:
        """The generated configuration of supervisord (mode 0600)."""
        return self.root / "supervisord.conf"

    @property
    def supervisor_pid(self) -> Path:
        """The process id of supervisord."""
        return self.root / "supervisord.pid"

    @property
    def run(self) -> Path:
        """The folder of the sockets: inside the home where the path is short enough, else under the temporary folder."""
        inside = self.root / "run"
        if len(os.fsencode(str(inside / "supervisor.sock"))) <= LONGEST_SOCKET_PATH:
            return inside
        return Path(tempfile.gettempdir()) / f"perlinsos-{self.digest}"

    @property
    def digest(self) -> str:
        """A short name of this home that is the same at every start."""
        return hashlib.sha256(os.fsencode(str(self.root))).hexdigest()[:12]

    def read_supervisor_pid(self) -> int | None:
        """The process id of the supervisor that runs, or that was killed; None where it was stopped or never started."""
        try:
            return int(self.supervisor_pid.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def log(self, part: str) -> Path:
        """The log of one part."""
        return self.logs / f"{part}.log"


def prepare(root: Path) -> Home:
    """Make the folders. Raises Refused where the place cannot be written or the disk is full."""
    home = Home(root)
    try:
        if not root.exists():
            root.mkdir(parents=True)
            root.chmod(0o711 if os.geteuid() == 0 else 0o700)  # as root, PostgreSQL's user must be able to pass through
        for folder in (home.logs, home.airflow, home.objects, home.object_config, home.run):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=root) as probe:
            probe.write(b"perlinsos")
    except OSError as error:
        raise Refused(
            "the home folder cannot be written",
            where=str(root),
            why=error.strerror or str(error),
            remedy="free some space, or set PERLINSOS_HOME to a folder that this user may write",
        ) from error
    _refuse_full_disk(root)
    return home


def _refuse_full_disk(root: Path) -> None:
    free = shutil.disk_usage(root).free
    if free < LEAST_FREE_BYTES:
        raise Refused(
            "the disk is full",
            where=str(root),
            why=f"{free // 2**20} MB are free, {LEAST_FREE_BYTES // 2**20} MB are needed",
            remedy="free some space, or set PERLINSOS_HOME to a folder on another disk",
        )


def write_private(path: Path, text: str) -> None:
    """Replace a file at once by one of mode 0600."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)


def write_private_json(path: Path, value: Any) -> None:
    """The same for a JSON value."""
    write_private(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, or an empty one where there is no such file. Raises Refused where the file is damaged."""
    if not path.exists():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(
            "a file of the services cannot be read",
            where=str(path),
            why=str(error),
            remedy="`perlinsos down`, restore the file or remove it, then `perlinsos up`",
        ) from error
    if not isinstance(value, dict):
        raise Refused("a file of the services is not a JSON object", where=str(path), remedy="remove it")
    return value


@contextmanager
def hold(home: Home) -> Iterator[None]:
    """Only one `up` or `down` of a home at a time; a second one is refused, not queued."""
    import fcntl

    with (home.root / "services.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused(
                "another `perlinsos up` or `down` is at work here",
                where=str(home.root),
                why="it holds services.lock",
                remedy="wait until it ends",
            ) from error
        yield
