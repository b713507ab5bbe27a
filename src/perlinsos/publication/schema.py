"""The one schema of what consumers get: columns, kinds, keys, texts and profiles. Everything that describes it is made
from here: `datapackage.json` (`package.py`), the ODCS contract (`contract.py`), `load.sql` (`load_sql.py`), the sheets.

A breaking change needs a new major version (`SCHEMA_VERSION`); `perlinsos contract check` refuses it otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

from perlinsos.errors import WrongUsage
from perlinsos.model.datasets import Column, Kind, ResultTable

SCHEMA_VERSION = "1.0.0"
KEY = ("list_id", "family_token", "person_token")
LIST_SEPARATOR = "|"
TOKEN = r"^[A-Z2-7]{4}-[A-Z2-7]{24}$"  # noqa: S105 (a pattern)
OUTCOMES = ("LAYAK", "ANTREAN", "TIDAK_LAYAK", "TUNDA")
CAUSES = ("DATA", "RULE", "OBJECTION", "QUOTA", "MOVE", "DEATH", "CORRECTION")


@dataclass(frozen=True)
class Field:
    """One column, with what it means in Indonesian and English. `allowed`: its only values; `pattern`: their form."""

    name: str
    kind: Kind
    is_nullable: bool
    meaning_id: str
    meaning_en: str
    allowed: tuple[str, ...] = ()
    pattern: str | None = None


@dataclass(frozen=True)
class Profile:
    """Which rows and columns a kind of consumer gets (legal-process.md section 7). `outcomes` None: all rows.

    `key` names a row; empty where the profile has no tokens. `has_changes`: it also gets what changed against the last
    revision and stage; `has_evidence`: components and findings too.
    """

    name: str
    outcomes: tuple[str, ...] | None
    columns: tuple[str, ...]
    key: tuple[str, ...] = KEY
    has_changes: bool = False
    has_evidence: bool = False


_LIST_ID = Field(
    "list_id", "text", False, "Daftar: tahap/wilayah/program", "The list: stage/region/programme",
    pattern=r"^\d{4}-T[1-4]/\d{2}\.\d{2}/[a-z][a-z0-9_-]*$",
)  # fmt: skip
_FAMILY = Field("family_token", "text", False, "Pengganti nomor KK untuk penerima berkas ini", "Stands for the family card",
                pattern=TOKEN)  # fmt: skip
_PERSON = Field("person_token", "text", True, "Pengganti NIK, bila program per orang", "Stands for the NIK, person units only",
                pattern=TOKEN)  # fmt: skip
FIELDS: tuple[Field, ...] = (
    _LIST_ID,
    Field("programme", "text", False, "Program", "Programme"),
    Field("stage", "text", False, "Tahap pembayaran", "Payment stage", pattern=r"^\d{4}-T[1-4]$"),
    Field("region_code", "text", False, "Kode kabupaten/kota (Kemendagri)", "Regency or city code (Kemendagri)",
          pattern=r"^\d{2}\.\d{2}$"),
    Field("district_code", "text", True, "Kode kecamatan (Kemendagri)", "District code (Kemendagri)",
          pattern=r"^\d{2}\.\d{2}\.\d{2}$"),
    Field("village_code", "text", True, "Kode desa/kelurahan (Kemendagri)", "Village code (Kemendagri)",
          pattern=r"^\d{2}\.\d{2}\.\d{2}\.\d{4}$"),
    _FAMILY,
    _PERSON,
    Field("previous_family_token", "text", True, "Pengganti nomor KK dengan kunci sebelumnya; kosong bila kunci belum diganti",
          "The family's token under the key before; empty where the key was never replaced", pattern=TOKEN),
    Field("outcome", "text", False, "LAYAK, ANTREAN, TIDAK_LAYAK atau TUNDA", "Eligible, queued, not eligible or held",
          allowed=OUTCOMES),
    Field("objection_status", "text", True, "Keadaan sanggahan; kosong bila tidak ada",
          "State of an objection; empty where there is none"),
    Field("change_class", "text", True, "Perubahan dari tahap sebelumnya; kosong bila tidak menerima di kedua tahap",
          "Change from the stage before; empty where the family received in neither, or where no list of it is published",
          allowed=("NEW", "CONTINUING", "STOPPED", "AMOUNT", "MOVED")),
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
)  # fmt: skip
CHANGE_FIELDS: tuple[Field, ...] = (
    _LIST_ID,
    _FAMILY,
    _PERSON,
    Field("compared_with", "text", False, "Daftar yang dibandingkan", "The revision it is compared with"),
    Field("outcome_before", "text", True, "Hasil sebelumnya; kosong bila tidak ada di daftar itu",
          "Outcome before; empty where it was not in that list", allowed=OUTCOMES),
    Field("outcome_after", "text", True, "Hasil sekarang; kosong bila tidak ada di daftar ini",
          "Outcome now; empty where it is not in this list", allowed=OUTCOMES),
    Field("amount_year_idr_before", "int64", False, "Rupiah setahun sebelumnya", "Rupiah a year before"),
    Field("amount_year_idr_after", "int64", False, "Rupiah setahun sekarang", "Rupiah a year now"),
    Field("amount_stage_idr_before", "int64", False, "Rupiah setahap sebelumnya", "Rupiah a stage before"),
    Field("amount_stage_idr_after", "int64", False, "Rupiah setahap sekarang", "Rupiah a stage now"),
    Field("eligible_amount_year_idr_before", "int64", False, "Rupiah menurut syarat sebelumnya", "Rupiah by the rules before"),
    Field("eligible_amount_year_idr_after", "int64", False, "Rupiah menurut syarat sekarang", "Rupiah by the rules now"),
    Field("delta_year_idr", "int64", False, "Selisih rupiah setahun", "Difference in rupiah a year"),
    Field("delta_stage_idr", "int64", False, "Selisih rupiah setahap", "Difference in rupiah a stage"),
    Field("cause", "text", False, "Sebab perubahan", "Cause of the change", allowed=CAUSES),
)  # fmt: skip
COMPONENT_FIELDS: tuple[Field, ...] = (
    _LIST_ID,
    _FAMILY,
    _PERSON,
    Field("component", "text", False, "Komponen", "Component"),
    Field("amount_year_idr", "int64", False, "Rupiah setahun", "Rupiah a year"),
    Field("is_counted", "bool", False, "Dihitung atau tidak", "Whether it counts"),
    Field("not_counted_reason", "text", True, "Sebab tidak dihitung", "Why it does not count"),
)
FINDING_FIELDS: tuple[Field, ...] = (
    _LIST_ID,
    _FAMILY,
    _PERSON,
    Field("code", "text", False, "Kode alasan atau catatan", "Reason or warning code"),
    Field("source", "text", True, "Sumber fakta", "Source of the fact"),
    Field("observed_value", "text", True, "Nilai yang ditemukan", "Value that was found"),
    Field("limit_value", "text", True, "Batas", "Limit"),
    Field("legal_basis", "text", True, "Dasar hukum", "Legal basis"),
)
_ALL = tuple(field.name for field in FIELDS)
_PAYER = (
    "list_id programme stage region_code district_code village_code family_token person_token previous_family_token "
    "outcome objection_status as_of amount_year_idr amount_stage_idr"
)
_STATISTICS = (
    "list_id programme stage region_code district_code outcome objection_status change_class as_of reasons warnings "
    "amount_year_idr amount_stage_idr eligible_amount_year_idr family_size"
)
PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("payer", ("LAYAK",), tuple(_PAYER.split())),
        Profile("programme_owner", None, tuple(name for name in _ALL if name != "decile"), has_changes=True),
        Profile("auditor", None, _ALL, has_changes=True, has_evidence=True),
        Profile("statistics", None, tuple(_STATISTICS.split()), key=()),
    )
}


def find_profile(name: str) -> Profile:
    """The profile of that name. WrongUsage for a name that gets no rows of `recipients` (public, say)."""
    if name not in PROFILES:
        raise WrongUsage(f"{name!r} is no profile of a consumer", remedy=f"one of {', '.join(PROFILES)}")
    return PROFILES[name]


def fields_of(profile: Profile) -> tuple[Field, ...]:
    """The profile's columns of `recipients`, in the schema's order."""
    return tuple(field for field in FIELDS if field.name in profile.columns)


def recipients_table(profile: Profile) -> ResultTable:
    """The shape of the profile's `recipients`. Without a key the order is that of all columns but the lists."""
    fields = fields_of(profile)
    order = profile.key or tuple(field.name for field in fields if field.kind != "list<text>")
    return ResultTable("recipients", _columns(fields), order)


def tables_of(profile: Profile) -> dict[str, ResultTable]:
    """The shapes of all tables that the profile's folder may hold, by name (`changes` for every changes_from_… file)."""
    tables = {"recipients": recipients_table(profile)}
    if profile.has_changes:
        tables["changes"] = ResultTable("changes", _columns(CHANGE_FIELDS), KEY)
    if profile.has_evidence:
        order = ("family_token", "person_token")
        tables["components"] = ResultTable("components", _columns(COMPONENT_FIELDS), ("list_id", *order, "component"))
        tables["findings"] = ResultTable(
            "findings", _columns(FINDING_FIELDS), ("list_id", *order, "code", "source", "observed_value")
        )
    return tables


def _columns(fields: tuple[Field, ...]) -> tuple[Column, ...]:
    return tuple(Column(field.name, field.kind) for field in fields)
