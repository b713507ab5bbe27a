"""Make all of Banyuwangi (1,791,789 persons), check it against the expected totals, and print CPU seconds and memory.

python bench/synthesis.py [--out DIR]
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from perlinsos.settings import find_project
from perlinsos.synthesis.order import SynthOrder, run_order
from perlinsos.synthesis.parameters import load_tables, load_targets
from perlinsos.synthesis.regency import build_regency
from perlinsos.synthesis.totals import count_totals


def tolerance(text: str) -> float:
    """The tolerance of a row of expected_totals.csv as a share: `1.5%` -> 0.015; `exact …` and points -> near 0 / own rule."""
    word = text.split()[0].rstrip("%")
    return float(word) / 100 if "%" in text.split()[0] else 0.0


def check_totals() -> list[dict[str, object]]:
    """Every quantity that the generator counts, beside what is expected of Banyuwangi."""
    reference = find_project() / "reference"
    regency = build_regency(1, load_tables(reference), load_targets(reference, "35.10", None, 1), date(2025, 12, 20))
    totals = count_totals(regency)
    rows = []
    with (reference / "population" / "expected_totals.csv").open(newline="", encoding="utf-8") as source:
        for row in csv.DictReader(source):
            if row["banyuwangi"] and row["quantity"] in totals:
                expected, got = float(row["banyuwangi"]), totals[row["quantity"]]
                room = 0.15 if "points" in row["tolerance"] else max(tolerance(row["tolerance"]) * expected, 0.005)
                rows.append({"quantity": row["quantity"], "expected": expected, "got": got, "ok": abs(got - expected) <= room})
    return rows


def main() -> int:
    """Write the deliveries first (measured alone), then check the totals; exit 1 where one is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = options.out or Path(folder) / "out"
        started, cpu = time.monotonic(), time.process_time()
        summary = run_order(SynthOrder({"35.10": None}, out, form="both", canonical=True))
        measured = {
            "wall_seconds": round(time.monotonic() - started, 1),
            "cpu_seconds": round(time.process_time() - cpu, 1),
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "bytes": sum(path.stat().st_size for path in out.rglob("*") if path.is_file()),
            "rows": {row["source"]: row["rows"] for row in summary["deliveries"]},
        }
    rows = check_totals()
    print(json.dumps({"measured": measured, "totals": rows}, indent=1))
    return 0 if all(row["ok"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
