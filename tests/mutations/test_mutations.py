"""Each one-line fault of mutations.yaml, made in a copy of the project, turns its case or population red."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, ConfigDict

from oracle.families import generate
from properties.disagreements import differences
from rules.case_answers import decide, difference
from rules.case_files import Plan, plans

PROJECT = Path(__file__).resolve().parents[2]


class Mutation(BaseModel):
    """One fault, and what must notice it: a case (`programme: title`) or seeds of random populations."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    file: str
    old: str
    new: str
    case: str | None = None
    seeds: tuple[int, ...] = ()


MUTATIONS = [Mutation(**row) for row in yaml.safe_load((Path(__file__).parent / "mutations.yaml").read_text(encoding="utf-8"))]
by_name = pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose rules and models may be changed; the determination reads this one."""
    for name in ("programmes", "sql"):
        shutil.copytree(PROJECT / name, tmp_path / "project" / name)
    (tmp_path / "project" / "reference").symlink_to(PROJECT / "reference")
    monkeypatch.setenv("PERLINSOS_PROJECT", str(tmp_path / "project"))
    return tmp_path / "project"


def _find_case(case: str) -> tuple[Plan, int]:
    """The run that has the case, and its place there."""
    programme, _, title = case.partition(": ")
    found = [
        (plan, number)
        for plan in plans(PROJECT / "programmes" / programme / "cases.yaml")
        for number, one in enumerate(plan.run.cases)
        if one.title == title
    ]
    assert len(found) == 1, f"{case} is the title of {len(found)} cases"
    return found[0]


def _notices_by_case(case: str) -> bool:
    plan, number = _find_case(case)
    decided = decide(plan)
    assert decided.error is None, "a fault that stops the run needs no case"
    expected, found = difference(decided, number)
    return expected != found


def _is_noticed(mutation: Mutation) -> bool:
    if mutation.case is not None:
        return _notices_by_case(mutation.case)
    return any(differences(generate(seed)) for seed in mutation.seeds)


@by_name
def test_a_fault_is_noticed(mutation: Mutation, copy: Path) -> None:
    path = copy / mutation.file
    text = path.read_text(encoding="utf-8")
    assert text.count(mutation.old) == 1, "the text that is changed must stand exactly once"
    assert "\n" not in mutation.old + mutation.new
    path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
    assert _is_noticed(mutation)


def test_the_unchanged_copy_is_not_noticed(copy: Path) -> None:
    """The copy itself is sound; that every case and population holds in the project is tested where they stand."""
    assert not _notices_by_case(str(MUTATIONS[0].case))
    assert not differences(generate(0))


def test_there_are_twenty_and_they_are_different() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 20
