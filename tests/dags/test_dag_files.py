"""What every file in dags/ keeps to: one DAG named as the file, light to import, documented, nothing done at the top."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from perlinsos.settings import find_project

FILES = sorted((find_project() / "dags").glob("*.py"))
NAMES = [path.stem for path in FILES]
LONGEST = 80
HEAVY = ("perlinsos", "duckdb", "pyarrow", "pandas", "great_expectations", "boto3", "psycopg2")
"""Not imported with a DAG file: the dag-processor does that every 30 seconds, and each task again."""
ALLOWED = {"airflow.sdk", "airflow.sdk.exceptions", "pendulum", "perlinsos_airflow", "perlinsos", *sys.stdlib_module_names}

LOOK = """
import json, sys, warnings
from airflow.dag_processing.dagbag import DagBag
for path in sys.argv[1:]:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        before = set(sys.modules)
        bag = DagBag(path)
    new = sorted({name.partition(".")[0] for name in set(sys.modules) - before})
    dags = {dag.dag_id: [dag.doc_md, dag.max_active_runs, dag.catchup, {task.task_id: task.retries for task in dag.tasks},
                         dag.description, sorted(dag.tags), dag.owner]
            for dag in bag.dags.values()}
    errors = [list(map(str, pair)) for pair in bag.import_errors.items()]
    said = [str(one.message) for one in told] + [str(one) for one in bag.captured_warnings.values()]
    print("LOOKED", json.dumps([errors, said, new, dags]))
"""


def _root(module: str) -> str:
    return module if module in ALLOWED else module.partition(".")[0]


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[object]]:
    """Per file: import errors, warnings, newly imported packages, and its DAGs, as Airflow itself loads it."""
    home = tmp_path_factory.mktemp("airflow")
    own = {"AIRFLOW_HOME": str(home), "PYTHONPATH": str(find_project() / "src"), "PYTHONWARNINGS": "default"}
    environment = os.environ | own
    done = subprocess.run([sys.executable, "-c", LOOK, *FILES], env=environment, cwd=home, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [json.loads(line.partition(" ")[2]) for line in done.stdout.splitlines() if line.startswith("LOOKED ")]
    return dict(zip(NAMES, lines, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_imported_without_error_or_warning(looked_at: dict[str, list[object]], name: str) -> None:
    errors, told, _, _ = looked_at[name]
    assert (errors, told) == ([], [])


@pytest.mark.parametrize("name", NAMES)
def test_it_is_light_to_import(looked_at: dict[str, list[object]], name: str) -> None:
    assert set(looked_at[name][2]) & set(HEAVY) == set()


@pytest.mark.parametrize("name", NAMES)
def test_it_is_one_dag_that_is_called_like_its_file(looked_at: dict[str, list[object]], name: str) -> None:
    assert list(looked_at[name][3]) == [name]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_documented_bounded_and_retried(looked_at: dict[str, list[object]], name: str) -> None:
    doc_md, max_active_runs, catchup, tasks, description, tags, owner = looked_at[name][3][name]
    assert description and len(tags) == 1 and owner == "perlinsos"
    assert doc_md.strip().startswith(f"### {name}\n") and "**A rerun:**" in doc_md
    assert 1 <= max_active_runs <= 8 and catchup is False
    assert set(tasks.values()) == {3}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_it_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_it_imports_airflows_sdk_and_ours_only(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            imported.add(_root(node.module or ""))
        elif isinstance(node, ast.Import):
            imported |= {_root(alias.name) for alias in node.names}
    assert imported - ALLOWED == set()


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_it_does_nothing_at_the_top(path: Path) -> None:
    """A docstring, imports, and one `with DAG(…)` that holds documented task functions and their order."""
    doc, *rest = ast.parse(path.read_text(encoding="utf-8")).body
    assert isinstance(doc, ast.Expr)
    (dag,) = [node for node in rest if not isinstance(node, ast.Import | ast.ImportFrom)]
    assert isinstance(dag, ast.With)
    *tasks, order = dag.body
    assert all(isinstance(node, ast.FunctionDef) and ast.get_docstring(node) for node in tasks)
    assert isinstance(order, ast.Expr)
