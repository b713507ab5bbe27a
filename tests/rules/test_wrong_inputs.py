"""Wrong or missing input ends with exit 1, the file, the place and a remedy, and nothing is written: through the real command."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from .small_region import Region

PROJECT = Path(__file__).resolve().parents[2]
QUOTA = "region_code,programme,stage,quota,decree_id\n35.10,pkh,2026-T1,{},SK\n"
WAGE = "region_code,year,umk_idr,ump_idr,valid_from\n"


@dataclass(frozen=True)
class Wrong:
    """A change of a sound folder of inputs (or of the command), and the place that the message must name."""

    name: str
    where: str
    change: Callable[[Path], object] = lambda inputs: None
    options: dict[str, str] = field(default_factory=dict)
    largest_file: int | None = None  # bytes: a full disk


def replace(name: str, old: bytes, new: bytes, times: int = 1) -> Callable[[Path], object]:
    def change(inputs: Path) -> None:
        content = (inputs / name).read_bytes()
        assert old in content
        (inputs / name).write_bytes(content.replace(old, new, times))

    return change


def write(name: str, content: bytes | str) -> Callable[[Path], object]:
    return lambda inputs: (inputs / name).write_bytes(content.encode() if isinstance(content, str) else content)


def _as_text(inputs: Path, name: str) -> pa.Table:
    header = (inputs / f"{name}.csv").read_text().splitlines()[0].split(",")
    options = pacsv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=True)
    table = pacsv.read_csv(inputs / f"{name}.csv", convert_options=options)
    (inputs / f"{name}.csv").unlink()
    return table


def parquet(name: str, column: str, values: list[object]) -> Callable[[Path], object]:
    """The dataset as Parquet, with other values in one column (a further one where there is none of that name)."""

    def change(inputs: Path) -> None:
        table = _as_text(inputs, name)
        place = table.schema.get_field_index(column)
        new = table.append_column(column, pa.array(values)) if place < 0 else table.set_column(place, column, pa.array(values))
        pq.write_table(new, inputs / f"{name}.parquet")

    return change


def damaged_parquet(spoil: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    def change(inputs: Path) -> None:
        path = inputs / "population.parquet"
        pq.write_table(_as_text(inputs, "population"), path)
        path.write_bytes(spoil(path.read_bytes()))

    return change


def instead(make: Callable[[Path], object]) -> Callable[[Path], object]:
    """Something else in the place of population.csv."""

    def change(inputs: Path) -> None:
        (inputs / "population.csv").unlink()
        make(inputs / "population.csv")

    return change


POPULATION = "population, population.csv"
TABLE = [
    Wrong(
        "no minimum wage for the year",
        "minimum_wage, region 35.10, year 2026",
        write("minimum_wage.csv", WAGE + "35.10,2025,1,1,\n"),
    ),
    Wrong(
        "two minimum wages of a day",
        "minimum_wage",
        write("minimum_wage.csv", WAGE + "35.10,2026,1,1,\n35.10,2026,2,1,2026-01-01\n"),
    ),
    Wrong("a decile of text", "welfare_family.csv, row 1, column decile", replace("welfare_family.csv", b",1,", b",dua,")),
    Wrong(
        "a missing column", f"{POPULATION}, column family_relation", replace("population.csv", b"family_relation", b"relation")
    ),
    Wrong("a column twice", f"{POPULATION}, column nik", replace("population.csv", b"village_code", b"NIK")),
    Wrong("semicolons", f"{POPULATION}, column nik", replace("population.csv", b",", b";", 99)),
    Wrong("a missing dataset", "signal in inputs", lambda inputs: (inputs / "signal.csv").unlink()),
    Wrong("a quota of text", "quota, quota.csv, row 1, column quota", write("quota.csv", QUOTA.format("x"))),
    Wrong("a negative quota", "quota, 2026-T1/35.10/pkh", write("quota.csv", QUOTA.format(-1))),
    Wrong("an unknown word", f"{POPULATION}, row 1, column status", replace("population.csv", b"active", b"hidup")),
    Wrong("a byte of zero", f"{POPULATION}, row 1, column status", replace("population.csv", b"active", b"act\x00ive")),
    Wrong("an empty file", POPULATION, write("population.csv", b"")),
    Wrong("an empty Parquet file", "population, population.parquet", instead(lambda path: path.with_suffix(".parquet").touch())),
    Wrong("a cut Parquet file", "population, population.parquet", damaged_parquet(lambda content: content[:-50])),
    Wrong(
        "damaged pages",
        "population, population.parquet",
        damaged_parquet(lambda content: content[:20] + bytes(40) + content[60:]),
    ),
    Wrong("a Parquet column of lists", "row 1, column sex", parquet("population", "sex", [["P"]])),
    Wrong("a Parquet column of numbers", "row 1, column dtsen_period", parquet("welfare_family", "dtsen_period", [20254])),
    Wrong("ids as numbers", "row 1, column nik", parquet("welfare_person", "nik", [3510164101507001])),
    Wrong("a Parquet column twice", "column sex", parquet("population", "Sex", ["P"])),
    Wrong("a folder in the place of a file", "population.csv", instead(lambda path: path.mkdir())),
    Wrong("a pipe in the place of a file", "population.csv", instead(os.mkfifo)),
    Wrong("a link to nowhere", "population in inputs", instead(lambda path: path.symlink_to("nowhere.csv"))),
    Wrong("a link to itself", "population in inputs", instead(lambda path: path.symlink_to(path))),
    Wrong("a file that cannot be read", POPULATION, instead(lambda path: path.symlink_to("/proc/self/mem"))),
    Wrong("a folder without a file", "population in inputs", instead(lambda path: path.with_suffix("").mkdir())),
    Wrong("an unknown region", "35.99", options={"--region": "35.99"}),
    Wrong("a region without families", "35.09", options={"--region": "35.09"}),
    Wrong("a stage before 2020", "as_of 2019-10-01", options={"--stage": "2019-T4"}),
    Wrong("a day before 2020", "as_of 2019-12-31", options={"--as-of": "2019-12-31"}),
    Wrong("no folder of inputs", "nowhere", options={"--inputs": "nowhere"}),
    Wrong("the inputs as result", "inputs", options={"--out": "inputs"}),
    Wrong("the name of a dataset as result", "quota", options={"--out": "inputs/quota"}),
    Wrong("a result under a file", "signal.csv", options={"--out": "inputs/signal.csv/out"}),
    Wrong("a result where nothing can be written", "/proc/out", options={"--out": "/proc/out"}),
    Wrong("a full disk", "out", largest_file=1000),
]


def _sound_inputs(folder: Path) -> list[str]:
    """One family; returns its numbers."""
    region = Region()
    no_kk, person = region.family(1)
    region.said(person, no_kk, family_relation=1)
    region.signal(person, "WAGE", "100")
    region.write(folder)
    return [no_kk, person]


def _run(folder: Path, wrong: Wrong, **environment: str) -> subprocess.CompletedProcess[str]:
    options = {"--region": "35.10", "--stage": "2026-T1", "--inputs": "inputs", "--out": "out"} | wrong.options
    words = [sys.executable, "-m", "perlinsos.cli", "determine", "--json", *(word for pair in options.items() for word in pair)]

    def limit() -> None:
        if wrong.largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (wrong.largest_file, wrong.largest_file))

    environment = os.environ | {"PYTHONPATH": str(PROJECT / "src")} | environment
    return subprocess.run(
        words, cwd=folder, capture_output=True, text=True, check=False, preexec_fn=limit, env=environment, timeout=120
    )


def _tree(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


def _assert_refused(done: subprocess.CompletedProcess[str], where: str) -> None:
    assert done.returncode == 1, done.stderr
    error = json.loads(done.stdout)["error"]
    assert where in error["where"]
    assert error["what"]
    assert error["remedy"]
    assert "Traceback" not in done.stderr
    assert not re.search(r"\d{16}", done.stdout + done.stderr), "a number of a person"


@pytest.mark.parametrize("wrong", TABLE, ids=lambda wrong: wrong.name)
def test_wrong_input_is_refused_with_its_place(tmp_path: Path, wrong: Wrong) -> None:
    _sound_inputs(tmp_path / "inputs")
    wrong.change(tmp_path / "inputs")
    before = _tree(tmp_path)
    _assert_refused(_run(tmp_path, wrong), wrong.where)
    assert _tree(tmp_path) == before


RULES = [
    ("an unknown attribute", "attribute: school_level", "attribute: schooling", "pkh/programme.yaml"),
    ("overlapping dates", "from: 2024-01-01, value: 3,", "from: 2020-01-01, value: 3,", "max_children"),
    ("no YAML", "programme: pkh", "programme: [pkh", "pkh/programme.yaml"),
]


@pytest.mark.parametrize(("name", "old", "new", "where"), RULES, ids=[row[0] for row in RULES])
def test_a_faulty_rule_file_is_refused_with_its_place(tmp_path: Path, name: str, old: str, new: str, where: str) -> None:
    _sound_inputs(tmp_path / "inputs")
    shutil.copytree(PROJECT / "programmes", tmp_path / "project" / "programmes")
    for folder in ("sql", "reference"):
        (tmp_path / "project" / folder).symlink_to(PROJECT / folder)
    replace("programme.yaml", old.encode(), new.encode())(tmp_path / "project" / "programmes" / "pkh")
    before = _tree(tmp_path)
    _assert_refused(_run(tmp_path, Wrong(name, where), PERLINSOS_PROJECT=str(tmp_path / "project")), where)
    assert _tree(tmp_path) == before


def _mark_byte_order(inputs: Path) -> None:
    path = inputs / "population.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


def _link(inputs: Path) -> None:
    (inputs / "population.csv").rename(inputs.parent / "register")
    (inputs / "population.csv").symlink_to(inputs.parent / "register")


FINE = [
    Wrong("nothing wrong", ""),
    Wrong("a mark of byte order", "", _mark_byte_order),
    Wrong("a link to a file", "", _link),
    Wrong("a result inside the inputs", "", options={"--out": "inputs/out"}),
]


@pytest.mark.parametrize("fine", FINE, ids=lambda fine: fine.name)
def test_what_looks_odd_and_is_fine(tmp_path: Path, fine: Wrong) -> None:
    _sound_inputs(tmp_path / "inputs")
    fine.change(tmp_path / "inputs")
    done = _run(tmp_path, fine)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["funnel"]["decided"] == 1
