"""Compare the four tables of two determinations row for row; `legal_basis`, whose wording is free, is left out.

python bench/compare.py ONE OTHER   (exit 1 where they differ, with the columns and a count: no values, no numbers of people)
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

TABLES = ("decisions", "components", "findings", "not_decided")


def comparable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column in one form: dictionaries decoded, lists joined to text."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        lists = column.combine_chunks()
        return pa.chunked_array([pa.array(["|".join(item) for item in lists.to_pylist()], pa.string())])
    if pa.types.is_dictionary(column.type) or pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        return column.cast(pa.string())
    return column


def different_rows(one: pa.ChunkedArray, other: pa.ChunkedArray) -> np.ndarray:
    """Where two columns of one length differ; null equals null."""
    left, right = comparable(one).combine_chunks(), comparable(other).combine_chunks()
    if left.type != right.type:
        raise TypeError(f"types differ: {left.type}, {right.type}")
    both_null = left.is_null().to_numpy(zero_copy_only=False) & right.is_null().to_numpy(zero_copy_only=False)
    equal = pc.fill_null(pc.equal(left, right), False).to_numpy(zero_copy_only=False)
    return ~(equal | both_null)


def compare_folders(one: Path, other: Path) -> list[str]:
    """What differs, as sentences; an empty list where all rows are equal."""
    found = []
    for name in TABLES:
        left, right = pq.read_table(one / f"{name}.parquet"), pq.read_table(other / f"{name}.parquet")
        if left.column_names != right.column_names:
            found.append(f"{name}: columns {left.column_names} and {right.column_names}")
            continue
        if len(left) != len(right):
            found.append(f"{name}: {len(left)} and {len(right)} rows")
            continue
        for column in left.column_names:
            count = int(different_rows(left[column], right[column]).sum()) if column != "legal_basis" else 0
            if count:
                found.append(f"{name}.{column}: {count} of {len(left)} rows differ")
    return found


if __name__ == "__main__":
    differences = compare_folders(Path(sys.argv[1]), Path(sys.argv[2]))
    print("\n".join(differences) or "equal")
    sys.exit(1 if differences else 0)
