"""The libraries that nearly every task needs and that are slow to import; loaded once, before the workers fork.

Only libraries, never our own code: a task always runs what lies on the disk. None of them opens a connection when it is
imported, and the one that starts threads (numpy's OpenBLAS) starts them anew after a fork. Measured with
bench/backfill.py: a task that finds nothing to do costs 0.27 instead of 0.62 CPU seconds.
"""

from __future__ import annotations

from importlib import import_module

LIBRARIES = (
    "boto3", "botocore.client", "cryptography.hazmat.primitives.asymmetric.ed25519", "duckdb", "minio", "pandas",
    "psycopg2.extras", "pyarrow.compute", "pyarrow.dataset", "pyarrow.parquet", "pydantic", "sqlglot.dialects.duckdb", "yaml",
)  # fmt: skip


def load_libraries() -> None:
    """Import them all. A library that is not installed is an error here, as it would be in the task."""
    for name in LIBRARIES:
        import_module(name)
    # the default session of boto3 keeps its description of S3; the client itself is thrown away and contacts nobody
    keys = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}  # so that none is looked for
    import_module("boto3").client("s3", region_name="us-east-1", **keys)
