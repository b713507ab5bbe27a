"""Prove that no number of a person stands outside the restricted store: logs, databases, keys, published objects, pages.

The restricted store is what holds rows of persons by purpose: the raw and work buckets' content, the landing bucket's
content, the cache, and the ledger's tables of objections and corrections. Their *keys and names* are scanned all the
same. What is found is reported by place and count, never the number.
"""

from __future__ import annotations

import configparser
import gzip
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from perlinsos.errors import Refused, Unreachable
from perlinsos.operations.leak_numbers import SYNTHETIC_SERIAL, Found, NumberForm, hide_numbers, read_districts
from perlinsos.settings import Settings
from perlinsos.storage import Missing, Storage, open_named_storage

RESTRICTED_TABLES = frozenset({"perlinsos.objection", "perlinsos.correction", "perlinsos.family_claim"})
_NESTING = 3  # a gzip in a zip in a gzip, and no deeper
_LARGEST_UNPACKED = 4 << 30
_SIXTEEN = "[0-9]{16}"


@dataclass
class Scan:
    """One scan: what was found, what was looked at, and what could not be read."""

    found: Found
    looked_at: dict[str, int] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def count(self, kind: str) -> None:
        """One more thing of this kind was looked at."""
        self.looked_at[kind] = self.looked_at.get(kind, 0) + 1


def scan_everything(
    settings: Settings,
    folders: Sequence[Path] = (),
    databases: Sequence[str] = (),
    *,
    least_serial: int = SYNTHETIC_SERIAL,
) -> dict[str, Any]:
    """Scan the local logs and Airflow's folder, the named folders and databases, and all buckets.

    Gives {"leaks": [{place, kind, count}], "looked_at": {kind: count}, "unread": [places]}. Raises Unreachable where a
    named database or the object store does not answer: a part that was not looked at is no proof. Only where folders or
    databases are named and no store is configured, these alone are looked at.
    """
    scan = Scan(Found(NumberForm(read_districts(settings.folder("reference")), least_serial)))
    for folder in (settings.home / "logs", settings.home / "airflow", *folders):
        scan_folder(scan, folder)
    for url in (*databases, *local_databases(settings)):
        scan_database(scan, url)
    storage = open_named_storage(settings) if settings.s3_endpoint or not (folders or databases) else None
    if storage is not None:
        scan_buckets(scan, storage, settings)
    leaks = scan.found.leaks(known_numbers(storage, settings.buckets.work) if storage is not None else iter(()))
    return {"leaks": leaks, "looked_at": scan.looked_at, "unread": sorted(set(scan.unread))}


def check_leaks(result: dict[str, Any]) -> None:
    """Raise Refused naming the places where a number of a person stands, or why the scan is no proof."""
    if result["leaks"]:
        named = "; ".join(f"{leak['place']}: {leak['count']} ({leak['kind']})" for leak in result["leaks"][:50])
        remedy = "remove them there, and fix the step that wrote them; the numbers themselves are not shown here"
        raise Refused("Numbers of persons stand outside the restricted store", where=named, remedy=remedy)
    if result["unread"]:
        named = "; ".join(result["unread"][:50])
        raise Refused(
            "Not everything could be looked at, so this is no proof", where=named, remedy="make it readable, scan again"
        )
    if not result["looked_at"]:
        remedy = "check PERLINSOS_HOME, or name folders and databases"
        raise Refused("There was nothing to look at, so this is no proof", remedy=remedy)


def local_databases(settings: Settings) -> list[str]:
    """Airflow's metadata database as its configuration here names it, and the ledger."""
    found = []
    config = configparser.RawConfigParser(strict=False)
    config.read(settings.home / "airflow" / "airflow.cfg")
    if url := config.get("database", "sql_alchemy_conn", fallback=""):
        found.append(url.replace("+psycopg2", "", 1))
    return found + ([settings.database_url] if settings.database_url else [])


def known_numbers(storage: Storage, bucket: str) -> Iterator[np.ndarray[Any, np.dtype[np.int64]]]:
    """The numbers of all accepted batches, one index at a time."""
    with tempfile.TemporaryDirectory(prefix="perlinsos-known-") as folder:
        for stored in _objects(storage, bucket, "batches/"):
            if stored.endswith("/index.parquet"):
                path = Path(folder) / "index.parquet"
                storage.fetch(bucket, stored, path)
                yield pq.read_table(path, columns=["number"]).column(0).cast(pa.int64()).to_numpy()


