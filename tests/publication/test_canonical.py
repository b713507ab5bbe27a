"""The digests against a reference that writes the canonical form row by row."""

from __future__ import annotations

import hashlib
import struct
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perlinsos.errors import Refused
from perlinsos.model.datasets import RESULT_TABLES, Column, ResultTable
from perlinsos.publication.canonical import ListDigest, content_digest, list_digest

MIXED = ResultTable(
    "mixed",
    (
        Column("key"),
        Column("count", "int64"),
        Column("day", "date"),
        Column("is_so", "bool"),
        Column("codes", "list<text>"),
    ),
    ("key", "count"),
)
TYPES = {
    "text": pa.string(),
    "int64": pa.int64(),
    "date": pa.date32(),
    "bool": pa.bool_(),
    "list<text>": pa.list_(pa.string()),
}


def integer(value: int) -> bytes:
    return struct.pack("<q", value)


def text(value: str) -> bytes:
    return integer(len(value.encode())) + value.encode()


def reference_form(rows: list[dict[str, Any]], table: ResultTable) -> bytes:
    out = text(table.name) + integer(len(table.columns)) + integer(len(rows))
    for column in table.columns:
        values = [row[column.name] for row in rows]
        out += text(column.name) + text(column.kind) + b"".join(b"\1" if value is None else b"\0" for value in values)
        if column.kind == "list<text>":
            out += b"".join(integer(len(value or [])) for value in values)
            values = [item for value in values for item in value or []]
        if column.kind in {"text", "list<text>"}:
            out += b"".join(integer(len((value or "").encode())) for value in values)
            out += b"".join((value or "").encode() for value in values)
        elif column.kind == "date":
            out += b"".join(integer((value - date(1970, 1, 1)).days if value else 0) for value in values)
        else:
            out += b"".join(integer(int(value or 0)) for value in values)
    return out


def as_table(rows: list[dict[str, Any]], table: ResultTable) -> pa.Table:
    schema = pa.schema([(column.name, TYPES[column.kind]) for column in table.columns])
    return pa.Table.from_pylist(rows, schema)


def in_order(rows: list[dict[str, Any]], table: ResultTable) -> list[dict[str, Any]]:
    return sorted(
        rows,
        key=lambda row: [
            (row[name] is not None, row[name] or type(row[name])()) if row[name] is not None else (False,) for name in table.order
        ],
    )


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "key": st.none() | st.text(max_size=5),
            "count": st.none() | st.integers(-(2**63), 2**63 - 1),
            "day": st.none() | st.dates(),
            "is_so": st.none() | st.booleans(),
            "codes": st.none() | st.lists(st.text(max_size=3), max_size=3),
        }
    ),
    max_size=12,
)


@given(ROWS, st.integers(1, 5))
@settings(max_examples=150, deadline=None)
def test_equals_the_form_written_row_by_row_however_the_rows_are_chunked(rows: list[dict[str, Any]], size: int) -> None:
    rows = in_order(rows, MIXED)
    expected = hashlib.sha256(reference_form(rows, MIXED)).hexdigest()
    table = as_table(rows, MIXED)
    assert content_digest(table, MIXED) == expected
    assert content_digest(pa.Table.from_batches(table.to_batches(max_chunksize=size), table.schema), MIXED) == expected


def test_a_slice_and_other_arrow_types_of_the_same_values_have_the_same_digest() -> None:
    rows = [
        {"key": str(n), "count": n, "day": date(2026, 1, n + 1), "is_so": None, "codes": None if n == 3 else ["A", "B"]}
        for n in range(6)
    ]
    expected = hashlib.sha256(reference_form(rows[2:5], MIXED)).hexdigest()
    table = as_table(rows, MIXED)
    assert content_digest(table.slice(2, 3), MIXED) == expected
    wide = table.cast(
        table.schema.set(0, pa.field("key", pa.large_string())).set(4, pa.field("codes", pa.large_list(pa.large_string())))
    )
    assert content_digest(wide.slice(2, 3), MIXED) == expected
    assert content_digest(table.slice(2, 3).select(["codes", "key", "count", "is_so", "day"]), MIXED) == expected


def test_hidden_bytes_behind_a_null_do_not_count() -> None:
    null_first = pa.py_buffer(b"\x02")
    hidden = pa.Array.from_buffers(pa.string(), 2, [null_first, pa.py_buffer(struct.pack("<3i", 0, 3, 4)), pa.py_buffer(b"xyzK")])
    spec = ResultTable("one", (Column("key"),), ("key",))
    assert content_digest(pa.table({"key": hidden}), spec) == content_digest(pa.table({"key": pa.array([None, "K"])}), spec)


