"""What was set aside: shown row by row, written out, corrected by a person, judged anew, and what has replaced it."""

from __future__ import annotations

import csv
import hashlib
import json

import pyarrow.parquet as pq
import pytest

from perlinsos.errors import Conflict, Refused, WrongUsage
from perlinsos.operations import accept, batches
from perlinsos.operations.correcting import CorrectedRows, record
from perlinsos.operations.quarantine import list_quarantined, list_rows, show_quarantined, write_out

from .conftest import deliver_rows, read_rows
from .sources_of_tests import card, nik, person, signal


@pytest.fixture
def held(world):
    """The world with a delivery of the register of which two rows are set aside; its id."""
    rows = [person(0, name="WARGA SATU"), person(1, sex="X", name="=1+1"), person(2, birth_date="1990-02-31", name="SITI")]
    deliver_rows(world, "test-population", rows, day="2025-12-21")
    return read_rows(world, "select max(delivery_id) as id from delivery")[0]["id"]


def read_file(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def correct(path, **cells):
    """Write cells into a file of `write_out`: row number and column joined with `__`."""
    rows = read_file(path)
    for name, value in cells.items():
        number, _, column = name.removeprefix("row_").partition("__")
        next(row for row in rows if row["_row"] == number)[column] = value
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def accepted(ctx, delivery):
    digest = read_rows(
        ctx, "select batch_digest, files from batch where delivery_id = %s and replaced_by is null", delivery
    )[0]  # fmt: skip
    path = ctx.cache.get(
        ctx.storage,
        "perlinsos-work",
        batches.key_of(digest["batch_digest"], "accepted.parquet"),
        digest["files"]["accepted.parquet"],
    )
    return {row["_row"]: row for row in pq.read_table(path).to_pylist()}


def test_the_rows_are_named_by_number_and_rule_and_no_cell_is_shown(world, held):
    total, rows = list_rows(world, held)
    assert (total, [row["_row"] for row in rows]) == (2, [2, 3])
    assert rows[0]["errors"] == [{"rule": "sex.code_unknown", "column": "sex", "message_id": "code_unknown"}]
    assert "SITI" not in json.dumps(rows) and nik(1) not in json.dumps(rows)
    assert [row["_row"] for row in list_rows(world, held, after=2, limit=1)[1]] == [3]


@pytest.mark.parametrize("name", ["rows.csv", "rows.xlsx"])
def test_the_file_holds_whole_rows_for_its_owner_alone_and_no_formula(world, held, tmp_path, name):
    from openpyxl import load_workbook

    out = tmp_path / name
    assert write_out(world, held, out) == 2
    assert out.stat().st_mode & 0o777 == 0o600
    if name == "rows.csv":
        rows = [[row["_row"], row["_errors"], row["nik"], row["name"]] for row in read_file(out)]
    else:
        lines = list(load_workbook(out).active.iter_rows())
        where = [[cell.value for cell in lines[0]].index(one) for one in ("_row", "_errors", "nik", "name")]
        rows = [[line[place].value for place in where] for line in lines[1:]]
        assert {cell.number_format for line in lines for cell in line} == {"@"}
    assert rows == [["2", "sex: code_unknown", nik(1), "'=1+1"], ["3", "birth_date: date_invalid", nik(2), "SITI"]]
    with pytest.raises(Refused, match="there already"):
        write_out(world, held, out)


def test_corrected_rows_enter_and_the_ledger_says_who_and_why(world, held, tmp_path):
    out = tmp_path / "rows.csv"
    write_out(world, held, out)
    correct(out, row_2__sex="P", row_3__birth_date="1990-01-01")
    shown = accept.replay(world, held, apply=False, corrected=out)
    assert (shown["before"]["quarantined"], shown["after"]["quarantined"], shown["applied"]) == (2, 0, False)
    assert read_rows(world, "select * from row_correction") == []
    done = accept.replay(world, held, apply=True, corrected=out, reason="surat desa 7001", by="Petugas Contoh")
    assert (done["after"]["quarantined"], done["applied"], done["corrected_rows"]) == (0, True, 2)
    rows = accepted(world, held)
    assert (rows[2]["sex"], rows[2]["name"], str(rows[3]["birth_date"])) == ("P", "=1+1", "1990-01-01")
    kept = show_quarantined(world, held)["corrected"][0]
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    assert (kept["corrected_by"], kept["reason"], kept["rows"], kept["sha256"]) == (
        "Petugas Contoh",
        "surat desa 7001",
        2,
        digest,
    )
    assert world.storage.get("perlinsos-raw", f"sha256/{digest[:2]}/{digest}") == out.read_bytes()
    audit = read_rows(world, "select detail from audit where action = 'record_row_correction'")
    assert audit[0]["detail"]["corrected_by"] == "Petugas Contoh" and nik(1) not in json.dumps(audit[0]["detail"])
    assert list_quarantined(world, "35.10") == []


def test_what_was_corrected_outlives_another_judgement(world, held, tmp_path):
    out = tmp_path / "rows.csv"
    write_out(world, held, out)
    accept.replay(world, held, apply=True, corrected=correct(out, row_2__sex="P"), by="Petugas")
    source = world.settings.folder("sources") / "test-population.yaml"
    source.write_text(source.read_text() + "columns:\n  sex: {values: {X: L, P: P}}\n")
    assert accept.accept(world.at_time(world.at.replace(minute=5)), "35.10")["deliveries"] == [held]
    assert (accepted(world, held)[2]["sex"], list_rows(world, held)[0]) == ("P", 1)


def test_a_row_may_be_corrected_again(world, held, tmp_path):
    first, second = tmp_path / "1.csv", tmp_path / "2.csv"
    write_out(world, held, first)
    accept.replay(world, held, apply=True, corrected=correct(first, row_2__sex="P", row_3__birth_date="1990-02-30"), by="A")
    write_out(world, held, second)
    assert [row["birth_date"] for row in read_file(second)] == ["1990-02-30"]
    accept.replay(world, held, apply=True, corrected=correct(second, row_3__birth_date="1990-02-28"), by="B")
    rows = accepted(world, held)
    assert (rows[2]["sex"], str(rows[3]["birth_date"]), len(rows)) == ("P", "1990-02-28", 3)
    funnel = read_rows(world, "select received, accepted + accepted_with_warnings as good, quarantined from batch "
                              "where delivery_id = %s and replaced_by is null", held)  # fmt: skip
    assert (funnel[0]["received"], funnel[0]["good"], funnel[0]["quarantined"]) == (3, 3, 0)


def test_a_file_in_which_a_spreadsheet_has_spoilt_numbers_is_refused(world, held, tmp_path):
    out = tmp_path / "rows.csv"
    write_out(world, held, out)
    with pytest.raises(Refused, match="has lost digits") as error:
        accept.replay(world, held, apply=True, corrected=correct(out, row_2__nik="3.51016E+15"))
    assert "3.51016E+15" not in str(error.value)


def test_no_number_of_a_person_stands_in_the_record(world, held, tmp_path):
    write_out(world, held, tmp_path / "rows.csv")
    with pytest.raises(WrongUsage, match="number of a person") as error:
        accept.replay(world, held, apply=True, corrected=correct(tmp_path / "rows.csv", row_2__sex="P"), by="A", reason=nik(1))
    assert nik(1) not in str(error.value)


def test_only_quarantined_rows_and_read_columns_can_be_corrected(world, held, tmp_path):
    out = tmp_path / "rows.csv"
    write_out(world, held, out)
    with pytest.raises(Refused, match="no cell is corrected"):
        accept.replay(world, held, apply=True, corrected=out)
    text = out.read_text(encoding="utf-8-sig")
    out.write_text(text.replace("\n2,", "\n1,"))
    with pytest.raises(Refused, match="row 1 is not in quarantine"):
        accept.replay(world, held, apply=True, corrected=out)
    with pytest.raises(WrongUsage, match=r"\.csv or \.xlsx"):
        write_out(world, held, tmp_path / "rows.pdf")


def test_rows_of_a_batch_that_is_no_longer_in_force_are_a_conflict(world, held):
    before = read_rows(world, "select min(batch_digest) as digest from batch where delivery_id <> %s", held)[0]["digest"]
    with pytest.raises(Conflict, match="judged anew meanwhile"), world.connect("loader") as connection:
        record(connection, held, CorrectedRows(before, "a" * 64, 1, corrected_by="x"), world.at)


def test_a_judgement_that_changes_nothing_says_so(world, held):
    from perlinsos.commands.quarantine import _say_judgement

    for apply in (False, True):
        done = accept.replay(world, held, apply=apply)
        assert (done["differs"], done["applied"]) == (False, False)
        assert "nothing to put in force" in _say_judgement(done) and "--apply" not in _say_judgement(done)


def test_a_later_full_delivery_replaces_what_was_set_aside(world, held):
    assert [(row["delivery_id"], row["superseded_by"]) for row in list_quarantined(world)] == [(held, None)]
    deliver_rows(world, "test-population", [person(n) for n in range(3)], day="2025-12-22")
    later = read_rows(world, "select max(delivery_id) as id from delivery")[0]["id"]
    assert [(row["delivery_id"], row["superseded_by"]) for row in list_quarantined(world)] == [(held, later)]


def test_a_delta_is_superseded_once_the_last_of_its_rows_came(world):
    bad = [signal(n, "CAR", value="1", observed_on="31/31/2025") for n in (1, 2)]
    deliver_rows(world, "test-delta", [*bad, signal(0, "CAR", value="1")])
    deliver_rows(world, "test-delta", [signal(1, "CAR", value="0")], day="2025-12-21")
    assert [row["superseded_by"] for row in list_quarantined(world, "35.10")] == [None]
    deliver_rows(world, "test-delta", [signal(2, "CAR", value="0")], day="2025-12-22")
    later = read_rows(world, "select max(delivery_id) as id from delivery")[0]["id"]
    assert [row["superseded_by"] for row in list_quarantined(world, "35.10")] == [later]


def test_unknown_deliveries_and_regions_are_refused(world):
    for ask in (
        lambda: show_quarantined(world, 999),
        lambda: accept.replay(world, 999, apply=False),
        lambda: list_quarantined(world, "99.99"),
        lambda: write_out(world, 999, world.settings.home / "x.csv"),
    ):
        with pytest.raises(Refused):
            ask()
    assert list_quarantined(world, "national") == [] and card(0)
