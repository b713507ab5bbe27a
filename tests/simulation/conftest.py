"""A small invented regency, clean and with its truth, and a base to simulate on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from perlinsos.settings import load_settings
from perlinsos.simulation.bases import Base, digest_folder
from perlinsos.simulation.run import Simulation, simulate
from perlinsos.simulation.scenarios import parse_scenario
from perlinsos.synthesis.order import SynthOrder, run_order

REGION, STAGE = "35.10", "2026-T1"


@pytest.fixture(scope="session")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 families: `canonical/35.10` and `truth/families.parquet`."""
    folder = tmp_path_factory.mktemp("invented")
    run_order(SynthOrder({REGION: 300}, folder, seed=7, canonical=True))
    return folder


def open_base(inputs: Path, programmes: Sequence[str] = ("bpnt", "pkh"), **changed: Any) -> Base:
    rules = load_settings().folder("programmes")
    return Base("test", digest_folder(inputs), REGION, STAGE, inputs, rules, tuple(programmes), **changed)


@pytest.fixture(scope="session")
def base(invented: Path) -> Base:
    return open_base(invented / "canonical" / REGION)


@pytest.fixture(scope="session")
def simulated(base: Base, invented: Path) -> Simulation:
    """Three scenarios beside the base, with the truth."""
    texts = (
        "stricter:pkh.max_decile=2,bpnt.max_decile=3",
        "places:quota.pkh=20",
        "amounts:amount.pkh.AUD=3600000,amount.bpnt=1200000",
    )
    return simulate(base, [parse_scenario(text) for text in texts], truth=invented / "truth" / "families.parquet")


def entry(simulation: Simulation, scenario: str, programme: str = "pkh") -> dict[str, Any]:
    """One scenario's programme."""
    (found,) = [one for one in simulation.scenarios if one["name"] == scenario]
    return found["programmes"][programme]
