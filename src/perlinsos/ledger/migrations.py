"""Bring the ledger's schema up to date: the files of sql/schema in order, each once, under an advisory lock."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from perlinsos.errors import Conflict, Refused
from perlinsos.ledger.connection import Connection

_FORM = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_LOCK = 7001_0000
OLDEST_SERVER = 150000


@dataclass(frozen=True)
class Migration:
    """One file: its number, its name and the sha256 of its text."""

    number: int
    name: str
    sha256: str
    text: str


def read_migrations(folder: Path) -> list[Migration]:
    """The migrations of a folder in order. Refused where a number stands twice or a name is malformed.

    A number may be missing: whoever works on a change takes the number early. One that was applied and is gone is a
    Conflict (see `migrate`).
    """
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = _FORM.fullmatch(path.name)
        if not match:
            raise Refused(f"{path.name} is no migration", where=str(folder), remedy="name it NNNN_words.sql")
        text = path.read_text(encoding="utf-8")
        found.append(Migration(int(match[1]), path.name, hashlib.sha256(text.encode()).hexdigest(), text))
    if len({m.number for m in found}) < len(found) or not found:
        raise Refused("two migrations have one number, or there is none", where=str(folder), remedy="restore the files")
    return found


def migrate(connection: Connection, folder: Path) -> list[str]:
    """Apply what is missing and give the names applied; each file in a transaction of its own.

    Raises Conflict where an applied file was changed afterwards or the ledger knows one that is not here, Refused for
    a server older than PostgreSQL 15. Two callers at once: the second waits, then finds nothing to do.
    """
    if connection.server_version < OLDEST_SERVER:
        raise Refused(
            "PostgreSQL is too old", why=f"it is {connection.server_version // 10000}", remedy="use version 15 or newer"
        )
    migrations = read_migrations(folder)
    connection.rollback()
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", [_LOCK])
        connection.commit()
        try:
            applied = _read_applied(connection)
            _compare(migrations, applied)
            missing = [m for m in migrations if m.number not in applied]
            for migration in missing:
                cursor.execute(migration.text)
                cursor.execute(
                    "insert into public.perlinsos_migration (number, name, sha256) values (%s, %s, %s)",
                    [migration.number, migration.name, migration.sha256],
                )
                connection.commit()
        finally:
            connection.rollback()
            cursor.execute("select pg_advisory_unlock(%s)", [_LOCK])
            connection.commit()
    return [m.name for m in missing]


def _read_applied(connection: Connection) -> dict[int, tuple[str, str]]:
    """Number → (name, sha256) of what was applied; makes the table on the first call."""
    with connection.cursor() as cursor:
        cursor.execute(
            "create table if not exists public.perlinsos_migration (number int primary key, name text not null, "
            "sha256 text not null, applied_at timestamptz not null default clock_timestamp())"
        )
        cursor.execute("select number, name, sha256 from public.perlinsos_migration")
        rows = {number: (name, sha256) for number, name, sha256 in cursor.fetchall()}
    connection.commit()
    return rows


def _compare(migrations: list[Migration], applied: dict[int, tuple[str, str]]) -> None:
    """Conflict where the ledger's past and the files disagree."""
    here = {m.number: m for m in migrations}
    for number, (name, sha256) in sorted(applied.items()):
        if number not in here:
            raise Conflict(
                f"the ledger has the migration {name}, which is not here",
                where="sql/schema",
                remedy="use the release that belongs to this ledger, or a newer one",
            )
        if here[number].sha256 != sha256:
            raise Conflict(
                f"{here[number].name} was changed after it was applied",
                where="sql/schema",
                remedy="restore the file; write what must change into a new migration",
            )
