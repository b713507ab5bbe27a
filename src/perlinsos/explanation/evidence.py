"""What an answer is made from: the tables of a determination, its inputs, the texts, the office and the window."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from perlinsos.engine import open_engine
from perlinsos.errors import Refused, say_why
from perlinsos.explanation.pinned import find_pinned
from perlinsos.explanation.rows import InputRows, Relation
from perlinsos.model.datasets import RESULT_TABLES
from perlinsos.model.programmes import Programme, load_programme, read_yaml
from perlinsos.model.reasons import Catalogue, load_reasons
from perlinsos.settings import Settings, load_settings
from perlinsos.sources.agencies import read_agencies

Office = Mapping[str, str]
"""Where a family asks: name, address, hours and telephone (`ledger/records.py` checks them when a region is registered)."""


@dataclass(frozen=True)
class Evidence:
    """Everything that an answer is made from.

    `inputs` is None where nobody gave them; `find_raw` looks further, in what was delivered and not used, and gives the
    sources of the rows. `agency_of`: source id → agency, None where it is not known. `offices`: region code → office.
    `closes_at` is the end of the window in the region's own time, `zone` its name; `deadline` replaces both by words.
    `status`: None for a plain folder.
    """

    tables: Mapping[str, Relation]
    summary: Mapping[str, Any]
    catalogue: Catalogue
    programmes: Mapping[str, Programme]
    region_names: Callable[[str], str]
    inputs: InputRows | None = None
    find_raw: Callable[[str], list[tuple[str, str]]] | None = None
    agency_of: Callable[[str], str | None] = lambda _: None
    offices: Mapping[str, Office] = field(default_factory=dict)
    label: str | None = None
    status: str | None = None
    closes_at: datetime | None = None
    zone: str = "WIB"
    deadline: str | None = None

    @property
    def as_of(self) -> date:
        """The day that the determination is for."""
        return date.fromisoformat(self.summary["as_of"])

    @property
    def is_simulation(self) -> bool:
        """Whether this can never become a list."""
        return bool(self.summary["simulation_only"]) if self.status is None else self.status == "simulation"


@contextmanager
def open_folder(
    folder: Path, inputs: Path | None = None, *, office: Office | None = None, deadline: str | None = None
) -> Iterator[Evidence]:
    """The evidence of a folder that `perlinsos determine` wrote, or that a list was fetched into.

    Raises Refused where the folder is not a determination, and where `inputs` are not those that it was made from.
    """
    own = load_settings()
    rules = own.folder("programmes")
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise refuse_folder(str(folder), error) from None
    files = None if inputs is None else find_pinned(inputs, summary)
    agencies = cache(lambda: read_agencies(own.folder("sources")))  # read where one is named, once
    with open_engine(threads=1) as connection:
        yield Evidence(
            open_tables(connection, {name: folder / f"{name}.parquet" for name in RESULT_TABLES}, str(folder)),
            summary,
            load_reasons(rules / "reasons.yaml"),
            {code: load_programme(rules / code / "programme.yaml") for code in summary["programmes"]},
            lambda code: name_region(own, code),
            inputs=None if files is None else InputRows(connection, lambda dataset: files[dataset]),
            agency_of=lambda source: agencies().get(source),
            offices={summary["region"]: office} if office else {},
            deadline=deadline,
        )


def open_tables(connection: duckdb.DuckDBPyConnection, paths: Mapping[str, Path], where: str) -> dict[str, Relation]:
    """The four result tables, not read yet; Refused where one is not there."""
    try:
        return {name: connection.read_parquet(str(path)) for name, path in paths.items()}
    except duckdb.Error as error:
        raise refuse_folder(where, error) from None


def refuse_folder(where: str, error: Exception) -> Refused:
    """The error for a folder that is none."""
    return Refused(
        "This folder is not a determination", where=where, why=say_why(error),
        remedy="name the folder that `perlinsos determine --out` wrote, or a list such as 2026-T1/35.10/pkh/r1",
    )  # fmt: skip


def read_office(path: Path) -> Office:
    """The office of a YAML file: a region's record, or the office alone. Refused where a part of it is missing."""
    from perlinsos.ledger import records  # its checks are slow to import

    document = read_yaml(path)
    try:
        if isinstance(document, dict) and "region" in document:
            return records.RegionRecord.model_validate(document).office.model_dump()
        own = document["office"] if isinstance(document, dict) and "office" in document else document
        return records.Office.model_validate(own).model_dump()
    except ValueError as error:
        raise Refused(
            "The office is not complete", where=path.name, why=f"{say_why(error)}: no letter is made without it",
            remedy="write name, address, hours and telephone, as in demo/region-35.10.yaml",
        ) from None  # fmt: skip


def name_region(settings: Settings, code: str) -> str:
    """The name of a region of reference/regions.csv, else its code."""
    return _read_region(settings.folder("reference") / "regions.csv", code)


@cache
def _read_region(path: Path, code: str) -> str:
    """The name beside a code: the line is found in the text, since the file has every village."""
    text = path.read_text(encoding="utf-8")
    start = text.find(f"\n{code},") + 1
    line = text[start : text.find("\n", start)] if start else ""
    return next((row[3] for row in csv.reader([line]) if row), code)
