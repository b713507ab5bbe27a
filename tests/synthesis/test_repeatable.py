"""The same order gives the same bytes, and a regency is the same whether it is made alone or beside another."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from perlinsos.errors import Refused, WrongUsage
from perlinsos.synthesis.order import SynthOrder, parse_day, run_order


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


def test_on_another_day_they_are_the_same_people_on_the_same_cards(tmp_path: Path) -> None:
    """But for some cards, which were issued since: before them they had older ones."""
    niks: list[set[str]] = []
    cards: list[set[str]] = []
    deciles: list[dict[str, int]] = []
    for day in ("2025-06-20", "2025-09-20"):
        run_order(SynthOrder({"35.12": 400}, tmp_path / day, errors="none", snapshot=parse_day(day), canonical=True))
        folder = tmp_path / day / "canonical" / "35.12"
        register = pq.read_table(folder / "population.parquet", columns=["nik", "no_kk"]).to_pylist()
        families = pq.read_table(folder / "welfare_family.parquet", columns=["no_kk", "decile"]).to_pylist()
        niks.append({row["nik"] for row in register})
        cards.append({row["no_kk"] for row in register})
        deciles.append({row["no_kk"]: row["decile"] for row in families})
    assert niks[0] < niks[1]  # some are born between the two days
    assert len(niks[1] - niks[0]) < 0.01 * len(niks[1])
    both = cards[0] & cards[1]
    assert 0.9 * len(cards[0]) < len(both) < len(cards[0])
    assert {deciles[0][card] == deciles[1][card] for card in deciles[0].keys() & deciles[1].keys()} == {True}
