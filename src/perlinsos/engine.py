"""DuckDB for one step: in memory, with its threads, memory and temporary folder bounded."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from perlinsos.errors import WrongUsage

DEFAULT_MEMORY = "1GB"


@contextmanager
def open_engine(
    threads: int = 2, memory_limit: str | None = None, spill: Path | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a DuckDB connection in memory that uses at most `threads` and about `memory_limit` (None: DEFAULT_MEMORY),
    spilling to a folder.

    `spill` is the folder for the temporary folder (default: the system's). No extension is fetched or loaded.
    Raises WrongUsage for a memory limit that is none.
    """
    folder = Path(tempfile.mkdtemp(prefix="perlinsos-spill-", dir=spill))
    connection = duckdb.connect(":memory:")
    try:
        connection.execute(f"set threads = {int(threads)}")
        _limit_memory(connection, memory_limit or DEFAULT_MEMORY)
        connection.execute("set temp_directory = ?", [os.fspath(folder)])
        connection.execute("set autoinstall_known_extensions = false")
        connection.execute("set autoload_known_extensions = false")
        connection.execute("set timezone = 'UTC'")
        yield connection
    finally:
        connection.close()
        shutil.rmtree(folder, ignore_errors=True)


def _limit_memory(connection: duckdb.DuckDBPyConnection, limit: str) -> None:
    try:
        connection.execute("set memory_limit = ?", [limit])
    except duckdb.Error as error:
        where = "--memory-limit or PERLINSOS_MEMORY_LIMIT"
        raise WrongUsage(f"{limit!r} is no amount of memory", where=where, remedy="write 1GB or 512MB") from error
