"""A small determination of invented families, a ledger that asks for its publication, and keys to sign with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ledger.conftest import make_cycle, make_region
from perlinsos.context import Context, open_context
from perlinsos.ledger import records
from perlinsos.ledger.connection import call, transaction
from perlinsos.ledger.input_sets import make_input_set
from perlinsos.model.datasets import RESULT_TABLES
from perlinsos.operations import consumers
from perlinsos.publication.canonical import list_digest
from perlinsos.publication.files import arrow_schema, write_parquet
from perlinsos.publication.keys import ensure_keys
from perlinsos.settings import Settings

AT = datetime(2026, 1, 2, tzinfo=UTC)
KEY = "35.10|2026-T1"
PROGRAMMES = ("bpnt", "pkh")
STAGES = ("2026-T1", "2025-T4")
OUTCOMES = ("LAYAK", "TIDAK_LAYAK", "ANTREAN", "TUNDA")
REASONS = {
    "LAYAK": [],
    "TIDAK_LAYAK": ["DAYA_LISTRIK", "DESIL_DI_ATAS_BATAS"],
    "ANTREAN": ["DI_LUAR_KUOTA"],
    "TUNDA": ["BELUM_ADA_DESIL"],
}
RULES = "5" * 64


def card(number: int) -> str:
    return f"351016010126{7000 + number:04d}"


def decide(programme: str, number: int, stage: str = "2026-T1") -> dict[str, Any]:
    outcome = OUTCOMES[number % 4]
    amount = 2_400_000 if outcome in {"LAYAK", "ANTREAN"} else 0
    paid = amount if outcome == "LAYAK" else 0
    row: dict[str, Any] = {column.name: None for column in RESULT_TABLES["decisions"].columns}
    return row | {
        "programme": programme, "stage": stage, "as_of": date(2026, 1, 1), "region_code": "35.10",
        "district_code": "35.10.16", "village_code": "35.10.16.1014", "unit": "family", "no_kk": card(number),
        "outcome": outcome, "reasons": REASONS[outcome], "warnings": ["KK_GANDA"] if number % 3 == 0 else [],
        "amount_year_idr": paid, "amount_stage_idr": paid // 4, "eligible_amount_year_idr": amount,
        "decile": 1 + number % 4, "national_rank": number, "rank": number + 1 if amount else None,
        "queue_position": 1 if outcome == "ANTREAN" else None, "family_size": 3, "head_nik": card(number + 500),
    }  # fmt: skip


def make_tables(families: int, stage: str = "2026-T1") -> dict[str, pa.Table]:
    cards = range(families)
    rows: dict[str, list[dict[str, Any]]] = {
        "decisions": [decide(programme, number, stage) for programme in PROGRAMMES for number in cards],
        "components": [
            {"programme": "pkh", "no_kk": card(number), "nik": card(number + 500), "component": "SD", "amount_year_idr": 900_000,
             "is_counted": True} for number in cards
        ],
        "findings": [
            {"programme": programme, "no_kk": card(number), "code": "DAYA_LISTRIK", "source": "pln", "observed_value": "2200",
             "limit_value": "2200", "legal_basis": "test"} for programme in PROGRAMMES for number in cards if number % 4 == 1
        ],
        "not_decided": [
            {"no_kk": card(families), "kind": "ELSEWHERE", "region_code": "35.09"},
            {"no_kk": card(families + 1), "kind": "PINDAH"},
        ],
    }  # fmt: skip
    return {name: pa.Table.from_pylist(found, arrow_schema(RESULT_TABLES[name])) for name, found in rows.items()}


def make_determination(
    folder: Path, families: int = 23, *, simulation_only: bool = False, stage: str = "2026-T1"
) -> dict[str, Any]:
    """Write what `determine` writes; gives the summary."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = make_tables(families, stage)
    for name, rows in tables.items():
        write_parquet(rows, RESULT_TABLES[name], folder / f"{name}.parquet")
    summary = {
        "region": "35.10", "stage": stage, "as_of": "2026-01-01", "scope": "population", "settings": {},
        "simulation_only": True, "rules_digest": RULES, "engine": "duckdb", "versions": {}, "inputs": [],
        "funnel": {"families_seen": families + 2, "elsewhere": 1, "PINDAH": 1, "TIDAK_MENDAFTAR": 0, "decided": families},
        "programmes": {
            programme: {"rules_digest": RULES, "list_digest": list_digest(programme, RULES, tables), "quota": 6,
                        "simulation_only": simulation_only}
            for programme in PROGRAMMES
        },
    }  # fmt: skip
    (folder / "summary.json").write_text(json.dumps(summary))
    return summary


@pytest.fixture
def keys(settings: Settings) -> Path:
    """The public key; the signing key is there too, and one consumer with its token key."""
    add_consumer(settings, "kemensos-demo", "programme_owner")
    return ensure_keys(settings)


def add_consumer(settings: Settings, name: str, profile: str, **scope: list[str]) -> dict[str, Any]:
    """Register a consumer as the command does."""
    path = settings.home / f"consumer-{name}.yaml"
    path.write_text(json.dumps({"consumer": name, "name": "test", "profile": profile, "legal_basis": "test", **scope}))
    return consumers.add(open_context(settings, AT), path)


@pytest.fixture
def cycle(settings: Settings) -> str:
    with transaction(settings, "registrar") as connection:
        records.add_region(connection, make_region())
        for stage in STAGES:
            records.add_cycle(connection, make_cycle(stage=stage))
    with transaction(settings, "decider") as connection:
        for list_id in (f"{stage}/35.10/{programme}" for stage in STAGES for programme in PROGRAMMES):
            call(connection, "move_list", [list_id, "collecting", "test", AT])
    return "2026-T1/35.10"


@pytest.fixture
def determined(settings: Settings, cycle: str, keys: Path, tmp_path: Path) -> Callable[..., str]:
    """Freezes an input set, asks for work on it and leaves its determination in the store; the input set's digest."""

    def do(
        families: int = 23, programmes: tuple[str, ...] = ("pkh",), status: str = "provisional", stage: str = "2026-T1"
    ) -> str:
        quotas = [{"programme": programme, "quota": 6, "decree_id": "SK-TEST-1"} for programme in programmes]
        frozen = make_input_set(
            {"stage": stage, "families": families, "status": status, "batches": [], "repairs": [], "quotas": quotas}
        )
        digest, content = frozen.digest, frozen.text
        with transaction(settings, "decider") as connection:
            call(connection, "freeze_input_set", [f"{stage}/35.10", digest, content, "7" * 64, "test", AT])
            call(connection, "require_work", ["determine", f"{stage}/35.10", digest, dict.fromkeys(programmes, status)])
        ctx = open_context(settings, AT)
        for bucket in (settings.buckets.work, settings.buckets.published):
            ctx.storage.make_bucket(bucket)
        made = tmp_path / f"determined-{stage}-{families}-{status}"
        make_determination(made, families, simulation_only=status == "simulation", stage=stage)
        for path in sorted(made.iterdir()):
            ctx.storage.put_new(settings.buckets.work, f"determinations/{digest}/{path.name}", path)
        return digest

    return do


@pytest.fixture
def context(settings: Settings) -> Callable[..., Context]:
    """A publisher's context under a name of its own. Leases end at once, so that another one need not wait."""

    def make(holder: str = "run-1", lease_seconds: int = 0) -> Context:
        return open_context(replace(settings, lease_seconds=lease_seconds), AT, holder=holder)

    return make
