"""For docker-compose.yml: make its secret files on the host, and set its services up from inside.

`python -m perlinsos.operations.services.compose secrets FOLDER` (make compose-secrets)
`python -m perlinsos.operations.services.compose setup` (the one-shot service `setup`, inside the image)
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from perlinsos.errors import Unreachable, WrongUsage
from perlinsos.operations.services import airflow_config, object_store, postgres
from perlinsos.operations.services.certificates import keep_certificates
from perlinsos.operations.services.home import prepare, write_private
from perlinsos.operations.services.secrets import Secrets, keep_secrets
from perlinsos.settings import Buckets, load_settings

STORE_HOST, DATABASE_HOST = "seaweedfs", "postgres"
MOUNTED = Path("/run/secrets")


def contents(secrets: Secrets) -> dict[str, str]:
    """Every secret file of docker-compose.yml but the certificates, by its name."""
    operator = secrets.identities["operator"]
    ledger = f"postgresql://{postgres.LEDGER}:{secrets.ledger_password}@{DATABASE_HOST}:5432/{postgres.LEDGER}"
    pages = f"postgresql://{postgres.PAGES}:{secrets.pages_password}@{DATABASE_HOST}:5432/{postgres.LEDGER}"
    airflow = f"{postgres.AIRFLOW}:{secrets.airflow_database_password}@{DATABASE_HOST}:5432/{postgres.AIRFLOW}"
    services = {
        "database_url": ledger,
        "pages_database_url": pages,
        "s3_endpoint": f"http://{STORE_HOST}:8333",
        "s3_access_key": operator["access_key"],
        "s3_secret_key": operator["secret_key"],
        "s3_region": "us-east-1",
        "s3_identities": secrets.identities,
    }
    return {
        "postgres_password": secrets.postgres_password,
        "ledger_password": secrets.ledger_password,
        "pages_password": secrets.pages_password,
        "airflow_database_password": secrets.airflow_database_password,
        "airflow_database_url": f"postgresql+psycopg2://{airflow}",
        "airflow_jwt_secret": secrets.airflow_jwt_secret,
        "airflow_session_key": secrets.airflow_session_key,
        "airflow_fernet_key": secrets.airflow_fernet_key,
        "airflow_admin_password": secrets.users["admin"],
        "services.json": json.dumps(services),
        "s3.json": json.dumps({"identities": object_store.identities(secrets, Buckets())}),
        "security.toml": object_store.security(secrets, MOUNTED),
    }


def write_secrets(folder: Path) -> list[Path]:
    """Make the files once. The folder is private to its owner; the files in it can be read by any user of a container,
    because compose mounts them as they are."""
    home = prepare(folder)
    folder.chmod(0o700)
    secrets = keep_secrets(home)
    files = folder / "files"
    files.mkdir(exist_ok=True)
    keep_certificates(files)
    for name, text in contents(secrets).items():
        write_private(files / name, text)
    written = sorted(files.iterdir())
    for path in written:
        path.chmod(0o444)
    return written


def set_up() -> None:
    """Buckets, the ledger's schema, Airflow's metadata, its first user and the pools. Doing it twice changes nothing."""
    from perlinsos.ledger.migrations import migrate

    settings = load_settings()
    if not settings.database_url or not settings.s3_endpoint:
        raise Unreachable("services.json is not mounted", where=str(settings.home), remedy="`make compose-secrets`")
    keys = json.loads((settings.home / "services.json").read_text())["s3_identities"]["admin"]
    admin = object_store.Access(settings.s3_endpoint, keys["access_key"], keys["secret_key"], settings.s3_region)
    wrong = object_store.prove(admin, settings.buckets, create=True)
    if wrong:
        raise Unreachable("the object store does not work", where=settings.s3_endpoint, why=wrong)
    connection = postgres.connect(settings.database_url, seconds=30)
    connection.autocommit = False
    migrate(connection, settings.folder("sql") / "schema")
    connection.close()
    password = (MOUNTED / "airflow_admin_password").read_text().strip()
    _airflow("db", "migrate")
    person = ["--firstname", "Platform", "--lastname", "Operator", "--email", "admin@localhost"]
    _airflow("users", "create", "--username", "admin", "--role", "Admin", *person, answer=f"{password}\n{password}\n")
    pools = {name: {"slots": slots, "description": text} for name, (slots, text) in airflow_config.POOLS.items()}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(pools, file)
        file.flush()
        _airflow("pools", "import", file.name)


def _airflow(*arguments: str, answer: str = "") -> None:
    """One command of Airflow; a password is typed, so that it stands in no list of processes."""
    subprocess.run([sys.executable, "-m", "airflow", *arguments], input=answer, text=True, check=True)


def main(arguments: list[str]) -> None:
    """See the module's docstring."""
    match arguments:
        case ["secrets", folder]:
            for path in write_secrets(Path(folder).resolve()):
                print(path)
        case ["setup"]:
            set_up()
        case _:
            raise WrongUsage("compose takes `secrets FOLDER` or `setup`")


if __name__ == "__main__":
    main(sys.argv[1:])
