"""Connections to the ledger, each in one role of the ledger, and calls of its functions with errors a person can read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any, Literal

import psycopg2
import psycopg2.extensions
import psycopg2.extras
from psycopg2 import sql

from perlinsos.errors import Conflict, PerlinsosError, Refused, Unreachable, say_why
from perlinsos.settings import Settings, say_where

Role = Literal[
    "migrator", "registrar", "loader", "decider", "publisher", "approver_region", "approver_centre", "reader", "watcher"
]
Connection = psycopg2.extensions.connection
SCHEMA = "perlinsos"
SILENT_MILLISECONDS = 30_000
"""How long a server may leave what was sent unacknowledged: a kept connection may lead to a host that is gone."""
_REFUSED, _CONFLICT = "PL001", "PL002"  # raised by the functions in sql/schema


def connect(settings: Settings, role: Role | None = None, *, actor: str | None = None) -> Connection:
    """A new connection to the ledger that acts as `role` (None: as the login itself, for migrations).

    `actor` names the person or run in the audit rows (default: the login). Raises Unreachable (exit 3) where no
    address is set, the server does not answer, or the login may not act as that role.
    """
    if not settings.database_url:
        raise Unreachable(
            "no ledger is configured",
            where=say_where(settings),
            remedy="start the services with `perlinsos up`, name another folder with PERLINSOS_HOME, "
            "or a database with PERLINSOS_DATABASE_URL",
        )
    try:
        connection = psycopg2.connect(
            settings.database_url, connect_timeout=10, tcp_user_timeout=SILENT_MILLISECONDS, application_name="perlinsos"
        )
        if role is not None:
            _act_as(connection, role, actor)
    except psycopg2.OperationalError as error:
        raise Unreachable(
            "the ledger does not answer",
            where=_address(settings.database_url),
            why=str(error).strip().splitlines()[-1],
            remedy="see `perlinsos doctor`; start the services with `perlinsos up`",
        ) from error
    except psycopg2.ProgrammingError as error:
        raise Unreachable(
            f"the ledger does not let this login act as {role}",
            where=_address(settings.database_url),
            why=str(error).strip().splitlines()[0],
            remedy="run `perlinsos migrate`, or grant the role to the login",
        ) from error
    return connection


def _act_as(connection: Connection, role: Role, actor: str | None) -> None:
    """Take the role for the life of the connection."""
    with connection.cursor() as cursor:
        statements = "set role {}; set search_path to perlinsos; set timezone to 'UTC'"
        cursor.execute(sql.SQL(statements).format(sql.Identifier(f"perlinsos_{role}")))
        if actor:
            cursor.execute("select set_config('perlinsos.actor', %s, false)", [actor])
    connection.commit()


def _address(url: str) -> str:
    """Host, port and database of a URL: never its user or password."""
    parts = psycopg2.extensions.parse_dsn(url)
    return f"{parts.get('host', 'localhost')}:{parts.get('port', '5432')}/{parts.get('dbname', '')}"


@contextmanager
def transaction(settings: Settings, role: Role, *, actor: str | None = None) -> Iterator[Connection]:
    """A connection for one transaction: committed at the end, rolled back when the block raises, then closed.

    What the ledger's functions refuse comes out as Refused or Conflict, a lost server as Unreachable.
    """
    with closing(connect(settings, role, actor=actor)) as connection, _committing(connection):
        yield connection


@contextmanager
def _committing(connection: Connection) -> Iterator[None]:
    """Commit at the end of the block; what the server says comes out in our own words."""
    try:
        yield
        connection.commit()
    except psycopg2.Error as error:
        raise explain_error(error) from error


class KeptConnections:
    """Transactions as `transaction` gives them, for one step: a connection is kept for the next one of the same role.

    A step makes up to twenty transactions, and a new connection costs both sides more than most of them. A kept one that the
    server has ended meanwhile is replaced before it is given out. `close` at the end of the step.
    """

    def __init__(self, settings: Settings, *, actor: str | None = None) -> None:
        self._settings, self._actor = settings, actor
        self._idle: dict[Role, Connection] = {}

    @contextmanager
    def transaction(self, role: Role) -> Iterator[Connection]:
        """One transaction in a role, as `transaction`."""
        connection = self._take(role)
        try:
            with _committing(connection):
                yield connection
        finally:
            self._give_back(role, connection)

    def close(self) -> None:
        """End the connections that are kept."""
        while self._idle:
            self._idle.popitem()[1].close()

    def _take(self, role: Role) -> Connection:
        kept = self._idle.pop(role, None)
        if kept is not None:
            if _is_usable(kept):
                return kept
            kept.close()
        return connect(self._settings, role, actor=self._actor)

    def _give_back(self, role: Role, connection: Connection) -> None:
        """Keep it, in no transaction; a broken one, and a second one of a role, are ended."""
        with suppress(psycopg2.Error):  # a broken one is found when it is taken again
            connection.rollback()
        if role in self._idle or connection.closed:
            connection.close()
        else:
            self._idle[role] = connection


def _is_usable(connection: Connection) -> bool:
    """Whether the server still answers on it; no transaction is left open."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("select")
        connection.rollback()
    except psycopg2.Error:
        return False
    return True


def call(connection: Connection, function: str, arguments: Sequence[Any]) -> Any:
    """The single value that a function of the ledger gives. Raises Refused or Conflict as the function says."""
    rows = call_rows(connection, function, arguments)
    return next(iter(rows[0].values())) if rows else None


def call_rows(connection: Connection, function: str, arguments: Sequence[Any]) -> list[dict[str, Any]]:
    """The rows that a function of the ledger gives. Dicts and lists among the arguments are sent as JSON."""
    marks = sql.SQL(", ").join(sql.Placeholder() * len(arguments))
    statement = sql.SQL("select * from {}({})").format(sql.Identifier(SCHEMA, function), marks)
    sent = [psycopg2.extras.Json(value) if isinstance(value, dict | list) else value for value in arguments]
    try:
        return fetch_rows(connection, statement, sent)
    except psycopg2.Error as error:
        raise explain_error(error) from error


def fetch_rows(
    connection: Connection, query: str | sql.Composable, arguments: Sequence[Any] | dict[str, Any] = ()
) -> list[dict[str, Any]]:
    """The rows of a query as dicts (the driver's own dict cursor takes twice the time for 4,000 rows)."""
    with connection.cursor() as cursor:
        cursor.execute(query, arguments)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def explain_error(error: psycopg2.Error) -> PerlinsosError:
    """The error of the database in the project's own words; the row's values never stand in it."""
    if error.pgcode in (_REFUSED, _CONFLICT):
        kind = Conflict if error.pgcode == _CONFLICT else Refused
        return kind(error.diag.message_primary or "refused", where="ledger", remedy=error.diag.message_hint or "")
    if error.pgcode is None or error.pgcode.startswith(("08", "40", "53", "57")):
        return Unreachable("the ledger was lost", where="ledger", why=say_why(error), remedy="run the step again: it is safe")
    if error.pgcode in ("42P01", "42883", "3F000"):
        return Unreachable(
            "the ledger's schema is missing or old", where="ledger", why=str(error.pgcode), remedy="perlinsos migrate"
        )
    # The message of a constraint names tables and constraints; that of a malformed value would quote the value.
    is_safe = error.pgcode.startswith(("23", "42"))
    words = error.diag.message_primary if is_safe else "a value has the wrong form"
    return Refused(
        f"the ledger refused a change ({words})",
        where=error.diag.constraint_name or error.diag.table_name or "",
        why=f"SQLSTATE {error.pgcode}",
        remedy="nothing was written; see the message",
    )
