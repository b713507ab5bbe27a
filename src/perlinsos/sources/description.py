"""The description of a source: one agency's delivery of one dataset, as in `sources/*.yaml`.

Every key and default is the contract's (`source-example.yaml`); an unknown key or word is an error that names it.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from perlinsos.errors import Refused, WrongUsage
from perlinsos.model.datasets import DATASETS
from perlinsos.sources.plain_yaml import load_plain_yaml
from perlinsos.sources.vocabulary import NULL_WORDS_NEVER

DEFAULT_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d %B %Y", "excel_serial")
DATE_FORMATS = frozenset(
    (*DEFAULT_FORMATS, "%d%m%Y", "%d/%m/%y", "%d-%m-%y", "%d.%m.%y", "%d %b %Y", "%d-%B-%Y", "%d-%b-%Y", "%Y/%m/%d")
)
ZONE_HOURS = {"Asia/Jakarta": 7, "Asia/Pontianak": 7, "Asia/Makassar": 8, "Asia/Jayapura": 9}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class LegalBasis(_Part):
    """The act and agreement under which the agency gives the data, and the days on which it is in force."""

    act: str
    agreement: str
    valid_from: date
    valid_until: date
    purpose: str
    retention_months: int = Field(gt=0)


class Schedule(_Part):
    """When a delivery is due; late is an alert, never an error."""

    every: Literal["quarter", "month", "day"] | None = None
    due_day: int = 10
    grace_days: int = 5


class LandingOrigin(_Part):
    """Files under `<source>/…` of the landing bucket."""

    kind: Literal["landing"] = "landing"


class PostgresqlOrigin(_Part):
    """The rows of one query."""

    kind: Literal["postgresql"]
    secret: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    query: str
    batch_rows: int = Field(default=50_000, gt=0)


class HttpOrigin(_Part):
    """A paged JSON API. `records`, `next`, `total` are dotted paths in each answer."""

    kind: Literal["http"]
    secret: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    url: str
    records: str
    next: str | None = None
    total: str | None = None
    pages_max: int = Field(default=10_000, gt=0)


Origin = Annotated[LandingOrigin | PostgresqlOrigin | HttpOrigin, Field(discriminator="kind")]


class Format(_Part):
    """How the bytes are to be read; `auto` = by content, not by the file's name."""

    kind: Literal["auto", "csv", "xlsx", "xls", "parquet", "jsonl"] = "auto"
    encoding: str = "auto"
    delimiter: str = "auto"
    decimal: Literal["auto", ".", ","] = "auto"
    sheet: str | None = None
    header_rows: int | str = 1
    footer_rows: int = Field(default=0, ge=0)
    explode: str | None = None

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, text: str) -> str:
        text = {"TAB": "\t", "tab": "\t", "\\t": "\t"}.get(text, text)
        if text != "auto" and (len(text) != 1 or text in '"\r\n' or not text.isascii()):
            raise ValueError("write auto or one of , ; TAB |")
        return text

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, text: str) -> str:
        try:
            "".encode("utf-8" if text == "auto" else text)
        except LookupError as error:
            raise ValueError("write auto, utf-8, cp1252 or another codec's name") from error
        return text

    @field_validator("header_rows")
    @classmethod
    def _row_numbers(cls, value: int | str) -> int | str:
        match = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", str(value))
        if not match or int(match[1]) < 1 or int(match[2] or match[1]) < int(match[1]):
            raise ValueError('write the number of the header row, or "4-5" where it spans two')
        return value

    @property
    def header_span(self) -> tuple[int, int]:
        """First and last row of the header, counted from 1."""
        first, _, last = str(self.header_rows).partition("-")
        return int(first), int(last or first)

    @property
    def is_header_declared(self) -> bool:
        """Whether the source says where its header stands (then the lines above it are no records)."""
        return "header_rows" in self.model_fields_set


class Century(_Part):
    """00 to pivot-1 are 20yy, the others 19yy."""

    pivot: int = Field(ge=0, le=100)


class SourceColumn(_Part):
    """How one dataset column is filled. `values` maps words as they arrive to words of the contract."""

    origin: str | None = Field(default=None, alias="from")
    constant: str | None = None
    values: dict[str, str | None] = Field(default_factory=dict)
    null_words: tuple[str, ...] = ()
    formats: tuple[str, ...] = DEFAULT_FORMATS
    century: Century | None = None
    code_system: Literal["kemendagri", "bps"] = "kemendagri"

    @field_validator("constant", mode="before")
    @classmethod
    def _constant_as_text(cls, value: Any) -> Any:
        return _as_text(value)

    @field_validator("values", mode="before")
    @classmethod
    def _values_as_text(cls, found: Any) -> Any:
        return {str(word): _as_text(value) for word, value in found.items()} if isinstance(found, dict) else found

    @field_validator("null_words", mode="before")
    @classmethod
    def _words_as_text(cls, found: Any) -> Any:
        return tuple(_as_text(word) for word in found) if isinstance(found, (list, tuple)) else found

    @field_validator("formats")
    @classmethod
    def _known_formats(cls, found: tuple[str, ...]) -> tuple[str, ...]:
        unknown = set(found) - DATE_FORMATS
        if unknown:
            raise ValueError(f"{sorted(unknown)} are not known; known are {sorted(DATE_FORMATS)}")
        return found

    @model_validator(mode="after")
    def _one_origin(self) -> SourceColumn:
        if self.constant is not None and self.origin is not None:
            raise ValueError("a column has `from` or `constant`, not both")
        return self


