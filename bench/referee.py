"""Decide a whole regency by the product and by the independent referee of tests/oracle, and compare every row.

python bench/referee.py [--families full|N] [--inputs DIR]     (exit 1 where they differ; full: some minutes and 12 GB)

The population is the benchmark's (`synth`, quotas in proportion); the referee is plain Python without a line of the product.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from compare import TABLES, compare_folders
from run import REGION, STAGE, contenders, measure, run_apart, set_quota, synthesise

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT / "tests"))
from oracle.oracle import Answer, determine  # noqa: E402


def write_answer(answer: Answer, product: Path, out: Path) -> None:
    """The referee's rows as files in the product's columns and types; without the legal basis, which is not the referee's."""
    out.mkdir()
    for name in TABLES:
        schema = pq.read_schema(product / f"{name}.parquet").remove_metadata()
        rows = getattr(answer, name)
        columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in schema]
        pq.write_table(pa.Table.from_arrays(columns, schema=schema), out / f"{name}.parquet")
        rows.clear()


def main() -> None:
    """Run both, say what differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--families", default="full")
    parser.add_argument("--inputs", type=Path, help="canonical inputs that exist already")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="perlinsos-referee-") as folder:
        work = Path(folder)
        inputs = args.inputs or synthesise(args.families, work / "world")[0]
        run_apart(set_quota, inputs)
        if not (inputs / "minimum_wage.csv").exists():  # the referee does not know the project's folders
            shutil.copy(PROJECT / "reference" / "minimum_wage.csv", inputs)
        measure(contenders(inputs, inputs, work)["product_2"])
        begun = time.process_time()
        answer = determine(inputs, REGION, STAGE)
        print(f"referee: {time.process_time() - begun:.0f} CPU s, funnel {answer.funnel}", file=sys.stderr)
        counts = ", ".join(f"{name} {len(getattr(answer, name)):,}" for name in TABLES)
        write_answer(answer, work / "product_2", work / "referee")
        found = compare_folders(work / "product_2", work / "referee")
    print("\n".join(found) or f"equal in every row: {counts}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
