"""The same order gives the same bytes, and a regency is the same whether it is made alone or beside another."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from perlinsos.errors import Refused, WrongUsage
from perlinsos.synthesis.order import SynthOrder, run_order


def _digests(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


def test_the_same_order_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        run_order(SynthOrder({"35.10": 400}, tmp_path / name, form="both"))
    assert _digests(tmp_path / "a") == _digests(tmp_path / "b")


def test_another_seed_gives_other_people(tmp_path: Path) -> None:
    for seed in (1, 2):
        run_order(SynthOrder({"35.10": 400}, tmp_path / str(seed), seed=seed))
    part = "dukcapil-population/35.10/2025-12-20/part-35.10.csv"
    assert _digests(tmp_path / "1")[part] != _digests(tmp_path / "2")[part]


def test_a_regency_is_the_same_alone_and_beside_another(tmp_path: Path) -> None:
    run_order(SynthOrder({"35.10": 400, "35.09": 300}, tmp_path / "both", share_with=("35.09", "35.10")))
    run_order(SynthOrder({"35.10": 400}, tmp_path / "alone", share_with=("35.09",)))
    alone, both = _digests(tmp_path / "alone"), _digests(tmp_path / "both")
    parts = [name for name in alone if name.endswith("part-35.10.csv")]
    assert len(parts) == 10
    assert {name: alone[name] for name in parts} == {name: both[name] for name in parts}


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(Refused):
        run_order(SynthOrder({"35.10": 400}, tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_order_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage):
        run_order(SynthOrder({"35.10": 400, "99.99": 400}, tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []
