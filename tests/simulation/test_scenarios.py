"""What a scenario may say, in YAML and on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from perlinsos.errors import WrongUsage
from perlinsos.simulation.scenarios import parse_scenario, read_scenarios


def test_a_text_says_everything_a_file_can(tmp_path: Path) -> None:
    (tmp_path / "scenarios.yaml").write_text(
        "scenarios:\n- name: one\n  set: {pkh.max_decile: '3'}\n  quota: {pkh: 1000, bpnt: null}\n"
        f"  amounts: {{pkh.AUD: 3600000}}\n  programmes: [{tmp_path}/draft]\n  scope: registrants\n"
    )
    text = f"one:pkh.max_decile=3,quota.pkh=1000,quota.bpnt=none,amount.pkh.AUD=3600000,draft={tmp_path}/draft,scope=registrants"
    assert read_scenarios(tmp_path / "scenarios.yaml", []) == [parse_scenario(text)]


def test_drafts_of_a_file_lie_beside_it(tmp_path: Path) -> None:
    (tmp_path / "scenarios.yaml").write_text("scenarios:\n- name: one\n  programmes: [drafts/pkh]\n")
    assert read_scenarios(tmp_path / "scenarios.yaml", [])[0].programmes == (tmp_path / "drafts" / "pkh",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":pkh.max_decile=3",
        "a b:x=1",
        "a:pkh.max_decile",
        "a:quota.pkh=-1",
        "a:quota.pkh=many",
        "a:scope=all",
        "a:amount.bpnt=1.5",
    ],
)
def test_a_malformed_text_is_wrong_usage(text: str) -> None:
    with pytest.raises(WrongUsage):
        parse_scenario(text)


@pytest.mark.parametrize("texts", [[], ["a:x=1", "a:x=2"], ["base:x=1"]])
def test_names_are_there_once_and_none_is_the_base(texts: list[str]) -> None:
    with pytest.raises(WrongUsage):
        read_scenarios(None, texts)


@pytest.mark.parametrize("text", ["scenarios: []", "scenarios:\n- name: a\n  limits: {}", "other: 1"])
def test_a_malformed_file_is_wrong_usage(tmp_path: Path, text: str) -> None:
    (tmp_path / "scenarios.yaml").write_text(text)
    with pytest.raises(WrongUsage):
        read_scenarios(tmp_path / "scenarios.yaml", [])
