"""Programmes for persons and those that exclude each other: equal inputs give equal bytes, and nobody is left out."""

import random
import sys
from collections import Counter
from dataclasses import replace
from datetime import date
from itertools import count
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from oracle.families import generate
from oracle.worlds import write
from properties.disagreements import TABLES, run_product

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))
import verify_list_digest

PERSONS = ("pbi-jk", "pip", "rantang-kasih")
ALL = ("bpnt", "blt-dana-desa", *PERSONS, "pkh")
LEVELS = ("SD", "SMP", "SMA")


@pytest.fixture(scope="module")
def population():
    """A nasty population of this day, of many families, decided for every programme of the day."""
    made = (generate(seed, 120) for seed in count(23))
    found = next(one for one in made if (one.stage, one.as_of, one.scope) == ("2026-T1", date(2026, 1, 1), "population"))
    return replace(found, settings={}, programmes=ALL)


class Run:
    """What one determination wrote."""

    def __init__(self, folder, population, form="csv", parts=1, **options):
        self.out = folder / "out"
        self.summary = run_product(write(folder / "inputs", population.data, form, parts), self.out, population, **options)
        self.bytes = {name: (self.out / f"{name}.parquet").read_bytes() for name in TABLES}
        self.digests = {name: told["list_digest"] for name, told in self.summary["programmes"].items()}

    def rows(self, name, programme):
        return [row for row in pq.read_table(self.out / f"{name}.parquet").to_pylist() if row["programme"] == programme]


@pytest.fixture(scope="module")
def plain(population, tmp_path_factory):
    return Run(tmp_path_factory.mktemp("plain"), population)


@pytest.mark.parametrize("seed", [1, 2])
def test_row_order_means_nothing(population, plain, tmp_path, seed):
    data = {name: random.Random(seed).sample(rows, len(rows)) for name, rows in population.data.items()}
    found = Run(tmp_path, replace(population, data=data))
    assert (found.bytes, found.digests) == (plain.bytes, plain.digests)


@pytest.mark.parametrize(
    ("form", "parts", "options"), [("parquet", 3, {"threads": 1}), ("odd", 1, {"threads": 4, "memory_limit": "256MB"})]
)
def test_files_threads_and_memory_mean_nothing(population, plain, tmp_path, form, parts, options):
    found = Run(tmp_path, population, form, parts, **options)
    assert (found.bytes, found.digests) == (plain.bytes, plain.digests)


@pytest.mark.parametrize("programme", ALL)
def test_an_outsider_computes_the_digest(plain, programme):
    assert verify_list_digest.list_digest(plain.out, programme) == plain.digests[programme]


@pytest.mark.parametrize("programme", PERSONS)
def test_alone_or_with_others_a_list_is_the_same(population, plain, tmp_path, programme):
    found = Run(tmp_path, replace(population, programmes=(programme,)))
    assert found.digests[programme] == plain.digests[programme]


@pytest.mark.parametrize("programme", PERSONS)
def test_every_decided_family_has_an_answer(plain, programme):
    rows = plain.rows("decisions", programme)
    assert {row["no_kk"] for row in rows} == {row["no_kk"] for row in plain.rows("decisions", "bpnt")}
    alone = {row["no_kk"] for row in rows if row["unit"] == "family"}
    assert not alone & {row["no_kk"] for row in rows if row["unit"] == "person"}
    assert not {"LAYAK", "ANTREAN"} & {row["outcome"] for row in rows if row["unit"] == "family"}
    assert Counter(row["no_kk"] for row in rows if row["no_kk"] in alone) == Counter(alone)


def test_every_member_is_a_person_once(plain):
    rows = [row for row in plain.rows("decisions", "pbi-jk") if row["unit"] == "person"]
    keys = Counter((row["no_kk"], row["nik"]) for row in rows)
    assert set(keys.values()) == {1}
    sizes = {row["no_kk"]: row["family_size"] for row in plain.rows("decisions", "bpnt") if row["family_size"]}
    members = Counter(row["no_kk"] for row in rows)
    assert members.keys() == sizes.keys()
    shared = {no_kk for no_kk in sizes if members[no_kk] != sizes[no_kk]}
    without = {row["no_kk"] for row in rows if "NIK_TIDAK_VALID" in row["reasons"]}
    assert shared <= without, "only members without a valid number share a row"
    selected = [row["nik"] for row in rows if row["outcome"] == "LAYAK"]
    assert len(set(selected)) == len(selected) > 100
    assert None not in selected


def test_the_candidates_of_two_programmes_for_pupils_are_the_same_people(plain):
    """PKH and PIP ask the same of a pupil; what PKH then leaves out by its caps is not PIP's."""
    found = {}
    for programme in ("pkh", "pip"):
        parts = [part for part in plain.rows("components", programme) if part["component"] in LEVELS]
        found[programme] = Counter((part["no_kk"], part["nik"], part["component"]) for part in parts)
    assert found["pkh"] == found["pip"]
    assert len(found["pip"]) > 30


@pytest.mark.parametrize("programme", PERSONS)
def test_every_reason_of_a_row_has_a_finding_on_its_card(plain, programme):
    findings = {(row["no_kk"], row["code"]) for row in plain.rows("findings", programme)}
    told = {(row["no_kk"], code) for row in plain.rows("decisions", programme) for code in row["reasons"]}
    assert findings == {(no_kk, code) for no_kk, code in told if code != "DI_LUAR_KUOTA"}


def test_ranks_run_from_one_and_the_poorest_come_first(plain):
    for programme in PERSONS:
        rows = sorted((row for row in plain.rows("decisions", programme) if row["rank"]), key=lambda row: row["rank"])
        assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
        places = [(row["decile"] is None, row["decile"], row["national_rank"] is None, row["national_rank"] or 0) for row in rows]
        known = [place for place in places if not place[0]]
        assert known == sorted(known)
        assert places[: len(known)] == known


def test_who_is_selected_by_one_is_refused_by_the_other(plain):
    given = {row["no_kk"] for name in ("pkh", "bpnt") for row in plain.rows("decisions", name) if row["outcome"] == "LAYAK"}
    told = {row["no_kk"] for row in plain.rows("decisions", "blt-dana-desa") if "PENERIMA_PROGRAM_LAIN" in row["reasons"]}
    assert given == told != set()
