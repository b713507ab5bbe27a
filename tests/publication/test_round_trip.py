"""Whatever program reads a consumer's files by the README's line, it has the same content: the manifest's digest."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import polars as pl
import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from perlinsos.commands.snapshot import app
from perlinsos.context import Context
from perlinsos.publication import sheets
from perlinsos.publication.fetch import fetch_list
from perlinsos.publication.package import read_table_shape
from perlinsos.publication.publish import publish
from perlinsos.publication.readme import READERS
from perlinsos.publication.restore import digest_of_rows
from perlinsos.settings import find_project

from .conftest import KEY, add_consumer

LIST_ID = "2026-T1/35.10/pkh"
ROWS = {"payer": 6, "programme_owner": 23, "auditor": 23, "statistics": 23}
SOFFICE = pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice (libreoffice-calc) is not installed")
PSQL = pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not installed")


@pytest.fixture
def copy(request: pytest.FixtureRequest, determined: Any, context: Any, keys: Path, tmp_path: Path) -> Path:
    """The folder that a consumer fetches; its profile is the parameter."""
    profile = getattr(request, "param", "auditor")
    ctx: Context = context()
    add_consumer(ctx.settings, "reader", profile)
    determined()
    publish(ctx, KEY, {})
    fetch_list(ctx.storage, ctx.settings.buckets, LIST_ID, tmp_path / "copy", "reader")
    return tmp_path / "copy"


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    return found


def digest_promised(folder: Path) -> str:
    """The one content digest that the manifest gives for all three forms."""
    (found,) = {entry["content_digest"] for entry in manifest(folder)["files"] if entry["path"].startswith("recipients.")}
    return str(found)


def digest_found(folder: Path, rows: pa.Table) -> str:
    return digest_of_rows(rows, read_table_shape(folder / "datapackage.json"))


def digest_told(folder: Path, file: Path) -> str:
    """What the command says."""
    result = CliRunner().invoke(app, ["digest", str(file), "--package", str(folder / "datapackage.json"), "--json"])
    assert result.exit_code == 0, result.exception
    return str(json.loads(result.stdout)["content_digest"])


def read_pandas(line: str) -> pa.Table:
    return pa.Table.from_pandas(eval(line, {"pandas": pd}), preserve_index=False)


def read_polars(line: str) -> pa.Table:
    return eval(line, {"polars": pl}).to_arrow()


def read_duckdb(line: str) -> pa.Table:
    return duckdb.sql(line).to_arrow_table()


LINES: list[tuple[str, Callable[[str], pa.Table]]] = [
    *((name, read_pandas) for name in READERS if name.startswith("pandas")),
    *((name, read_polars) for name in READERS if name.startswith("polars")),
    *((name, read_duckdb) for name in READERS if name.startswith("DuckDB")),
]


@pytest.mark.parametrize("copy", list(ROWS), indirect=True)
def test_each_line_of_the_readme_reads_the_same_content(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy)
    promised = digest_promised(copy)
    for name, read in LINES:
        rows = read(READERS[name])
        assert rows.num_rows == ROWS[manifest(copy)["consumer"]["profile"]]
        assert digest_found(copy, rows) == promised, name
        assert f"`{READERS[name]}`" in (copy / "README.id.md").read_text()


@pytest.mark.parametrize("rows_of_a_sheet", [1, 5, 23])
def test_the_lines_for_the_sheet_read_every_sheet(
    determined: Any, context: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_of_a_sheet: int
) -> None:
    monkeypatch.setattr(sheets, "ROWS_OF_A_SHEET", rows_of_a_sheet)
    ctx: Context = context()
    add_consumer(ctx.settings, "reader", "auditor")
    determined()
    publish(ctx, KEY, {})
    fetch_list(ctx.storage, ctx.settings.buckets, LIST_ID, tmp_path / "copy", "reader")
    monkeypatch.chdir(tmp_path / "copy")
    assert len(openpyxl.load_workbook("recipients.xlsx").sheetnames) == -(-23 // rows_of_a_sheet)
    lines = [(name, read) for name, read in LINES if name.endswith("(XLSX)")]
    assert [name for name, _ in lines] == ["pandas (XLSX)", "polars (XLSX)"]
    for name, read in lines:
        rows = read(READERS[name])
        assert (rows.num_rows, digest_found(tmp_path / "copy", rows)) == (23, digest_promised(tmp_path / "copy")), name


def test_what_those_programs_write_again_has_the_same_content(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copy)
    promised, out = digest_promised(copy), tmp_path / "again"
    out.mkdir()
    texts = pd.read_csv("recipients.csv.gz", dtype=str, keep_default_na=False)
    texts.to_csv(out / "pandas.csv", index=False)
    texts.rename_axis(None).to_excel(out / "pandas.xlsx", index=False, sheet_name="recipients")
    pd.read_parquet("recipients.parquet").to_parquet(out / "pandas.parquet")
    pl.read_csv("recipients.csv.gz", infer_schema=False).sample(fraction=1, shuffle=True, seed=7).write_csv(out / "polars.csv")
    pl.read_parquet("recipients.parquet").write_parquet(out / "polars.parquet")
    duckdb.sql(f"copy (from 'recipients.parquet' order by hash(family_token)) to '{out / 'duckdb.parquet'}'")
    found = {path.name: digest_told(copy, path) for path in sorted(out.iterdir())}
    assert set(found.values()) == {promised} and len(found) == 6, found


@pytest.mark.parametrize("copy", list(ROWS), indirect=True)
def test_the_short_verifier_that_shares_no_code_finds_the_same_digest(copy: Path) -> None:
    verifier = str(find_project() / "docs" / "verify_recipients.py")
    for name in ("recipients.parquet", "recipients.csv.gz", "recipients.xlsx"):
        command = [sys.executable, verifier, name, "datapackage.json"]
        found = subprocess.run(command, cwd=copy, check=True, capture_output=True, text=True).stdout.strip()
        assert found == digest_promised(copy), name


def test_one_altered_value_has_another_content(copy: Path, tmp_path: Path) -> None:
    texts = pd.read_csv(copy / "recipients.csv.gz", dtype=str, keep_default_na=False)
    texts.loc[5, "family_size"] = "4"
    texts.to_csv(tmp_path / "altered.csv", index=False)
    assert digest_told(copy, tmp_path / "altered.csv") != digest_promised(copy)


@pytest.mark.debian
@SOFFICE
def test_libreoffice_opens_the_sheet_and_saves_the_same_content(copy: Path, tmp_path: Path) -> None:
    for ending in ("csv", "xlsx"):
        subprocess.run(
            ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/office", "--convert-to", ending,
             "--outdir", str(tmp_path / ending), str(copy / "recipients.xlsx")],
            check=True, capture_output=True, timeout=180,
        )  # fmt: skip
        assert digest_told(copy, tmp_path / ending / f"recipients.{ending}") == digest_promised(copy), ending


def load(folder: Path, url: str, *options: str) -> subprocess.CompletedProcess[str]:
    """The README's line, with this database."""
    line = READERS["PostgreSQL"].split()
    line[line.index("DATABASE")] = url
    return subprocess.run([*line, *options], cwd=folder, env={**os.environ, "PGOPTIONS": ""}, capture_output=True, text=True)