class Share(_Part):
    """A delivery is refused when the failing rows pass both limits."""

    max_percent: float = Field(default=5, ge=0, le=100)
    min_rows: int = Field(default=10, ge=1)


class RuleShare(_Part):
    """The same for one rule; what is not said is taken from `shares`."""

    max_percent: float | None = Field(default=None, ge=0, le=100)
    min_rows: int | None = Field(default=None, ge=1)


class Shares(Share):
    """The allowed shares of a source. `rules` names a rule by its id (`birth_date.date_invalid`) or its message id."""

    rules: dict[str, RuleShare] = Field(default_factory=dict)


class Limits(_Part):
    """What reading one delivery may take: seconds, MiB of memory, MiB unpacked, packing ratio, members, MiB a line."""

    seconds: int = Field(default=120, gt=0)
    memory_mib: int = Field(default=1024, gt=0)
    unpacked_mib: int = Field(default=2048, gt=0)
    ratio: int = Field(default=200, gt=0)
    members: int = Field(default=1000, gt=0)
    line_mib: int = Field(default=1, gt=0)


class SourceDescription(_Part):
    """One agency's delivery of one dataset."""

    source: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    dataset: str
    agency: str = Field(min_length=1)
    legal_basis: tuple[LegalBasis, ...] = Field(min_length=1)
    scope: Literal["region", "national"] = "region"
    coverage: Literal["full", "delta"] = "full"
    schedule: Schedule | None = None
    origin: Origin = LandingOrigin()
    format: Format = Format()
    columns: dict[str, SourceColumn] = Field(default_factory=dict)
    shares: Shares = Shares()
    rules: dict[str, RuleShare] = Field(default_factory=dict)
    allow_empty: bool = False
    time_zone: Literal["Asia/Jakarta", "Asia/Pontianak", "Asia/Makassar", "Asia/Jayapura"] = "Asia/Jakarta"
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _known_columns(self) -> SourceDescription:
        if self.dataset not in DATASETS or self.dataset == "quarantined":
            known = ", ".join(name for name in DATASETS if name != "quarantined")
            raise ValueError(f"dataset {self.dataset!r} is not one of {known}")
        unknown = set(self.columns) - {name for dataset in DATASETS.values() for name in dataset.names}
        if unknown:
            raise ValueError(f"columns {sorted(unknown)} are no columns of {self.dataset} or any other dataset")
        if any(self.column(name).null_words for name in NULL_WORDS_NEVER):
            raise ValueError("columns.name.null_words: people are called Null, Nan and None; a name has no null words")
        return self

    def column(self, name: str) -> SourceColumn:
        """How the dataset column of that name is filled."""
        return self.columns.get(name, SourceColumn())

    def share_of(self, rule: str, message_id: str) -> Share:
        """The allowed share of one rule: its own, else its message id's, else the source's."""
        named = {**self.rules, **self.shares.rules}
        own = named.get(rule) or named.get(message_id) or RuleShare()
        return Share(
            max_percent=self.shares.max_percent if own.max_percent is None else own.max_percent,
            min_rows=self.shares.min_rows if own.min_rows is None else own.min_rows,
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the description in canonical JSON."""
        text = json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def check_legal_basis(self, snapshot_date: date) -> LegalBasis:
        """The basis in force on that day. Raises Refused where there is none."""
        for basis in self.legal_basis:
            if basis.valid_from <= snapshot_date <= basis.valid_until:
                return basis
        raise Refused(
            f"{self.source}: no legal basis is in force on {snapshot_date}",
            where=f"legal_basis of the source {self.source}",
            why="a delivery without a legal basis on its snapshot date is not loaded",
            remedy="add the agreement that covers this day to the source's file, or correct the snapshot date",
        )


def _as_text(value: Any) -> Any:
    """Words of YAML as text: true and false in lower case, numbers by their digits; null stays null."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else value


def load_source(path: Path) -> SourceDescription:
    """Read and check a source's file. Raises WrongUsage naming file, key and remedy."""
    found = load_plain_yaml(path)
    try:
        return SourceDescription.model_validate(found)
    except ValidationError as error:
        raise _explain(path, error) from error


def _explain(path: Path, error: ValidationError) -> WrongUsage:
    lines = []
    for item in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in item["loc"]) or "the file"
        unknown = item["type"] == "extra_forbidden"
        lines.append(f"{key}: {'unknown key' if unknown else item['msg']}")
    return WrongUsage(
        f"{path.name} is not a source description",
        where=str(path),
        why="; ".join(lines),
        remedy="correct the named keys; the files of sources/ show them in use",
    )
