"""What each programme gives, to whom, when and where: the rules of `programmes/` once more, as constants.

They are written from the programme files and the text, not read from the files, so that a wrong value there shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from oracle.parameters import DECILE_GATE_FROM, EMPLOYMENT, FIRST_DAY, HAM_FROM, NEW_RULES

Dated = tuple[tuple[date, int], ...]

ALWAYS = {"MENINGGAL", "DESIL_DI_ATAS_BATAS"}
MINISTRY = {*EMPLOYMENT.values(), "UPAH_DI_ATAS_UMK", "DAYA_LISTRIK", "KENDARAAN_RODA_4", *ALWAYS}
NOT_PUBLIC = {"ASET_TANAH_RUMAH", "SALDO_REKENING", "TERINDIKASI_JUDI_ONLINE"}
EMPLOYERS = {"ANGGOTA_ASN", "ANGGOTA_TNI_POLRI", "ANGGOTA_PENSIUNAN", "PEGAWAI_BUMN_BUMD"}


def value_on(dated: Dated, as_of: date) -> int | None:
    """The value in force on that day, None before the first one."""
    return next((value for day, value in reversed(dated) if day <= as_of), None)


@dataclass(frozen=True)
class Rules:
    """One programme. `refusals` = the exclusions of step 6 that it has; `amount` = of each unit, where there are no
    `components`; `paid_in` = the quarters of its payments; the gate is a decile from `decile_gate_from`, before a welfare row.
    """

    code: str
    refusals: set[str]
    amount: Dated = ()
    components: Mapping[str, Dated] = field(default_factory=dict)
    unit: str = "family"
    considers: str = "members"
    first_day: date = FIRST_DAY
    last_day: date = date.max
    regions: tuple[str, ...] = ()
    decile_gate_from: date = DECILE_GATE_FROM
    paid_in: tuple[int, ...] = (1, 2, 3, 4)
    excluded_by: tuple[str, ...] = ()

    def exists(self, region: str, as_of: date) -> bool:
        """On the days on which one of its amounts holds, and in its regions (none written: everywhere)."""
        return self.first_day <= as_of <= self.last_day and (not self.regions or region in self.regions)

    def of_stage(self, amount: int, stage: str) -> int:
        """Year / payments, the last one the remainder, a quarter without a payment 0."""
        quarter, payments = int(stage[6]), len(self.paid_in)
        if quarter not in self.paid_in:
            return 0
        return amount // payments + (amount % payments if quarter == max(self.paid_in) else 0)


def _since(day: date, amount: int) -> Dated:
    return ((day, amount),)


PKH = Rules(
    code="pkh",
    refusals=MINISTRY | NOT_PUBLIC,
    components={
        "HAM": _since(HAM_FROM, 10_800_000),
        "AUD": _since(FIRST_DAY, 3_000_000),
        "SD": _since(FIRST_DAY, 900_000),
        "SMP": _since(FIRST_DAY, 1_500_000),
        "SMA": _since(FIRST_DAY, 2_000_000),
        "DISABILITAS": _since(FIRST_DAY, 2_400_000),
        "LANSIA": _since(FIRST_DAY, 2_400_000),
        "HAMIL": _since(FIRST_DAY, 3_000_000),
    },
)
BPNT = Rules(code="bpnt", refusals=MINISTRY | NOT_PUBLIC, amount=_since(FIRST_DAY, 2_400_000))
BLT_KESRA = Rules(
    code="blt-kesra",
    refusals=MINISTRY,
    amount=_since(date(2025, 10, 1), 3 * 300_000),
    first_day=date(2025, 10, 1),
    last_day=date(2025, 12, 31),
    decile_gate_from=date(2025, 10, 1),
    paid_in=(4,),
)
BLT_DANA_DESA = Rules(
    code="blt-dana-desa",
    refusals={"ANGGOTA_ASN", "ANGGOTA_TNI_POLRI", "PERANGKAT_DESA", *ALWAYS},
    amount=_since(date(2023, 1, 1), 12 * 300_000),
    first_day=date(2023, 1, 1),
    excluded_by=("pkh", "bpnt"),
)
PBI_JK = Rules(
    code="pbi-jk", refusals=EMPLOYERS | {"UPAH_DI_ATAS_UMK"} | ALWAYS, amount=_since(FIRST_DAY, 12 * 42_000), unit="person"
)
PIP = Rules(
    code="pip",
    refusals=ALWAYS,
    components={
        "SD": _since(FIRST_DAY, 450_000),
        "SMP": _since(FIRST_DAY, 750_000),
        "SMA": ((FIRST_DAY, 1_000_000), (NEW_RULES, 1_800_000)),
    },
    unit="person",
    considers="candidates",
    paid_in=(1,),
)
RANTANG_KASIH = Rules(
    code="rantang-kasih",
    refusals={"ANGGOTA_PENSIUNAN", *ALWAYS},
    components={"LANSIA": _since(FIRST_DAY, 365 * 18_000)},
    unit="person",
    considers="candidates",
    regions=("35.10",),
)
SHIPPED = {rules.code: rules for rules in (PKH, BPNT, BLT_KESRA, BLT_DANA_DESA, PBI_JK, PIP, RANTANG_KASIH)}

# Invented ones, for what no shipped programme does; their files are in `invented.py`. Their gate is never a decile.
TRY_MOTHERS = Rules(
    code="try-mothers",
    refusals={"MENINGGAL"},
    components={"AUD": _since(FIRST_DAY, 2000), "DISABILITAS": _since(FIRST_DAY, 2000), "HAMIL": _since(FIRST_DAY, 1001)},
    unit="person",
    considers="candidates",
    decile_gate_from=date.max,
    paid_in=(2, 4),
)
TRY_MEALS = Rules(
    code="try-meals",
    refusals={"MENINGGAL"},
    amount=_since(FIRST_DAY, 1000),
    unit="person",
    decile_gate_from=date.max,
    excluded_by=("pip", "bpnt", "try-mothers"),
)
TRY_CARDS = Rules(
    code="try-cards",
    refusals={"MENINGGAL"},
    amount=_since(FIRST_DAY, 7),
    decile_gate_from=date.max,
    excluded_by=("try-meals", "pbi-jk"),
)
INVENTED = {rules.code: rules for rules in (TRY_MOTHERS, TRY_MEALS, TRY_CARDS)}
PROGRAMMES = SHIPPED | INVENTED
