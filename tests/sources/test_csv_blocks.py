"""The quick and the exact way to split delimited text give the same records."""

from __future__ import annotations

import csv
import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from perlinsos.errors import Refused
from perlinsos.sources.csv_blocks import Block, _split_exactly, _split_ordinary, split_block

CELLS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r\ufeff"), max_size=6)
SPICY = st.text('a",;\n', max_size=4)
TABLES = st.lists(st.lists(CELLS | SPICY, min_size=2, max_size=4), min_size=1, max_size=8)


def records(block: Block) -> list[list[str]]:
    """All records of a block that hold something, in their order."""
    found = {record.place: record.cells for record in block.odd}
    if block.table is not None:
        rows = zip(*(column.to_pylist() for column in block.table.columns), strict=True)
        found |= {int(place): list(row) for place, row in zip(block.places, rows, strict=True)}
    return [found[place] for place in sorted(found) if any(found[place])]


@given(TABLES)
@settings(max_examples=200, deadline=None)
def test_what_a_writer_wrote_is_read_back(rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    block = split_block(text.getvalue().encode(), ",", is_last=True, line_limit=2**20)
    assert records(block) == [row for row in rows if any(row)]


@given(st.text('ab",\n', max_size=40))
@settings(max_examples=300, deadline=None)
def test_both_ways_agree_wherever_the_quick_one_answers(text: str) -> None:
    quick = _split_ordinary(text.encode(), ",", is_last=True)
    exact = _split_exactly(text.encode(), ",", is_last=True, line_limit=2**20)
    if quick is not None and not quick.rest:
        assert records(quick) == records(exact)
        assert not exact.rest


@given(st.text('ab",\n', max_size=60), st.integers(1, 60))
@settings(max_examples=300, deadline=None)
def test_a_cut_between_blocks_changes_nothing(text: str, cut: int) -> None:
    def split(data: bytes, *, is_last: bool) -> Block:
        return split_block(data, ",", is_last=is_last, line_limit=2**20)

    content = text.encode()
    head = content[: content.rfind(b"\n", 0, cut) + 1]
    try:
        whole = records(split(content, is_last=True))
    except Refused:
        return
    first = split(head, is_last=False) if head else Block(None, np.empty(0, np.int64))
    second = split(first.rest + content[len(head) :], is_last=True)
    assert records(first) + records(second) == whole
