"""A folder that was fetched is verified offline; whatever was changed is named."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from perlinsos.errors import Refused, WrongUsage
from perlinsos.ledger.consumers import Consumer
from perlinsos.publication.copies import CopyPlan, Source, prepare_consumer
from perlinsos.publication.fetch import fetch_list, list_published, parse_label
from perlinsos.publication.manifest import ListFacts
from perlinsos.publication.publish import publish
from perlinsos.publication.signature import ensure_key, load_key, sign
from perlinsos.publication.snapshot import prepare_list
from perlinsos.publication.tokens import ensure_token_key
from perlinsos.publication.verify import check_verdict, verify_folder
from perlinsos.settings import Buckets, find_project
from perlinsos.storage import Missing

from .conftest import KEY, card, make_determination

LIST_ID = "2026-T1/35.10/pkh"


@pytest.fixture
def public(tmp_path: Path) -> bytes:
    return ensure_key(tmp_path / "keys").read_bytes()


@pytest.fixture
def folders(tmp_path: Path, public: bytes) -> dict[str, Path]:
    """An authoritative folder and a consumer's, as they are fetched, without any service."""
    made = tmp_path / "determined"
    summary = make_determination(made)
    facts = ListFacts(LIST_ID, 1, "provisional", "live", summary["programmes"]["pkh"]["list_digest"])
    tables = {path.stem: path for path in made.iterdir()}
    documents = {"quality.json": "{}\n", "provenance.json": "{}\n"}
    whole = prepare_list(facts, tables, summary, documents, tmp_path / "list", Buckets())
    key = ensure_token_key(tmp_path / "keys", "kemensos-demo")
    owner = Consumer("kemensos-demo", "programme_owner", "test")
    copy = prepare_consumer(Source(facts, whole.local, summary, {}), CopyPlan(owner, key), tmp_path / "consumer", Buckets())
    for folder in (whole, copy):
        (folder.local / "manifest.json").write_bytes(folder.manifest)
        signed = sign(load_key(tmp_path / "keys"), folder.manifest, "test")
        (folder.local / "manifest.json.minisig").write_bytes(signed)
    return {"list": whole.local, "consumer": copy.local}


@pytest.mark.parametrize("kind", ["list", "consumer"])
def test_an_untouched_folder_is_sound(folders: dict[str, Path], public: bytes, kind: str) -> None:
    verdict = verify_folder(folders[kind], [public])
    assert verdict.faults == [] and verdict.label == f"{LIST_ID}/r1"
    check_verdict(verdict)


def test_the_short_verifier_that_shares_no_code_finds_the_same_list_digest(folders: dict[str, Path]) -> None:
    verifier = find_project() / "docs" / "verify_list_digest.py"
    command = [sys.executable, str(verifier), str(folders["list"]), "pkh"]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    assert found == json.loads((folders["list"] / "manifest.json").read_bytes())["list_digest"]


@pytest.mark.parametrize("kind", ["list", "consumer"])
def test_one_flipped_byte_of_any_file_is_named(folders: dict[str, Path], public: bytes, kind: str) -> None:
    names = [entry["path"] for entry in json.loads((folders[kind] / "manifest.json").read_bytes())["files"]]
    assert len(names) >= 6
    for name in names:
        path = folders[kind] / name
        data = path.read_bytes()
        path.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
        with pytest.raises(Refused, match=rf"{name}: has another SHA-256"):
            check_verdict(verify_folder(folders[kind], [public]))
        path.write_bytes(data)
    assert not verify_folder(folders[kind], [public]).faults


def test_a_flipped_byte_of_the_manifest_breaks_the_signature(folders: dict[str, Path], public: bytes) -> None:
    path = folders["consumer"] / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"revision": 1', b'"revision": 2'))
    with pytest.raises(Refused, match="signature does not verify"):
        verify_folder(folders["consumer"], [public])


