"""One small dirty world of two regions that share families, made once for all tests here."""

from __future__ import annotations

from pathlib import Path

import pytest

from perlinsos.settings import find_project
from perlinsos.synthesis.order import SynthOrder, run_order

REFERENCE = find_project() / "reference"


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OUT of a `synth` of 35.10 and 35.09 with the errors of 2025, CSV and Parquet mixed."""
    out = tmp_path_factory.mktemp("synth") / "world"
    sizes = {"35.10": 4000, "35.09": 1000}
    run_order(SynthOrder(sizes, out, form="both", share_with=("35.09", "35.10"), canonical=True))
    return out


@pytest.fixture(scope="session")
def clean_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OUT of a `synth` of 35.10 without errors."""
    out = tmp_path_factory.mktemp("synth") / "clean"
    run_order(SynthOrder({"35.10": 2000}, out, errors="none"))
    return out
