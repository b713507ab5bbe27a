"""Decides the runs of `programmes/*/cases.yaml` and says which answers are not the expected ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq

from perlinsos.errors import PerlinsosError
from perlinsos.recipients.determine import determine

from .case_files import Case, Plan, Row, Written, plans, write_run

TABLES = ("decisions", "components", "findings", "not_decided")


@dataclass(frozen=True)
class Decided:
    """What one run gave: the error, or the rows of every table and the summary."""

    plan: Plan
    written: Written
    error: PerlinsosError | None
    summary: Row
    tables: dict[str, list[Row]]


def decide(plan: Plan) -> Decided:
    """Write the families of a run, determine them and read the result."""
    with TemporaryDirectory() as folder:
        inputs, out = Path(folder) / "inputs", Path(folder) / "out"
        written = write_run(inputs, plan)
        run = plan.run
        try:
            summary = determine(
                plan.region, plan.stage, inputs, out, programmes=plan.programmes, as_of=plan.as_of, scope=run.scope,
                set_values=run.set or None, settings=run.settings or None,
            )  # fmt: skip
        except PerlinsosError as error:
            assert not out.exists()
            return Decided(plan, written, error, {}, {})
        tables = {name: pq.read_table(out / f"{name}.parquet").to_pylist() for name in TABLES}
        return Decided(plan, written, None, summary, tables)


def answer(decided: Decided, number: int) -> Row:
    """What the run says of its case of that number, in the words of `expect`."""
    no_kk, numbers = decided.written.cards[number], decided.written.numbers[number]
    own = {name: [row for row in rows if row["no_kk"] == no_kk] for name, rows in decided.tables.items()}
    for name in ("decisions", "components", "findings"):
        own[name] = [row for row in own[name] if row["programme"] == decided.plan.programme]
    found: Row = {}
    for row in own["decisions"]:
        if row["unit"] == "person":
            of_person = [part for part in own["components"] if part["nik"] == row["nik"]]
            found.setdefault("members", {})[numbers.index(row["nik"]) + 1] = row | _components(of_person)
        else:
            found |= row
    for row in own["not_decided"]:
        found["kind"] = row["kind"]
    found |= _components(own["components"])
    found["findings"] = [
        [row["code"], numbers.index(row["nik"]) + 1 if row["nik"] in numbers else row["nik"], row["source"],
         row["observed_value"], row["limit_value"]]
        for row in own["findings"]
    ]  # fmt: skip
    return found


def _components(rows: list[Row]) -> Row:
    """Names of what counts, and names and reasons of what does not."""
    return {
        "counted": sorted(row["component"] for row in rows if row["is_counted"]),
        "not_counted": sorted([row["component"], row["not_counted_reason"]] for row in rows if not row["is_counted"]),
    }


def complete(case: Case) -> Row:
    """The expectations of a case with what it leaves out: no reasons of the selected, no warnings."""
    expected = dict(case.expect)
    if expected.get("outcome"):
        expected = {"reasons": [], "warnings": []} | expected
    if "members" in expected:
        expected["members"] = {n: {"reasons": [], "warnings": []} | row for n, row in expected["members"].items() if row}
    if "counted" in expected:
        expected = {"not_counted": []} | expected
        expected["counted"], expected["not_counted"] = sorted(expected["counted"]), sorted(expected["not_counted"])
    return expected


def difference(decided: Decided, number: int) -> tuple[Row, Row]:
    """What is expected of a case, and what was found in the same words; equal where the case holds."""
    expected = complete(decided.plan.run.cases[number])
    if decided.error:
        return expected, {"error": str(decided.error)}
    found = answer(decided, number)
    shown = {name: found.get(name) for name in expected}
    if "members" in expected:
        rows: dict[int, Any] = found.get("members", {})
        shown["members"] = {
            n: {name: row.get(name) for name in expected["members"].get(n, {"outcome": 0})} for n, row in sorted(rows.items())
        }
    return expected, shown


def failures(path: Path) -> list[str]:
    """The titles of the cases of a file that do not hold, through the project that the environment names."""
    failed = []
    for plan in plans(path):
        decided = decide(plan)
        if plan.run.refused is not None:
            failed += [] if decided.error and plan.run.refused in str(decided.error) else [f"not refused: {plan.run.refused}"]
            continue
        for number, case in enumerate(plan.run.cases):
            expected, found = difference(decided, number)
            failed += [] if expected == found else [case.title]
    return failed
