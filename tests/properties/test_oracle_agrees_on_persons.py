"""The product decides every programme as the independent referee does: persons, lone elderly, pupils, one family amount,
some months of a year, one regency, and programmes that exclude each other (promise P2).

40 families a population. PERLINSOS_ORACLE_POPULATIONS says how many (default 40), PERLINSOS_ORACLE_FIRST_SEED where to begin.
"""

import json
import os
import shutil
from collections import defaultdict

import pytest
import yaml

from oracle.all_programmes import generate_for_all, with_invented
from oracle.invented import INVENTED_FILES
from oracle.worlds import write
from perlinsos.model.programmes import load_programme
from properties.disagreements import FORMS, TABLES, ask_command, ask_product, ask_referee, differences, explain
from rules.what_cases_show import PROGRAMMES, codes_of

FIRST = int(os.environ.get("PERLINSOS_ORACLE_FIRST_SEED", "0"))
COUNT = int(os.environ.get("PERLINSOS_ORACLE_POPULATIONS", "40"))
SEEDS = range(FIRST, FIRST + COUNT)
ALL = ("blt-dana-desa", "blt-kesra", "bpnt", "pbi-jk", "pip", "pkh", "rantang-kasih")
PERSONS = ("pbi-jk", "pip", "rantang-kasih")


@pytest.mark.parametrize("seed", SEEDS)
def test_product_agrees_with_the_rules(seed):
    population = generate_for_all(seed)
    lines = differences(population, FORMS[seed % len(FORMS)])
    assert not lines, explain(population, lines, " all")


@pytest.fixture(scope="module")
def rules_folder(tmp_path_factory):
    """The shipped programmes and the invented ones."""
    folder = shutil.copytree(PROGRAMMES, tmp_path_factory.mktemp("rules") / "programmes")
    for programme in INVENTED_FILES:
        (folder / programme["programme"]).mkdir()
        (folder / programme["programme"] / "programme.yaml").write_text(yaml.safe_dump(programme))
    return folder


@pytest.mark.parametrize("seed", SEEDS[: max(8, COUNT // 5)])
def test_product_agrees_on_invented_programmes(seed, rules_folder):
    """Several components of a person, a payment with a remainder, and persons who exclude persons and cards."""
    population = with_invented(generate_for_all(seed))
    lines = differences(population, FORMS[seed % len(FORMS)], rules_folder=rules_folder)
    assert not lines, explain(population, lines, " all")


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What the referee says of the populations above, those left out that it refuses."""
    folder = tmp_path_factory.mktemp("referee")
    populations = {seed: generate_for_all(seed) for seed in SEEDS}
    said = [ask_referee(write(folder / str(seed), made.data), made) for seed, made in populations.items()]
    return [answer for answer in said if answer is not None]


def test_populations_hit_every_code(answers):
    """Every code that a programme can give, and of each programme every outcome, for its unit."""
    wanted = set().union(*(codes_of(load_programme(PROGRAMMES / code / "programme.yaml")) for code in ALL))
    seen, outcomes = set(), defaultdict(set)
    for answer in answers:
        for row in answer["decisions"]:
            outcomes[row["programme"]].add((row["unit"], row["outcome"]))
            seen |= {*row["reasons"], *row["warnings"]}
        seen |= {row["not_counted_reason"] for row in answer["components"]}
        seen |= {row["kind"] for row in answer["not_decided"]}
    assert wanted - seen == set()
    selected = {(code, "person" if code in PERSONS else "family", outcome) for code in ALL for outcome in ("LAYAK", "ANTREAN")}
    against = {(code, unit, outcome) for code, unit, _ in selected for outcome in ("TIDAK_LAYAK", "TUNDA")}
    nobody = {(code, "family", outcome) for code in PERSONS for outcome in ("TIDAK_LAYAK", "TUNDA")}
    assert {(code, *pair) for code, pairs in outcomes.items() for pair in pairs} == selected | against | nobody


def test_most_populations_are_decided(answers):
    assert len(answers) > 0.75 * COUNT


@pytest.mark.parametrize("seed", [22])
def test_command_line_agrees_with_the_rules(seed, tmp_path):
    population = generate_for_all(seed)
    inputs = write(tmp_path / "inputs", population.data, "csv")
    done = ask_command(inputs, tmp_path / "out", population)
    assert done.returncode == 0, done.stderr
    expected = ask_referee(inputs, population)
    assert json.loads(done.stdout)["funnel"]["decided"] == expected["funnel"]["decided"]
    assert ask_product(inputs, tmp_path / "again", population) == expected
    for name in TABLES:
        assert (tmp_path / "out" / f"{name}.parquet").read_bytes() == (tmp_path / "again" / f"{name}.parquet").read_bytes()
