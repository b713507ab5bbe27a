"""Judge the canonical rows of a delivery: accepted, accepted with warnings, quarantined; or refuse it as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from perlinsos.engine import open_engine
from perlinsos.errors import Refused
from perlinsos.model.datasets import DATASETS
from perlinsos.quality.drift import judge_delivery, profile
from perlinsos.quality.funnel import funnel_rows
from perlinsos.quality.rules import RuleSet, load_rules
from perlinsos.quality.verdicts import RuleCount, judge
from perlinsos.settings import Settings, load_settings
from perlinsos.sources.cells import KIND_SUFFIX
from perlinsos.sources.description import SourceDescription
from perlinsos.sources.read import ReadOutcome, RefusedDelivery, empty_outcome, load_reading

BATCH_ROWS = 122_880


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
    with open_engine(settings.threads, settings.memory_limit, spill=out) as connection:
        _load_macros(connection, settings)
        counts = judge(connection, rules, canonical)
        told = _tell(connection, source, rules, reading, counts)
        _refuse_by_share(source, counts, told)
        _write_accepted(connection, source, canonical, accepted)
        _write_quarantine(connection, source, reading.cells, canonical, quarantine)
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


def _write_accepted(
    connection: duckdb.DuckDBPyConnection, source: SourceDescription, canonical: Path, target: Path
) -> None:
    """The dataset's columns, `_row`, `_warnings`; sorted by `_row`."""
    names = ", ".join(f'c."{name}"' for name in DATASETS[source.dataset].names)
    rows = connection.sql(
        f"select {names}, c._row, coalesce(v.warnings, []) as _warnings "
        "from read_parquet(?) as c left join verdicts as v using (_row) "
        "where not coalesce(v.is_quarantined, false) order by c._row",
        params=[str(canonical)],
    )
    _write(rows, target)


def _write_quarantine(
    connection: duckdb.DuckDBPyConnection, source: SourceDescription, cells: Path, canonical: Path, target: Path
) -> None:
    """Every cell as text as it arrived, `_cells` (all cells of a record of odd shape), `_row`, the verdict."""
    files = sorted(str(path) for path in cells.glob("cells-*.parquet"))
    connection.read_parquet(files, union_by_name=True).create_view("cells", replace=True)
    found = [row[0] for row in connection.execute("select column_name from (describe cells)").fetchall()]
    names = [n for n in found if n not in {"_row", "_flaw", "_cells"} and not n.endswith(KIND_SUFFIX)]
    own = [name for name in DATASETS[source.dataset].names]
    constants = {n: source.column(n).constant for n in own if source.column(n).constant is not None}
    ordered = [*(name for name in own), *(name for name in names if name not in own)]
    fields = []
    for name in ordered:
        quoted = '"' + name.replace('"', '""') + '"'
        fields.append(f"c.{quoted}" if name in names else f"cast(null as text) as {quoted}")
    kinds = [name for name in found if name.endswith(KIND_SUFFIX)]
    fields.append(_kind_map(kinds))
    rows = connection.sql(
        f"select {', '.join(fields)}, c._cells, c._row, v.errors as _errors, v.warnings as _warnings "
        "from cells as c join verdicts as v using (_row) where v.is_quarantined order by c._row"
    )
    _write(rows, target, constants)


def _kind_map(kinds: list[str]) -> str:
    """`_kinds`: the kind of each cell that was no text, so that a replay judges the row as it arrived."""
    if not kinds:
        return "cast(null as text) as _kinds"
    parts = ", ".join(
        f"case when c.\"{kind}\" is not null then '{kind.removesuffix(KIND_SUFFIX)}=' || c.\"{kind}\" end"
        for kind in kinds
    )
    return f"nullif(concat_ws('|', {parts}), '') as _kinds"


def _write(
    rows: duckdb.DuckDBPyRelation, target: Path, constants: Mapping[str, str | None] | None = None
) -> None:
    reader = rows.to_arrow_reader(BATCH_ROWS)
    with pq.ParquetWriter(target, reader.schema, compression="zstd") as writer:
        for batch in _batches(reader, constants or {}):
            writer.write_table(batch, row_group_size=BATCH_ROWS)


def _batches(reader: pa.RecordBatchReader, constants: Mapping[str, str | None]) -> Iterator[pa.Table]:
    """Tables of exactly BATCH_ROWS rows (the last may be shorter), so that equal rows give equal bytes."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in reader:
        held.append(batch)
        rows += batch.num_rows
        while rows >= BATCH_ROWS:
            table = pa.Table.from_batches(held, reader.schema)
            yield _filled(table.slice(0, BATCH_ROWS), constants)
            held = table.slice(BATCH_ROWS).to_batches()
            rows -= BATCH_ROWS
    if rows or not held:
        yield _filled(pa.Table.from_batches(held, reader.schema), constants)


def _filled(table: pa.Table, constants: Mapping[str, str | None]) -> pa.Table:
    """Columns that the source fills with a constant."""
    for name, value in constants.items():
        index = table.column_names.index(name)
        table = table.set_column(index, name, pa.array([value] * table.num_rows, pa.string()))
    return table.combine_chunks()


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
