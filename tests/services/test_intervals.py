"""The intervals of a start hold until somebody says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from perlinsos.operations.services.airflow_config import environment
from perlinsos.operations.services.home import Home
from perlinsos.settings import Settings

NAME = "PERLINSOS_PULL_SECONDS"


def test_a_start_without_a_word_keeps_the_intervals_of_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, settings = Home(tmp_path), Settings(tmp_path, tmp_path)
    monkeypatch.setenv(NAME, "5")
    assert environment(home, settings)[NAME] == "5"
    monkeypatch.delenv(NAME)
    assert environment(home, settings)[NAME] == "5"
    monkeypatch.setenv(NAME, "900")
    assert environment(home, settings)[NAME] == "900"
    monkeypatch.setenv(NAME, "")
    assert NAME not in environment(home, settings)
    monkeypatch.delenv(NAME)
    assert NAME not in environment(home, settings)