def _objects(storage: Storage, bucket: str, prefix: str = "") -> Iterator[str]:
    """The keys of a bucket; none where the bucket was never made."""
    try:
        for stored in storage.list(bucket, prefix):
            yield stored.key
    except Missing:
        return


def scan_folder(scan: Scan, folder: Path) -> None:
    """Look through the names and contents of all files below a folder."""
    for path in sorted(folder.rglob("*")):
        place = f"{folder.name}/{path.relative_to(folder).as_posix()}"
        scan.found.look(f"name of {place}", path.name.encode())
        if path.is_file() and not path.is_symlink():
            scan.count("files")
            scan_file(scan, place, path)


def scan_file(scan: Scan, place: str, path: Path) -> None:
    """Look through one file: its bytes, and what they hold when they are unpacked."""
    try:
        with path.open("rb") as file:
            scan.found.look_through(place, file)
            file.seek(0)
            unpack(scan, place, file, _NESTING)
    except FileNotFoundError:
        return  # a log that was rotated away meanwhile
    except OSError:
        scan.unread.append(hide_numbers(place))


def unpack(scan: Scan, place: str, file: BinaryIO, depth: int) -> None:
    """Look through what a Parquet, gzip or zip file (an XLSX is one) holds."""
    magic = file.read(4)
    file.seek(0)
    try:
        if magic == b"PAR1":
            scan_parquet(scan, place, file)
        elif magic[:2] == b"\x1f\x8b" and depth:
            with gzip.GzipFile(fileobj=file) as inner:
                _unpacked(scan, f"{place} (unpacked)", inner, depth)
        elif magic == b"PK\x03\x04" and depth:
            with zipfile.ZipFile(file) as archive:
                for name in archive.namelist():
                    with archive.open(name) as member:
                        _unpacked(scan, f"{place} ({name})", member, depth)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, pa.ArrowInvalid, NotImplementedError, RuntimeError):
        scan.unread.append(hide_numbers(place))


def _unpacked(scan: Scan, place: str, inner: Any, depth: int) -> None:
    """Spool what a container holds to the disk, bounded, and look through it."""
    with tempfile.TemporaryFile() as spooled:
        size = 0
        while block := inner.read(1 << 20):
            size += len(block)
            if size > _LARGEST_UNPACKED:
                raise OSError("too large when unpacked")
            spooled.write(block)
        spooled.seek(0)
        scan.found.look_through(place, spooled)
        spooled.seek(0)
        unpack(scan, place, spooled, depth - 1)


def scan_parquet(scan: Scan, place: str, file: BinaryIO) -> None:
    """Look through the values of all columns, and the metadata with the statistics (least and greatest values)."""
    parquet = pq.ParquetFile(file)
    described = [repr(parquet.schema_arrow.metadata), repr(parquet.metadata.metadata)]
    for group in range(parquet.num_row_groups):
        row_group = parquet.metadata.row_group(group)
        for number in range(row_group.num_columns):
            statistics = row_group.column(number).statistics
            if statistics is not None and statistics.has_min_max:
                described += [str(statistics.min), str(statistics.max)]
    scan.found.look(f"{place} (metadata)", "\n".join(described).encode())
    for batch in parquet.iter_batches(65_536):
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            for leaf in _leaves(column):
                _scan_values(scan, f"{place} (column {name})", leaf)


def _leaves(column: pa.Array) -> Iterator[pa.Array]:
    """The plain arrays inside lists, maps, structs and dictionaries."""
    if pa.types.is_dictionary(column.type):
        yield from _leaves(column.dictionary_decode())
    elif pa.types.is_map(column.type):
        yield from _leaves(column.keys)
        yield from _leaves(column.items)
    elif pa.types.is_list(column.type) or pa.types.is_large_list(column.type) or pa.types.is_fixed_size_list(column.type):
        yield from _leaves(column.flatten())
    elif pa.types.is_struct(column.type):
        for inner in column.flatten():
            yield from _leaves(inner)
    else:
        yield column


