"""Any S3 API: the minio SDK reads, lists and lands; boto3 writes on conditions, which the minio SDK cannot."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from perlinsos.errors import Refused, Unreachable, WrongUsage, say_why
from perlinsos.storage.objects import BLOCK, StoredObject, check_deletable, check_landing, conflict, digest_of, missing

CONNECT_SECONDS = 3.0
READ_SECONDS = 60.0
ATTEMPTS = 3
LARGEST_PUT = 5 * 2**30  # one PUT of S3
Result = TypeVar("Result")
_BUSY = (500, 502, 503, 504)
_ABSENT = {"NoSuchKey", "NoSuchBucket", "404", "NotFound"}


class S3Storage:
    """Objects in an S3 store (see Storage). Time-outs and retries are bounded: about 15 s until Unreachable."""

    def __init__(self, endpoint: str, access_key: str, secret_key: str, *, region: str, landing: str) -> None:
        parts = urlsplit(endpoint)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise WrongUsage("PERLINSOS_S3_ENDPOINT is no address", remedy="write http://host:port or file:///folder")
        self.endpoint, self.landing = endpoint, landing
        self._keys, self._region = (access_key, secret_key), region
        self._reader = Minio(
            parts.netloc,
            access_key=access_key,
            secret_key=secret_key,
            secure=parts.scheme == "https",
            region=region,
            http_client=urllib3.PoolManager(
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
                maxsize=8,
                retries=urllib3.Retry(total=ATTEMPTS, backoff_factor=0.3, status_forcelist=_BUSY),
            ),
        )

    @cached_property
    def _writer(self) -> Any:
        """The boto3 client, made at the first conditional write (its import is slow).

        Of the default session, which keeps the description of S3 that it once read: a worker may have read it before it forks.
        """
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"max_attempts": ATTEMPTS, "mode": "standard"},
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self._keys[0],
            aws_secret_access_key=self._keys[1],
            region_name=self._region,
            config=config,
        )

    def make_bucket(self, bucket: str) -> bool:
        with self._answers(bucket, ""):
            if self._reader.bucket_exists(bucket):
                return False
            try:
                self._reader.make_bucket(bucket)
            except S3Error as error:
                if error.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                    raise
                return False
            return True

    def put_new(self, bucket: str, key: str, source: bytes | Path, content_type: str = "application/octet-stream") -> bool:
        digest = digest_of(source)
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        if size > LARGEST_PUT:
            raise Refused("An object is too large for one write", where=f"{bucket}/{key}", why=f"{size} bytes")
        written = self._put(bucket, key, source, ContentType=content_type, Metadata={"sha256": digest}, IfNoneMatch="*")
        if written is None and self._digest_there(bucket, key) != digest:
            raise conflict(bucket, key, "other bytes are there")
        return written is not None

    def replace_if(self, bucket: str, key: str, data: bytes, etag: str | None) -> str:
        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        written = self._put(bucket, key, data, ContentType="application/json", Metadata={"sha256": digest_of(data)}, **condition)
        if written is None:
            raise conflict(bucket, key, "somebody changed it since it was read")
        return written

    def _put(self, bucket: str, key: str, source: bytes | Path, **arguments: Any) -> str | None:
        """Put on a condition; the new ETag, or None where the condition failed."""
        from botocore.exceptions import ClientError

        for attempt in range(ATTEMPTS):
            body = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
            with self._answers(bucket, key), body:
                try:
                    answer = self._writer.put_object(Bucket=bucket, Key=key, Body=body, **arguments)
                    return str(answer["ETag"]).strip('"')
                except ClientError as error:
                    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                    if status == 412 or (status == 404 and "IfMatch" in arguments and self.stat(bucket, key) is None):
                        return None
                    if status != 409 or attempt + 1 == ATTEMPTS:  # 409: another write of this key is under way
                        raise
            time.sleep(0.2 * 2**attempt)
        raise AssertionError("every attempt returns or raises")

    def _digest_there(self, bucket: str, key: str) -> str:
        """SHA-256 of the bytes that are stored, streamed."""
        digest = hashlib.sha256()
        for block in self._stream(bucket, key):
            digest.update(block)
        return digest.hexdigest()

    def _stream(self, bucket: str, key: str) -> Iterator[bytes]:
        """The object's bytes in blocks; an answer that is cut short is Unreachable."""
        with self._answers(bucket, key):
            response = self._reader.get_object(bucket, key)
            try:
                yield from response.stream(BLOCK)
            finally:
                response.close()
                response.release_conn()

    def put_landing(self, bucket: str, key: str, source: bytes | Path) -> None:
        check_landing(bucket, key, self.landing)
        with self._answers(bucket, key):
            if isinstance(source, bytes):
                self._reader.put_object(bucket, key, io.BytesIO(source), len(source))
            else:
                self._reader.fput_object(bucket, key, os.fspath(source))

    def get(self, bucket: str, key: str) -> bytes:
        return _again(lambda: b"".join(self._stream(bucket, key)))

    def fetch(self, bucket: str, key: str, to: Path) -> str:
        def once() -> str:
            digest = hashlib.sha256()
            handle, name = tempfile.mkstemp(prefix=f".{to.name[:40]}-", dir=to.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    for block in self._stream(bucket, key):
                        digest.update(block)
                        file.write(block)
                Path(name).replace(to)
            finally:
                Path(name).unlink(missing_ok=True)
            return digest.hexdigest()

        to.parent.mkdir(parents=True, exist_ok=True)
        return _again(once)

    def stat(self, bucket: str, key: str) -> StoredObject | None:
        with self._answers(bucket, key):
            try:
                found = self._reader.stat_object(bucket, key)
            except S3Error as error:
                if error.code in {"NoSuchKey", "NoSuchObject"}:
                    return None
                raise
            recorded = (found.metadata or {}).get("x-amz-meta-sha256")
            return StoredObject(bucket, key, int(found.size or 0), str(found.etag), recorded)

    def list(self, bucket: str, prefix: str = "") -> Iterator[StoredObject]:
        with self._answers(bucket, prefix):
            for found in self._reader.list_objects(bucket, prefix=prefix, recursive=True):
                if not found.is_dir:
                    yield StoredObject(bucket, str(found.object_name), int(found.size or 0), str(found.etag).strip('"'))

    def delete(self, bucket: str, key: str) -> None:
        check_deletable(bucket, key, self.landing)
        with self._answers(bucket, key):
            self._reader.remove_object(bucket, key)

    def _described(self, error: Any, bucket: str, key: str) -> Exception:
        """The error to raise for an answer of the store that is an error."""
        boto = isinstance(error, S3Error) is False
        code = str(error.response["Error"]["Code"] if boto else error.code)
        status = int(error.response["ResponseMetadata"]["HTTPStatusCode"] if boto else error.response.status)
        if code in _ABSENT:
            return missing(bucket, key, code)
        if status >= 500:
            return Unreachable("The object store fails", where=f"{self.endpoint} {bucket}/{key}", why=code)
        remedy = "check PERLINSOS_S3_ACCESS_KEY, PERLINSOS_S3_SECRET_KEY and what this identity may do"
        return Refused("The object store refuses", where=f"{bucket}/{key}", why=code, remedy=remedy)

    @contextmanager
    def _answers(self, bucket: str, key: str) -> Iterator[None]:
        """Turn the SDKs' errors into ours: Unreachable, Missing or Refused with the store's own words."""
        from botocore.exceptions import BotoCoreError, ClientError

        where = f"{self.endpoint} {bucket}/{key}"
        try:
            yield
        except (S3Error, ClientError) as error:
            raise self._described(error, bucket, key) from error
        except (urllib3.exceptions.HTTPError, MinioException, BotoCoreError, ConnectionError) as error:
            raise Unreachable(
                "The object store does not answer",
                where=where,
                why=say_why(error),
                remedy="start it with `perlinsos up`, or set PERLINSOS_S3_ENDPOINT; `perlinsos doctor` says more",
            ) from error


def _again(once: Callable[[], Result]) -> Result:
    """Read once more, a bounded number of times, where an answer was cut short."""
    for attempt in range(ATTEMPTS - 1):
        try:
            return once()
        except Unreachable as error:
            if isinstance(error.__cause__, urllib3.exceptions.MaxRetryError):
                raise  # it was tried again already
            time.sleep(0.2 * 2**attempt)
    return once()
