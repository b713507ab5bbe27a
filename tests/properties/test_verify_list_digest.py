"""The digest that an outsider computes with the 50-line verifier is the digest that the product writes."""

import hashlib
import subprocess
import sys
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from oracle.families import generate
from oracle.worlds import write
from properties.disagreements import run_product

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "verify_list_digest.py"
sys.path.insert(0, str(SCRIPT.parent))
import verify_list_digest  # noqa: E402

from perlinsos.model.datasets import RESULT_TABLES  # noqa: E402
from perlinsos.publication.canonical import content_digest  # noqa: E402


def test_verifier_is_at_most_50_lines_and_shares_no_code():
    text = SCRIPT.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 50
    assert "import perlinsos" not in text
    assert "from perlinsos" not in text


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A determination of a population that has rows in every table."""
    base = tmp_path_factory.mktemp("digest")
    population = generate(11)
    summary = run_product(write(base / "inputs", population.data), base / "out", population)
    return base / "out", summary


@pytest.mark.parametrize("position", [0, -1])
def test_digest_of_a_determination(folder, position):
    out, summary = folder
    programme = list(summary["programmes"])[position]
    done = subprocess.run([sys.executable, SCRIPT, out, programme], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == summary["programmes"][programme]["list_digest"]


@pytest.mark.parametrize("name", list(RESULT_TABLES))
def test_content_digest_of_one_table(folder, name):
    path = folder[0] / f"{name}.parquet"
    assert pq.read_metadata(path).num_rows > 0
    mine = hashlib.sha256(verify_list_digest.table(path.parent, name)).hexdigest()
    assert content_digest(path, RESULT_TABLES[name]) == mine


def test_canonical_form_to_the_byte(tmp_path):
    """One table written out by hand: two rows, a null and a text of two bytes."""
    rows = pa.table({"no_kk": ["é", "1"], "kind": ["PINDAH", "ELSEWHERE"], "region_code": [None, "35.10"]}, pa.schema(
        [(name, pa.string()) for name in ("no_kk", "kind", "region_code")]
    ))  # fmt: skip
    pq.write_table(rows, tmp_path / "not_decided.parquet")

    def n(*numbers):
        return b"".join(number.to_bytes(8, "little", signed=True) for number in numbers)

    expected = n(11) + b"not_decided" + n(3, 2)
    expected += n(5) + b"no_kk" + n(4) + b"text" + b"\0\0" + n(1, 2) + b"1" + "é".encode()
    expected += n(4) + b"kind" + n(4) + b"text" + b"\0\0" + n(9, 6) + b"ELSEWHEREPINDAH"
    expected += n(11) + b"region_code" + n(4) + b"text" + b"\0\1" + n(5, 0) + b"35.10"
    assert verify_list_digest.table(tmp_path, "not_decided") == expected


def test_a_changed_value_changes_the_digest(folder, tmp_path):
    out, summary = folder
    programme = next(iter(summary["programmes"]))
    for path in out.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    table = pq.read_table(out / "decisions.parquet")
    later = pa.array([date(2026, 1, 2)] * len(table), pa.date32())
    position = table.schema.get_field_index("as_of")
    pq.write_table(table.set_column(position, "as_of", later), tmp_path / "decisions.parquet")
    assert verify_list_digest.list_digest(tmp_path, programme) != summary["programmes"][programme]["list_digest"]
