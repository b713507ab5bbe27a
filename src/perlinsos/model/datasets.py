"""The shapes of all tables that cross a border: the input datasets and the result tables (contracts.md).

Everything that reads, checks, assembles, writes or publishes such a table takes its columns, kinds, keys and order
from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "int64", "date", "bool", "timestamp", "list<text>"]


@dataclass(frozen=True)
class Column:
    """One column. `must`: a row without this value is quarantined. `required`: a file without it is refused."""

    name: str
    kind: Kind = "text"
    must: bool = False
    required: bool = False


@dataclass(frozen=True)
class Dataset:
    """An input dataset. `key` identifies a row inside one source (which later row replaces which earlier one)."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    def column(self, name: str) -> Column:
        """The column of that name; KeyError where there is none."""
        return {column.name: column for column in self.columns}[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The column names in the contract's order."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True)
class ResultTable:
    """A table that the determination writes. `order` sorts its rows (by code point, nulls first)."""

    name: str
    columns: tuple[Column, ...]
    order: tuple[str, ...]


def _columns(text: str) -> tuple[Column, ...]:
    """Read `name:kind!*`: `!` = the value must be there, `*` = the determination needs the column."""
    found = []
    for word in text.split():
        name, _, kind = word.rstrip("!*").partition(":")
        found.append(Column(name, kind or "text", "!" in word, "*" in word))  # type: ignore[arg-type]
    return tuple(found)


DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            "population",
            _columns(
                "nik!* no_kk!* name sex!* birth_date:date!* family_relation:int64!* marital_status occupation "
                "region_code!* district_code village_code status!* status_date:date"
            ),
            ("nik",),
        ),
        Dataset(
            "welfare_family",
            _columns(
                "no_kk!* dtsen_family_id dtsen_period!* decile:int64* national_rank:int64 region_code!* district_code "
                "village_code floor wall roof electricity_va:int64"
            ),
            ("no_kk",),
        ),
        Dataset(
            "welfare_person",
            _columns(
                "nik!* no_kk!* name sex birth_date:date family_relation:int64 disability is_pregnant:bool "
                "pregnancy_number:int64 school_level"
            ),
            ("nik",),
        ),
        Dataset("signal", _columns("nik!* source code!* value* observed_on:date!*"), ("nik", "code")),
        Dataset(
            "registration",
            _columns("nik!* no_kk* registered_at:timestamp!* channel consent:bool!* agent_id"),
            ("nik", "registered_at"),
        ),
        Dataset(
            "objection",
            _columns(
                "objection_id! list_id revision:int64 no_kk nik filed_by_nik relation_of_filer mandate_uri "
                "received_at:timestamp! recorded_at:timestamp channel! claims:list<text>! statement evidence_uri"
            ),
            ("objection_id",),
        ),
        Dataset(
            "verdict",
            _columns("objection_id! claim! verdict! decided_at:timestamp! verifier method explanation corrected"),
            ("objection_id", "claim"),
        ),
        Dataset(
            "quota",
            _columns("region_code!* programme!* stage!* quota:int64* decree_id"),
            ("region_code", "programme", "stage"),
        ),
        Dataset(
            "minimum_wage",
            _columns("region_code!* year:int64!* umk_idr:int64* ump_idr:int64* reference valid_from:date"),
            ("region_code", "year", "valid_from"),
        ),
        Dataset("quarantined", _columns("dataset!* source nik* no_kk*"), ()),
    )
}

RESULT_TABLES: dict[str, ResultTable] = {
    table.name: table
    for table in (
        ResultTable(
            "decisions",
            _columns(
                "programme stage as_of:date region_code district_code village_code unit no_kk nik outcome "
                "reasons:list<text> warnings:list<text> amount_year_idr:int64 amount_stage_idr:int64 "
                "eligible_amount_year_idr:int64 decile:int64 national_rank:int64 rank:int64 queue_position:int64 "
                "family_size:int64 head_nik"
            ),
            ("programme", "no_kk", "nik"),
        ),
        ResultTable(
            "components",
            _columns("programme no_kk nik component amount_year_idr:int64 is_counted:bool not_counted_reason"),
            ("programme", "no_kk", "nik", "component"),
        ),
        ResultTable(
            "findings",
            _columns("programme no_kk nik code source observed_value limit_value legal_basis"),
            ("programme", "no_kk", "nik", "code", "source", "observed_value"),
        ),
        ResultTable("not_decided", _columns("no_kk kind region_code"), ("no_kk",)),
    )
}
