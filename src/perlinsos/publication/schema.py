"""The one schema of `recipients`: columns, kinds, key, texts and profiles. Everything that describes it is made from here.

A breaking change needs a new major version (`SCHEMA_VERSION`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from perlinsos.errors import Refused
from perlinsos.model.datasets import Column, Kind, ResultTable

SCHEMA_VERSION = "1.0.0"
KEY = ("list_id", "family_token", "person_token")
LIST_SEPARATOR = "|"


@dataclass(frozen=True)
class Field:
    """One column of `recipients`, with what it means in Indonesian and English."""

    name: str
    kind: Kind
    is_nullable: bool
    meaning_id: str
    meaning_en: str


@dataclass(frozen=True)
class Profile:
    """Which rows and columns a kind of consumer gets (legal-process.md section 7). `outcomes` None: all."""

    name: str
    outcomes: tuple[str, ...] | None
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Consumer:
    """Who gets a folder of its own, and under which profile."""

    consumer_id: str
    profile: str
    name: str


FIELDS: tuple[Field, ...] = (
    Field("list_id", "text", False, "Daftar: tahap/wilayah/program", "The list: stage/region/programme"),
    Field("programme", "text", False, "Program", "Programme"),
    Field("stage", "text", False, "Tahap pembayaran", "Payment stage"),
    Field("region_code", "text", False, "Kode kabupaten/kota (Kemendagri)", "Regency or city code (Kemendagri)"),
    Field("district_code", "text", True, "Kode kecamatan (Kemendagri)", "District code (Kemendagri)"),
    Field("village_code", "text", True, "Kode desa/kelurahan (Kemendagri)", "Village code (Kemendagri)"),
    Field("family_token", "text", False, "Pengganti nomor KK untuk penerima berkas ini", "Stands for the family card"),
    Field("person_token", "text", True, "Pengganti NIK, bila program per orang", "Stands for the NIK, person units only"),
    Field("previous_family_token", "text", True, "Pengganti nomor KK sebelumnya", "The family's token before it changed"),
    Field("outcome", "text", False, "LAYAK, ANTREAN, TIDAK_LAYAK atau TUNDA", "Eligible, queued, not eligible or held"),
    Field("objection_status", "text", True, "Keadaan sanggahan", "State of an objection"),
    Field("change_class", "text", True, "Perubahan dari tahap sebelumnya", "Change from the stage before"),
    Field("as_of", "date", False, "Tanggal penilaian", "The day the answer is for"),
    Field("reasons", "list<text>", False, "Kode alasan", "Reason codes"),
    Field("warnings", "list<text>", False, "Kode catatan", "Warning codes"),
    Field("amount_year_idr", "int64", False, "Rupiah setahun, 0 bila bukan LAYAK", "Rupiah a year, 0 unless LAYAK"),
    Field("amount_stage_idr", "int64", False, "Rupiah tahap ini, 0 bila bukan LAYAK", "Rupiah this stage, 0 unless LAYAK"),
    Field("eligible_amount_year_idr", "int64", False, "Rupiah setahun menurut syarat", "Rupiah a year by the rules"),
    Field("family_size", "int64", False, "Banyak anggota keluarga", "Members of the family"),
    Field("rank", "int64", True, "Urutan di wilayah", "Place in the region's order"),
    Field("queue_position", "int64", True, "Urutan antrean", "Place in the queue"),
    Field("decile", "int64", True, "Desil kesejahteraan", "Welfare decile"),
)
_ALL = tuple(field.name for field in FIELDS)
_PAYER = (
    "list_id programme stage region_code district_code village_code family_token person_token previous_family_token "
    "outcome objection_status as_of amount_year_idr amount_stage_idr"
)
PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("payer", ("LAYAK",), tuple(_PAYER.split())),
        Profile("programme_owner", None, tuple(name for name in _ALL if name != "decile")),
        Profile("auditor", None, _ALL),
    )
}


def find_profile(name: str) -> Profile:
    """The profile of that name. Refused for a profile that gets no rows of `recipients` (statistics, public)."""
    if name not in PROFILES:
        raise Refused("This profile gets no rows", where=name, remedy=f"one of {', '.join(PROFILES)}")
    return PROFILES[name]


def fields_of(profile: Profile) -> tuple[Field, ...]:
    """The profile's columns, in the schema's order."""
    return tuple(field for field in FIELDS if field.name in profile.columns)


def recipients_table(profile: Profile) -> ResultTable:
    """The shape of the profile's `recipients`, for its content digest."""
    return ResultTable("recipients", tuple(Column(field.name, field.kind) for field in fields_of(profile)), KEY)


_FRICTIONLESS = {"text": "string", "list<text>": "string", "int64": "integer", "date": "date"}


def describe_field(field: Field) -> dict[str, Any]:
    """One column as a Frictionless Table Schema field. `kind` says what the Frictionless types cannot: a list."""
    described: dict[str, Any] = {
        "name": field.name,
        "type": _FRICTIONLESS[field.kind],
        "kind": field.kind,
        "title": field.meaning_id,
        "description": field.meaning_en,
    }
    if field.kind == "list<text>":
        described["delimiter"] = LIST_SEPARATOR
    elif not field.is_nullable:
        described["constraints"] = {"required": True}
    return described


def describe_package(profile: Profile, name: str, title: str, csv: dict[str, Any]) -> dict[str, Any]:
    """`datapackage.json` of a consumer's folder; `csv` holds path, bytes and hash of the CSV file."""
    return {
        "profile": "tabular-data-package",
        "name": name,
        "title": title,
        "version": SCHEMA_VERSION,
        "resources": [
            {
                "name": "recipients",
                "profile": "tabular-data-resource",
                "format": "csv",
                "mediatype": "text/csv",
                "compression": "gz",
                "encoding": "utf-8",
                **csv,
                "dialect": {"delimiter": ",", "quoteChar": '"', "doubleQuote": True, "header": True},
                "schema": {
                    "fields": [describe_field(field) for field in fields_of(profile)],
                    "missingValues": [""],
                    "primaryKey": list(KEY),
                },
            }
        ],
    }