def rows_of(url: str, query: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()
    finally:
        connection.close()


@pytest.mark.debian
@PSQL
@pytest.mark.parametrize("copy", list(ROWS), indirect=True)
def test_postgresql_loads_the_same_content(copy: Path, new_database: Callable[[str | None], str]) -> None:
    url = new_database(None)
    for _ in range(2):  # loading again replaces
        done = load(copy, url)
        assert done.returncode == 0, done.stderr
    names = [column.name for column in read_table_shape(copy / "datapackage.json").columns]
    loaded = rows_of(url, f"select {', '.join(names)} from perlinsos.recipients order by random()")
    rows = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in loaded])
    assert digest_found(copy, rows) == digest_promised(copy)
    comments = rows_of(url, "select count(*) from pg_description where objoid = 'perlinsos.recipients'::regclass")
    assert comments == [(len(names) + 1,)]
    keys = rows_of(url, "select count(*) from pg_constraint where conrelid = 'perlinsos.recipients'::regclass and contype = 'u'")
    assert keys == [(0 if manifest(copy)["consumer"]["profile"] == "statistics" else 1,)]


@pytest.mark.debian
@PSQL
def test_a_loader_refuses_simulations_older_revisions_and_lost_rows(
    copy: Path, new_database: Callable[[str | None], str]
) -> None:
    url, known = new_database(None), manifest(copy)

    def load_as(**changed: Any) -> subprocess.CompletedProcess[str]:
        (copy / "manifest.json").write_text(json.dumps({**known, **changed}, indent=2))
        return load(copy, url, *options)

    options: tuple[str, ...] = ()
    refused = load_as(status="simulation")
    assert refused.returncode == 3 and "SIMULASI / SIMULATION" in refused.stderr
    assert rows_of(url, "select count(*) from pg_namespace where nspname = 'perlinsos'") == [(0,)]
    options = ("-v", "allow_simulation=1")
    assert load_as(status="simulation").returncode == 0
    options = ()
    assert load_as(revision=3).returncode == 0
    older = load_as(revision=2)
    assert older.returncode == 3 and "revision 3 of 2026-T1/35.10/pkh is loaded already" in older.stderr
    short = [{**entry, "rows": 24} if entry["path"] == "recipients.csv.gz" else entry for entry in known["files"]]
    lost = load_as(revision=4, files=short)
    assert lost.returncode == 3 and "has 23 rows, the manifest says 24" in lost.stderr
    assert rows_of(url, "select revision, (select count(*) from perlinsos.recipients) from perlinsos.loaded_list") == [(3, 23)]


