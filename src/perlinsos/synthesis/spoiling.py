"""The book in which errors are entered: which cells of a delivery are written wrongly, and what a reader must make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perlinsos.synthesis.draws import Array, Ints


@dataclass(frozen=True)
class Entry:
    """Errors of one kind in the cells under one `header`. `rows` are positions in the delivery from 0; `column` is the
    dataset's column that the verdict names.

    `expected`: `quarantine`, `warning` or `accepted`; `level`: `row` (seen when the delivery is read alone) or
    `cross_file` (seen beside the register).
    """

    error_id: str
    rows: Ints
    header: str
    column: str
    level: str
    expected: str
    message_id: str
    old_values: Sequence[str | None]
    new_values: Sequence[str | None]


@dataclass
class Book:
    """The errors of one delivery of `size` rows. Each row gets at most one error, so that its verdict is that error's."""

    rng: np.random.Generator
    size: int
    entries: list[Entry] = field(default_factory=list)
    cells: dict[str, list[tuple[Ints, list[str | None]]]] = field(default_factory=dict)
    dropped: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __post_init__(self) -> None:
        self._free = np.ones(self.size, dtype=bool)

    def take(self, rate: float, able: Array | None = None) -> Ints:
        """Rows for one kind of error: `rate` of all rows, out of those that are free and `able`; sorted."""
        wanted = round(rate * self.size) or int(rate > 0 and self.size >= 500)
        candidates = np.flatnonzero(self._free if able is None else self._free & able)
        chosen = np.sort(self.rng.choice(candidates, min(wanted, len(candidates)), replace=False))
        self._free[chosen] = False
        return np.asarray(chosen, dtype=np.int64)

    def write(self, header: str, rows: Ints, values: Sequence[str | None]) -> None:
        """Put these texts into the column `header` of the rows."""
        self.cells.setdefault(header, []).append((rows, list(values)))

    def note(
        self,
        error_id: str,
        rows: Ints,
        header: str,
        column: str,
        expected: str,
        message_id: str,
        old_values: Sequence[str | None],
        new_values: Sequence[str | None],
        *,
        level: str = "row",
    ) -> None:
        """Enter what was done and what is expected."""
        if len(rows):
            self.entries.append(Entry(error_id, rows, header, column, level, expected, message_id, old_values, new_values))

    def apply(self, table: pa.Table, start: int) -> pa.Table:
        """The slice `table`, whose first row is row `start` of the delivery, with the wrong cells in it."""
        stop = start + table.num_rows
        for header, changes in self.cells.items():
            position = table.schema.get_field_index(header)
            for rows, values in changes:
                low, high = np.searchsorted(rows, [start, stop])
                if low < high:
                    mask = np.zeros(table.num_rows, dtype=bool)
                    mask[rows[low:high] - start] = True
                    column = table.column(position).combine_chunks()
                    fresh = pc.replace_with_mask(column, pa.array(mask), pa.array(values[low:high], pa.string()))
                    table = table.set_column(position, header, fresh)
        return table
