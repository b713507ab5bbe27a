"""Nothing is open: every port on loopback, every door of the object store locked, every identity in its own rooms."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

from live_services import Services, listening_addresses
from perlinsos.operations.services.object_store import find_program

pytestmark = pytest.mark.services
PUBLISHED = "perlinsos-published"
OWN = "consumer=kemensos-demo/programme=pkh/recipients.csv.gz"


@pytest.fixture(scope="module")
def stocked(services: Services) -> Services:
    """Objects of this and another consumer, and a public key."""
    publisher = services.s3("publisher")
    for key in (OWN, "consumer=other/recipients.csv.gz", "keys/current.pub"):
        publisher.put_object(Bucket=PUBLISHED, Key=key, Body=b"content")
    return services


def refusal(call: object, **arguments: object) -> int:
    """The status with which the store refuses, or 200."""
    try:
        return call(**arguments)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


def status_of(url: str, method: str = "GET") -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_every_port_listens_on_loopback_only(services: Services) -> None:
    assert listening_addresses(services) == {"127.0.0.1"}


def test_the_filer_answers_nobody_without_a_key(stocked: Services) -> None:
    filer = json.loads(stocked.home.ports.read_text())["filer"]
    address = f"http://127.0.0.1:{filer}/buckets/{PUBLISHED}/{OWN}"
    assert status_of(address) == 401
    assert status_of(address, "DELETE") == 401
    assert stocked.s3().head_object(Bucket=PUBLISHED, Key=OWN)


def test_the_stores_shell_gets_nothing_without_our_certificate(stocked: Services, tmp_path: object) -> None:
    ports = json.loads(stocked.home.ports.read_text())
    filer = f"127.0.0.1:{ports['filer']}.{ports['filer'] + 10000}"
    master = f"127.0.0.1:{ports['master']}.{ports['master'] + 10000}"
    shell = [str(find_program()), "shell", f"-master={master}", f"-filer={filer}"]
    try:
        answer = subprocess.run(
            shell, input=f"fs.ls /buckets/{PUBLISHED}\nexit\n", capture_output=True, text=True, timeout=5, cwd=str(tmp_path)
        )
        output = answer.stdout + answer.stderr
    except subprocess.TimeoutExpired as waited:  # it asks for ever for a connection that it never gets
        output = (waited.stdout or b"").decode() + (waited.stderr or b"").decode()
    assert "consumer=" not in output


def test_nobody_reads_without_an_identity(stocked: Services) -> None:
    assert status_of(f"{stocked.addresses['s3_endpoint']}/{PUBLISHED}/{OWN}") == 403


@pytest.mark.parametrize(
    ("identity", "bucket", "status"),
    [
        ("landing", "perlinsos-landing", 200),
        ("landing", "perlinsos-raw", 403),
        ("loader", "perlinsos-raw", 200),
        ("loader", "perlinsos-landing", 403),
        ("loader", PUBLISHED, 403),
        ("decider", "perlinsos-work", 200),
        ("decider", PUBLISHED, 403),
        ("publisher", PUBLISHED, 200),
        ("publisher", "perlinsos-raw", 403),
        ("operator", "perlinsos-landing", 200),
    ],
)
def test_each_writer_writes_its_own_buckets(services: Services, identity: str, bucket: str, status: int) -> None:
    assert refusal(services.s3(identity).put_object, Bucket=bucket, Key="proof", Body=b"x") == status
