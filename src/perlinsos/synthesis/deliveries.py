"""Writing: deliveries as the landing bucket holds them, the truth about them, and clean canonical inputs."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from perlinsos.synthesis import dtsen, errors, register, signals, truth
from perlinsos.synthesis.draws import Ints
from perlinsos.synthesis.errors import Rates
from perlinsos.synthesis.parameters import Tables, read_rows
from perlinsos.synthesis.regency import Regency
from perlinsos.synthesis.spoiling import Book

SLICE = 100_000
TRUTH_COLUMNS = (
    "error_id", "source", "scope", "snapshot_date", "file", "row", "header", "column", "level", "expected", "message_id",
    "old_value", "new_value",
)  # fmt: skip


@dataclass(frozen=True)
class Delivery:
    """One region's part of one delivery: rows to write, how to write a run of them, and their errors."""

    source: str
    scope: str
    region: str
    size: int
    table: Callable[[Ints], pa.Table]
    book: Book

    def slices(self) -> Iterator[pa.Table]:
        """The rows in runs, errors included."""
        for start in range(0, max(self.size, 1), SLICE):
            rows = np.arange(start, min(start + SLICE, self.size))
            yield self.book.apply(self.table(rows), start)


def retired_villages(reference: Path) -> dict[str, tuple[str, str]]:
    """Village of today -> the retired code that became it, and that code's district."""
    changes = read_rows(reference / "region_changes.csv")
    found = {row["successor_code"]: row["retired_code"] for row in changes if row["level"] == "village"}
    return {code: (retired, retired.rpartition(".")[0]) for code, retired in found.items() if code}


def plan_deliveries(regency: Regency, tables: Tables, rates: Rates, retired: dict[str, tuple[str, str]]) -> Iterator[Delivery]:
    """The parts that every agency delivers about this regency, one after the other."""
    code = regency.targets.code
    people = register.register_rows(regency)
    book = errors.spoil_register(regency, tables, rates, retired)
    table = lambda rows: register.register_table(regency, tables, rows)  # noqa: E731
    yield Delivery("dukcapil-population", code, code, len(people), table, book)

    cards = dtsen.family_rows(regency)
    book = errors.spoil_families(regency, rates, cards)
    cards = np.delete(cards, book.dropped)
    yield Delivery("dtsen-family", code, code, len(cards), lambda rows: dtsen.family_table(regency, tables, cards[rows]), book)

    known = errors.known_persons(regency, rates)
    book, order = errors.spoil_persons(regency, tables, rates, known)
    table = lambda rows: dtsen.person_table(regency, tables, known, order[rows])  # noqa: E731
    yield Delivery("dtsen-person", code, code, len(order), table, book)

    for source in signals.SIGNAL_SOURCES:
        yield _plan_signal(regency, source, rates)


def _plan_signal(regency: Regency, source: signals.SignalSource, rates: Rates) -> Delivery:
    """One other agency's part."""
    facts = source.rows(regency)
    facts = signals.reported_here(regency, facts) if source.scope == "national" else facts
    book = errors.spoil_signal(regency, source.source, source.nik_header, regency.persons.nik[facts.person], rates)
    scope = regency.targets.code if source.scope == "region" else "national"

    def table(rows: Ints) -> pa.Table:
        return source.table(regency, signals.SignalRows(facts.person[rows], facts.value[rows]))

    return Delivery(source.source, scope, regency.targets.code, len(facts.person), table, book)


def write_part(delivery: Delivery, out: Path, snapshot: date, form: str) -> Path:
    """Write `out/<source>/<scope>/<snapshot>/part-<region>.<csv|parquet>` and return its path; cells stay text."""
    folder = out / delivery.source / delivery.scope / snapshot.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"part-{delivery.region}.{form}"
    if form == "csv":
        write_csv(path, delivery.slices())
    else:
        _write_parquet(path, delivery.slices())
    return path


def write_csv(path: Path, tables: Iterator[pa.Table]) -> None:
    """Comma, UTF-8, LF, no quotes: no cell here needs any (a cell that did would raise)."""
    options = pcsv.WriteOptions(include_header=False, quoting_style="none")
    with path.open("wb") as target:
        for number, table in enumerate(tables):
            if number == 0:
                target.write((",".join(table.column_names) + "\n").encode())
            pcsv.write_csv(table, target, options)


def _write_parquet(path: Path, tables: Iterator[pa.Table]) -> None:
    """One row group a slice, zstd."""
    writer: pq.ParquetWriter | None = None
    for table in tables:
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer:
        writer.close()


class TruthFiles:
    """`truth/errors.csv` (one row an injected error), `persons.parquet` and `families.parquet`, written as things are made."""

    def __init__(self, out: Path) -> None:
        (out / "truth").mkdir(parents=True, exist_ok=True)
        self._target = (out / "truth" / "errors.csv").open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._target, lineterminator="\n")
        self._writer.writerow(TRUTH_COLUMNS)
        self._rows_before: dict[tuple[str, str], int] = {}
        self._folder = out / "truth"
        self._tables: dict[str, pq.ParquetWriter] = {}
        self.counts: dict[str, int] = {}

    def add(self, delivery: Delivery, path: Path, snapshot: date) -> None:
        """Enter the errors of one part; its rows are counted on from the parts of the delivery that came before."""
        key = (delivery.source, delivery.scope)
        before = self._rows_before.get(key, 0)
        for entry in delivery.book.entries:
            self.counts[entry.error_id] = self.counts.get(entry.error_id, 0) + len(entry.rows)
            head = (entry.error_id, delivery.source, delivery.scope, snapshot.isoformat(), path.name)
            tail = (entry.header, entry.column, entry.level, entry.expected, entry.message_id)
            for row, old, new in zip(entry.rows, entry.old_values, entry.new_values, strict=True):
                self._writer.writerow((*head, before + int(row) + 1, *tail, old, new))
        self._rows_before[key] = before + delivery.size

    def add_regency(self, regency: Regency) -> None:
        """Enter its persons and families with their true ids."""
        for name, table in (("persons", truth.true_persons(regency)), ("families", truth.true_families(regency))):
            if name not in self._tables:
                self._tables[name] = pq.ParquetWriter(self._folder / f"{name}.parquet", table.schema, compression="zstd")
            self._tables[name].write_table(table)

    def close(self) -> None:
        """Finish the files."""
        self._target.close()
        for writer in self._tables.values():
            writer.close()
