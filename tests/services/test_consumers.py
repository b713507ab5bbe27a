"""A consumer's identity: made while the store runs, its own folder and nothing else, replaced and ended at once."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from live_services import Services
from perlinsos.operations.services.object_store import Access

pytestmark = pytest.mark.services
PUBLISHED = "perlinsos-published"
BUCKETS = ("perlinsos-landing", "perlinsos-raw", "perlinsos-work", PUBLISHED, "perlinsos-public")
STOCK = (
    (PUBLISHED, "consumer=first/programme=pkh/recipients.csv.gz"),
    (PUBLISHED, "consumer=first/status/000001.json"),
    (PUBLISHED, "consumer=second/programme=pkh/recipients.csv.gz"),
    (PUBLISHED, "consumer=first-of-all/programme=pkh/recipients.csv.gz"),
    (PUBLISHED, "other/object"),
    ("perlinsos-work", "lists/v1/decisions.parquet"),
    ("perlinsos-raw", "sha256/object"),
    ("perlinsos-landing", "source/national/2025-12-15/object"),
    ("perlinsos-public", "aggregates/object"),
)
OWN = "consumer=first/"


def make_record(folder: Path, name: str, profile: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps({"consumer": name, "name": "test", "profile": profile, "legal_basis": "test"}))
    return path


def answer(services: Services, *words: str) -> dict[str, Any]:
    done = services.run("consumer", *words, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def client(access: dict[str, str]) -> Any:
    return Access(access["endpoint"], access["access_key"], access["secret_key"]).client()


def status_of(call: Any, **arguments: Any) -> int:
    try:
        return int(call(**arguments)["ResponseMetadata"]["HTTPStatusCode"])
    except ClientError as error:
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


@pytest.fixture(scope="module")
def added(services: Services, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Two consumers that were added while the store runs, and objects everywhere."""
    admin = services.s3()
    for bucket, key in STOCK:
        admin.put_object(Bucket=bucket, Key=key, Body=b"content")
    admin.put_object(Bucket=PUBLISHED, Key="keys/test.pub", Body=b"key")
    folder = tmp_path_factory.mktemp("records")
    return {
        name: answer(services, "add", str(make_record(folder, name, profile)))
        for name, profile in (("first", "payer"), ("second", "auditor"))
    }


