"""The product decides every nasty population row for row as the independent referee does (promise P2).

60 families a population. PERLINSOS_ORACLE_POPULATIONS says how many (default 30 = 1,800 families; `make test-oracle`: 2,000),
PERLINSOS_ORACLE_FIRST_SEED where to begin.
"""

import json
import os

import pytest

from oracle.families import generate
from oracle.worlds import write
from perlinsos.model.programmes import load_programme
from properties.disagreements import FORMS, TABLES, ask_command, ask_product, ask_referee, differences, explain
from rules.what_cases_show import PROGRAMMES, codes_of

FIRST = int(os.environ.get("PERLINSOS_ORACLE_FIRST_SEED", "0"))
COUNT = int(os.environ.get("PERLINSOS_ORACLE_POPULATIONS", "30"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_product_agrees_with_the_rules(seed):
    population = generate(seed)
    lines = differences(population, FORMS[seed % len(FORMS)])
    assert not lines, explain(population, lines)


def test_populations_hit_every_code(tmp_path):
    """Every code that the programmes can give and every outcome, over the populations above (the referee's answers)."""
    wanted = {"LAYAK", "ANTREAN", "TIDAK_LAYAK", "TUNDA"}
    wanted = wanted.union(*(codes_of(load_programme(PROGRAMMES / code / "programme.yaml")) for code in ("pkh", "bpnt")))
    seen = set()
    for seed in range(FIRST, FIRST + COUNT):
        seen |= _codes(generate(seed), tmp_path / str(seed))
    assert wanted - seen == set()


def _codes(population, folder):
    """Everything that the referee says of a population; nothing where it refuses."""
    answer = ask_referee(write(folder, population.data), population) or {name: [] for name in TABLES}
    said = {word for row in answer["decisions"] for word in (row["outcome"], *row["reasons"], *row["warnings"])}
    said |= {row["not_counted_reason"] for row in answer["components"]}
    return said | {row["kind"] for row in answer["not_decided"]}


@pytest.mark.parametrize("seed", [3, 4])
def test_command_line_agrees_with_the_rules(seed, tmp_path):
    population = generate(seed)
    inputs = write(tmp_path / "inputs", population.data, "csv")
    done = ask_command(inputs, tmp_path / "out", population)
    expected = ask_referee(inputs, population)
    if expected is None:
        assert done.returncode == 1
        return
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["funnel"]["decided"] == expected["funnel"]["decided"]
    assert ask_product(inputs, tmp_path / "again", population) == expected
    for name in TABLES:
        assert (tmp_path / "out" / f"{name}.parquet").read_bytes() == (tmp_path / "again" / f"{name}.parquet").read_bytes()
