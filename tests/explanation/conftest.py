"""Asks for answers about small determinations of invented people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perlinsos.explanation.answer import explain
from perlinsos.explanation.evidence import Office, open_folder

Answer = dict[str, Any]
Ask = Callable[..., Answer]
OFFICE = {"name": "Posko Contoh", "address": "Jalan Contoh 70", "hours": "Senin–Jumat 08.00–15.00", "telephone": "0333-000-7010"}


def ask(place: Path, number: str, language: str = "id", *, has_inputs: bool = True, office: Office | None = OFFICE) -> Answer:
    """The answer about a number from `place/out` and `place/inputs`."""
    with open_folder(place / "out", place / "inputs" if has_inputs else None, office=office) as evidence:
        return explain(evidence, number, language)


def of_programme(answer: Answer, code: str) -> Answer:
    """The part of the one decided family about a programme."""
    (family,) = [family for family in answer["families"] if family["kind"] == "decided"]
    (found,) = [part for part in family["programmes"] if part["programme"] == code]
    return dict(found)


def kinds(answer: Answer) -> list[str]:
    """The kinds of an answer's parts."""
    return [str(family["kind"]) for family in answer["families"]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for one determination of a test module."""
    return tmp_path_factory.mktemp("explanation")