def _scan_values(scan: Scan, place: str, values: pa.Array) -> None:
    """Look through one plain array."""
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        texts = values.filter(pc.fill_null(pc.match_substring_regex(values, _SIXTEEN), False))
        scan.found.look(place, "\n".join(texts.to_pylist()).encode())
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = values.drop_null().cast(pa.float64() if pa.types.is_floating(kind) else pa.int64(), safe=False)
        scan.found.look_at_integers(place, numbers.to_numpy(zero_copy_only=False).astype(np.int64))
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        scan.found.look(place, b"\n".join(value for value in values.to_pylist() if value))


def scan_buckets(scan: Scan, storage: Storage, settings: Settings) -> None:
    """Look at the keys of all five buckets, and through the objects of those that others read."""
    buckets = settings.buckets
    with tempfile.TemporaryDirectory(prefix="perlinsos-scan-") as folder:
        for bucket in (buckets.landing, buckets.raw, buckets.work, buckets.published, buckets.public):
            for key in _objects(storage, bucket):
                place = f"{bucket}/{key}"
                scan.count("keys")
                scan.found.look(f"key {place}", key.encode())
                if bucket in (buckets.published, buckets.public):
                    scan.count("objects")
                    path = Path(folder) / "object"
                    storage.fetch(bucket, key, path)
                    scan_file(scan, place, path)


def scan_database(scan: Scan, url: str) -> None:
    """Look through every column of a PostgreSQL database that can hold a number, table by table."""
    import psycopg2

    try:
        connection = psycopg2.connect(url, connect_timeout=10, application_name="perlinsos leak-scan")
    except psycopg2.OperationalError as error:
        name = url.rsplit("/", 1)[-1]
        raise Unreachable(
            "A database cannot be scanned", where=name, why="it does not answer", remedy="perlinsos doctor"
        ) from error
    try:
        connection.set_session(readonly=True)
        name = connection.info.dbname
        for schema, table, columns in _tables_of(connection):
            if f"{schema}.{table}" not in RESTRICTED_TABLES:
                scan.count("tables")
                _scan_table(scan, connection, (name, schema, table), columns)
    finally:
        connection.close()


_COLUMNS = """
select n.nspname, c.relname, array_agg(a.attname::text order by a.attnum)
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace
join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_t%'
  and a.atttypid not in ('bool'::regtype, 'date'::regtype, 'int2'::regtype, 'int4'::regtype, 'uuid'::regtype,
    'interval'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
group by 1, 2 order by 1, 2
"""
_READER = "select 1 from pg_roles where rolname = 'perlinsos_reader' and pg_has_role(oid, 'member')"


def _tables_of(connection: Any) -> list[tuple[str, str, list[str]]]:
    """Schema, name and columns of every table: all types but those that cannot hold sixteen digits."""
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        found = list(cursor.fetchall())
    connection.rollback()
    return found


def _scan_table(scan: Scan, connection: Any, path: tuple[str, str, str], columns: list[str]) -> None:
    """Look through one table: as the login, else as the ledger's reader, else it is named as unread."""
    from psycopg2 import errors

    for as_reader in (False, True):
        try:
            with connection.cursor() as cursor:
                cursor.execute(_READER)
                if as_reader and cursor.fetchone():
                    cursor.execute("set local role perlinsos_reader")
            _scan_rows(scan, connection, path, columns)
            connection.rollback()
            return
        except errors.InsufficientPrivilege:
            connection.rollback()
    scan.unread.append(f"database {path[0]}: {path[1]}.{path[2]}")


def _scan_rows(scan: Scan, connection: Any, path: tuple[str, str, str], columns: list[str]) -> None:
    """Read the rows in pieces; bytea as bytes, everything else as text."""
    from psycopg2 import sql

    database, schema, table = path
    chosen = sql.SQL(", ").join(sql.Identifier(column) for column in columns)
    with connection.cursor(name="perlinsos_leak_scan") as cursor:
        cursor.execute(sql.SQL("select {} from {}").format(chosen, sql.Identifier(schema, table)))
        while rows := cursor.fetchmany(2000):
            for number, column in enumerate(columns):
                texts = b"\n".join(_as_bytes(row[number]) for row in rows if row[number] is not None)
                scan.found.look(f"database {database}: {schema}.{table}.{column}", texts)


def _as_bytes(value: Any) -> bytes:
    """A value of a row as the bytes to look through."""
    if isinstance(value, memoryview | bytes):
        return bytes(value)
    return value.encode() if isinstance(value, str) else str(value).encode()
