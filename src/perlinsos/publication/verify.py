"""Verify a fetched folder without any service: signature, every file, the totals and, of a full list, its digest."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from perlinsos.errors import PerlinsosError, Refused, WrongUsage, say_why
from perlinsos.model.datasets import RESULT_TABLES, ResultTable
from perlinsos.publication import signature
from perlinsos.publication.canonical import LIST_TABLES, content_digest, list_digest
from perlinsos.publication.files import read_csv_gz
from perlinsos.publication.manifest import AMOUNTS, MANIFEST, SIGNATURE, total_by_outcome
from perlinsos.publication.schema import find_profile, tables_of
from perlinsos.publication.status_feed import Standing
from perlinsos.storage import digest_of


@dataclass
class Verdict:
    """What was found. `faults` name the file and what is wrong with it; the folder is sound where there are none."""

    label: str
    status: str
    list_digest: str
    key_id: str
    files: int = 0
    rows: int = 0
    faults: list[dict[str, str]] = field(default_factory=list)
    standing: Standing | None = None

    def fault(self, file: str, what: str) -> None:
        """Note one fault."""
        self.faults.append({"file": file, "what": what})


def read_manifest(folder: Path, public_keys: Sequence[bytes]) -> tuple[dict[str, Any], str]:
    """The manifest of the folder and the id of the key that signed it. Refused where it is missing or not signed so."""
    for name in (MANIFEST, SIGNATURE):
        if not (folder / name).is_file():
            raise Refused("A file is missing", where=name, why="without it nothing of the folder can be trusted")
    data = (folder / MANIFEST).read_bytes()
    key_id = signature.verify(data, (folder / SIGNATURE).read_bytes(), public_keys)
    document: dict[str, Any] = json.loads(data)
    return document, key_id


def verify_folder(folder: Path, public_keys: Sequence[bytes]) -> Verdict:
    """Verify one folder, as `snapshot fetch` or any S3 client got it.

    Raises Refused where the signature fails: then nothing else is worth reading. All other faults are collected.
    """
    manifest, key_id = read_manifest(folder, public_keys)
    label = f"{manifest['list_id']}/r{manifest['revision']}"
    verdict = Verdict(label, manifest["status"], manifest["list_digest"], key_id)
    _check_names(folder, manifest, verdict)
    tables = _tables(manifest)
    for entry in manifest["files"]:
        if _is_sound(folder, entry, verdict):
            _guard(verdict, entry["path"], partial(_check_rows, folder, entry, tables, verdict))
    if not verdict.faults:
        _guard(verdict, MANIFEST, partial(_check_totals, folder, manifest, verdict))
    return verdict


def _guard(verdict: Verdict, file: str, check: Callable[[], None]) -> None:
    """Run a check that reads a file; what cannot be read is a fault of that file."""
    try:
        check()
    except PerlinsosError as error:
        verdict.fault(file, "; ".join(part for part in (error.what, error.where, error.why) if part))
    except (pa.ArrowInvalid, OSError, KeyError, ValueError) as error:
        verdict.fault(file, f"cannot be read: {say_why(error)}")


def _check_names(folder: Path, manifest: dict[str, Any], verdict: Verdict) -> None:
    """Exactly the files that the manifest names, beside itself and its signature."""
    named = {entry["path"] for entry in manifest["files"]}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    for name in sorted(named - there):
        verdict.fault(name, "is missing")
    for name in sorted(there - named - {MANIFEST, SIGNATURE}):
        verdict.fault(name, "is not named in the manifest")


def _is_sound(folder: Path, entry: dict[str, Any], verdict: Verdict) -> bool:
    """Whether size and SHA-256 of a file are the manifest's. A missing file was named already."""
    path = folder / entry["path"]
    if not path.is_file():
        return False
    verdict.files += 1
    if path.stat().st_size != entry["bytes"]:
        verdict.fault(entry["path"], f"has {path.stat().st_size} bytes, not {entry['bytes']}")
        return False
    if digest_of(path) != entry["sha256"]:
        verdict.fault(entry["path"], "has another SHA-256 than the manifest says")
        return False
    return True


def _tables(manifest: dict[str, Any]) -> dict[str, ResultTable]:
    """The shape of each table by the stem of its file's name."""
    if "consumer" in manifest:
        return tables_of(find_profile(manifest["consumer"]["profile"]))
    return {name: RESULT_TABLES[name] for name in LIST_TABLES}


