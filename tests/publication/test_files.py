"""Files: deterministic bytes, and a CSV that comes back as it went out."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perlinsos.errors import Refused
from perlinsos.model.datasets import Column, ResultTable
from perlinsos.publication.canonical import content_digest
from perlinsos.publication.files import arrow_schema, read_csv_gz, write_csv_gz, write_parquet

SPEC = ResultTable(
    "mixed",
    (Column("key"), Column("codes", "list<text>"), Column("count", "int64"), Column("day", "date"), Column("note")),
    ("key",),
)
ROWS = [
    {"key": "35.10", "codes": [], "count": 0, "day": date(2026, 1, 1), "note": ""},
    {"key": "35.10.16", "codes": ["A"], "count": -5, "day": None, "note": None},
    {"key": "é,\"quote\"", "codes": ["A", "B_C"], "count": None, "day": date(1969, 12, 31), "note": "two\nlines"},
    {"key": "é=1", "codes": None, "count": 2**62, "day": None, "note": " space "},
]  # fmt: skip
TABLE = pa.Table.from_pylist(ROWS, arrow_schema(SPEC))


def test_a_csv_comes_back_with_its_types_and_content_digest(tmp_path: Path) -> None:
    entry = write_csv_gz(TABLE, SPEC, tmp_path / "x.csv.gz")
    back = read_csv_gz(tmp_path / "x.csv.gz", SPEC)
    assert back.to_pylist() == ROWS
    assert content_digest(back, SPEC) == entry.content_digest == content_digest(TABLE, SPEC)


def test_an_empty_table_comes_back_too(tmp_path: Path) -> None:
    empty = TABLE.slice(0, 0)
    write_csv_gz(empty, SPEC, tmp_path / "x.csv.gz")
    assert read_csv_gz(tmp_path / "x.csv.gz", SPEC).num_rows == 0
    assert write_parquet(empty, SPEC, tmp_path / "x.parquet").rows == 0
    assert content_digest(tmp_path / "x.parquet", SPEC) == content_digest(empty, SPEC)


def test_the_bytes_depend_on_the_rows_alone(tmp_path: Path) -> None:
    chunked = pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)]).select(["note", "day", "count", "codes", "key"])
    for write, name in ((write_parquet, "x.parquet"), (write_csv_gz, "x.csv.gz")):
        first = write(TABLE, SPEC, tmp_path / name)
        (tmp_path / "again").mkdir(exist_ok=True)
        assert write(chunked, SPEC, tmp_path / "again" / name) == first
    text = gzip.decompress((tmp_path / "x.csv.gz").read_bytes())
    assert text.startswith(b'"key","codes","count","day","note"\n"35.10","",0,2026-01-01,""\n"35.10.16","A",-5,,\n')


def test_row_groups_have_a_fixed_size(tmp_path: Path) -> None:
    spec = ResultTable("one", (Column("n", "int64"),), ("n",))
    write_parquet(pa.table({"n": pa.array(range(300_000))}), spec, tmp_path / "x.parquet")
    metadata = pq.ParquetFile(tmp_path / "x.parquet").metadata
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [262_144, 300_000 - 262_144]


def test_a_cut_csv_is_refused(tmp_path: Path) -> None:
    write_csv_gz(TABLE, SPEC, tmp_path / "x.csv.gz")
    (tmp_path / "x.csv.gz").write_bytes((tmp_path / "x.csv.gz").read_bytes()[:-20])
    with pytest.raises(Refused):
        read_csv_gz(tmp_path / "x.csv.gz", SPEC)
