"""The scheduler loads slow libraries before its workers fork; Airflow's other processes do not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "src"
LOOK = """
import json, sys
sys.argv = ["airflow", *sys.argv[1:]]
import airflow_local_settings as found
slow = [name for name in ("duckdb", "pandas", "boto3", "pyarrow.dataset") if name in sys.modules]
ours = [name for name in sys.modules if name.startswith("perlinsos.")]
print(json.dumps([slow, ours, found.__all__]))
"""


def load(*arguments):
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *arguments], env={"PYTHONPATH": str(SOURCES)}, capture_output=True, check=True
    )
    return json.loads(done.stdout)


def test_the_scheduler_has_loaded_the_libraries_and_none_of_our_code():
    assert load("scheduler", "--skip-serve-logs") == [["duckdb", "pandas", "boto3", "pyarrow.dataset"], [], []]


@pytest.mark.parametrize("part", ["api-server", "dag-processor"])
def test_the_other_parts_load_nothing(part):
    assert load(part) == [[], [], []]
