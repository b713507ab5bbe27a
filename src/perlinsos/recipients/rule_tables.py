"""The rules of a run as tables and variables of the engine, by bound parameters: what the fixed SQL models read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import duckdb

from perlinsos.model.reasons import Catalogue, check_codes
from perlinsos.model.stages import Stage
from perlinsos.model.vocabulary import FAMILY_TESTS, NUMBER_SIGNALS, SIGNAL_ATTRIBUTES, SIGNAL_CODES
from perlinsos.recipients.rules import ProgrammeInForce, Rules

RECEIVES_ANOTHER = "PENERIMA_PROGRAM_LAIN"
TABLES = {
    "rule_programme": (
        "create temp table rule_programme (programme varchar, turn utinyint, is_for_persons boolean, "
        "considers_candidates boolean, is_gate_decile boolean, max_decile bigint, electricity_min_va bigint, "
        "refuses_deceased boolean, has_components boolean, unit_amount_year_idr bigint, paid_in bigint[], quota bigint)"
    ),
    "rule_component_name": "create temp table rule_component_name (component varchar)",
    "rule_cap": "create temp table rule_cap (programme varchar, code varchar, component varchar)",
    "rule_exclusion": (
        "create temp table rule_exclusion (programme varchar, code varchar, signal varchar, test varchar, limit_value bigint)"
    ),
    "rule_excluder": "create temp table rule_excluder (programme varchar, excluder varchar)",
    "rule_signal": "create temp table rule_signal (code varchar, is_number boolean, oldest_day date)",
    "rule_reason": "create temp table rule_reason (code varchar)",
    "rule_legal_basis": "create temp table rule_legal_basis (programme varchar, code varchar, legal_basis varchar)",
}


def write_rules(connection: duckdb.DuckDBPyConnection, rules: Rules, catalogue: Catalogue) -> None:
    """Fill the rule tables. Quotas and minimum wages are data: `set_quota`, `write_exclusions` follow once they are read."""
    check_codes(catalogue, (programme.programme for programme in rules.programmes))
    for statement in TABLES.values():
        connection.execute(statement)
    programmes = rules.programmes
    _insert(connection, "rule_programme", (_programme_row(programme) for programme in programmes))
    names = {part.name for programme in programmes for part in programme.components}
    _insert(connection, "rule_component_name", ((name,) for name in sorted(names) or ["-"]))
    _insert(connection, "rule_cap", _cap_rows(programmes))
    _insert(connection, "rule_excluder", ((one.code, other) for one in programmes for other in one.excluded_by))
    _insert(connection, "rule_signal", (_signal_row(rules, code) for code in SIGNAL_CODES))
    _insert(connection, "rule_reason", ((code,) for code in sorted(catalogue.reasons)))
    _insert(connection, "rule_legal_basis", _legal_rows(programmes, catalogue))


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    listed = [list(row) for row in rows]
    if listed:
        marks = ", ".join("?" for _ in listed[0])
        connection.executemany(f"insert into {table} values ({marks})", listed)  # noqa: S608 (names of this module)


def _programme_row(programme: ProgrammeInForce) -> tuple[Any, ...]:
    limits: dict[str, Any] = dict.fromkeys(FAMILY_TESTS)
    for exclusion in programme.programme.exclusions.values():
        if exclusion.who.attribute in FAMILY_TESTS:
            limits[exclusion.who.attribute] = programme.limit(exclusion.who)
    return (
        programme.code,
        programme.turn,
        programme.is_for_persons,
        programme.programme.considered == "candidates",
        programme.gate == "decile" and limits["decile"] is not None,
        limits["decile"],
        limits["electricity_va"],
        limits["living_members"] is not None,
        bool(programme.programme.components),
        programme.unit_amount_year_idr,
        list(programme.paid_in),
        None,
    )


def _cap_rows(programmes: Iterable[ProgrammeInForce]) -> Iterable[tuple[str, str, str]]:
    for programme in programmes:
        in_force = {part.name for part in programme.components}
        for cap in programme.programme.caps:
            yield from ((programme.code, cap.code, name) for name in cap.components if name in in_force)


def _signal_row(rules: Rules, code: str) -> tuple[Any, ...]:
    months = rules.settings.get(f"signal.{code}.max_age_months")
    oldest = None if months is None else months_before(rules.as_of, int(months))
    return code, code in NUMBER_SIGNALS, oldest


def _days_after(day: date, days: int) -> date:
    """So many days later, never after the last day that a date can name."""
    return day + timedelta(days=min(days, (date.max - day).days))


def months_before(day: date, months: int) -> date:
    """The same day of the month, so many months earlier; else that month's last day. Never before the year 1."""
    count = day.year * 12 + day.month - 1 - months
    if count < 12:
        return date.min
    first_after = date((count + 1) // 12, (count + 1) % 12 + 1, 1)
    last = (first_after - timedelta(days=1)).day
    return date(count // 12, count % 12 + 1, min(day.day, last))


def _legal_rows(programmes: Iterable[ProgrammeInForce], catalogue: Catalogue) -> Iterable[tuple[str, str, str]]:
    """A finding's legal basis: the programme's own where it has the exclusion, else the catalogue's."""
    for programme in programmes:
        own = {code: exclusion.legal_basis for code, exclusion in programme.programme.exclusions.items()}
        if programme.excluded_by:
            own[RECEIVES_ANOTHER] = str(programme.document["excluded_by_legal_basis"])
        for code, reason in catalogue.reasons.items():
            yield programme.code, code, own.get(code, reason.legal_basis)


def write_exclusions(
    connection: duckdb.DuckDBPyConnection, programmes: Iterable[ProgrammeInForce], wages: dict[str, int | None]
) -> None:
    """Fill rule_exclusion: each exclusion about members that is not off. `wages`: the minimum wage by programme."""
    rows = []
    for programme in programmes:
        for code, exclusion in programme.programme.exclusions.items():
            attribute = SIGNAL_ATTRIBUTES.get(exclusion.who.attribute)
            if attribute is None:
                continue
            is_region_value = attribute.signal == "WAGE" and programme.limit(exclusion.who) is None
            limit = wages[programme.code] if is_region_value else programme.limit(exclusion.who)
            if limit is not None:
                number = None if attribute.kind == "bool" else int(limit)
                rows.append((programme.code, code, attribute.signal, exclusion.who.operator, number))
    _insert(connection, "rule_exclusion", rows)


def set_quota(connection: duckdb.DuckDBPyConnection, programme: str, quota: int | None) -> None:
    """The quota of a programme's list; None: none."""
    connection.execute("update rule_programme set quota = $1 where programme = $2", [quota, programme])


def set_variables(connection: duckdb.DuckDBPyConnection, rules: Rules, region: str, stage: Stage) -> None:
    """The facts of the run that the models read with getvariable."""
    as_of = rules.as_of
    seed = rules.settings["lottery_seed"]
    for name, value in {
        "region": region,
        "stage": str(stage),
        "as_of": as_of,
        "as_of_number": as_of.year * 10000 + as_of.month * 100 + as_of.day,
        "quarter": stage.quarter,
        "registrants_only": rules.scope == "registrants",
        "registered_until": _days_after(as_of, int(rules.settings["registration.window_days"] or 0)),
        "quarantine_holds": rules.settings["quarantine.holds"] == "yes",
        "lottery_seed": seed,
    }.items():
        set_variable(connection, name, value)


def set_variable(connection: duckdb.DuckDBPyConnection, name: str, value: Any) -> None:
    """Set one variable; the name is one of this package's."""
    connection.execute(f"set variable {name} = $1", [value])
