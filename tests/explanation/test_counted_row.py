"""Of a person's rows in the register the explanation takes the one that the determination takes."""

from __future__ import annotations

from datetime import date
from itertools import product
from pathlib import Path

from explanation.conftest import ask, kinds, of_programme
from perlinsos.engine import open_engine
from perlinsos.explanation.people import pick_winner, see
from perlinsos.model.reasons import load_reasons
from perlinsos.model.stages import Stage
from perlinsos.recipients.determine import READ, run_model
from perlinsos.recipients.inputs import open_inputs
from perlinsos.recipients.rule_tables import set_variables, write_rules
from perlinsos.recipients.rules import resolve
from perlinsos.settings import find_project
from rules.case_files import REGION, card
from rules.small_region import Region, Row, decide

AS_OF = date(2026, 1, 1)
DAYS = (None, "2024-05-01", "2025-05-01", "2026-02-01")
KINDS = tuple(product(("active", "deceased", "moved"), DAYS))


def _pick_by_engine(region: Region, folder: Path) -> set[tuple[str, str, date | None, str]]:
    """NIK, status, day and card of the row of every person that the models keep."""
    project = find_project()
    rules = resolve(project / "programmes", ["pkh"], AS_OF, "population", {}, {})
    region.write(folder / "inputs")
    with open_engine(threads=1) as connection:
        open_inputs(connection, folder / "inputs", project / "reference", folder, registrants=False)
        write_rules(connection, rules, load_reasons(project / "programmes" / "reasons.yaml"))
        set_variables(connection, rules, REGION, Stage(2026, 1))
        for name in (*READ, "person_repeated"):
            run_model(connection, project / "sql" / "core" / f"{name}.sql")
        return {(str(nik), *rest, str(no_kk)) for nik, *rest, no_kk in connection.execute(
            "select nik, cast(status as varchar), status_date, no_kk from person"
        ).fetchall()}  # fmt: skip


def _pick_by_explanation(region: Region) -> set[tuple[str, str, date | None, str]]:
    people: dict[str, list[Row]] = {}
    for row in region.rows["population"]:
        people.setdefault(row["nik"], [])
        if there := see(row, AS_OF):
            people[row["nik"]].append(there)
    picked = {nik: pick_winner(rows) for nik, rows in people.items() if rows}
    return {(nik, row["status"], row["status_date"], row["no_kk"]) for nik, row in picked.items()}


def test_every_two_and_three_rows_of_a_person(tmp_path: Path) -> None:
    region = Region()
    region.welfare(card(1))
    for number, rows in enumerate((*product(KINDS, repeat=2), *product(KINDS, repeat=3))):
        region.serial = 7000 + number
        nik = region.person(card(1), "1950-01-01", status=rows[0][0], status_date=rows[0][1])
        for place, (status, day) in enumerate(rows[1:], start=2):
            region.person(card(place), "1950-01-01", status=status, status_date=day, nik=nik)
    expected = _pick_by_engine(region, tmp_path)
    assert len(expected) > 1800
    assert _pick_by_explanation(region) == expected


def test_an_undated_death_is_told_before_a_dated_one(tmp_path: Path) -> None:
    region = Region()
    no_kk, _ = region.family(1)
    nik = region.person(no_kk, "1950-01-01", relation=2, status="deceased")
    region.person(region.family(2)[0], "1950-01-01", relation=2, status="deceased", status_date="2025-03-04", nik=nik)
    decide(region, tmp_path)
    answer = ask(tmp_path, nik)
    assert kinds(answer) == ["person_deceased", "decided"]
    assert "4 Maret 2025" not in answer["families"][0]["text"]
    assert of_programme(answer, "pkh") == of_programme(ask(tmp_path, no_kk), "pkh")
