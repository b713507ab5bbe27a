"""The rule files: complete, and two judges that count the same."""

from __future__ import annotations

import random
import re
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perlinsos.engine import open_engine
from perlinsos.model.datasets import DATASETS
from perlinsos.quality.gate import run_gate
from perlinsos.quality.rules import load_rules
from perlinsos.quality.verdicts import count_failures
from perlinsos.settings import load_settings
from perlinsos.sources.vocabulary import WORDS, cell_kind

from .conftest import Judge, describe, person

EXPECTATIONS = load_settings().folder("expectations")
RULED = [name for name in DATASETS if name != "quarantined"]
ARROW = {
    "text": pa.string(),
    "int64": pa.int64(),
    "date": pa.date32(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us", "UTC"),
    "list<text>": pa.list_(pa.string()),
}
OF_KIND = {
    "id": {"id_as_number", "id_form", "id_empty", "id_repaired", "id_from_integer"},
    "int64": {"value_type", "number_ambiguous", "code_unknown"},
    "date": {"date_invalid", "date_ambiguous", "date_repaired", "time_dropped", "value_type"},
    "timestamp": {"date_invalid", "date_ambiguous", "date_repaired", "value_type"},
    "bool": {"code_unknown", "value_type"},
    "list": {"code_unknown", "value_type"},
    "word": {"code_unknown", "value_type"},
    "form": {"value_type"},
    "text": {"code_unknown", "value_type"},
    "place": {"region_unknown", "region_conflict", "region_repaired"},
    "signal_value": {"value_type", "number_ambiguous"},
}
OF_ANY = {"encoding", "cell_error", "formula_without_value"}


@pytest.mark.parametrize("name", RULED)
def test_every_message_that_reading_can_give_has_a_rule(name: str) -> None:
    rules = load_rules(EXPECTATIONS, name)
    needed = {f"*.{m}" for m in ("row_shape", "quote_unbalanced", "json_invalid", "value_conflict", "not_a_record")}
    needed.add(f"{DATASETS[name].columns[0].name}.not_a_record")
    for column in DATASETS[name].columns:
        needed |= {f"{column.name}.{message}" for message in OF_KIND[cell_kind(name, column)] | OF_ANY}
    assert [issue for issue in sorted(needed) if rules.find(issue) is None] == []


@pytest.mark.parametrize("name", RULED)
def test_required_values_and_closed_words_are_ruled(name: str) -> None:
    rules = load_rules(EXPECTATIONS, name)
    for column in DATASETS[name].columns:
        kind = cell_kind(name, column)
        if column.must:
            rule = rules.find(f"{column.name}.{'id_empty' if kind == 'id' else 'value_missing'}")
            assert rule is not None and (rule.kind, rule.severity) == ("not_null", "critical")
        if kind == "word":
            rule = rules.find(f"{column.name}.code_unknown")
            assert rule is not None and set(rule.words) == set(WORDS[name, column.name])


def test_a_fingerprint_follows_its_rule(tmp_path: Path) -> None:
    text = (EXPECTATIONS / "signal.yaml").read_text()
    (tmp_path / "signal.yaml").write_text(text.replace("min: 1990-01-01", "min: 1991-01-01"))
    before, after = load_rules(EXPECTATIONS, "signal"), load_rules(tmp_path, "signal")
    changed = {a.id for a, b in zip(after.rules, before.rules, strict=True) if a.fingerprint != b.fingerprint}
    assert changed == {"observed_on.value_range"}
    source = describe("signal")
    assert before.judged_by(source) != after.judged_by(source)
    assert before.judged_by(source) != before.judged_by(describe("signal", agency="Lain"))


def dirty(name: str, rows: int = 300) -> pa.Table:
    """Typed rows of which many break the rules."""
    chance = random.Random(name)
    niks = ["3510162509727061", "3510166509727061", "3510163209727061", "3510162902007061", "35101625097270", "0" * 16]
    choices = {
        "text": [
            "L",
            "P",
            "active",
            "none",
            "SD",
            "ASN",
            "WAGE",
            "portal",
            "2025-Q4",
            "2026-T1",
            "lain",
            niks[0],
            "9" * 11,
            "",
            None,
        ],
        "int64": [-1, 0, 1, 5, 11, 12, 2025, 150_000, 2**40, None],
        "date": [date(1972, 9, 25), date(1800, 1, 1), date(2200, 1, 1), date(2000, 2, 29), None],
        "bool": [True, False, None],
        "timestamp": [None],
        "list<text>": [["AMOUNT"], ["TIDAK_TERCANTUM", "RANK"], [], None],
    }
    columns = {}
    for column in DATASETS[name].columns:
        words = [*niks, None] if cell_kind(name, column) == "id" else choices[column.kind]
        columns[column.name] = pa.array([chance.choice(words) for _ in range(rows)], ARROW[column.kind])
    return pa.table({**columns, "_row": pa.array(range(1, rows + 1))})


@pytest.mark.parametrize("name", RULED)
def test_both_judges_count_the_same_on_dirty_rows(name: str, tmp_path: Path) -> None:
    rules = load_rules(EXPECTATIONS, name)
    path = tmp_path / "rows.parquet"
    pq.write_table(dirty(name), path)
    with open_engine(1, "500MB") as connection:
        for model in sorted((load_settings().folder("sql") / "staging").glob("*.sql")):
            connection.execute(model.read_text())
        by_sql = count_failures(connection, rules, path)
    results = run_gate(rules, path)
    by_gate = {result["rule"]: result["unexpected_count"] for result in results if result["rule"] in by_sql}
    assert by_gate == by_sql
    assert sum(by_sql.values()) > 100


def test_results_of_the_gate_hold_no_values(judge: Judge) -> None:
    outcome = judge([person(7061, name="WARGA RAHASIA"), person(7061)], gate=True)
    told = repr(outcome.told["gate"])
    assert not re.search(r"\d{16}|RAHASIA", told)
    assert {key for result in outcome.told["gate"] for key in result} == {
        "rule", "expectation", "severity", "success", "unexpected_count",
    }  # fmt: skip


def test_the_page_about_checks_names_every_kind_and_key() -> None:
    from typing import get_args

    from perlinsos.quality.rules import BatchEntry, BatchKind, RowKind, RuleEntry
    from perlinsos.settings import find_project

    page = (find_project() / "docs" / "checks.md").read_text(encoding="utf-8")
    words = {*get_args(RowKind), *get_args(BatchKind), *RuleEntry.model_fields, *BatchEntry.model_fields}
    assert [word for word in sorted(words) if f"`{word}`" not in page] == []
