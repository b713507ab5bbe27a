"""A real SeaweedFS for the tests of this folder, started once."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from perlinsos.errors import PerlinsosError
from perlinsos.settings import Buckets
from perlinsos.storage import Storage
from perlinsos.storage.folder import FolderStorage
from perlinsos.storage.s3 import S3Storage

KEYS = ("test-access", "test-secret-of-nobody")


@dataclass(frozen=True)
class Server:
    endpoint: str

    def storage(self) -> S3Storage:
        return S3Storage(self.endpoint, *KEYS, region="us-east-1", landing=Buckets().landing)


def free_ports(count: int) -> list[int]:
    """Ports that are free together with the one 10,000 above (SeaweedFS' gRPC)."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as probe, socket.socket() as above:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            try:
                above.bind(("127.0.0.1", port + 10_000))
            except (OSError, OverflowError):
                continue
            if port not in found:
                found.append(port)
    return found


@pytest.fixture(scope="session")
def seaweed() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="perlinsos-weed-") as folder:
        identity = {
            "name": "admin",
            "credentials": [{"accessKey": KEYS[0], "secretKey": KEYS[1]}],
            "actions": ["Admin", "Read", "List", "Tagging", "Write"],
        }
        Path(folder, "s3.json").write_text(json.dumps({"identities": [identity]}))
        s3, master, volume, filer, admin, webdav, metrics = free_ports(7)
        command = [
            str(Path(sys.executable).parent / "weed"), "mini", f"-dir={folder}/data", "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1", f"-s3.port={s3}", f"-s3.config={folder}/s3.json", f"-master.port={master}",
            f"-volume.port={volume}", f"-filer.port={filer}", "-s3.port.iceberg=0", "-s3.port.lance=0",
            f"-admin.port={admin}",
            f"-webdav.port={webdav}", f"-metricsPort={metrics}",
            "-admin.ui=false", "-webdav=false", "-master.telemetry=false",
        ]  # fmt: skip
        Path(folder, "data").mkdir()
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        try:
            server = Server(f"http://127.0.0.1:{s3}")
            wait_until_it_stores(server.storage(), process, Path(folder, "log"))
            yield server
        finally:
            process.terminate()
            process.wait(20)


def wait_until_it_stores(storage: Storage, process: subprocess.Popen[bytes], log: Path) -> None:
    """A real put and get: the port answers some seconds before the volumes do."""
    end = time.monotonic() + 60
    while True:
        try:
            for bucket in ("perlinsos-landing", "perlinsos-work", "perlinsos-published"):
                storage.make_bucket(bucket)
            storage.put_new("perlinsos-work", "temporary/ready", b"ready")
            assert storage.get("perlinsos-work", "temporary/ready") == b"ready"
            return
        except PerlinsosError:
            if process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"SeaweedFS did not start:\n{log.read_text()[-3000:]}") from None
            time.sleep(0.2)


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.services)])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """The same tests over both kinds of store."""
    if request.param == "s3":
        server: Server = request.getfixturevalue("seaweed")
        return server.storage()
    made = FolderStorage(tmp_path / "objects", landing=Buckets().landing)
    for bucket in ("perlinsos-landing", "perlinsos-work", "perlinsos-published"):
        made.make_bucket(bucket)
    return made
