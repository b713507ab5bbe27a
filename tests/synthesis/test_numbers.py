"""Invented numbers can be nobody's: serials from 7000 up, in the files and in the whole repository."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from perlinsos.settings import find_project
from perlinsos.synthesis import numbers

REFERENCE = find_project() / "reference"

SIXTEEN_DIGITS = re.compile(rb"(?<![0-9A-Za-z.])([0-9]{16})(?![0-9A-Za-z])")


def _may_be_somebodys(number: bytes) -> bool:
    """Whether a NIK or card number of this form may have been given: a region, a day, a month, a serial of 1 to 6999."""
    pairs = [int(number[place : place + 2]) for place in range(0, 12, 2)]
    day, month, serial = pairs[3], pairs[4], int(number[12:])
    return all(pairs[:3]) and (1 <= day <= 31 or 41 <= day <= 71) and 1 <= month <= 12 and 1 <= serial < 7000


def _numbers_that_may_be_somebodys(data: bytes) -> list[bytes]:
    return [number for number in SIXTEEN_DIGITS.findall(data) if _may_be_somebodys(number)]


def test_equal_places_and_days_are_told_apart_by_the_serial() -> None:
    prefix, birth, sex = np.array([351016] * 3), np.array([0, 0, 0]), np.array([1, 1, 0])
    found = numbers.number_persons(prefix, birth, sex, numbers.PERSON_SERIAL)
    assert found.tolist() == [3510164101707000, 3510164101707001, 3510160101707000]


def test_every_number_of_a_delivery_has_a_high_serial(world: Path) -> None:
    texts = [path.read_bytes() for path in world.rglob("*.csv")]
    serials = [int(number[12:]) for text in texts for number in SIXTEEN_DIGITS.findall(text)]
    assert len(serials) > 10_000 and min(serials) >= 7000


def test_numbers_of_two_regencies_and_of_cards_never_meet(world: Path) -> None:
    persons = pq.read_table(world / "truth" / "persons.parquet")
    families = pq.read_table(world / "truth" / "families.parquet")
    own = [(row["region_code"], row["nik"]) for row in persons.to_pylist() if row["is_base"]]
    assert len({nik for _, nik in own}) == len(own)
    assert not set(persons.column("nik").to_pylist()) & set(families.column("no_kk").to_pylist())


def test_no_file_of_the_repository_holds_a_number_that_could_be_a_persons() -> None:
    project = find_project()
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=project, capture_output=True, check=True).stdout
    paths = [project / name.decode() for name in listed.split(b"\0") if name]
    assert REFERENCE / "regions.csv" in paths
    found = {
        str(path): len(low) for path in paths if path.is_file() and (low := _numbers_that_may_be_somebodys(path.read_bytes()))
    }
    assert found == {}
