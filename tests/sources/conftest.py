"""What the tests of reading share: a source's description and one call from bytes to typed rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from perlinsos.engine import open_engine
from perlinsos.settings import load_settings
from perlinsos.sources.convert import convert, open_cells
from perlinsos.sources.description import SourceDescription
from perlinsos.sources.worker import read_files

BASIS = {
    "act": "contoh",
    "agreement": "contoh",
    "valid_from": "2025-01-01",
    "valid_until": "2026-12-31",
    "purpose": "contoh",
    "retention_months": 1,
}
Rows = list[dict[str, Any]]
ReadBytes = Callable[..., Rows]


def describe(dataset: str, **keys: Any) -> SourceDescription:
    """A source's description with the given keys beside the required ones."""
    required = {"source": "contoh", "dataset": dataset, "agency": "Contoh", "legal_basis": [BASIS]}
    return SourceDescription.model_validate({**required, **keys})


@pytest.fixture
def read_bytes(tmp_path: Path) -> ReadBytes:
    """Read one file's bytes into canonical rows: the dataset's columns, `_row`, `_issues`."""

    def read(content: bytes | Path, source: SourceDescription, name: str = "file") -> Rows:
        path = content if isinstance(content, Path) else tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        out = tmp_path / "cells"
        answer = read_files(source, [path], _fresh(out))
        target = tmp_path / "canonical.parquet"
        settings = load_settings()
        with open_engine(1, "500MB") as connection:
            names = open_cells(connection, [out / name for name in answer["files"]], settings.folder("sql") / "staging")
            convert(connection, source, names, settings.folder("reference"), target)
        return pq.read_table(target).to_pylist()

    return read


def _fresh(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    return folder
