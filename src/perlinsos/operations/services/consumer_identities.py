"""The identity of a consumer at the object store: it reads its own folder and the public ones, and nothing else.

The embedded store takes it up while it runs; of a store elsewhere, the policy to apply there is told.
"""

from __future__ import annotations

import secrets as random
import time
from dataclasses import dataclass
from typing import Any

from perlinsos.errors import Refused, Unreachable
from perlinsos.operations.services import object_store
from perlinsos.operations.services.home import Home, hold, read_json, write_private_json
from perlinsos.operations.services.ports import LOOPBACK
from perlinsos.operations.services.secrets import keep_secrets
from perlinsos.operations.services.supervision import RUNNING, STARTING, Supervisor
from perlinsos.settings import Buckets, Settings

STORE = "object-store"
SECONDS = 20.0


@dataclass(frozen=True)
class Identity:
    """An identity of the embedded store. `is_new`: these keys were made just now."""

    endpoint: str
    access_key: str
    secret_key: str
    is_new: bool


def is_embedded(settings: Settings) -> bool:
    """Whether the object store of the settings is the one that `perlinsos up` keeps running here."""
    ports = read_json(Home(settings.home).ports)
    return "s3" in ports and settings.s3_endpoint == f"http://{LOOPBACK}:{ports['s3']}"


def keep_identity(settings: Settings, consumer_id: str, *, replace: bool = False) -> Identity:
    """The consumer's identity at the embedded store; made, or with `replace` made anew, and in force when this returns.

    Raises Unreachable where the store does not run or does not take it up.
    """
    home = Home(settings.home)
    with hold(home):
        _find_running(home)  # before anything is replaced
        known = read_json(home.consumer_identities)
        is_new = replace or not known.get(consumer_id)
        if is_new:
            write_private_json(home.consumer_identities, {**known, consumer_id: _make_keys()})
        _put_in_force(home)
    keys = read_json(home.consumer_identities)[consumer_id]
    identity = Identity(str(settings.s3_endpoint), keys["access_key"], keys["secret_key"], is_new)
    _wait_until(lambda: _may_list(identity, settings.buckets, consumer_id), consumer_id)
    return identity


def _make_keys() -> dict[str, str]:
    return {"access_key": random.token_hex(10).upper(), "secret_key": random.token_urlsafe(30)}


def end_identity(settings: Settings, consumer_id: str) -> None:
    """Take every right and key from the consumer's identity; the keys are refused when this returns."""
    home = Home(settings.home)
    with hold(home):
        known = read_json(home.consumer_identities)
        keys = known.get(consumer_id)
        if not keys:
            return
        # the running store forgets no identity: one without keys stays in its place until the next start
        write_private_json(home.consumer_identities, {**known, consumer_id: {}})
        _put_in_force(home)
    ended = Identity(str(settings.s3_endpoint), keys["access_key"], keys["secret_key"], is_new=False)
    _wait_until(lambda: not _may_list(ended, settings.buckets, consumer_id), consumer_id)


def _put_in_force(home: Home) -> None:
    """Write the store's configuration and let the running store read it again."""
    object_store.write_identities(home, keep_secrets(home))
    _find_running(home).call("supervisor.signalProcess", f"{STORE}:{STORE}", "HUP")


def _find_running(home: Home) -> Supervisor:
    """The supervisor of the running store ("starting" until it has lived two seconds). Unreachable where it does not run."""
    supervisor = Supervisor(home, keep_secrets(home))
    if not supervisor.is_running() or supervisor.states().get(STORE, {}).get("statename") not in {RUNNING, STARTING}:
        raise Unreachable("the object store does not run", where=str(home.root), remedy="`perlinsos up`, then again")
    return supervisor


def _may_list(identity: Identity, buckets: Buckets, consumer_id: str) -> bool:
    """Whether the store lets the identity list its folder."""
    from botocore.exceptions import BotoCoreError, ClientError

    client = object_store.Access(identity.endpoint, identity.access_key, identity.secret_key).client()
    try:
        client.list_objects_v2(Bucket=buckets.published, Prefix=f"consumer={consumer_id}/", MaxKeys=1)
    except (BotoCoreError, ClientError):
        return False
    return True


def _wait_until(condition: Any, consumer_id: str) -> None:
    limit = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > limit:
            remedy = "`perlinsos down`, `perlinsos up`, then the command again"
            raise Refused("the object store did not take up the identity", where=consumer_id, remedy=remedy)
        time.sleep(0.1)


def describe_policy(buckets: Buckets, consumer_id: str) -> dict[str, Any]:
    """The policy in S3's own form, for a store that is kept elsewhere: read and list its folder and the public ones."""
    folders = [f"consumer={consumer_id}", *object_store.CONSUMER_FOLDERS]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject"],
                "Resource": [f"arn:aws:s3:::{buckets.published}/{folder}/*" for folder in folders],
            },
            {
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": [f"arn:aws:s3:::{buckets.published}"],
                "Condition": {"StringLike": {"s3:prefix": [f"{folder}/*" for folder in folders]}},
            },
        ],
    }
