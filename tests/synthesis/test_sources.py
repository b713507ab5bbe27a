"""The agencies' descriptions fit the deliveries that are made, and the demo's cycles ask for sources that exist."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from perlinsos.ledger.records import CycleRecord, DecreeRecord, RegionRecord, read_record
from perlinsos.settings import find_project
from perlinsos.sources.description import load_source

SOURCES = sorted((find_project() / "sources").glob("*.yaml"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_delivery_has_every_column_that_its_source_reads(path: Path, world: Path) -> None:
    source = load_source(path)
    part = next(p for p in (world / source.source).rglob("part-*"))
    headers = pq.read_schema(part).names if part.suffix == ".parquet" else part.open().readline().rstrip("\n").split(",")
    wanted = {column.origin for column in source.columns.values() if column.origin}
    assert wanted <= set(headers)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_delivery_lies_where_its_scope_says(path: Path, world: Path) -> None:
    source = load_source(path)
    scopes = {folder.name for folder in (world / source.source).iterdir()}
    assert scopes == ({"national"} if source.scope == "national" else {"35.09", "35.10"})


def test_the_demo_asks_for_sources_that_exist() -> None:
    cycles = [yaml.safe_load(path.read_text()) for path in (find_project() / "demo").glob("cycle-*.yaml")]
    asked = {needed["source"] for cycle in cycles for needed in cycle["required"]}
    assert asked and asked <= {path.stem for path in SOURCES}


@pytest.mark.parametrize(
    ("pattern", "kind"), [("region-*.yaml", RegionRecord), ("cycle-*.yaml", CycleRecord), ("decrees/*.yaml", DecreeRecord)]
)
def test_the_demo_s_files_can_be_registered(pattern: str, kind: type) -> None:
    paths = sorted((find_project() / "demo").glob(pattern))
    assert len(paths) >= 2
    assert all(read_record(path, kind) for path in paths)
