"""The floor under any determination: read the columns that it needs, write the rows that it wrote, decide nothing.

python bench/floor.py --inputs DIR --result DIR --out DIR [--threads 2]

`--result` is the folder of a determination of the same inputs. Loading its rows is no part of the floor: the last line
printed is the CPU time of that, for the caller to take off.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

NEEDED = {
    "population": "nik no_kk sex birth_date family_relation region_code district_code village_code status status_date",
    "welfare_family": "no_kk dtsen_family_id dtsen_period decile national_rank electricity_va region_code district_code "
    "village_code",
    "welfare_person": "nik no_kk family_relation disability is_pregnant pregnancy_number school_level",
    "signal": "nik source code value observed_on",
}
WRITTEN = ("decisions", "components", "findings", "not_decided")


def read_inputs(folder: Path) -> int:
    """Read the needed columns of each dataset; returns the number of rows."""
    rows = 0
    for name, columns in NEEDED.items():
        rows += pq.read_table(folder / f"{name}.parquet", columns=columns.split()).num_rows
    return rows


def load_result(folder: Path) -> dict[str, tuple[pa.Table, str, int]]:
    """Each table of a determination with its codec and row-group size."""
    loaded = {}
    for name in WRITTEN:
        file = pq.ParquetFile(folder / f"{name}.parquet")
        has_rows = file.metadata.num_row_groups > 0
        codec = file.metadata.row_group(0).column(0).compression if has_rows else "SNAPPY"
        group = file.metadata.row_group(0).num_rows if has_rows else 1
        loaded[name] = (file.read(), codec, max(group, 1))
    return loaded


def main() -> None:
    """Read, load, write; print the CPU seconds that loading the result took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    for name in ("inputs", "result", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    pa.set_cpu_count(args.threads)
    pa.set_io_thread_count(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    read_inputs(args.inputs)
    before = time.process_time()
    loaded = load_result(args.result)
    loading = time.process_time() - before
    for name, (table, codec, group) in loaded.items():
        pq.write_table(table, args.out / f"{name}.parquet", compression=codec, row_group_size=group)
    print(f"{loading:.6f}")


if __name__ == "__main__":
    main()
