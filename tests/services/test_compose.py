"""docker-compose.yml, the Dockerfile and the secret files, as far as they can be judged without a Docker engine."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from perlinsos.operations.services import airflow_config
from perlinsos.operations.services.compose import write_secrets
from perlinsos.operations.services.home import Home
from perlinsos.operations.services.secrets import Secrets
from perlinsos.settings import Settings, find_project

PROJECT = find_project()
PINNED = re.compile(r"[a-z0-9./_-]+:\d+(\.\d+)+[a-z0-9.-]*")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((PROJECT / "docker-compose.yml").read_text())


def test_every_secret_is_a_file_that_is_made(compose: dict[str, Any], tmp_path: Path) -> None:
    made = {path.name for path in write_secrets(tmp_path / "secrets")}
    files = {name: Path(secret["file"]) for name, secret in compose["secrets"].items()}
    assert {name for name, file in files.items() if file.name != name} == set()
    assert files.keys() == made


def test_only_their_owner_gets_to_the_secret_files(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    before = {path.name: path.read_bytes() for path in write_secrets(folder)}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: path.read_bytes() for path in write_secrets(folder)} == before


def test_a_service_uses_only_secrets_that_are_declared(compose: dict[str, Any]) -> None:
    used = {
        secret["source"] if isinstance(secret, dict) else secret
        for service in compose["services"].values()
        for secret in service.get("secrets", [])
    }
    assert used == compose["secrets"].keys()


def test_no_password_or_key_stands_in_the_file(compose: dict[str, Any]) -> None:
    exposed = [
        (name, variable)
        for name, service in compose["services"].items()
        for variable, value in service.get("environment", {}).items()
        if re.search(r"password|secret|fernet|conn\b|conn_cmd|token", variable, re.IGNORECASE)
        and not re.fullmatch(r"(cat )?/run/secrets/[a-z_]+", str(value))
    ]
    assert exposed == []


def test_every_image_is_pinned(compose: dict[str, Any]) -> None:
    images = {service["image"] for service in compose["services"].values()}
    images |= set(re.findall(r"^FROM (\S+)", (PROJECT / "Dockerfile").read_text(), re.MULTILINE))
    assert [image for image in images if not PINNED.fullmatch(image)] == []


def test_only_loopback_is_published(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_every_lasting_service_has_a_health_check(compose: dict[str, Any]) -> None:
    assert [name for name, service in compose["services"].items() if "healthcheck" not in service] == []


def test_the_image_runs_as_a_user_without_rights() -> None:
    text = (PROJECT / "Dockerfile").read_text()
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE) == ["perlinsos"]
    assert "--require-hashes -r requirements-compose.txt" in text


def test_the_locked_packages_are_those_of_the_embedded_services() -> None:
    def versions(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9_.-]+)==([^ ;\\]+)", (PROJECT / name).read_text(), re.MULTILINE))

    embedded, image = versions("requirements.txt"), versions("requirements-compose.txt")
    assert "apache-airflow-providers-fab" in image
    assert {name for name in ("apache-airflow", "duckdb", "pyarrow", "boto3") if embedded[name] != image[name]} == set()


def test_airflow_is_set_as_up_sets_it(compose: dict[str, Any], tmp_path: Path) -> None:
    ours = airflow_config.configuration(Home(tmp_path), Settings(tmp_path, PROJECT), Secrets(), "postgresql://", 8080)
    environment = compose["services"]["scheduler"]["environment"]
    for section in ("scheduler", "workers", "execution_api", "dag_processor"):
        for option, value in ours[section].items():
            assert environment[f"AIRFLOW__{section.upper()}__{option.upper()}"] == str(value)
