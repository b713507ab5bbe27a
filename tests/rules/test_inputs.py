"""What the determination refuses to read, and the forms in which it reads the same."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from perlinsos.errors import PerlinsosError, Refused, WrongUsage
from perlinsos.recipients.determine import FILES, determine

from .case_files import REGION, card
from .small_region import Region, decide

NUMBER = "3510160101507999"


def _region() -> Region:
    region = Region()
    for number in range(1, 4):
        no_kk, person = region.family(number, national_rank=number, electricity_va=900)
        region.said(person, no_kk, family_relation=1, disability="none", is_pregnant=False)
        region.signal(person, "WAGE", "100")
    return region


def _cell(region: Region, dataset: str, column: str, value: Any) -> None:
    """Put a value into the second row of a dataset."""
    region.rows[dataset][1][column] = value


@pytest.mark.parametrize(
    ("dataset", "column", "value"),
    [
        ("population", "status", "alive"), ("population", "status", ""), ("population", "sex", "M"),
        ("population", "birth_date", "01/02/1990"), ("population", "birth_date", "1990-02-30"),
        ("population", "status_date", "2025"), ("population", "family_relation", "1.5"),
        ("population", "nik", "3.5101601e15"), ("population", "no_kk", "3510160101207001.0"),
        ("welfare_family", "decile", "dua"), ("welfare_family", "decile", "2.5"), ("welfare_family", "dtsen_period", "Q4 of 25"),
        ("welfare_family", "dtsen_period", "2025-Q5"), ("welfare_family", "dtsen_period", ""),
        ("welfare_family", "national_rank", "99999999999999999999"), ("welfare_family", "electricity_va", "x"),
        ("welfare_person", "disability", "SEVERELY"), ("welfare_person", "school_level", "S1"),
        ("welfare_person", "is_pregnant", "ya"), ("welfare_person", "pregnancy_number", "I"),
        ("signal", "value", "seratus"), ("signal", "observed_on", "yesterday"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_by_place_and_never_shown(tmp_path: Path, dataset: str, column: str, value: str) -> None:
    region = _region()
    _cell(region, dataset, column, value)
    with pytest.raises(Refused) as caught:
        decide(region, tmp_path)
    assert caught.value.where == f"{dataset}, {dataset}.csv, row 2, column {column}"
    assert caught.value.remedy
    assert not value or value not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["inputs"]


def test_numbers_with_a_zero_fraction_and_words_in_any_case_are_read(tmp_path: Path) -> None:
    region = _region()
    _cell(region, "welfare_family", "decile", "2.0")
    _cell(region, "population", "status", "ACTIVE")
    _cell(region, "population", "sex", "p")
    _cell(region, "welfare_person", "disability", "Severe")
    _cell(region, "welfare_person", "is_pregnant", "TRUE")
    _cell(region, "welfare_family", "no_kk", "kartu lama")
    answer = decide(region, tmp_path)
    assert answer.why("kartu lama", "bpnt") == ("TUNDA", ["NIK_TIDAK_PADAN"])


def test_quarantined_ids_are_any_text_and_its_datasets_are_not(tmp_path: Path) -> None:
    region = _region()
    region.add("quarantined", dataset="signal", nik="3.51E+15", no_kk="12.0")
    assert decide(region, tmp_path).why(card(1))[0] == "LAYAK"
    region.add("quarantined", dataset="quota", nik=NUMBER)
    with pytest.raises(Refused, match="unknown word"):
        decide(region, tmp_path)


@pytest.mark.parametrize("dataset", ["population", "welfare_family", "welfare_person", "signal"])
def test_a_missing_dataset_is_refused(tmp_path: Path, dataset: str) -> None:
    _region().write(tmp_path / "inputs", missing=[dataset])
    with pytest.raises(Refused, match="missing"):
        determine(REGION, "2026-T1", tmp_path / "inputs", tmp_path / "out")


def test_registrants_need_registrations(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="missing"):
        decide(_region(), tmp_path, scope="registrants")


def _rewrite(folder: Path, old: bytes, new: bytes, name: str = "population.csv") -> None:
    path = folder / name
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        pytest.param(b"family_relation", b"relation", "column family_relation", id="a column is missing"),
        pytest.param(b"village_code", b"nik", "column nik", id="a column stands twice"),
        pytest.param(b"35.10.16.1001", b"35.10.16.1001,x", "row 1", id="a cell too many"),
        pytest.param(b",35.10.16.1001", b"", "row 1", id="a cell too few"),
        pytest.param(b"35.10.16.1001", b"\xe9", "after row", id="not UTF-8"),
        pytest.param(b"35.10.16.1001", b'"x', "row", id="an open quote"),
    ],
)
def test_a_csv_file_out_of_order_is_refused_with_its_place(tmp_path: Path, old: bytes, new: bytes, where: str) -> None:
    _region().write(tmp_path / "inputs")
    _rewrite(tmp_path / "inputs", old, new)
    with pytest.raises(Refused) as caught:
        determine(REGION, "2026-T1", tmp_path / "inputs", tmp_path / "out")
    assert where in caught.value.where
    assert "population, population.csv" in caught.value.where
    assert "35101" not in str(caught.value)


def test_a_result_is_for_its_owner_alone(tmp_path: Path) -> None:
    decide(_region(), tmp_path)
    determine(REGION, "2026-T1", tmp_path / "inputs", tmp_path / "mine")
    assert (tmp_path / "mine").stat().st_mode & 0o077 == 0


def test_bom_and_crlf_are_fine(tmp_path: Path) -> None:
    answer = decide(_region(), tmp_path)
    path = tmp_path / "inputs" / "population.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    again = determine(REGION, "2026-T1", tmp_path / "inputs", tmp_path / "out")
    assert again["programmes"] == answer.summary["programmes"]


TYPES = {
    "birth_date": pa.date32(), "status_date": pa.date32(), "observed_on": pa.date32(), "family_relation": pa.int64(),
    "decile": pa.int8(), "national_rank": pa.int64(), "electricity_va": pa.float64(), "is_pregnant": pa.bool_(),
    "pregnancy_number": pa.int32(),
}  # fmt: skip


def _to_parquet(inputs: Path, target: Path, rng: random.Random) -> None:
    """The datasets as Parquet, in a folder of two files each, rows shuffled."""
    for path in inputs.glob("*.csv"):
        names = path.read_text().splitlines()[0].split(",")
        types = {name: TYPES.get(name, pa.string()) for name in names}
        options = pacsv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""])
        table = pacsv.read_csv(path, convert_options=options)
        order = list(range(table.num_rows))
        rng.shuffle(order)
        (target / path.stem).mkdir(parents=True)
        for part, rows in enumerate((order[::2], order[1::2])):
            pq.write_table(table.take(rows), target / path.stem / f"part-{part}.parquet")


def _mixed_region() -> Region:
    """Odd and ordinary families, with ties everywhere."""
    region = _region()
    for number in range(10, 40):
        no_kk = region.welfare(card(number) if number % 3 else f"K{number}", number % 12, national_rank=number // 4)
        for member in range(number % 4):
            given = {"nik": f"{number}{member}"} if number % 5 == 0 else {}
            person = region.person(no_kk, f"20{10 + member * 3 % 16:02d}-05-05", relation=1 + member, **given)
            region.signal(person, "ENROLLED", "SD")
            region.said(person, no_kk, family_relation=1, school_level="SD")
    return region


def test_tables_are_byte_identical_for_any_form_order_threads_and_memory(tmp_path: Path) -> None:
    first = decide(_mixed_region(), tmp_path)
    _to_parquet(tmp_path / "inputs", tmp_path / "parquet", random.Random(7))
    second = determine(REGION, "2026-T1", tmp_path / "parquet", tmp_path / "again", threads=1, memory_limit="200MB")
    for name in FILES - {"summary.json"}:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name
    for key in ("programmes", "funnel", "rules_digest", "settings", "ignored_signal_codes"):
        assert first.summary[key] == second[key]
    assert second["inputs"][0]["file"] == "population/part-0.parquet"


def test_rows_are_in_the_order_of_their_texts(tmp_path: Path) -> None:
    region = Region()
    cards = ["", "3510", "3510160101207001", "3510160101207001x", "3510160101207002", "35101601012070020", "A", " 1", "~", "é"]
    for no_kk in cards[1:]:
        region.welfare(no_kk)
    region.family(50)
    answer = decide(region, tmp_path, programmes=["bpnt"])
    found = [row["no_kk"] for row in answer.tables["decisions"]]
    assert found == sorted([*cards[1:], card(50)], key=lambda text: text.encode())


@pytest.mark.parametrize(
    ("name", "kind"),
    [("nik", pa.int64()), ("no_kk", pa.float64()), ("region_code", pa.float64()), ("birth_date", pa.int64())],
)
def test_a_parquet_column_of_another_kind_is_refused(tmp_path: Path, name: str, kind: pa.DataType) -> None:
    _region().write(tmp_path / "inputs")
    _to_parquet(tmp_path / "inputs", tmp_path / "parquet", random.Random(7))
    path = tmp_path / "parquet" / "population" / "part-0.parquet"
    table = pq.read_table(path)
    place = table.schema.get_field_index(name)
    wrong = pa.array([3510160101507001] * table.num_rows, pa.int64()).cast(kind)
    pq.write_table(table.set_column(place, name, wrong), path)
    with pytest.raises(Refused) as caught:
        determine(REGION, "2026-T1", tmp_path / "parquet", tmp_path / "out")
    assert caught.value.where == f"population, population/part-0.parquet, row 1, column {name}"


def test_a_dataset_in_two_forms_is_refused(tmp_path: Path) -> None:
    _region().write(tmp_path / "inputs")
    (tmp_path / "inputs" / "population").mkdir()
    with pytest.raises(Refused, match="twice"):
        determine(REGION, "2026-T1", tmp_path / "inputs", tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"stage": "2026-1"}, WrongUsage), ({"stage": "2026-T5"}, WrongUsage), ({"scope": "all"}, WrongUsage),
        ({"programmes": ["blt"]}, WrongUsage), ({"set_values": {"pkh.max": 1}}, WrongUsage),
        ({"set_values": {"pkh.selection": "best"}}, WrongUsage), ({"set_values": {"pkh.max_decile": "none"}}, WrongUsage),
        ({"settings": {"pkh.max_decile": "-1"}}, WrongUsage), ({"stage": "2019-T4"}, Refused),
    ],
)  # fmt: skip
def test_malformed_requests(tmp_path: Path, options: dict[str, Any], error: type[PerlinsosError]) -> None:
    with pytest.raises(PerlinsosError) as caught:
        decide(_region(), tmp_path, **options)
    assert type(caught.value) is error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("code", "error"), [("3510", WrongUsage), ("35.99", Refused), ("35.09", Refused)])
def test_regions_that_cannot_be_determined(tmp_path: Path, code: str, error: type[PerlinsosError]) -> None:
    _region().write(tmp_path / "inputs")
    with pytest.raises(error):
        determine(code, "2026-T1", tmp_path / "inputs", tmp_path / "out")


def test_settings_of_a_summary_give_the_same_rules_again(tmp_path: Path) -> None:
    first = decide(_region(), tmp_path, set_values={"pkh.max_members": 2, "lottery_seed": "s"})
    shutil.rmtree(tmp_path / "out")
    again = decide(_region(), tmp_path, settings=first.summary["settings"])
    assert again.summary["rules_digest"] == first.summary["rules_digest"]
    assert again.summary["programmes"]["pkh"]["list_digest"] == first.summary["programmes"]["pkh"]["list_digest"]


def test_a_folder_with_other_files_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").write_text("mine")
    with pytest.raises(Refused, match="other files"):
        decide(_region(), tmp_path)
    assert (tmp_path / "out" / "letter.txt").read_text() == "mine"
