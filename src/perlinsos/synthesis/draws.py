"""Repeatable chance: one generator per seed, region and table; exact counts by largest remainder, never by drawing."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]


def generator(seed: int, code: str, table: str) -> np.random.Generator:
    """PCG64 seeded with the first 16 bytes of SHA-256 over `seed|code|table`, so that every table can be made alone."""
    digest = hashlib.sha256(f"{seed}|{code}|{table}".encode()).digest()[:16]
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


def apportion(total: int, weights: Array) -> Ints:
    """Split a whole number by weights: integers that add up to it exactly (largest remainder, ties to the first)."""
    exact = total * np.asarray(weights, dtype=np.float64) / float(np.sum(weights))
    counts = np.floor(exact).astype(np.int64)
    rest = total - int(counts.sum())
    counts[np.argsort(-(exact - counts), kind="stable")[:rest]] += 1
    return counts


def pick(rng: np.random.Generator, weights: Array, count: int) -> Ints:
    """Positions of `count` items, drawn without replacement with these weights; items of weight 0 come last."""
    with np.errstate(divide="ignore"):
        keys = rng.exponential(size=len(weights)) / np.asarray(weights, dtype=np.float64)
    return np.argsort(keys, kind="stable")[:count]


def choose(rng: np.random.Generator, shares: Array, rows: Array) -> Ints:
    """For each row number one column of the table `shares` (rows of shares that add up to 1)."""
    limits = np.cumsum(np.asarray(shares, dtype=np.float64), axis=1)
    limits /= limits[:, -1:]
    drawn = rng.random(len(rows))
    found = np.zeros(len(rows), dtype=np.int64)
    for column in range(limits.shape[1] - 1):
        found += drawn >= limits[rows, column]
    return found


def rank_within(keys: Array) -> Ints:
    """0, 1, 2 … for the items of each equal key, in their order."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    ranks = np.arange(len(keys)) - np.repeat(starts, np.diff(np.r_[starts, len(keys)]))
    result = np.empty(len(keys), dtype=np.int64)
    result[order] = ranks
    return result