def _check_rows(folder: Path, entry: dict[str, Any], tables: dict[str, ResultTable], verdict: Verdict) -> None:
    """Rows and content digest of a table, from Parquet and from CSV alike."""
    if entry["rows"] is None or entry["path"].endswith(".xlsx"):  # of a sheet the hash is enough: reading it takes minutes
        return
    path, name = folder / entry["path"], entry["path"].split(".")[0]
    table = tables["changes" if name.startswith("changes_from_") else name]
    source = path if path.suffix == ".parquet" else read_csv_gz(path, table)
    rows = pq.read_metadata(path).num_rows if path.suffix == ".parquet" else source.num_rows
    if rows != entry["rows"]:
        verdict.fault(entry["path"], f"has {rows} rows, not {entry['rows']}")
    elif content_digest(source, table) != entry["content_digest"]:
        verdict.fault(entry["path"], "has another content digest than the manifest says")
    verdict.rows += rows


def _check_totals(folder: Path, manifest: dict[str, Any], verdict: Verdict) -> None:
    """The rows' sums are the manifest's, and the four tables of a full list have its digest."""
    if "consumer" in manifest:
        profile = find_profile(manifest["consumer"]["profile"])
        path, outcomes = folder / "recipients.parquet", profile.outcomes
    else:
        path, outcomes = folder / "decisions.parquet", None
        tables = {name: folder / f"{name}.parquet" for name in LIST_TABLES}
        found = list_digest(manifest["programme"], manifest["rules_digest"], tables)
        if found != manifest["list_digest"]:
            verdict.fault(MANIFEST, "the four tables have another list digest")
    names = [name for name in AMOUNTS if name in pq.read_schema(path).names]
    sums = total_by_outcome(pq.read_table(path, columns=["outcome", *names]), names)
    for outcome, expected in manifest["outcomes"].items():
        if outcomes is not None and outcome not in outcomes:
            continue
        of_rows = sums.pop(outcome, {"rows": 0, **dict.fromkeys(names, 0)})
        if any(of_rows[name] != expected[name] for name in of_rows):
            verdict.fault(path.name, f"its {outcome} rows do not sum to the manifest's totals")
    if sums:
        verdict.fault(path.name, f"has outcomes that the manifest does not name: {', '.join(sums)}")


def add_standing(verdict: Verdict, standing: Standing | None) -> None:
    """Add what the status feed says of the revision; a feed that is not what was signed is a fault."""
    verdict.standing = standing
    for what in standing.faults if standing else ():
        verdict.fault("status", what)


def find_public_keys(home: Path, named: Path | None = None) -> list[bytes]:
    """The named public key, else all that lie in `PERLINSOS_HOME/keys`. WrongUsage where there is none."""
    paths = [named] if named else sorted((home / "keys").glob("*.pub"))
    remedy = "give --public-key FILE: a key from the published keys/ folder, over a way that you trust"
    try:
        keys = [path.read_bytes() for path in paths]
    except OSError as error:
        raise WrongUsage("The public key cannot be read", where=str(named), why=say_why(error), remedy=remedy) from error
    for path, key in zip(paths, keys, strict=True):
        if not signature.is_public_key(key):
            why = "it is not of minisign's form: a line of comment, then 56 characters that begin with RW"
            raise WrongUsage("This is no public key", where=str(path), why=why, remedy=remedy)
    if not keys:
        raise WrongUsage("There is no public key to verify with", remedy=remedy)
    return keys


def check_verdict(verdict: Verdict, *, allow_simulation: bool = False) -> None:
    """Raise Refused where something is wrong, naming every file at fault, and for what is suspended, withdrawn or no list."""
    if verdict.faults:
        named = "; ".join(f"{fault['file']}: {fault['what']}" for fault in verdict.faults)
        remedy = "do not load this folder; fetch it again, and report it if the fault stays"
        raise Refused(f"{verdict.label} is not what was signed", where=named, remedy=remedy)
    if verdict.standing is not None and verdict.standing.stands in {"suspended", "withdrawn"}:
        where = f"record {verdict.standing.number} of {verdict.standing.feed}, {verdict.standing.at}"
        raise Refused(f"{verdict.label} is {verdict.standing.stands}", where=where, remedy="do not pay by it")
    if verdict.status == "simulation" and not allow_simulation:
        remedy = "never load it; to check its files all the same: --allow-simulation"
        raise Refused(f"{verdict.label} is a simulation", why="SIMULASI / SIMULATION: it is no list", remedy=remedy)
