"""`snapshot diff` of folders: totals, causes and outcomes that add up; and rules that hold as on another day."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from perlinsos.commands.snapshot import app
from perlinsos.engine import open_engine
from perlinsos.errors import Refused
from perlinsos.publication.differences import compare_lists, read_totals, total_changes
from perlinsos.recipients.rules import resolve
from perlinsos.settings import load_settings
from perlinsos.simulation.rule_folders import hold_on
from rules.small_region import Region, decide


def region_of(rows: list[tuple[int | None, int, int]], quota: int) -> Region:
    """One family a row: decile, national rank, and what happens to it: 0 nothing, 1 power, 2 held, 3 moved away, 4 dead."""
    region = Region()
    for number, (decile, rank, event) in enumerate(rows, 1):
        card, _ = region.family(number, decile=decile, national_rank=rank, electricity_va=3500 if event == 1 else 450)
        if event == 2:
            region.add("quarantined", dataset="population", source="dukcapil", nik=None, no_kk=card)
        if event == 3:
            region.rows["population"][-1] |= {
                "region_code": "35.09",
                "district_code": "35.09.01",
                "village_code": "35.09.01.2001",
            }
        if event == 4:
            region.rows["population"][-1] |= {"status": "deceased", "status_date": "2025-11-01"}
    region.family(90)
    region.add("quota", region_code="35.10", programme="pkh", stage="2026-T1", quota=quota, decree_id="SK")
    return region


FAMILY = st.tuples(st.one_of(st.none(), st.integers(1, 6)), st.integers(1, 3), st.integers(0, 4))


@settings(max_examples=20, deadline=None)
@given(
    before=st.lists(FAMILY, max_size=5),
    after=st.lists(FAMILY, max_size=5),
    quotas=st.tuples(st.integers(0, 4), st.integers(0, 4)),
)
def test_every_change_has_one_cause_and_the_parts_sum_to_the_difference(
    tmp_path_factory: pytest.TempPathFactory,
    before: list[tuple[int | None, int, int]],
    after: list[tuple[int | None, int, int]],
    quotas: tuple[int, int],
) -> None:
    folder = tmp_path_factory.mktemp("lists")
    decide(region_of(before, quotas[0]), folder / "a")
    decide(region_of(after, quotas[1]), folder / "b", set_values={"pkh.max_decile": 3})
    with open_engine() as connection:
        compare_lists(connection, folder / "a/out", folder / "b/out")
        parts = total_changes(connection)
        old, new = read_totals(connection, "before"), read_totals(connection, "after")
    for programme in ("bpnt", "pkh"):
        own = [part for part in parts if part.programme == programme]
        for outcome in ("LAYAK", "ANTREAN", "TIDAK_LAYAK", "TUNDA"):
            units = [side.get(programme, {}).get(outcome, {"units": 0})["units"] for side in (old, new)]
            come = sum(part.units for part in own if part.outcome_after == outcome)
            gone = sum(part.units for part in own if part.outcome_before == outcome)
            assert come - gone == units[1] - units[0]
        rupiah = [sum(row["stage_idr"] for row in side.get(programme, {}).values()) for side in (old, new)]
        assert sum(part.delta_stage_idr for part in own) == rupiah[1] - rupiah[0]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    decide(region_of([(1, 1, 0), (2, 2, 0), (4, 3, 0)], 5), tmp_path / "a")
    decide(region_of([(1, 1, 1), (2, 2, 0), (4, 3, 0)], 1), tmp_path / "b", set_values={"pkh.max_decile": 3})
    return tmp_path / "a/out", tmp_path / "b/out"


def test_the_command_shows_sums_that_add_up(folders: tuple[Path, Path]) -> None:
    done = CliRunner().invoke(app, ["diff", *map(str, folders), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert {row["cause"] for row in found["causes"] if row["programme"] == "pkh"} == {"DATA", "QUOTA", "RULE"}
    totals = found["totals"]["pkh"]
    assert totals["difference"]["stage_idr"] == totals["sum_of_causes"]["stage_idr"] < 0
    assert totals["after"]["LAYAK"] == 1
    table = CliRunner().invoke(app, ["diff", *map(str, folders)])
    assert all(word in table.stdout for word in ("QUOTA", "RULE", "sum", "after − before"))


@pytest.mark.parametrize(("arguments", "code"), [(["nowhere", "nowhere"], 2), (["2026-T1/35.10/pkh/r1", "2026-T1/35.10/pkh"], 1)])
def test_what_is_not_there_is_named(arguments: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERLINSOS_S3_ENDPOINT", tmp_path.as_uri())
    done = CliRunner().invoke(app, ["diff", *arguments])
    assert done.exception is not None and getattr(done.exception, "exit_code", None) == code


def test_a_consumers_folder_cannot_be_compared(folders: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "consumer").mkdir()
    done = CliRunner().invoke(app, ["diff", str(folders[0]), str(tmp_path / "consumer")])
    assert isinstance(done.exception, Refused)


@pytest.mark.parametrize("day", [date(2020, 1, 1), date(2023, 10, 1), date(2025, 1, 1), date(2026, 1, 1)])
def test_rules_of_a_day_can_be_held_on_another(tmp_path: Path, day: date) -> None:
    programmes = load_settings().folder("programmes")
    held = hold_on(programmes, day, tmp_path / "held")
    then = resolve(programmes, ["bpnt", "pkh"], day, "population", {}, {})
    now = resolve(held, ["bpnt", "pkh"], date(2026, 4, 1), "population", {}, {})
    assert now.digest == then.digest
