"""Judge the canonical rows of a delivery: accepted, accepted with warnings, quarantined; or refuse it as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from perlinsos.engine import open_engine
from perlinsos.errors import Refused
from perlinsos.quality.drift import judge_delivery, profile
from perlinsos.quality.funnel import funnel_rows
from perlinsos.quality.placing import write_accepted, write_quarantine
from perlinsos.quality.rules import RuleSet, load_rules
from perlinsos.quality.verdicts import RuleCount, judge
from perlinsos.settings import Settings, load_settings
from perlinsos.sources.description import SourceDescription
from perlinsos.sources.read import ReadOutcome, RefusedDelivery, empty_outcome, hide_values, load_reading


@dataclass(frozen=True)
class CheckOutcome:
    """What became of a delivery. `told` is the content of outcome.json."""

    accepted: Path
    quarantine: Path
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def accepted_rows(self) -> int:
        """Rows that entered, with or without warnings."""
        return int(self.told["accepted"]) + int(self.told["accepted_with_warnings"])


def check_delivery(
    source: SourceDescription,
    canonical: Path,
    out: Path,
    *,
    expectations: Path,
    reference: Path,  # noqa: ARG001 (the seam's: region codes were judged in reading)
    previous: Mapping[str, Any] | None = None,
    settings: Settings | None = None,
    gate: bool = True,
) -> CheckOutcome:
    """Write accepted.parquet, quarantine.parquet and outcome.json into `out`.

    `canonical` is the file that `read_delivery` wrote, with its folder beside it. `previous` is the outcome of the
    delivery before (its `profile`), for warnings about drift. Raises RefusedDelivery where a quarantining rule fails
    for more than its allowed share, or where the gate finds a critical row among the accepted.
    """
    settings = settings or load_settings()
    reading = load_reading(canonical.parent)
    rules = load_rules(expectations, source.dataset)
    out.mkdir(parents=True, exist_ok=True)
    accepted, quarantine = out / "accepted.parquet", out / "quarantine.parquet"
    with open_engine(settings.threads, settings.memory_limit, spill=out) as connection, hide_values(source.source):
        _load_macros(connection, settings)
        counts = judge(connection, rules, canonical, reading.absent)
        told = _tell(connection, source, rules, reading, counts)
        _refuse_by_share(source, counts, told)
        write_accepted(connection, source.dataset, canonical, accepted)
        write_quarantine(connection, source, reading.cells, quarantine)
        told["profile"] = profile(connection, source.dataset, accepted)
    told["warnings"] += judge_delivery(rules, told["profile"], previous)
    if gate:
        told["gate"] = _pass_gate(rules, accepted, told)
    told["funnel"] = funnel_rows(told)
    (out / "outcome.json").write_text(json.dumps(told, ensure_ascii=False, indent=1, default=str) + "\n")
    return CheckOutcome(accepted, quarantine, told)


def _load_macros(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    for model in sorted((settings.folder("sql") / "staging").glob("*.sql")):
        connection.execute(model.read_text(encoding="utf-8"))


def _tell(
    connection: duckdb.DuckDBPyConnection,
    source: SourceDescription,
    rules: RuleSet,
    reading: ReadOutcome,
    counts: list[RuleCount],
) -> dict[str, Any]:
    """The outcome so far: every received row in exactly one place."""
    quarantined, warned = connection.execute(
        "select count(*) filter (is_quarantined), count(*) filter (not is_quarantined) from verdicts"
    ).fetchall()[0]
    told = empty_outcome(source, reading.files, reading.received)
    told |= {
        "agency": source.agency,
        "scope": source.scope,
        "coverage": source.coverage,
        "snapshot_date": reading.snapshot_date.isoformat() if reading.snapshot_date else None,
        "accepted": reading.received - quarantined - warned,
        "accepted_with_warnings": warned,
        "quarantined": quarantined,
        "parts": reading.parts,
        "warnings": list(reading.warnings),
        "judged_by": rules.judged_by(source),
        "rules_fingerprint": rules.fingerprint,
        "rules": [_count(item, reading.received) for item in counts],
    }
    return told


def _count(item: RuleCount, received: int) -> dict[str, Any]:
    return {
        "rule": item.rule.id,
        "column": item.rule.column,
        "message_id": item.rule.message_id,
        "severity": item.rule.severity,
        "rule_fingerprint": item.rule.fingerprint,
        "rows": item.rows,
        "percent": round(100 * item.rows / received, 4) if received else 0.0,
    }


def _refuse_by_share(source: SourceDescription, counts: list[RuleCount], told: dict[str, Any]) -> None:
    received = int(told["received"])
    over = []
    for item in counts:
        share = item.rule.share_in(source)
        if item.rule.severity != "critical" or item.rows < share.min_rows:
            continue
        if item.rows * 100 > share.max_percent * received:
            over.append(f"{item.rule.id}: {item.rows} of {received} rows ({item.rule.why})")
    if over:
        error = Refused(
            f"too many rows of {source.source} fail a rule",
            where="; ".join(over),
            why="above the allowed share the file is wrong as a whole, not single rows",
            remedy="correct the file at its sender or its description in the source's file and send it again",
        )
        raise RefusedDelivery(error, {**told, "accepted": 0, "accepted_with_warnings": 0, "quarantined": 0})


def _pass_gate(rules: RuleSet, accepted: Path, told: dict[str, Any]) -> list[dict[str, Any]]:
    """The gate's results. A critical row among the accepted is an error of ours: nothing enters."""
    from perlinsos.quality.gate import run_gate

    results = run_gate(rules, accepted)
    failed = [result for result in results if result["severity"] == "critical" and not result["success"]]
    if failed:
        error = Refused(
            "the gate found critical rows among the accepted ones",
            where=", ".join(f"{result['rule']}: {result['unexpected_count']} rows" for result in failed),
            why="row verdicts and gate judge by the same rule file and must agree",
            remedy="report this as an error of the product, with the delivery's SHA-256",
        )
        empty = {"accepted": 0, "accepted_with_warnings": 0, "quarantined": 0, "gate": results}
        raise RefusedDelivery(error, {**told, **empty})
    return results
