"""The closed vocabulary of "who": what a programme file may ask of a member, of a card's members, and of a family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AttributeKind = Literal["number", "text", "bool"]


@dataclass(frozen=True)
class Attribute:
    """A word of the vocabulary. `signal`: the signal code that carries it; `words`: its possible texts.

    `family_column`: the column of `family` that has it, for what a component asks of the member's card. `agencies`: whose
    data say it, by the names of programmes/reasons.yaml, for a family of which nobody meets a component.
    """

    kind: AttributeKind
    words: tuple[str, ...] = ()
    signal: str | None = None
    family_column: str | None = None
    agencies: tuple[str, ...] = ()


_REGISTER, _WELFARE, _SCHOOLS = ("Dukcapil",), ("BPS",), ("Dapodik/EMIS",)

# What a component may ask of a member: the columns of sql/recipients/member.sql, and of its card.
MEMBER_ATTRIBUTES: dict[str, Attribute] = {
    "age": Attribute("number", agencies=_REGISTER),
    "sex": Attribute("text", ("L", "P"), agencies=_REGISTER),
    "school_level": Attribute("text", ("SD", "SMP", "SMA"), agencies=_SCHOOLS + _WELFARE),
    "is_enrolled": Attribute("bool", agencies=_SCHOOLS),
    "disability": Attribute("text", ("mild", "none", "severe"), agencies=_WELFARE),
    "is_pregnant": Attribute("bool", agencies=_WELFARE),
    "pregnancy_number": Attribute("number", agencies=_WELFARE),
    "has_pregnancy_number": Attribute("bool", agencies=_WELFARE),
    "is_rights_victim": Attribute("bool"),
    "living_members": Attribute("number", family_column="family_size", agencies=_REGISTER),
}

# What an exclusion may ask of any member: facts of other agencies (sql/core/signal_fact.sql).
SIGNAL_ATTRIBUTES: dict[str, Attribute] = {
    "is_civil_servant": Attribute("bool", signal="ASN"),
    "is_soldier_or_police": Attribute("bool", signal="TNI_POLRI"),
    "is_public_pensioner": Attribute("bool", signal="PENSIUNAN"),
    "is_paid_from_public_budget": Attribute("bool", signal="UPAH_APBN_APBD"),
    "is_village_official": Attribute("bool", signal="PERANGKAT_DESA"),
    "is_state_company_employee": Attribute("bool", signal="BUMN_BUMD"),
    "is_certified_teacher": Attribute("bool", signal="GURU_SERTIFIKASI"),
    "is_health_worker": Attribute("bool", signal="TENAGA_KESEHATAN"),
    "is_social_programme_worker": Attribute("bool", signal="SDM_KESOS"),
    "is_company_officer": Attribute("bool", signal="PENGURUS_PERUSAHAAN"),
    "is_gambling": Attribute("bool", signal="GAMBLING"),
    "wage_idr": Attribute("number", signal="WAGE"),
    "car_count": Attribute("number", signal="CAR"),
    "land_m2": Attribute("number", signal="LAND"),
    "balance_idr": Attribute("number", signal="BALANCE"),
}

# What an exclusion may ask of the family, with the one code and test that sql/recipients/family_criterion.sql has.
FAMILY_TESTS: dict[str, tuple[str, str]] = {
    "electricity_va": ("DAYA_LISTRIK", "min"),
    "decile": ("DESIL_DI_ATAS_BATAS", "above"),
    "living_members": ("MENINGGAL", "max"),
}

NUMBER_SIGNALS = ("BALANCE", "CAR", "ELECTRICITY", "LAND", "PREGNANT", "WAGE")
SIGNAL_CODES = tuple(
    sorted(
        {attribute.signal for attribute in SIGNAL_ATTRIBUTES.values() if attribute.signal}
        | {"ELECTRICITY", "ENROLLED", "PREGNANT", "RIGHTS_VICTIM"}
    )
)
