"""What people decide, read from YAML and kept in the ledger: regions, cycles and decrees (demo/ has one of each)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from perlinsos.errors import WrongUsage
from perlinsos.ledger.connection import Connection, call
from perlinsos.model.regions import parse_regency
from perlinsos.model.stages import Stage
from perlinsos.sources.plain_yaml import load_plain_yaml

NATIONAL = "national"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Office(_Part):
    """Where a family asks: without it no letter is made."""

    name: str = Field(min_length=1)
    address: str = Field(min_length=1)
    hours: str = Field(min_length=1)
    telephone: str = Field(min_length=1)


class RegionRecord(_Part):
    """A region that takes part. `zone` is the clock of its windows and answers."""

    region: str
    name: str = Field(min_length=1)
    zone: Literal["WIB", "WITA", "WIT"]
    programmes: tuple[str, ...] = Field(min_length=1)
    scope: Literal["population", "registrants"] = "population"
    office: Office

    _code = field_validator("region")(parse_regency)


class RequiredSource(_Part):
    """A source without which nothing is frozen, and the greatest age of its snapshot at the cut-off, in days.

    A national one must name somebody of the region's register, unless it `may_name_nobody`.
    """

    source: str
    max_age_days: int = Field(ge=0)
    may_name_nobody: bool = False


class CycleRecord(_Part):
    """A region and a stage that are to be determined."""

    region: str
    stage: str
    purpose: Literal["live", "backfill"]
    cut_off: date
    required: tuple[RequiredSource, ...] = Field(min_length=1)
    announce_at: AwareDatetime
    window_months: int = Field(default=1, ge=0, le=12)
    lottery_seed_rule: Literal["cycle_and_content", "none"] = "cycle_and_content"
    settings: dict[str, str | int | bool | None] = Field(default_factory=dict)

    _code = field_validator("region")(parse_regency)

    @field_validator("stage")
    @classmethod
    def _is_stage(cls, text: str) -> str:
        return str(Stage.parse(text))

    @field_validator("settings")
    @classmethod
    def _no_seed(cls, found: dict[str, Any]) -> dict[str, Any]:
        if "lottery_seed" in found:
            raise ValueError("lottery_seed follows from the first input set; nobody sets it")
        return found


class Signatory(_Part):
    """Who signed a decree, in which office."""

    name: str
    office: str


class QuotaValue(_Part):
    """The places of one list."""

    region_code: str
    programme: str
    stage: str
    quota: int = Field(ge=0)

    _code = field_validator("region_code")(parse_regency)


class DecreeRecord(_Part):
    """A decree (SK). Empty `programmes` or `stages`: all. `document` is a file beside the YAML."""

    decree: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")
    kind: Literal["tim", "kuota", "parameter", "penetapan", "perubahan", "pencabutan"]
    number: str = Field(min_length=1)
    issuer: str
    signatory: Signatory
    signed_on: date
    in_force_from: date
    in_force_until: date | None = None
    regions: tuple[str, ...] = Field(min_length=1)
    programmes: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    revokes: str | None = None
    quotas: tuple[QuotaValue, ...] = ()
    document: str
    registered_by: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> DecreeRecord:
        if (self.kind == "kuota") != bool(self.quotas):
            raise ValueError("a decree of kind kuota, and no other, has quotas")
        keys = [(q.region_code, q.programme, q.stage) for q in self.quotas]
        if len(set(keys)) != len(keys):
            raise ValueError("a list stands twice in quotas")
        outside = [q for q in self.quotas if not self.covers(q.region_code, q.programme, q.stage)]
        if outside:
            raise ValueError(f"quotas names {outside[0].region_code}, which is outside regions, programmes or stages")
        return self

    def covers(self, region: str, programme: str, stage: str) -> bool:
        """Whether a list is inside the decree's scope."""
        inside = region in self.regions and (not self.programmes or programme in self.programmes)
        return inside and (not self.stages or stage in self.stages)


class ConsumerRecord(_Part):
    """A consumer of published lists; `legal_basis`: the law or agreement by which it gets them.

    Empty `programmes` or `regions`: all.
    """

    consumer: str = Field(pattern=r"^[a-z][a-z0-9-]{1,39}$")
    name: str = Field(min_length=1)
    profile: Literal["payer", "programme_owner", "auditor", "statistics"]
    legal_basis: str = Field(min_length=1)
    programmes: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()

    @field_validator("regions")
    @classmethod
    def _are_codes(cls, found: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(parse_regency(code) for code in found)


Record = TypeVar("Record", RegionRecord, CycleRecord, DecreeRecord, ConsumerRecord)
Kind = TypeVar("Kind")


@dataclass(frozen=True)
class ReadRecord(Generic[Kind]):
    """A record with the text it was read from and that text's digest."""

    record: Kind
    digest: str
    document: str


def read_record(path: Path, kind: type[Record]) -> Any:
    """Read and check one YAML file as a ReadRecord. Raises WrongUsage naming file, key and reason."""
    found = load_plain_yaml(path)
    try:
        record = kind.model_validate(found)
    except ValidationError as error:
        reasons = [
            f"{'.'.join(str(part) for part in item['loc']) or 'the file'}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False)
        ]
        raise WrongUsage(
            f"{path.name} is no {kind.__name__.removesuffix('Record').lower()}",
            where=str(path),
            why="; ".join(reasons),
            remedy="correct the named keys; demo/ has an example of each kind",
        ) from error
    text = path.read_text(encoding="utf-8")
    return ReadRecord(record, hashlib.sha256(text.encode()).hexdigest(), text)


def add_region(connection: Connection, read: ReadRecord[RegionRecord]) -> bool:
    """Register or change a region, as registrar. False where this very record is there."""
    record = read.record.model_dump(mode="json")
    record["region_code"] = record.pop("region")
    return bool(call(connection, "add_region", [record, read.digest, read.document]))


def add_cycle(connection: Connection, read: ReadRecord[CycleRecord], absent: Iterable[str] = ()) -> bool:
    """Register or change a cycle, as registrar, with a list of each of the region's programmes but the absent ones.

    False where this very record and its lists are there. Refused for an unknown region, or once a window was opened.
    """
    record = read.record.model_dump(mode="json") | {"absent": sorted(absent)}
    record["region_code"] = record.pop("region")
    return bool(call(connection, "add_cycle", [record, read.digest, read.document]))


def register_decree(connection: Connection, read: ReadRecord[DecreeRecord], document: tuple[str, str], registrar: str) -> str:
    """Register a decree as one person: `registered`, `confirmed` (by the second person) or `unchanged`.

    `document` = key and sha256 of the stored object. Conflict where the text or document differs from the first
    person's; Refused where the same person confirms.
    """
    record = read.record.model_dump(mode="json", exclude={"registered_by", "document", "signatory"})
    record["decree_id"] = record.pop("decree")
    record["signatory_name"] = read.record.signatory.name
    record["signatory_office"] = read.record.signatory.office
    record["document_key"], record["document_sha256"] = document
    return str(call(connection, "register_decree", [record, read.digest, read.document, registrar]))


def moment(text: str) -> datetime:
    """A moment with its zone, from ISO text. Raises WrongUsage without a zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise WrongUsage(f"{text!r} is no moment", remedy="write 2026-01-05T08:00:00+07:00") from error
    if found.tzinfo is None:
        raise WrongUsage(f"{text!r} has no zone", remedy="write 2026-01-05T08:00:00+07:00")
    return found