@pytest.mark.debian
@PSQL
@pytest.mark.parametrize("copy", list(ROWS), indirect=True)
@pytest.mark.parametrize(("written", "instead"), [(b",600000", b",900000"), (b'"LAYAK"', b'"TUNDA"')])
def test_a_loader_refuses_rows_that_do_not_sum_to_the_manifest(
    copy: Path, new_database: Callable[[str | None], str], written: bytes, instead: bytes
) -> None:
    """The very rows as many as before, an amount or an outcome changed: nothing is loaded, what was loaded stays."""
    url, path = new_database(None), copy / "recipients.csv.gz"
    assert load(copy, url).returncode == 0
    query = "select count(*), sum(amount_stage_idr) from perlinsos.recipients where outcome = 'LAYAK'"
    before = rows_of(url, query)
    text = gzip.decompress(path.read_bytes())
    assert text.count(written) >= 1
    path.write_bytes(gzip.compress(text.replace(written, instead, 1)))
    done = load(copy, url)
    assert done.returncode == 3 and "do not sum to the manifest's totals" in done.stderr and "LAYAK" in done.stderr
    assert rows_of(url, query) == before == [(6, 3_600_000)]


@pytest.mark.parametrize("name", ["recipients.csv.gz", "recipients.parquet", "recipients.xlsx", "load.sql", "README.id.md"])
def test_frictionless_finds_the_folder_valid_and_an_altered_file_not(copy: Path, name: str) -> None:
    import frictionless

    assert frictionless.validate(str(copy / "datapackage.json")).valid
    path = copy / name
    data = path.read_bytes()
    if name.endswith(".gz"):  # one value of one family
        path.write_bytes(gzip.compress(gzip.decompress(data).replace(b",3,", b",4,", 1)))
    else:
        path.write_bytes(data[:40] + bytes([data[40] ^ 1]) + data[41:])
    report = frictionless.validate(str(copy / "datapackage.json"))
    assert not report.valid
    assert [task.place for task in report.tasks if not task.valid] == [name]


def test_the_sheet_holds_codes_as_text_and_days_as_days(copy: Path) -> None:
    sheet = openpyxl.load_workbook(copy / "recipients.xlsx")["recipients"]
    head, first = (list(row) for row in sheet.iter_rows(min_row=1, max_row=2))
    found = {name.value: cell for name, cell in zip(head, first, strict=True)}
    assert (found["region_code"].value, found["district_code"].value) == ("35.10", "35.10.16")
    assert {found[name].data_type for name in ("region_code", "district_code", "village_code", "family_token")} == {"s"}
    assert found["as_of"].is_date and found["as_of"].number_format == "yyyy-mm-dd"
    assert sheet.max_row == 24 and sheet.dimensions == "A1:V24"
    assert pq.read_table(copy / "recipients.parquet").column_names == list(found)
