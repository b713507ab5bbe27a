"""A delivery that is the answer to a query: its rows as one Parquet file, with their types."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq

from perlinsos.errors import Refused, Unreachable
from perlinsos.sources.description import PostgresqlOrigin


def _same(value: Any) -> Any:
    return value


def _as_json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _with_zone(value: datetime) -> str:
    return value.isoformat()


Kind = tuple[pa.DataType, Callable[[Any], Any]]
TEXT: Kind = (pa.string(), str)
KINDS: dict[int, Kind] = {
    **dict.fromkeys((20, 21, 23), (pa.int64(), int)),
    **dict.fromkeys((700, 701), (pa.float64(), float)),
    **dict.fromkeys((18, 19, 25, 1042, 1043), TEXT),
    **dict.fromkeys((1009, 1015), (pa.list_(pa.string()), _same)),
    **dict.fromkeys((114, 3802), (pa.string(), _as_json)),
    16: (pa.bool_(), bool),
    1082: (pa.date32(), _same),
    1184: (pa.string(), _with_zone),
}
"""PostgreSQL's type by its OID → how a value is kept. Every other one (numeric too) is kept as exact text."""


def fetch_query(origin: PostgresqlOrigin, url: str, parameters: Mapping[str, object], to: Path) -> int:
    """Write the rows of the query into one Parquet file; gives their count.

    `parameters` fill `%(snapshot_date)s` and `%(region_code)s`. Rows come `batch_rows` at a time through a cursor of
    the server, in one read-only transaction: memory is bounded and all rows are of one moment. Raises Unreachable where
    the database does not answer, Refused where it refuses the query. Neither quotes a value.
    """
    try:
        connection = psycopg2.connect(url)
    except psycopg2.OperationalError:
        raise Unreachable(
            "The agency's database cannot be reached", where=f"the secret {origin.secret}",
            remedy="check the address in the secret and the way to it; the next tick tries again",
        ) from None  # fmt: skip
    try:
        connection.set_session(readonly=True, isolation_level="REPEATABLE READ")
        with connection.cursor(name="perlinsos_pull") as cursor:
            cursor.itersize = origin.batch_rows
            cursor.execute(origin.query, dict(parameters))
            return _write(cursor, origin.batch_rows, to)
    except psycopg2.OperationalError as error:
        raise Unreachable("The agency's database broke off", where=f"SQLSTATE {error.pgcode}") from None
    except (psycopg2.Error, KeyError) as error:
        code = getattr(error, "pgcode", None) or f"the parameter {error}"
        raise Refused(
            "The agency's database refuses the query", where=f"SQLSTATE {code}",
            remedy="try origin.query of the source by hand with the rights of the secret",
        ) from None  # fmt: skip
    finally:
        connection.close()


def _write(cursor: Any, batch_rows: int, to: Path) -> int:
    """Row groups of `batch_rows`; an empty answer is a file without rows."""
    rows = cursor.fetchmany(batch_rows)
    names = [column.name for column in cursor.description]
    kinds = [KINDS.get(column.type_code, TEXT) for column in cursor.description]
    schema = pa.schema([pa.field(name, kind[0]) for name, kind in zip(names, kinds, strict=True)])
    count = 0
    with pq.ParquetWriter(to, schema) as writer:
        while rows:
            columns = [_column(values, kind) for values, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
            count += len(rows)
            rows = cursor.fetchmany(batch_rows)
    return count


def _column(values: Sequence[Any], kind: Kind) -> pa.Array:
    data_type, keep = kind
    return pa.array([None if value is None else keep(value) for value in values], data_type)
