"""What stands in the findings that a consumer gets: facts and limits, no text of an agency that may name a person."""

from __future__ import annotations

import pyarrow as pa

from perlinsos.model.datasets import RESULT_TABLES
from perlinsos.publication.files import arrow_schema
from perlinsos.publication.recipients import make_evidence
from perlinsos.publication.schema import find_profile
from perlinsos.publication.tokens import TokenKey

from .conftest import card


def test_findings_hold_facts_and_never_what_an_agency_wrote_about_a_person() -> None:
    number = card(1)
    marked = f"{number[:6]}-{number[6:12]} {number[12:]}"
    ours = {"DATA_DIKARANTINA": "population", "PENERIMA_PROGRAM_LAIN": "blt-desa"}
    told = [
        ("DAYA_LISTRIK", "pln", "2200", "2200"), ("DAYA_LISTRIK", "pln", number, "2200"),
        ("DAYA_LISTRIK", marked, "3500", marked),
        ("ASN", "bkn", "true", None), ("ASN", "bkn", f"SITI {marked}", None), ("ASN", "bkn", "SITI", None),
        ("ASN", "bkn", None, None), *((code, "perlinsos", value, None) for code, value in ours.items()),
    ]  # fmt: skip
    names = ("code", "source", "observed_value", "limit_value")
    rows = [{"programme": "pkh", "no_kk": card(2), **dict(zip(names, one, strict=True))} for one in told]
    findings = pa.Table.from_pylist(rows, arrow_schema(RESULT_TABLES["findings"]))
    made = make_evidence(
        "2026-T1/35.10/pkh", "findings", findings, find_profile("auditor"), TokenKey("ABCD", b"k" * 32)
    ).to_pylist()
    assert sorted([tuple(row[name] for name in names) for row in made], key=str) == sorted(
        [
            ("DAYA_LISTRIK", "pln", "2200", "2200"), ("DAYA_LISTRIK", "pln", None, "2200"), ("DAYA_LISTRIK", None, "3500", None),
            ("ASN", "bkn", "true", None), ("ASN", "bkn", "true", None), ("ASN", "bkn", "true", None), ("ASN", "bkn", None, None),
            *((code, "perlinsos", value, None) for code, value in ours.items()),
        ],
        key=str,
    )  # fmt: skip
