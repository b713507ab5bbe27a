"""The parameters of the rules by name, with the day each value is in force from (rules, "Parameters by name")."""

from __future__ import annotations

from datetime import date
from typing import Any

FIRST_DAY = date(2020, 1, 1)
NEW_RULES = date(2024, 1, 1)
DECILE_GATE_FROM = date(2025, 4, 1)
HAM_FROM = date(2024, 1, 1)

PRIORITY = ["HAM", "AUD", "SD", "SMP", "SMA", "DISABILITAS", "LANSIA", "HAMIL"]
CHILDREN = ("AUD", "SD", "SMP", "SMA")
LEVELS = ("SD", "SMP", "SMA")
AUD_MAX_AGE = 6
SCHOOL_AGE = range(6, 22)

# code of the signal -> code of the refusal
EMPLOYMENT = {
    "ASN": "ANGGOTA_ASN",
    "TNI_POLRI": "ANGGOTA_TNI_POLRI",
    "PENSIUNAN": "ANGGOTA_PENSIUNAN",
    "BUMN_BUMD": "PEGAWAI_BUMN_BUMD",
    "UPAH_APBN_APBD": "UPAH_APBN_APBD",
    "PERANGKAT_DESA": "PERANGKAT_DESA",
    "GURU_SERTIFIKASI": "GURU_SERTIFIKASI",
    "TENAGA_KESEHATAN": "TENAGA_KESEHATAN",
    "SDM_KESOS": "SDM_KESOS",
    "PENGURUS_PERUSAHAAN": "PENGURUS_PERUSAHAAN",
}
NUMBERS = ("WAGE", "ELECTRICITY", "CAR", "LAND", "BALANCE", "PREGNANT")
EMPTY_IS_NO_SIGNAL = ("WAGE", "ELECTRICITY", "LAND", "BALANCE")
KNOWN_CODES = (*EMPLOYMENT, *NUMBERS, "GAMBLING", "ENROLLED", "RIGHTS_VICTIM")

DATED: dict[str, list[tuple[date, Any]]] = {
    "pkh.selection": [(FIRST_DAY, "priority")],
    "pkh.max_members": [(FIRST_DAY, 4)],
    "pkh.max_children": [(FIRST_DAY, None), (NEW_RULES, 3)],
    "pkh.max_early_childhood": [(FIRST_DAY, 2)],
    "pkh.max_elderly": [(FIRST_DAY, 1), (NEW_RULES, None)],
    "pkh.max_disability": [(FIRST_DAY, 1), (NEW_RULES, None)],
    "pkh.elderly_min_age": [(FIRST_DAY, 70), (NEW_RULES, 60)],
    "pkh.pregnancy_max_number": [(FIRST_DAY, 2)],
    "pkh.max_decile": [(FIRST_DAY, 4)],
    "bpnt.max_decile": [(FIRST_DAY, 5)],
    "signal.PREGNANT.max_age_months": [(FIRST_DAY, 10)],
    "signal.ENROLLED.max_age_months": [(FIRST_DAY, 12)],
    "registration.window_days": [(FIRST_DAY, 0)],
    "quarantine.holds": [(FIRST_DAY, "yes")],
    "lottery_seed": [(FIRST_DAY, None)],
}
for _programme, _decile in (("blt-kesra", 4), ("pbi-jk", 5), ("pip", None), ("rantang-kasih", 4), ("blt-dana-desa", 1)):
    DATED[f"{_programme}.max_decile"] = [(FIRST_DAY, _decile)]
DATED["try-mothers.pregnancy_max_number"] = [(FIRST_DAY, 2)]
DATED["rantang-kasih.elderly_min_age"] = [(FIRST_DAY, 60)]
for _programme in ("pkh", "bpnt", "blt-kesra", "pbi-jk"):
    DATED[f"{_programme}.wage_reference"] = [(FIRST_DAY, "umk")]
for _programme in ("pkh", "bpnt", "blt-kesra"):
    DATED |= {f"{_programme}.electricity_min_va": [(FIRST_DAY, 2200)], f"{_programme}.car_min_count": [(FIRST_DAY, 1)]}
for _programme in ("pkh", "bpnt"):
    for _name in ("land_max_m2", "balance_max_idr", "gambling"):
        DATED[f"{_programme}.{_name}"] = [(FIRST_DAY, None)]

TEXTS = ("selection", "wage_reference", "gambling", "holds", "lottery_seed")


def resolve(as_of: date, chosen: dict[str, str]) -> dict[str, Any]:
    """The value of every parameter on `as_of`, with the chosen ones (texts as on the command line) put over them."""
    values = {name: [value for day, value in dated if day <= as_of][-1] for name, dated in DATED.items()}
    for name, text in chosen.items():
        if name not in DATED:
            raise KeyError(name)
        if name.rpartition(".")[2] in TEXTS:
            values[name] = None if text == "none" and name != "lottery_seed" else text
        else:
            values[name] = None if text == "none" else int(text)
    return values
