"""The models on the real engine: their column types are what they are meant to be, and their order is total."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest

from perlinsos.engine import open_engine
from perlinsos.model.reasons import load_reasons
from perlinsos.model.stages import Stage
from perlinsos.recipients.compile import compile_candidates
from perlinsos.recipients.determine import AFTER_CAPS, CORE, READ, run_model
from perlinsos.recipients.inputs import open_inputs
from perlinsos.recipients.rule_tables import set_variable, set_variables, write_exclusions, write_rules
from perlinsos.recipients.rules import resolve
from rules.small_region import Region

PROJECT = Path(__file__).resolve().parents[2]
SQL = PROJECT / "sql"
ID, WORD, FLAG = "BIGINT", "VARCHAR", "BOOLEAN"

# table -> the types of its columns, ENUMs by name
EXPECTED: dict[str, dict[str, str]] = {
    "person": {
        "nik": ID, "no_kk": ID, "sex": "sex_word", "birth_date": "DATE", "family_relation": ID, "region_code": "place_code",
        "district_code": "place_code", "village_code": "place_code", "status": "status_word", "status_date": "DATE",
        "is_seen": FLAG, "is_valid": FLAG, "differs_in_birth": FLAG, "differs_in_sex": FLAG,
    },
    "card": {
        "no_kk": ID, "family_size": ID, "head_nik": ID, "region_code": "place_code", "district_code": "place_code",
        "village_code": "place_code", "has_valid_member": FLAG, "has_invalid_member": FLAG, "differs_in_birth": FLAG,
        "differs_in_sex": FLAG, "lacks_head": FLAG,
    },
    "welfare_row": {
        "no_kk": ID, "began": "DATE", "dtsen_family_id": WORD, "decile": "UTINYINT", "national_rank": ID,
        "electricity_va": ID, "region_code": "place_code", "district_code": "place_code", "village_code": "place_code",
    },
    "family": {
        "no_kk": ID, "has_members": FLAG, "has_welfare_row": FLAG, "family_size": ID, "head_nik": ID,
        "region_code": "place_code", "district_code": "place_code", "village_code": "place_code", "decile": "UTINYINT",
        "national_rank": ID, "electricity_va": ID, "has_valid_member": FLAG, "is_unmatched": FLAG, "is_deceased": FLAG,
        "warnings": ID,
    },
    "signal_fact": {
        "nik": ID, "code": "signal_code", "source": "source_name", "number": ID, "level": "level_word", "text": WORD,
    },
    "member": {
        "no_kk": ID, "nik": ID, "is_valid": FLAG, "birth_date": "DATE", "sex": "sex_word", "age": ID,
        "school_level": "level_word", "is_enrolled": FLAG, "disability": "disability_word", "is_pregnant": FLAG,
        "pregnancy_number": ID, "is_rights_victim": FLAG, "has_pregnancy_number": FLAG,
    },
    "component": {
        "programme": "programme_name", "no_kk": ID, "nik": ID, "member_row": ID, "birth_date": "DATE",
        "component": "component_name", "amount_year_idr": ID, "choice_order": "INTEGER", "selection_order": "INTEGER",
        "reason": "reason_code",
    },
    "decision": {
        "programme": "programme_name", "no_kk": ID, "member_row": ID, "outcome": WORD, "reasons": ID, "amount_year_idr": ID,
        "amount_stage_idr": ID, "rank": ID, "queue_position": ID,
    },
    "finding": {
        "programme": "programme_name", "no_kk": ID, "nik": ID, "code": "reason_code", "source": "source_name",
        "observed_value": WORD, "limit_value": WORD,
    },
}  # fmt: skip


def _types(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """The column types of a table, an ENUM by the name of its vocabulary."""
    rows = connection.execute("select column_name, data_type from duckdb_columns() where table_name = $1", [table]).fetchall()
    words = connection.execute(
        "select type_name, labels from duckdb_types() where logical_type = 'ENUM' and not internal"
    ).fetchall()
    enums = {str(list(labels)): name for name, labels in words if labels}
    return {name: enums.get(str(re.findall(r"'([^']*)'", kind)), kind) if "ENUM" in kind else kind for name, kind in rows}


@pytest.fixture(scope="module")
def types() -> dict[str, dict[str, str]]:
    """The column types of every table, taken right after its model has run."""
    found: dict[str, dict[str, str]] = {}
    region = Region()
    no_kk, person = region.family(1)
    region.said(person, no_kk, family_relation=1)
    region.signal(person, "ASN", "ya")
    rules = resolve(PROJECT / "programmes", ["pkh", "bpnt"], date(2026, 1, 1), "population", {}, {})
    with TemporaryDirectory() as folder, open_engine() as connection:
        region.write(Path(folder) / "inputs")
        open_inputs(connection, Path(folder) / "inputs", PROJECT / "reference", Path(folder), registrants=False)
        write_rules(connection, rules, load_reasons(PROJECT / "programmes" / "reasons.yaml"))
        set_variables(connection, rules, "35.10", Stage(2026, 1))
        set_variable(connection, "turn", 1)
        write_exclusions(connection, rules.programmes, {"pkh": 1, "bpnt": 1})
        steps = [SQL / "core" / f"{name}.sql" for name in (*READ, *CORE)]
        for step in (*steps, SQL / "recipients" / "member.sql"):
            run_model(connection, step)
            found |= {step.stem: _types(connection, step.stem)}
        connection.execute(compile_candidates(rules.programmes))
        found["component"] = _types(connection, "component")
        for name in AFTER_CAPS:
            run_model(connection, SQL / "recipients" / f"{name}.sql")
            found[name] = _types(connection, name)
    return found


@pytest.mark.parametrize("table", EXPECTED)
def test_column_types(types: dict[str, dict[str, str]], table: str) -> None:
    assert types[table] == EXPECTED[table]


MODELS = sorted([*(SQL / "core").glob("*.sql"), *(SQL / "recipients").glob("*.sql")])


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_house_style(path: Path) -> None:
    text = path.read_text()
    code = re.sub(r"--[^\n]*|'[^']*'", "", text)
    assert text.startswith("-- "), "the header says the grain"
    assert len(text.splitlines()) <= 120
    assert not re.search(r"\bnow\(|current_date|today\(|random\(|\{\{|%\(", code)
    assert not re.search(r"(?<!/)/(?!/)", code), "no division of money"


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [
        ("3510160101507001", True), ("0510160101507001", True), ("0000000000000000", True), ("351016010150700", False),
        ("1000000000000e03", False), ("+1000000000000e3", False), ("0x38d7ea4c680000", False), ("0X38D7EA4C680000", False),
        ("1234567890_12345", False), (" 234567890123456", False), ("1234567890123.0 ", False), ("", False),
        ("-351016010150700", False), ("３510160101507001", False), ("100000000000E004", False),
    ],
)  # fmt: skip
def test_only_sixteen_ascii_digits_are_a_plain_id(text: str, is_plain: bool) -> None:
    with open_engine() as connection:
        run_model(connection, SQL / "core" / "id_number.sql")
        query = "select is_plain_id($1), id_number($1, try_cast($1 as bigint)) >= 0"
        assert connection.execute(query, [text]).fetchall() == [(is_plain, is_plain)]
