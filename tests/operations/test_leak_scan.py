"""The scan finds a planted number wherever it may stand, shows it nowhere, and cries for nothing else."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from perlinsos.errors import Refused
from perlinsos.operations.leak_numbers import Found, NumberForm, read_districts
from perlinsos.operations.leak_scan import Scan, check_leaks, scan_everything, scan_file
from perlinsos.settings import Settings, find_project
from perlinsos.storage import Storage, open_storage

NIK = "3510165203057001"  # a woman of Banyuwangi who was invented
CARD = "3510160101267002"
DISTRICTS = read_districts(find_project() / "reference")


def look(data: str | bytes, known: tuple[int, ...] = ()) -> list[dict[str, Any]]:
    found = Found(NumberForm(DISTRICTS))
    found.look("here", data.encode() if isinstance(data, str) else data)
    return found.leaks(iter([np.array(known, dtype=np.int64)]))


@pytest.mark.parametrize(
    "text", [NIK, f"nik={NIK}&x", f'{{"nik": "{NIK}"}}', f"card{NIK}", f"_{CARD}_", f"a/{CARD}/b", f"{NIK}.", f"NIK:{NIK}abc"]
)
def test_a_number_is_found_in_any_surroundings(text: str) -> None:
    assert look(text) == [{"place": "here", "kind": "form", "count": 1}]


@pytest.mark.parametrize(
    "text",
    [
        f"1{NIK}",  # longer runs of digits
        f"{NIK}000",
        f"9f86d081884c7d65{NIK}deadbeefdeadbeefdeadbeefdeadbeef",  # inside a digest
        "1795000000000000",  # moments in microseconds
        "1764108000123456",
        f"0.{NIK}",  # a fraction
        "3510165213057001",  # month 13
        "3510163203057001",  # day 32
        "3510995203057001",  # no such district
        "0000000000000000",
    ],
)
def test_what_is_no_number_of_a_person_is_left_alone(text: str) -> None:
    assert look(text) == []


def test_a_known_number_counts_whatever_surrounds_it() -> None:
    assert look("0.3510165213057001", known=(3510165213057001,)) == [{"place": "here", "kind": "known", "count": 1}]


def test_a_serial_below_the_least_one_is_no_form() -> None:
    assert NumberForm(DISTRICTS, 7001).fits(int(NIK)) and not NumberForm(DISTRICTS, 7002).fits(int(NIK))


def test_all_moments_of_ten_years_in_microseconds_rarely_have_the_form() -> None:
    """A moment in microseconds has sixteen digits; at most one of 10,000 may look like a number."""
    rng = np.random.default_rng(1)
    moments = rng.integers(1_700_000_000_000_000, 2_000_000_000_000_000, 20_000)
    form = NumberForm(DISTRICTS)
    assert sum(form.fits(moment) for moment in moments.tolist()) <= 40


def test_a_number_across_the_border_of_two_blocks_is_counted_once() -> None:
    for shift in (-20, -16, -8, -1, 0, 1, 170):
        found = Found(NumberForm(DISTRICTS))
        data = b"." * ((4 << 20) + shift) + NIK.encode() + b" " * 300 + CARD.encode()
        found.look_through("here", io.BytesIO(data))
        assert found.leaks(iter([])) == [{"place": "here", "kind": "form", "count": 2}], shift


def zipped(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return out.getvalue()


def parquet(column: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"x": column}), out, compression="zstd")
    return out.getvalue()


FILES = {
    "plain.log": f"failed for {NIK}".encode(),
    "packed.json.gz": gzip.compress(json.dumps({"rows": [{"nik": NIK}]}).encode()),
    "sheet.xlsx": zipped("xl/sharedStrings.xml", f"<t>{CARD}</t>".encode()),
    "nested.zip": zipped("x.csv.gz", gzip.compress(f"nik\n{NIK}\n".encode())),
    "texts.parquet": parquet(["x"] * 5000 + [NIK] + ["y"] * 5000),
    "integers.parquet": parquet([int(NIK)]),
    "lists.parquet": parquet([["a"], None, ["b", NIK]]),
    "structs.parquet": parquet([{"deep": {"nik": NIK}}]),
    "binary.parquet": parquet([b"\x00" + NIK.encode()]),
    "dictionary.parquet": parquet(pa.array([NIK, "x"]).dictionary_encode()),
}


@pytest.mark.parametrize("name", FILES)
def test_a_number_is_found_in_every_kind_of_file(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    scan = Scan(Found(NumberForm(DISTRICTS)))
    scan_file(scan, name, tmp_path / name)
    leaks = scan.found.leaks(iter([]))
    assert leaks and not scan.unread
    assert NIK not in str(leaks) and CARD not in str(leaks)


def test_metadata_of_a_parquet_file_is_looked_at(tmp_path: Path) -> None:
    table = pa.table({"x": [1]}).replace_schema_metadata({"asked_by": NIK})
    pq.write_table(table, tmp_path / "x.parquet")
    scan = Scan(Found(NumberForm(DISTRICTS)))
    scan_file(scan, "x.parquet", tmp_path / "x.parquet")
    assert "x.parquet (metadata)" in {leak["place"] for leak in scan.found.leaks(iter([]))}


@pytest.fixture
def store(settings: Settings) -> Storage:
    storage = open_storage(settings)
    for bucket in (settings.buckets.landing, settings.buckets.work, settings.buckets.published):
        storage.make_bucket(bucket)
    return storage


def test_a_clean_installation_is_clean(settings: Settings, store: Storage) -> None:
    store.put_new(settings.buckets.work, "batches/x/accepted.parquet", NIK.encode())  # the restricted store may hold it
    store.put_new(settings.buckets.published, "consumer=x/y.json", b"{}")
    result = scan_everything(settings)
    check_leaks(result)
    assert result["leaks"] == [] and result["unread"] == []
    assert result["looked_at"]["tables"] > 20 and result["looked_at"]["objects"] == 1


def plant_in_log(settings: Settings, store: Storage) -> str:
    (settings.home / "logs").mkdir()
    (settings.home / "logs" / "scheduler.log").write_text(f"row {NIK} failed")
    return "logs/scheduler.log"


def plant_in_key(settings: Settings, store: Storage) -> str:
    store.put_landing(settings.buckets.landing, f"dukcapil/35.10/{NIK}.csv", b"")
    return "key perlinsos-landing/dukcapil/35.10/••••.csv"


def plant_in_object(settings: Settings, store: Storage) -> str:
    store.put_new(settings.buckets.published, "consumer=x/recipients.csv.gz", gzip.compress(CARD.encode()))
    return "perlinsos-published/consumer=x/recipients.csv.gz (unpacked)"


def plant_in_ledger(settings: Settings, store: Storage) -> str:
    assert settings.database_url
    with psycopg2.connect(settings.database_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into perlinsos.outcome (step, key, state, counts, digests, error, duration_ms) "
            "values ('check', '35.10', 'failed', '{}', '{}', %s, 1)",
            [json.dumps({"what": f"bad row {NIK}"})],
        )
    return f"{settings.database_url.rsplit('/', 1)[1]}: perlinsos.outcome.error"


@pytest.mark.parametrize("plant", [plant_in_log, plant_in_key, plant_in_object, plant_in_ledger])
def test_a_planted_number_is_found_and_not_shown(plant: Callable[..., str], settings: Settings, store: Storage) -> None:
    place = plant(settings, store)
    result = scan_everything(settings)
    assert [leak["place"].removeprefix("database ") for leak in result["leaks"]] == [place]
    with pytest.raises(Refused) as caught:
        check_leaks(result)
    assert NIK not in str(caught.value) + json.dumps(result) and CARD not in str(caught.value) + json.dumps(result)


def test_numbers_of_other_databases_are_found(
    settings: Settings, store: Storage, new_database: Callable[[str | None], str]
) -> None:
    url = new_database(None)
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("create table xcom (id int, value jsonb, blob bytea, big bigint, names text[])")
        cursor.execute(
            "insert into xcom values (1, %s, %s, %s, %s)",
            [json.dumps({"return_value": [NIK]}), NIK.encode(), int(CARD), [f"x {CARD}"]],
        )
    places = {leak["place"].rsplit(".", 1)[1] for leak in scan_everything(settings, databases=[url])["leaks"]}
    assert places == {"value", "blob", "big", "names"}


def test_the_ledgers_people_are_known_whatever_their_form(settings: Settings, store: Storage, tmp_path: Path) -> None:
    pq.write_table(pa.table({"kind": ["nik"], "number": [3510165213057001]}), tmp_path / "index.parquet")
    store.put_new(settings.buckets.work, f"batches/{'a' * 64}/index.parquet", tmp_path / "index.parquet")
    (settings.home / "logs").mkdir()
    (settings.home / "logs" / "x.log").write_text("id 3510165213057001")
    assert scan_everything(settings)["leaks"] == [{"place": "logs/x.log", "kind": "known", "count": 1}]


def test_the_command_ends_with_1_and_names_the_place(
    settings: Settings, store: Storage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from perlinsos.commands.leak_scan import app

    monkeypatch.setenv("PERLINSOS_HOME", str(settings.home))
    monkeypatch.setenv("PERLINSOS_DATABASE_URL", str(settings.database_url))
    monkeypatch.setenv("PERLINSOS_S3_ENDPOINT", str(settings.s3_endpoint))
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.html").write_text(f"<td>{NIK}</td>")
    assert CliRunner().invoke(app, ["--json"]).exit_code == 0
    result = CliRunner().invoke(app, ["--folder", str(tmp_path / "pages")])
    assert isinstance(result.exception, Refused) and "pages/index.html: 1" in result.exception.where


def test_a_scan_that_saw_nothing_or_not_all_is_no_proof(settings: Settings, store: Storage, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="nothing to look at"):
        check_leaks({"leaks": [], "looked_at": {}, "unread": []})
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "cut.gz").write_bytes(gzip.compress(b"x" * 5000)[:-12])
    with pytest.raises(Refused, match=r"pages/cut\.gz"):
        check_leaks(scan_everything(settings, [tmp_path / "pages"]))
