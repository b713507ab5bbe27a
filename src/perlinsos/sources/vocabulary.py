"""The closed words of the input datasets (contracts.md, "Input datasets") and what kind of cell each column holds."""

from __future__ import annotations

from perlinsos.model.datasets import Column

SIGNAL_CODES = [
    "ASN",
    "TNI_POLRI",
    "PENSIUNAN",
    "UPAH_APBN_APBD",
    "PERANGKAT_DESA",
    "BUMN_BUMD",
    "GURU_SERTIFIKASI",
    "TENAGA_KESEHATAN",
    "SDM_KESOS",
    "PENGURUS_PERUSAHAAN",
    "WAGE",
    "ELECTRICITY",
    "CAR",
    "LAND",
    "BALANCE",
    "GAMBLING",
    "ENROLLED",
    "PREGNANT",
    "RIGHTS_VICTIM",
]
NUMBER_SIGNALS = ("WAGE", "ELECTRICITY", "CAR", "LAND", "BALANCE", "PREGNANT")
"""Signal codes whose value is a whole number."""

WORDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("population", "sex"): ("L", "P"),
    ("welfare_person", "sex"): ("L", "P"),
    ("population", "status"): ("active", "deceased", "moved"),
    ("welfare_person", "disability"): ("none", "mild", "severe"),
    ("welfare_person", "school_level"): ("SD", "SMP", "SMA"),
    ("signal", "code"): tuple(SIGNAL_CODES),
    ("registration", "channel"): ("portal", "agent", "village"),
    ("objection", "channel"): ("portal", "agent", "village"),
    ("verdict", "verdict"): ("upheld", "partly", "denied", "inadmissible", "withdrawn"),
}
"""Columns whose words are closed; compared without case and outer blanks."""

PATTERNS: dict[tuple[str, str], str] = {
    ("welfare_family", "dtsen_period"): "[0-9]{4}-Q[1-4]",
    ("verdict", "claim"): "[A-Z][A-Z0-9_]*",
    ("quota", "stage"): "[0-9]{4}-T[1-4]",
}
"""Columns whose form is fixed (upper case, without outer blanks)."""

CODE_NUMBERS = frozenset({"decile", "family_relation"})
"""Number columns that are codes: a word in them is `code_unknown`, not `value_type`."""

DECILE_NULL_WORDS = ("0", "-", "BELUM DIPERINGKAT")
NULL_WORDS_NEVER = frozenset({"name"})
ID_COLUMNS = frozenset({"nik", "no_kk", "filed_by_nik"})
PLACE_COLUMNS = ("region_code", "district_code", "village_code")


def cell_kind(dataset: str, column: Column) -> str:
    """How a column's cells are read: id, place, word, form, text, int64, date, timestamp, bool, list or signal_value."""
    if column.name in ID_COLUMNS:
        return "id"
    if column.name in PLACE_COLUMNS:
        return "place"
    if (dataset, column.name) == ("signal", "value"):
        return "signal_value"
    if (dataset, column.name) in WORDS:
        return "word"
    if (dataset, column.name) in PATTERNS:
        return "form"
    return {"list<text>": "list"}.get(column.kind, column.kind)
