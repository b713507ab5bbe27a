"""The programme files of the invented programmes (their rules: `programmes.py`)."""

from __future__ import annotations

from typing import Any

SAID = {"legal_basis": "invented", "source": "invented", "checked_on": "2026-01-01"}


def _dated(value: Any) -> list[dict[str, Any]]:
    return [{"from": "2020-01-01", "value": value, **SAID}]


def _component(amount: int, *who: dict[str, Any]) -> dict[str, Any]:
    texts = {"name": {"id": "uji", "en": "test"}, "category": {"id": "kesehatan", "en": "health"}, "is_sensitive": False}
    return {**texts, "who": list(who), "amount_year_idr": _dated(amount)}


EVERYWHERE: dict[str, Any] = {
    "name": {"id": "Uji", "en": "Test"},
    "gate": _dated("welfare_list"),
    "parameters": {},
    "exclusions": {"MENINGGAL": {"who": {"attribute": "living_members", "max": 0}, **SAID}},
}
PREGNANT = _component(1001, {"attribute": "sex", "is": "P"}, {"attribute": "is_pregnant", "is": True}) | {
    "not_counted": [
        {"code": "NOMOR_KEHAMILAN_KOSONG", "when": {"attribute": "has_pregnancy_number", "is": False}},
        {"code": "KEHAMILAN_KE_3", "when": {"attribute": "pregnancy_number", "above": {"parameter": "pregnancy_max_number"}}},
    ]
}
INVENTED_FILES: list[dict[str, Any]] = [
    EVERYWHERE
    | {
        "programme": "try-mothers",
        "unit": "person",
        "considered": "candidates",
        "paid_in": _dated(["T2", "T4"]),
        "parameters": {"pregnancy_max_number": {"kind": "number", "values": _dated(2)}},
        "components": {
            "AUD": _component(2000, {"attribute": "age", "max": 6}),
            "DISABILITAS": _component(2000, {"attribute": "disability", "is": "severe"}),
            "HAMIL": PREGNANT,
        },
    },
    EVERYWHERE
    | {
        "programme": "try-meals",
        "unit": "person",
        "considered": "members",
        "payments_per_year": 4,
        "person_amount_year_idr": _dated(1000),
        "excluded_by": _dated(["pip", "bpnt", "try-mothers"]),
    },
    EVERYWHERE
    | {
        "programme": "try-cards",
        "unit": "family",
        "payments_per_year": 4,
        "family_amount_year_idr": _dated(7),
        "excluded_by": _dated(["try-meals", "pbi-jk"]),
    },
]