@pytest.mark.parametrize("name", ["recipients.parquet", "README.en.md", "SHA256SUMS"])
def test_a_removed_file_is_named(folders: dict[str, Path], public: bytes, name: str) -> None:
    (folders["consumer"] / name).unlink()
    assert verify_folder(folders["consumer"], [public]).faults == [{"file": name, "what": "is missing"}]


@pytest.mark.parametrize("name", ["manifest.json", "manifest.json.minisig"])
def test_without_manifest_or_signature_nothing_is_trusted(folders: dict[str, Path], public: bytes, name: str) -> None:
    (folders["consumer"] / name).unlink()
    with pytest.raises(Refused, match=name):
        verify_folder(folders["consumer"], [public])


def test_an_added_file_is_named(folders: dict[str, Path], public: bytes) -> None:
    (folders["consumer"] / "more.csv").write_text("x")
    faults = verify_folder(folders["consumer"], [public]).faults
    assert faults == [{"file": "more.csv", "what": "is not named in the manifest"}]


def forge(folder: Path, name: str, key_folder: Path) -> None:
    """Make size and hash of a changed file right, and sign again: what only the platform could do."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    data = (folder / name).read_bytes()
    for entry in manifest["files"]:
        if entry["path"] == name:
            entry |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    text = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(text)
    (folder / "manifest.json.minisig").write_bytes(sign(load_key(key_folder), text, "test"))


@pytest.mark.parametrize("name", ["recipients.parquet", "recipients.csv.gz"])
def test_an_added_row_is_named_even_with_a_right_hash(folders: dict[str, Path], public: bytes, tmp_path: Path, name: str) -> None:
    path = folders["consumer"] / name
    if name.endswith("parquet"):
        rows = pq.read_table(path)
        pq.write_table(pa.concat_tables([rows, rows.slice(0, 1)]), path)
    else:
        lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
        path.write_bytes(gzip.compress(b"".join([*lines, lines[-1]])))
    forge(folders["consumer"], name, tmp_path / "keys")
    assert verify_folder(folders["consumer"], [public]).faults == [{"file": name, "what": "has 24 rows, not 23"}]


def test_a_changed_amount_is_named_even_with_a_right_hash(folders: dict[str, Path], public: bytes, tmp_path: Path) -> None:
    path = folders["list"] / "decisions.parquet"
    rows = pq.read_table(path)
    place = rows.column_names.index("amount_year_idr")
    pq.write_table(rows.set_column(place, "amount_year_idr", pa.array([1] * rows.num_rows)), path)
    forge(folders["list"], path.name, tmp_path / "keys")
    faults = verify_folder(folders["list"], [public]).faults
    assert faults == [{"file": path.name, "what": "has another content digest than the manifest says"}]


def test_a_key_of_somebody_else_verifies_nothing(folders: dict[str, Path], tmp_path: Path) -> None:
    other = ensure_key(tmp_path / "other").read_bytes()
    with pytest.raises(Refused, match="signature does not verify"):
        verify_folder(folders["list"], [other])


def test_a_simulation_is_refused_unless_asked_for(folders: dict[str, Path], public: bytes) -> None:
    verdict = verify_folder(folders["list"], [public])
    verdict.status = "simulation"
    with pytest.raises(Refused, match="is a simulation"):
        check_verdict(verdict)
    check_verdict(verdict, allow_simulation=True)


def test_a_consumer_gets_tokens_in_their_own_order_and_no_number(folders: dict[str, Path]) -> None:
    rows = pq.read_table(folders["consumer"] / "recipients.parquet")
    tokens = rows.column("family_token").to_pylist()
    assert tokens == sorted(tokens) and len(set(tokens)) == 23
    assert "decile" not in rows.column_names and "no_kk" not in rows.column_names
    plain = b"".join(path.read_bytes() for path in folders["consumer"].iterdir() if path.suffix != ".gz")
    plain += gzip.decompress((folders["consumer"] / "recipients.csv.gz").read_bytes()) + str(rows.to_pylist()).encode()
    assert not [number for number in range(600) if card(number).encode() in plain]


def test_the_files_agree_with_sha256sum(folders: dict[str, Path]) -> None:
    subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=folders["consumer"], check=True, capture_output=True)


def test_labels() -> None:
    assert parse_label("2026-T1/35.10/pkh") == ("2026-T1/35.10/pkh", None)
    assert parse_label("2026-T1/35.10/pkh/r12") == ("2026-T1/35.10/pkh", 12)
    for wrong in ("2026-T5/35.10/pkh", "35.10/pkh", "2026-T1/35.10/pkh/r0", "2026-T1/35.10/../x"):
        with pytest.raises(WrongUsage):
            parse_label(wrong)


def test_fetch_takes_the_newest_whole_or_nothing(determined: Callable[..., str], context: Any, tmp_path: Path) -> None:
    for families in (9, 12):
        determined(families=families)
        publish(context(f"run-{families}"), KEY, {})
    ctx = context()
    buckets = ctx.settings.buckets
    assert [found["list"] for found in list_published(ctx.storage, buckets, "kemensos-demo")] == [
        f"{LIST_ID}/r1",
        f"{LIST_ID}/r2",
    ]
    done = fetch_list(ctx.storage, buckets, LIST_ID, tmp_path / "new", "kemensos-demo")
    assert done["list"] == f"{LIST_ID}/r2" and json.loads((tmp_path / "new/manifest.json").read_bytes())["revision"] == 2
    assert fetch_list(ctx.storage, buckets, f"{LIST_ID}/r1", tmp_path / "old")["list"] == f"{LIST_ID}/r1"
    with pytest.raises(Missing):
        fetch_list(ctx.storage, buckets, f"{LIST_ID}/r3", tmp_path / "absent", "kemensos-demo")
    with pytest.raises(WrongUsage):
        fetch_list(ctx.storage, buckets, LIST_ID, tmp_path / "new", "kemensos-demo")
    path = ctx.storage.root / buckets.work / "lists/v1/programme=pkh/region=35.10/stage=2026-T1/rev=2/findings.parquet"
    path.chmod(0o644)
    path.write_bytes(b"changed")
    with pytest.raises(Refused, match=r"findings\.parquet"):
        fetch_list(ctx.storage, buckets, LIST_ID, tmp_path / "spoilt")
    assert not [path for path in tmp_path.iterdir() if "spoilt" in path.name or "absent" in path.name]


def test_the_commands(folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from perlinsos.commands.snapshot import app

    monkeypatch.setenv("PERLINSOS_HOME", str(tmp_path / "home"))
    runner, key = CliRunner(), str(tmp_path / "keys" / "platform.pub")
    result = runner.invoke(app, ["verify", str(folders["consumer"]), "--public-key", key, "--json"])
    assert result.exit_code == 0 and json.loads(result.stdout)["faults"] == []
    (folders["consumer"] / "recipients.csv.gz").write_bytes(b"")
    result = runner.invoke(app, ["verify", str(folders["consumer"]), "--public-key", key])
    assert isinstance(result.exception, Refused) and "recipients.csv.gz" in result.exception.where
    result = runner.invoke(app, ["verify", str(folders["list"])])
    assert isinstance(result.exception, WrongUsage)
    (tmp_path / "home").mkdir(exist_ok=True)
    shutil.copytree(tmp_path / "keys", tmp_path / "home" / "keys")
    assert runner.invoke(app, ["verify", str(folders["list"])]).exit_code == 0


def test_a_file_that_is_no_public_key_is_named(tmp_path):
    from perlinsos.errors import WrongUsage
    from perlinsos.publication.verify import find_public_keys

    (tmp_path / "README.md").write_text("# Perlinsos\n")
    for name, told in (("README.md", "This is no public key"), ("none.pub", "The public key cannot be read")):
        with pytest.raises(WrongUsage, match=told) as error:
            find_public_keys(tmp_path, tmp_path / name)
        assert name in error.value.where and "Error" not in error.value.why
