"""What this machine starts and what was named explicitly: an address in the environment wins over an own service."""

from __future__ import annotations

import os
from dataclasses import dataclass

from perlinsos.errors import WrongUsage


@dataclass(frozen=True)
class Named:
    """The addresses that the environment names; None where this machine starts the service."""

    database_url: str | None
    s3_endpoint: str | None
    s3_access_key: str | None
    s3_secret_key: str | None
    airflow_url: str | None
    airflow_database_url: str | None

    def needs_postgres(self, *, airflow: bool) -> bool:
        """Whether an own PostgreSQL is needed: for the ledger, or for the metadata of an own Airflow."""
        return self.database_url is None or (self.needs_airflow(airflow=airflow) and self.airflow_database_url is None)

    def needs_object_store(self) -> bool:
        """Whether an own object store is needed."""
        return self.s3_endpoint is None

    def needs_airflow(self, *, airflow: bool) -> bool:
        """Whether an own Airflow is needed."""
        return airflow and self.airflow_url is None


def read_named() -> Named:
    """Read the environment. Raises WrongUsage where an object store is named without its keys."""

    def value(name: str) -> str | None:
        return os.environ.get(f"PERLINSOS_{name}") or None

    named = Named(
        database_url=value("DATABASE_URL"),
        s3_endpoint=value("S3_ENDPOINT"),
        s3_access_key=value("S3_ACCESS_KEY"),
        s3_secret_key=value("S3_SECRET_KEY"),
        airflow_url=value("AIRFLOW_URL"),
        airflow_database_url=value("AIRFLOW_DATABASE_URL"),
    )
    if named.s3_endpoint and not (named.s3_access_key and named.s3_secret_key):
        raise WrongUsage(
            "an object store is named without its keys",
            where="PERLINSOS_S3_ENDPOINT",
            why="PERLINSOS_S3_ACCESS_KEY or PERLINSOS_S3_SECRET_KEY is not set",
            remedy="set both, or unset PERLINSOS_S3_ENDPOINT to have one started here",
        )
    return named