def test_its_keys_are_shown_once_and_kept_for_its_owner_only(services: Services, added: dict[str, Any], tmp_path: Path) -> None:
    made = added["first"]
    path = Path(made["access_file"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["secret_key"] == made["access"]["secret_key"]
    for name in ("secrets.json", "consumer-identities.json", "object-store/s3.json", "keys/tokens/first.json"):
        assert stat.S_IMODE((services.home.root / name).stat().st_mode) == 0o600, name
    again = answer(services, "add", str(make_record(tmp_path, "first", "payer")))
    assert "secret_key" not in again["access"] and again["access"]["access_key"] == made["access"]["access_key"]
    assert not again["changed"]


def test_it_reads_and_lists_its_own_folder_and_the_public_keys(added: dict[str, Any]) -> None:
    own = client(added["first"]["access"])
    assert own.get_object(Bucket=PUBLISHED, Key=STOCK[0][1])["Body"].read() == b"content"
    listed = own.list_objects_v2(Bucket=PUBLISHED, Prefix=OWN)["Contents"]
    assert {item["Key"] for item in listed} == {key for bucket, key in STOCK if bucket == PUBLISHED and key.startswith(OWN)}
    assert own.get_object(Bucket=PUBLISHED, Key="keys/test.pub")["Body"].read() == b"key"


@pytest.mark.parametrize(("bucket", "key"), [one for one in STOCK if not (one[0] == PUBLISHED and one[1].startswith(OWN))])
def test_every_other_object_is_closed_to_it(services: Services, added: dict[str, Any], bucket: str, key: str) -> None:
    own = client(added["first"]["access"])
    prefix = key.rpartition("/")[0] + "/"
    source, mine = {"Bucket": bucket, "Key": key}, {"Bucket": PUBLISHED, "Key": STOCK[0][1]}
    tried = {
        "get": status_of(own.get_object, Bucket=bucket, Key=key),
        "head": status_of(own.head_object, Bucket=bucket, Key=key),
        "list": status_of(own.list_objects_v2, Bucket=bucket, Prefix=prefix),
        "list all": status_of(own.list_objects_v2, Bucket=bucket),
        "put": status_of(own.put_object, Bucket=bucket, Key=f"{prefix}mine", Body=b"x"),
        "delete": status_of(own.delete_object, Bucket=bucket, Key=key),
        "copy out": status_of(own.copy_object, Bucket=PUBLISHED, Key=f"{OWN}stolen", CopySource=source),
        "copy in": status_of(own.copy_object, Bucket=bucket, Key=f"{prefix}mine", CopySource=mine),
    }  # fmt: skip
    assert set(tried.values()) == {403}, tried
    assert services.s3().get_object(Bucket=bucket, Key=key)["Body"].read() == b"content"


def test_it_changes_nothing_in_its_own_folder_either(added: dict[str, Any]) -> None:
    own = client(added["first"]["access"])
    for call, arguments in (
        (own.put_object, {"Bucket": PUBLISHED, "Key": f"{OWN}mine", "Body": b"x"}),
        (own.delete_object, {"Bucket": PUBLISHED, "Key": STOCK[0][1]}),
        (own.get_object, {"Bucket": PUBLISHED, "Key": f"{OWN}../consumer=second/programme=pkh/recipients.csv.gz"}),
        (own.create_bucket, {"Bucket": "perlinsos-mine"}),
        (own.put_bucket_policy, {"Bucket": PUBLISHED, "Policy": "{}"}),
    ):
        assert status_of(call, **arguments) in {400, 403, 404}, arguments


def test_keys_that_are_replaced_or_ended_are_refused_at_once(services: Services, added: dict[str, Any], tmp_path: Path) -> None:
    third = answer(services, "add", str(make_record(tmp_path, "third", "statistics")))
    old = client(third["access"])
    read = {"Bucket": PUBLISHED, "Prefix": "consumer=third/"}
    assert status_of(old.list_objects_v2, **read) == 200
    assert answer(services, "rotate", "third", "--key", "access")["applied"] is False
    assert status_of(old.list_objects_v2, **read) == 200
    new = client(answer(services, "rotate", "third", "--key", "access", "--apply")["access"])
    assert (status_of(old.list_objects_v2, **read), status_of(new.list_objects_v2, **read)) == (403, 200)
    answer(services, "revoke", "third", "--reason", "the agreement ended", "--apply")
    assert status_of(new.list_objects_v2, **read) == 403
    assert status_of(client(added["second"]["access"]).list_objects_v2, Bucket=PUBLISHED, Prefix="consumer=second/") == 200
    listed = {row["consumer_id"]: row for row in answer(services, "list")["consumers"]}
    assert listed["third"]["revoked_reason"] == "the agreement ended" and listed["third"]["access_key"] is None


def test_identities_outlive_a_restart_of_the_store(services: Services, added: dict[str, Any]) -> None:
    supervisor = services.supervisor
    supervisor.call("supervisor.stopProcess", "object-store:object-store")
    assert services.run("up", "--no-airflow").returncode == 0
    own = client(added["first"]["access"])
    assert status_of(own.list_objects_v2, Bucket=PUBLISHED, Prefix=OWN) == 200


def test_nothing_is_replaced_while_the_store_does_not_run(services: Services, added: dict[str, Any]) -> None:
    home = services.home.root
    files = ("keys/tokens/first.json", "consumer-identities.json", "consumers/first.json")
    before = {name: (home / name).read_bytes() for name in files}
    services.supervisor.call("supervisor.stopProcess", "object-store:object-store")
    try:
        for _ in range(2):
            assert services.run("consumer", "rotate", "first", "--apply", "--json").returncode == 3
            assert {name: (home / name).read_bytes() for name in files} == before
    finally:
        assert services.run("up", "--no-airflow").returncode == 0
    done = answer(services, "rotate", "second", "--apply")
    known = json.loads((home / "keys/tokens/second.json").read_text())
    assert [key["key_id"] for key in known["past"]] == [done["previous_token_key_id"]]
    assert status_of(client(done["access"]).list_objects_v2, Bucket=PUBLISHED, Prefix="consumer=second/") == 200


def test_of_a_store_that_is_kept_elsewhere_the_policy_is_told(services: Services, tmp_path: Path) -> None:
    keys = services.secrets.identities["operator"]
    elsewhere = {
        "PERLINSOS_S3_ENDPOINT": services.addresses["s3_endpoint"].replace("127.0.0.1", "localhost"),
        "PERLINSOS_S3_ACCESS_KEY": keys["access_key"],
        "PERLINSOS_S3_SECRET_KEY": keys["secret_key"],
    }
    done = services.run("consumer", "add", str(make_record(tmp_path, "fourth", "payer")), "--json", **elsewhere)
    assert done.returncode == 0, done.stderr
    read, listing = json.loads(done.stdout)["policy"]["Statement"]
    assert read["Resource"][0] == f"arn:aws:s3:::{PUBLISHED}/consumer=fourth/*"
    assert listing["Condition"]["StringLike"]["s3:prefix"][0] == "consumer=fourth/*"
