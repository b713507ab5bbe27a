"""What a consumer's tables hold: the rows and columns of its profile, with its own tokens for numbers.

The rows stand in the order of the tokens, which says nothing about the numbers; without tokens in the order of the
values themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from perlinsos.model.datasets import ResultTable
from perlinsos.publication.files import arrow_schema
from perlinsos.publication.schema import LIST_SEPARATOR, Profile, recipients_table, tables_of
from perlinsos.publication.tokens import TokenKey, make_tokens

_NAMES_OURS = ("DATA_DIKARANTINA", "PENERIMA_PROGRAM_LAIN")
"""Findings whose value is a word of ours: a dataset, a programme."""
_LONG_NUMBER = r"\d([ ._-]?\d){11}"
_CHANGE_CLASSES = """
select case
  when d.outcome = 'LAYAK' and b.outcome = 'LAYAK' then
    case when d.amount_stage_idr = b.amount_stage_idr then 'CONTINUING' else 'AMOUNT' end
  when d.outcome = 'LAYAK' then case when c.cause = 'MOVE' then 'MOVED' else 'NEW' end
  when b.outcome = 'LAYAK' then 'STOPPED'
end as change_class
from decisions as d
left join before as b on b.no_kk = d.no_kk and b.nik is not distinct from d.nik
left join changes as c on c.no_kk = d.no_kk and c.nik is not distinct from d.nik
order by d.place
"""


@dataclass(frozen=True)
class Comparison:
    """What changed against an earlier revision: its label, its decisions (`no_kk`, `nik`, `outcome`, `amount_stage_idr`)
    and the rows of `differences.compare_lists`."""

    label: str
    before: pa.Table
    changes: pa.Table


def make_recipients(
    list_id: str,
    decisions: pa.Table,
    profile: Profile,
    key: TokenKey,
    *,
    previous_key: TokenKey | None = None,
    change_classes: pa.Array | None = None,
) -> pa.Table:
    """The profile's rows and columns of `recipients`; `decisions` are one list's, `change_classes` one value a row."""
    count = decisions.num_rows
    made: dict[str, Any] = {
        "list_id": pa.array([list_id] * count, pa.string()),
        "objection_status": pa.nulls(count, pa.string()),
        "change_class": pa.nulls(count, pa.string()) if change_classes is None else change_classes,
    }
    rows = decisions
    for name, values in made.items():
        rows = rows.append_column(name, values)
    if profile.outcomes is not None:
        rows = rows.filter(pc.is_in(rows.column("outcome"), value_set=pa.array(profile.outcomes)))
    if "family_token" in profile.columns:
        rows = _append_tokens(rows, key)
        previous = make_tokens(previous_key, "family", rows.column("no_kk")) if previous_key else pa.nulls(len(rows), pa.string())
        rows = rows.append_column("previous_family_token", previous)
    return fit(rows, recipients_table(profile))


def make_changes(list_id: str, comparison: Comparison, profile: Profile, key: TokenKey) -> pa.Table:
    """`changes` against one earlier revision, with this consumer's tokens."""
    rows = _append_tokens(comparison.changes, key)
    for name, text in (("list_id", list_id), ("compared_with", comparison.label)):
        rows = rows.append_column(name, pa.array([text] * len(rows), pa.string()))
    return fit(rows, tables_of(profile)["changes"])


def make_evidence(list_id: str, name: str, rows: pa.Table, profile: Profile, key: TokenKey) -> pa.Table:
    """`components` or `findings` of one list, with this consumer's tokens."""
    rows = _append_tokens(rows, key).append_column("list_id", pa.array([list_id] * len(rows), pa.string()))
    return fit(_keep_facts(rows) if name == "findings" else rows, tables_of(profile)[name])


def _keep_facts(findings: pa.Table) -> pa.Table:
    """The findings with no more of an agency's own text than the fact: it may quote a person.

    Where no limit is compared and nothing of ours is named, the value only says yes: `true`. What holds a number of twelve or
    more digits is left out.
    """
    value, code = findings.column("observed_value"), findings.column("code")
    is_fact = pc.or_(pc.is_valid(findings.column("limit_value")), pc.is_in(code, value_set=pa.array(_NAMES_OURS)))
    kept = {"observed_value": pc.if_else(pc.or_(is_fact, pc.is_null(value)), value, "true")}
    for name in ("observed_value", "limit_value", "source"):
        text = kept.get(name, findings.column(name)).cast(pa.string())
        is_number = pc.fill_null(pc.match_substring_regex(text, _LONG_NUMBER), False)
        place = findings.column_names.index(name)
        findings = findings.set_column(place, name, pc.if_else(is_number, pa.scalar(None, pa.string()), text))
    return findings


def classify_changes(decisions: pa.Table, comparison: Comparison) -> pa.Array:
    """`change_class` of every row of `decisions` against the stage before; null where it was LAYAK in neither."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        numbered = decisions.select(["no_kk", "nik", "outcome", "amount_stage_idr"])
        numbered = numbered.append_column("place", pa.array(range(len(decisions)), pa.int64()))
        connection.register("decisions", numbered)
        connection.register("before", comparison.before)
        connection.register("changes", comparison.changes.select(["no_kk", "nik", "cause"]))
        found: pa.Table = connection.sql(_CHANGE_CLASSES).to_arrow_table()
    return found.column("change_class").cast(pa.string()).combine_chunks()


def _append_tokens(rows: pa.Table, key: TokenKey) -> pa.Table:
    rows = rows.append_column("family_token", make_tokens(key, "family", rows.column("no_kk")))
    return rows.append_column("person_token", make_tokens(key, "person", rows.column("nik")))


def fit(rows: pa.Table, table: ResultTable) -> pa.Table:
    """The table's columns with its types, the empty text as null, sorted to the last column."""
    columns: Mapping[str, Any] = {column.name: rows.column(column.name) for column in table.columns}
    for column in table.columns:
        if column.kind == "text" and pc.any(pc.equal(columns[column.name], "")).as_py():
            values = columns[column.name]
            columns = {**columns, column.name: pc.if_else(pc.equal(values, ""), None, values)}
    return sort(pa.table(columns).cast(arrow_schema(table)), table)


def sort(rows: pa.Table, table: ResultTable) -> pa.Table:
    """The rows in the table's order, by code point with nulls first; rows that tie there by all other columns."""
    sortable = {}
    for name in [*table.order, *(column.name for column in table.columns if column.name not in table.order)]:
        values = rows.column(name)
        sortable[name] = pc.binary_join(values, LIST_SEPARATOR) if pa.types.is_list(values.type) else values
    order = pc.sort_indices(pa.table(sortable), sort_keys=[(name, "ascending", "at_start") for name in sortable])
    return rows.take(order).combine_chunks()
