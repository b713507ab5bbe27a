"""Sources of a few columns, and deliveries of invented people (serials from 7000) in CSV."""

from __future__ import annotations

import csv
import io

BASIS = """
legal_basis:
  - {act: "UU rekaan 7", agreement: "PKS 7001", valid_from: 2020-01-01, valid_until: 2030-12-31, purpose: uji,
     retention_months: 24}
"""
SOURCES = {
    "test-population": "dataset: population\nscope: region\ncoverage: full\n",
    "test-family": "dataset: welfare_family\nscope: region\ncoverage: full\n",
    "test-person": "dataset: welfare_person\nscope: region\ncoverage: full\n",
    "test-signal": "dataset: signal\nscope: national\ncoverage: full\n",
    "test-delta": "dataset: signal\nscope: region\ncoverage: delta\n",
}
REQUIRED = [{"source": name, "max_age_days": 100} for name in ("test-population", "test-family", "test-person", "test-signal")]
MAY_BE_SILENT = [*REQUIRED[:3], REQUIRED[3] | {"may_name_nobody": True}]
SHARES = "shares: {max_percent: 60, min_rows: 10}\nagency: Lembaga Uji\n"


def write_sources(folder):
    """Put the test sources beside the real ones."""
    for name, text in SOURCES.items():
        (folder / f"{name}.yaml").write_text(f"source: {name}\n{text}{SHARES}{BASIS}")


def nik(number, region="351016"):
    """An invented woman's NIK, born on 1 January 1990."""
    return f"{region}410190{7000 + number}"


def card(number, region="351016"):
    """An invented No KK."""
    return f"{region}010120{7000 + number}"


def person(number, card_number=None, region="35.10", **changed):
    """A row of the register: a woman who heads her card."""
    digits = f"{region.replace('.', '')}16"
    row = {
        "nik": nik(number, digits), "no_kk": card(number if card_number is None else card_number, digits), "sex": "P",
        "birth_date": "1990-01-01", "family_relation": 1, "region_code": region, "district_code": f"{region}.16",
        "status": "active", "status_date": "",
    }  # fmt: skip
    return row | changed


def family(number, region="35.10", **changed):
    """A row of the welfare data: a family of the first decile."""
    row = {"no_kk": card(number, f"{region.replace('.', '')}16"), "dtsen_period": "2025-Q4", "decile": 1}
    row |= {"national_rank": 1000 + number, "region_code": region, "electricity_va": 450}
    return row | changed


def member(number, card_number=None, region="35.10", **changed):
    """A row of the welfare data about a person."""
    digits = f"{region.replace('.', '')}16"
    row = {"nik": nik(number, digits), "no_kk": card(number if card_number is None else card_number, digits)}
    row |= {"family_relation": 1, "disability": "none", "is_pregnant": "false", "pregnancy_number": 1}
    return row | changed


def signal(number, code="ASN", region="35.10", **changed):
    """A fact of an agency about a person."""
    row = {"nik": nik(number, f"{region.replace('.', '')}16"), "source": "UJI", "code": code, "value": "true"}
    return row | {"observed_on": "2025-12-01"} | changed


def as_csv(rows):
    """Strict CSV with the columns of the first row."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
