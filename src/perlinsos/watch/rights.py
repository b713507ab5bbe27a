"""Who may look at which regions: one row a user in the ledger (`perlinsos user grant`). Who has none sees nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from perlinsos.errors import Refused, WrongUsage
from perlinsos.ledger.connection import Connection, call, connect, fetch_rows, transaction
from perlinsos.model.regions import parse_regency
from perlinsos.settings import Settings

ROLES = ("operator", "centre", "region", "auditor")
"""Operators run the platform; the centre and the regions follow their lists; auditors read and are told no commands."""


@dataclass(frozen=True)
class Rights:
    """What one user sees. `regions` is None where it is all of them."""

    user: str
    role: str
    regions: tuple[str, ...] | None

    def sees(self, region: str) -> bool:
        """Whether a region's page, cells and alerts are shown."""
        return self.regions is None or region in self.regions

    @property
    def is_told_commands(self) -> bool:
        """Whether commands are shown: an auditor looks only."""
        return self.role != "auditor"

    @property
    def sees_platform(self) -> bool:
        """Whether the machine itself is shown: disk, and alerts that belong to no region. They name any region."""
        return self.regions is None and self.role in ("operator", "centre", "auditor")


def read_rights(connection: Connection, user: str, *, is_operator: bool) -> Rights | None:
    """The rights of a user; None where nobody granted any. Who operates Airflow itself sees all regions."""
    if is_operator:
        return Rights(user, "operator", None)
    rows = fetch_rows(connection, "select page_role, regions from page_user where user_name = %s", [user])
    if not rows:
        return None
    return Rights(user, rows[0]["page_role"], tuple(rows[0]["regions"]) or None)


@contextmanager
def open_pages(settings: Settings) -> Iterator[Connection]:
    """A read-only connection to the ledger as the pages have it: in the role `watcher`, under its own login if there is one."""
    own = replace(settings, database_url=settings.pages_database_url or settings.database_url)
    connection = connect(own, "watcher")
    connection.set_session(readonly=True)
    try:
        yield connection
    finally:
        connection.close()


def grant(settings: Settings, user: str, role: str, regions: Sequence[str], granter: str) -> dict[str, Any]:
    """Let a user of Airflow see regions (none named: all) in a role. Raises WrongUsage for an unknown role or code."""
    name = user.strip()
    if role not in ROLES:
        raise WrongUsage(f"{role!r} is no role of the pages", remedy=f"one of {', '.join(ROLES)}")
    if not name:
        raise WrongUsage("a user needs a name", remedy="the name with which they log in to Airflow")
    codes = sorted({parse_regency(code) for code in regions})
    if role == "region" and not codes:
        raise WrongUsage("a user of a region needs the region", remedy=f"perlinsos user grant {name} --region 35.10")
    if any(character.isdigit() for character in name) and sum(c.isdigit() for c in name) >= 12:
        raise Refused("a user's name must not be a number of a person", remedy="choose another name in Airflow")
    with transaction(settings, "registrar", actor=granter) as connection:
        fetch_rows(connection, "select grant_page_user(%s, %s, %s, %s)", [name, role, codes, granter])
    return {"user": name, "role": role, "regions": codes}


def revoke(settings: Settings, user: str, granter: str) -> bool:
    """Take a user's rights away. False where they had none."""
    with transaction(settings, "registrar", actor=granter) as connection:
        return bool(call(connection, "revoke_page_user", [user.strip()]))


def list_users(settings: Settings) -> list[dict[str, Any]]:
    """Every user with rights: user, role, regions (empty: all), by whom and when."""
    with transaction(settings, "reader") as connection:
        return fetch_rows(
            connection,
            'select user_name as "user", page_role as role, regions, granted_by, granted_at from page_user order by user_name',
        )
