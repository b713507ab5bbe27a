"""The product decides every nasty population row for row as the independent referee does (promise P2).

60 families a population. PERLINSOS_ORACLE_POPULATIONS says how many (default 25 = 1,500 families; 2000 for a long run),
PERLINSOS_ORACLE_FIRST_SEED where to begin.
"""

import json
import os
import subprocess
import sys

import pytest

from oracle.families import generate
from oracle.worlds import write
from properties.disagreements import FORMS, TABLES, ask_product, ask_referee, differences, explain

FIRST = int(os.environ.get("PERLINSOS_ORACLE_FIRST_SEED", "0"))
COUNT = int(os.environ.get("PERLINSOS_ORACLE_POPULATIONS", "25"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_product_agrees_with_the_rules(seed):
    population = generate(seed)
    lines = differences(population, FORMS[seed % len(FORMS)])
    assert not lines, explain(population, lines)


def test_populations_reach_every_outcome_and_code():
    seen = set()
    for seed in range(FIRST, FIRST + 12):
        population = generate(seed)
        answer = _referee_of(population)
        for row in (answer or {}).get("decisions", []):
            seen |= {row["outcome"], *row["reasons"], *row["warnings"]}
        seen |= {row["not_counted_reason"] for row in (answer or {}).get("components", [])}
        seen |= {row["kind"] for row in (answer or {}).get("not_decided", [])}
    assert seen >= {
        "LAYAK", "ANTREAN", "TIDAK_LAYAK", "TUNDA", "PINDAH", "ELSEWHERE", "TIDAK_MENDAFTAR", "MENINGGAL", "NIK_TIDAK_PADAN",
        "DATA_DIKARANTINA", "NIK_GANDA", "KK_GANDA", "GANTI_PENGURUS", "BATAS_ANAK_USIA_DINI", "KEHAMILAN_KE_3",
        "SATU_ORANG_SATU_KOMPONEN", "NOMOR_KEHAMILAN_KOSONG", "UPAH_DI_ATAS_UMK", "DAYA_LISTRIK", "BELUM_ADA_DESIL",
    }  # fmt: skip


def _referee_of(population):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        return ask_referee(write(Path(folder), population.data), population)


@pytest.mark.parametrize("seed", [3, 4])
def test_command_line_agrees_with_the_rules(seed, tmp_path):
    population = generate(seed)
    inputs = write(tmp_path / "inputs", population.data, "csv")
    words = ["determine", "--region", population.region, "--stage", population.stage, "--inputs", inputs]
    words += ["--out", tmp_path / "out", "--as-of", population.as_of, "--scope", population.scope, "--json"]
    for programme in population.programmes:
        words += ["--programme", programme]
    for name, value in population.settings.items():
        words += ["--set", f"{name}={value}"]
    command = [sys.executable, "-m", "perlinsos.cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    expected = ask_referee(inputs, population)
    if expected is None:
        assert done.returncode == 1
        return
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["funnel"]["decided"] == expected["funnel"]["decided"]
    assert ask_product(inputs, tmp_path / "again", population) == expected
    for name in TABLES:
        assert (tmp_path / "out" / f"{name}.parquet").read_bytes() == (tmp_path / "again" / f"{name}.parquet").read_bytes()
