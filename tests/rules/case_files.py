"""Turns the families of `programmes/*/cases.yaml` into the input files of a determination."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

REGION = "35.10"
DISTRICT = "35.10.16"
VILLAGE = "35.10.16.1001"


def nik(birth: date, sex: str, serial: int) -> str:
    """An invented NIK of Banyuwangi; serials of invented people are 7000 and more."""
    day = birth.day + (40 if sex == "P" else 0)
    return f"351016{day:02d}{birth:%m%y}{serial:04d}"


def card(number: int) -> str:
    """An invented No KK."""
    return f"351016010120{7000 + number:04d}"


def write_csv(path: Path, header: str, rows: list[dict[str, Any]]) -> None:
    """One CSV file; None is empty."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, header.split())
        writer.writeheader()
        writer.writerows(rows)


def write_families(folder: Path, families: list[dict[str, Any]], quota: dict[str, Any] | None = None) -> list[str]:
    """Write population, welfare_family, welfare_person, signal and quota for the families; return their No KK."""
    population, welfare, persons, signals, cards = [], [], [], [], []
    serial = 7000
    for number, family in enumerate(families):
        no_kk = card(number)
        cards.append(no_kk)
        rank = family.get("national_rank")
        welfare.append(
            {"no_kk": no_kk, "dtsen_period": "2025-Q4", "decile": family["decile"], "national_rank": rank,
             "region_code": REGION}
        )  # fmt: skip
        for member in family["members"]:
            serial += 1
            number_of_person = nik(member["birth_date"], member["sex"], serial)
            population.append(
                {"nik": number_of_person, "no_kk": no_kk, "sex": member["sex"], "birth_date": member["birth_date"],
                 "family_relation": member["relation"], "region_code": REGION, "district_code": DISTRICT,
                 "village_code": VILLAGE, "status": "active"}
            )  # fmt: skip
            persons.append(
                {"nik": number_of_person, "no_kk": no_kk, "family_relation": member["relation"],
                 "disability": member.get("disability")}
            )  # fmt: skip
            signals += [{"nik": number_of_person, **signal} for signal in _signals(member)]
    write_csv(
        folder / "population.csv",
        "nik no_kk sex birth_date family_relation region_code district_code village_code status", population,
    )  # fmt: skip
    write_csv(folder / "welfare_family.csv", "no_kk dtsen_period decile national_rank region_code", welfare)
    write_csv(folder / "welfare_person.csv", "nik no_kk family_relation disability", persons)
    write_csv(folder / "signal.csv", "nik source code value observed_on", signals)
    if quota:
        write_csv(folder / "quota.csv", "region_code programme stage quota decree_id", [quota])
    return cards


def _signals(member: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key, source, code in (
        ("enrolled", "DAPODIK", "ENROLLED"),
        ("wage_idr", "BPJS_TK", "WAGE"),
        ("pregnancy_number", "PUSKESMAS", "PREGNANT"),
    ):
        if key in member:
            yield {"source": source, "code": code, "value": member[key], "observed_on": date(2025, 12, 1)}