def test_a_parquet_file_has_the_digest_of_its_table(tmp_path: Path) -> None:
    table = as_table([{"key": f"{n:03}", "count": n, "day": None, "is_so": True, "codes": [str(n)]} for n in range(500)], MIXED)
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=70)
    assert content_digest(tmp_path / "x.parquet", MIXED) == content_digest(table, MIXED)


def list_tables() -> dict[str, list[dict[str, Any]]]:
    def row(name: str, **values: Any) -> dict[str, Any]:
        return {column.name: None for column in RESULT_TABLES[name].columns} | values

    return {
        "decisions": [
            row(
                "decisions",
                programme=programme,
                no_kk=card,
                outcome="LAYAK",
                reasons=[],
                warnings=["KK_GANDA"],
                as_of=date(2026, 1, 1),
            )
            for programme in ("bpnt", "pkh")
            for card in ("3510160101267001", "3510160101267002")
        ],
        "components": [
            row(
                "components",
                programme="pkh",
                no_kk="3510160101267001",
                component="SD",
                amount_year_idr=900_000,
                is_counted=True,
            )
        ],
        "findings": [row("findings", programme="bpnt", no_kk="3510160101267002", code="ASN", source="bkn")],
        "not_decided": [
            row("not_decided", no_kk="3510160101267003", kind="ELSEWHERE", region_code="35.09"),
            row("not_decided", no_kk="3510160101267004", kind="PINDAH"),
        ],
    }


def test_the_list_digest_covers_the_programmes_rows_and_the_covered_kinds(tmp_path: Path) -> None:
    rows = list_tables()
    expected = text("perlinsos-list-1") + text("ab" * 32)
    for name in ("decisions", "components", "findings", "not_decided"):
        covered = [r for r in rows[name] if r.get("programme") == "pkh" or r.get("kind") == "PINDAH"]
        expected += reference_form(covered, RESULT_TABLES[name])
    tables = {name: as_table(found, RESULT_TABLES[name]) for name, found in rows.items()}
    assert list_digest("pkh", "ab" * 32, tables) == hashlib.sha256(expected).hexdigest()
    for name, table in tables.items():
        pq.write_table(table, tmp_path / f"{name}.parquet")
    assert (
        list_digest("pkh", "ab" * 32, {name: tmp_path / f"{name}.parquet" for name in tables})
        == hashlib.sha256(expected).hexdigest()
    )


@pytest.mark.parametrize(
    "spoilt",
    [
        pa.table({"key": ["b", "a"]}),
        pa.table({"key": ["a", None]}),
        pa.table({"key": [1, 2]}),
        pa.table({"other": ["a"]}),
        pa.table({"key": ["a"], "more": ["b"]}),
    ],
)
def test_another_order_type_or_column_is_refused(spoilt: pa.Table) -> None:
    with pytest.raises(Refused):
        content_digest(spoilt, ResultTable("one", (Column("key"),), ("key",)))


def test_an_item_without_a_value_is_refused() -> None:
    spec = ResultTable("one", (Column("codes", "list<text>"),), ())
    with pytest.raises(Refused, match="item without a value"):
        content_digest(pa.table({"codes": pa.array([["A", None]], pa.list_(pa.string()))}), spec)


def test_a_list_digest_is_only_given_of_all_four_tables_in_order() -> None:
    tables = {name: as_table(rows, RESULT_TABLES[name]) for name, rows in list_tables().items()}
    digest = ListDigest("pkh", "ab" * 32)
    for name in ("decisions", "components", "findings"):
        digest.add(name, tables[name])
    with pytest.raises(RuntimeError, match="not of decisions, components, findings"):
        digest.hexdigest()
    digest.add("not_decided", tables["not_decided"])
    assert digest.hexdigest() == list_digest("pkh", "ab" * 32, tables)


def test_rows_that_tie_in_the_first_columns_must_rise_in_the_next() -> None:
    spec = ResultTable("one", (Column("key"), Column("count", "int64")), ("key", "count"))
    content_digest(pa.table({"key": [None, None, "a", "a", "b"], "count": [None, 1, 1, 1, 0]}), spec)
    for counts in ([1, None, 1, 1, 0], [None, 1, 2, 1, 0]):
        with pytest.raises(Refused, match="column count falls"):
            content_digest(pa.table({"key": [None, None, "a", "a", "b"], "count": counts}), spec)
