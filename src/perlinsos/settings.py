"""Where things are and how much they may take. Read from the environment (`PERLINSOS_*`) and from what `up` wrote.

Explicit values in the environment win over the embedded services that `perlinsos up` recorded in
`PERLINSOS_HOME/services.json`.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from perlinsos.errors import Refused, WrongUsage

PROJECT_FOLDERS = ("expectations", "programmes", "reference", "sources", "sql")


@dataclass(frozen=True)
class Buckets:
    """The five buckets of the contract."""

    landing: str = "perlinsos-landing"
    raw: str = "perlinsos-raw"
    work: str = "perlinsos-work"
    published: str = "perlinsos-published"
    public: str = "perlinsos-public"


@dataclass(frozen=True)
class Settings:
    """All settings of one process.

    `home` holds local state (default `.perlinsos/` in the working folder); `project` holds sql/, programmes/ and the
    other top-level folders. `database_url` and `s3_endpoint` are None where nothing was started or named. Times are
    seconds, memory is DuckDB's text form. `pages_database_url` is the ledger under the login of Airflow's pages, which may
    take on the role `watcher` only; where it is None, the pages take that role from `database_url`.
    """

    home: Path
    project: Path
    database_url: str | None = None
    pages_database_url: str | None = None
    s3_endpoint: str | None = None
    s3_access_key: str | None = None
    s3_secret_key: str | None = None
    s3_region: str = "us-east-1"
    buckets: Buckets = field(default_factory=Buckets)
    threads: int = 2
    memory_limit: str | None = None
    cache_max_bytes: int = 20 * 2**30
    landing_quiet_seconds: int = 600
    lease_seconds: int = 1800

    @property
    def cache(self) -> Path:
        """The content-addressed local cache."""
        return self.home / "cache"

    def folder(self, name: str) -> Path:
        """One of the project's data folders: expectations, programmes, reference, sources, sql."""
        return self.project / name


def find_project() -> Path:
    """The folder that holds sql/, programmes/ and the others: `PERLINSOS_PROJECT`, else this package's checkout."""
    named = os.environ.get("PERLINSOS_PROJECT")
    return Path(named) if named else Path(__file__).resolve().parents[2]


def act_as(settings: Settings, identity: str) -> Settings:
    """The same settings with the keys of one S3 identity that `perlinsos up` made: loader, decider, publisher, ….

    Unchanged where the environment names the keys, or where `up` did not start the object store.
    """
    recorded = settings.home / "services.json"
    if os.environ.get("PERLINSOS_S3_ACCESS_KEY") or not recorded.exists():
        return settings
    keys = json.loads(recorded.read_text()).get("s3_identities", {}).get(identity)
    return replace(settings, s3_access_key=keys["access_key"], s3_secret_key=keys["secret_key"]) if keys else settings


def load_settings() -> Settings:
    """Settings from the environment, else from `services.json` of `perlinsos up`, else defaults."""
    home = Path(os.environ.get("PERLINSOS_HOME", ".perlinsos")).resolve()
    started = _read_started(home / "services.json")

    def value(name: str) -> str | None:
        return os.environ.get(f"PERLINSOS_{name.upper()}") or started.get(name)

    defaults = Settings(home, find_project())
    pages = os.environ.get("PERLINSOS_PAGES_DATABASE_URL")  # what `up` recorded belongs to its own ledger
    return Settings(
        home=home,
        project=find_project(),
        database_url=value("database_url"),
        pages_database_url=value("pages_database_url") if not os.environ.get("PERLINSOS_DATABASE_URL") else pages,
        s3_endpoint=value("s3_endpoint"),
        s3_access_key=value("s3_access_key"),
        s3_secret_key=value("s3_secret_key"),
        s3_region=value("s3_region") or defaults.s3_region,
        threads=_number("threads", value("threads"), defaults.threads, least=1),
        memory_limit=value("memory_limit"),
        cache_max_bytes=_number("cache_max_bytes", value("cache_max_bytes"), defaults.cache_max_bytes, least=0),
        landing_quiet_seconds=_number(
            "landing_quiet_seconds", value("landing_quiet_seconds"), defaults.landing_quiet_seconds, least=0
        ),
        lease_seconds=_number("lease_seconds", value("lease_seconds"), defaults.lease_seconds, least=0),
    )


def say_where(settings: Settings) -> str:
    """Which home was looked at, and that nothing is there where nothing is."""
    return f"PERLINSOS_HOME={settings.home}" + ("" if settings.home.is_dir() else ", where there is no such folder")


def _number(name: str, text: str | None, default: int, *, least: int) -> int:
    """A whole number of the environment. WrongUsage (exit 2) names the variable."""
    if not text:
        return default
    if not str(text).isascii() or not str(text).isdigit() or int(text) < least:
        where = f"PERLINSOS_{name.upper()}"
        raise WrongUsage(f"{text!r} is no whole number from {least} up", where=where, remedy="correct or unset the variable")
    return int(text)


def _read_started(recorded: Path) -> dict[str, str]:
    """What `up` recorded; nothing where it runs nowhere. Refused where the file is damaged."""
    try:
        started: dict[str, str] = json.loads(recorded.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ValueError as error:
        remedy = "`perlinsos down`, remove the file, then `perlinsos up`"
        raise Refused("what `up` recorded is damaged", where=str(recorded), why="it is no JSON", remedy=remedy) from error
    return started
