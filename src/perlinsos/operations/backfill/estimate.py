"""How long a stage will take, from what was measured: the outcome rows of stages that went through all three steps."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

from perlinsos.ledger.connection import Connection, fetch_rows
from perlinsos.ledger.input_sets import InputSet

STEPS = ("assemble", "determine", "publish")


@dataclass(frozen=True)
class Measured:
    """Stages that were measured: of which region, how long they took in all, and how many persons their register had."""

    runs: list[dict[str, Any]]

    def of_region(self, region: str) -> list[dict[str, Any]]:
        """Those of one region."""
        return [run for run in self.runs if run["key"].startswith(f"{region}|")]


def read_measured(connection: Connection) -> Measured:
    """The newest 200 keys whose three steps each did something, with the sum of their last durations."""
    rows = fetch_rows(
        connection,
        "select key, sum(duration_ms)::bigint as duration_ms, max(persons)::bigint as persons from ("
        "select distinct on (key, step) key, step, duration_ms, (counts ->> 'population.parquet')::bigint as persons "
        "from outcome where state = 'done' and step = any (%s) order by key, step, outcome_id desc) as last "
        "group by key having count(*) = %s order by key desc limit 200",
        [list(STEPS), len(STEPS)],
    )
    return Measured(rows)


def estimate_seconds(measured: Measured, region: str, wanted: InputSet) -> float | None:
    """Seconds of one stage: the median of the region's own, else of others by the size of the register."""
    if own := measured.of_region(region):
        return round(float(median(run["duration_ms"] for run in own)) / 1000, 1)
    persons = sum(b.accepted + b.accepted_with_warnings for b in wanted.batches("own") if b.dataset == "population")
    others = [run["duration_ms"] * max(persons / run["persons"], 1 / 4) for run in measured.runs if run["persons"]]
    return round(float(median(others)) / 1000, 1) if others else None


def describe_basis(measured: Measured, region: str) -> str:
    """What the estimate rests on, in words."""
    if own := measured.of_region(region):
        return f"median of {len(own)} measured stages of {region}; two stages run at once"
    if measured.runs:
        return f"median of {len(measured.runs)} measured stages of other regions, by persons in the register"
    return "no stage was measured yet"
