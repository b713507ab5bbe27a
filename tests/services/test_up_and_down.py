"""`perlinsos up --no-airflow` and `down`: started once, started again, stopped without a trace."""

from __future__ import annotations

import json
import stat

import psycopg2
import pytest

from live_services import Services, empty_home, running

pytestmark = pytest.mark.services


def test_up_twice_keeps_the_processes_and_the_addresses(services: Services) -> None:
    before, addresses = services.supervisor.states(), services.addresses
    answer = services.run("up", "--no-airflow", "--json")
    assert answer.returncode == 0, answer.stderr
    assert services.addresses == addresses
    assert {name: info["pid"] for name, info in services.supervisor.states().items()} == {
        name: info["pid"] for name, info in before.items()
    }


def test_every_secret_file_is_private(services: Services) -> None:
    private = [services.home.secrets, services.home.services, services.home.supervisor_config, services.home.airflow_passwords]
    private += [services.home.object_config / name for name in ("s3.json", "security.toml", "node.key")]
    assert [path.name for path in private if stat.S_IMODE(path.stat().st_mode) != 0o600] == []


def test_the_ledger_is_migrated_and_closed_to_airflows_role(services: Services) -> None:
    with psycopg2.connect(services.settings.database_url) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from public.perlinsos_migration")
        assert cursor.fetchone()[0] > 0
    address = services.settings.database_url.rpartition("@")[2]
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(f"postgresql://airflow:{services.secrets.airflow_database_password}@{address}")


def test_down_leaves_no_process_and_keeps_the_data() -> None:
    with running("--no-airflow") as services:
        services.s3().put_object(Bucket="perlinsos-work", Key="kept", Body=b"kept")
        answer = services.run("down", "--json")
        assert answer.returncode == 0, answer.stderr
        assert json.loads(answer.stdout)["stopped"] > 5
        assert services.processes() == []
        assert not services.home.services.exists()
        assert services.run("up", "--no-airflow").returncode == 0
        assert services.s3().get_object(Bucket="perlinsos-work", Key="kept")["Body"].read() == b"kept"


def test_down_where_nothing_runs_changes_nothing() -> None:
    with empty_home() as services:
        answer = services.run("down", "--json")
        assert (answer.returncode, json.loads(answer.stdout)["stopped"]) == (0, 0)


def test_two_homes_run_side_by_side(services: Services) -> None:
    with running("--no-airflow") as other:
        mine, theirs = services.addresses, other.addresses
        assert mine["s3_endpoint"] != theirs["s3_endpoint"]
        assert other.run("down").returncode == 0
        assert services.s3().list_buckets()["Buckets"]


def test_named_services_are_used_and_not_started(services: Services) -> None:
    known = services.addresses
    named = {f"PERLINSOS_{name.upper()}": known[name] for name in ("database_url", "s3_endpoint")}
    keys = services.secrets.identities["admin"]
    named |= {"PERLINSOS_S3_ACCESS_KEY": keys["access_key"], "PERLINSOS_S3_SECRET_KEY": keys["secret_key"]}
    with empty_home() as other:
        answer = other.run("up", "--no-airflow", "--json", **named)
        assert answer.returncode == 0, answer.stderr
        assert other.processes() == []
        assert other.addresses["s3_endpoint"] == known["s3_endpoint"]


def test_a_named_object_store_without_keys_is_wrong_usage() -> None:
    with empty_home() as services:
        answer = services.run("up", "--no-airflow", PERLINSOS_S3_ENDPOINT="http://127.0.0.1:1")
        assert answer.returncode == 2
        assert "PERLINSOS_S3_SECRET_KEY is not set" in answer.stderr
