"""The secrets of one installation: made once, at the first start, and kept in one file of mode 0600."""

from __future__ import annotations

import base64
import secrets
from dataclasses import asdict, dataclass, field

from perlinsos.operations.services.home import Home, read_json, write_private_json

USERS = {"admin": "admin", "officer": "viewer", "centre": "viewer", "auditor": "viewer"}
"""Airflow's users and their roles: the operator, a region's officer, the ministry's, an auditor. In Airflow only the operator
may change runs, for it knows no regions; what the pages show to the others the ledger says."""
IDENTITIES = ("admin", "operator", "landing", "loader", "decider", "publisher")
"""The object store's own identities, one per writer (consumers' stand in `consumer_identities.py`)."""


def _password() -> str:
    return secrets.token_urlsafe(24)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _identity() -> dict[str, str]:
    return {"access_key": secrets.token_hex(10).upper(), "secret_key": secrets.token_urlsafe(30)}


@dataclass(frozen=True)
class Secrets:
    """Every secret. `services_id` is not secret: it marks the processes that belong to this installation."""

    services_id: str = field(default_factory=lambda: secrets.token_hex(16))
    postgres_password: str = field(default_factory=_password)
    ledger_password: str = field(default_factory=_password)
    pages_password: str = field(default_factory=_password)
    airflow_database_password: str = field(default_factory=_password)
    airflow_jwt_secret: str = field(default_factory=lambda: secrets.token_hex(48))
    airflow_session_key: str = field(default_factory=lambda: secrets.token_hex(32))
    airflow_fernet_key: str = field(default_factory=_fernet_key)
    filer_write_key: str = field(default_factory=lambda: secrets.token_hex(32))
    filer_read_key: str = field(default_factory=lambda: secrets.token_hex(32))
    volume_write_key: str = field(default_factory=lambda: secrets.token_hex(32))
    volume_read_key: str = field(default_factory=lambda: secrets.token_hex(32))
    users: dict[str, str] = field(default_factory=lambda: {user: _password() for user in USERS})
    identities: dict[str, dict[str, str]] = field(default_factory=lambda: {name: _identity() for name in IDENTITIES})


def keep_secrets(home: Home) -> Secrets:
    """The secrets of this home; what is missing is made and written before anything uses it."""
    known = read_json(home.secrets)
    fresh = asdict(Secrets())
    kept = {name: known.get(name, value) for name, value in fresh.items()}
    for group in ("users", "identities"):
        kept[group] = {**fresh[group], **known.get(group, {})}
    if kept != known:
        write_private_json(home.secrets, kept)
    write_private_json(home.airflow_passwords, kept["users"])
    return Secrets(**kept)
