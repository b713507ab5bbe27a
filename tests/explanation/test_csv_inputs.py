"""A CSV file that the determination reads is read by the explanation too."""

from __future__ import annotations

from pathlib import Path

import pytest

from explanation.conftest import ask, kinds
from perlinsos.recipients.determine import determine
from rules.case_files import REGION, card
from rules.small_region import Region

ASTRAY = "3510160101907951"


@pytest.mark.parametrize("more", [",,", ",Catatan,Catatan", ",Catatan,catatan", ",Source_,,source_"])
def test_columns_of_no_use_may_have_no_name_or_one_name(more: str, tmp_path: Path) -> None:
    region = Region()
    _, head = region.family(1)
    region.signal(head, "WAGE", "100")
    region.signal(ASTRAY, "WAGE", "100")
    region.write(tmp_path / "inputs")
    for file in (tmp_path / "inputs").glob("*.csv"):
        header, *records = file.read_text().splitlines()
        cells = "," * more.count(",")
        file.write_text("".join(f"{line}\n" for line in (header + more, *(record + cells for record in records))))
    determine(REGION, "2026-T1", tmp_path / "inputs", tmp_path / "out")
    assert kinds(ask(tmp_path, card(1))) == ["decided"]
    assert kinds(ask(tmp_path, ASTRAY)) == ["only_signal"]
    assert kinds(ask(tmp_path, "3510160101907999")) == ["not_seen"]
