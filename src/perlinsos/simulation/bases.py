"""What a simulation starts from: an immutable set of inputs with the rules and settings that belong to it."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from perlinsos.context import Context
from perlinsos.errors import Refused
from perlinsos.ledger.input_sets import InputSet, read_input_set
from perlinsos.ledger.revisions import read_revisions
from perlinsos.model.datasets import DATASETS
from perlinsos.operations.rebuild import rebuild_inputs, settings_of
from perlinsos.operations.rule_files import fetch_rules
from perlinsos.publication.fetch import parse_label
from perlinsos.recipients.input_files import find_files
from perlinsos.storage import digest_of

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Base:
    """Inputs as `determine` reads them, and how they are decided where a scenario says nothing else.

    `label` says where they come from, `digest` names them: the input set's, or a SHA-256 over the files of a folder.
    """

    label: str
    digest: str
    region: str
    stage: str
    inputs: Path
    rules: Path
    programmes: tuple[str, ...]
    scope: str = "population"
    settings: Mapping[str, Any] = field(default_factory=dict)


def is_reference(text: str) -> bool:
    """Whether a text names an input set or a list of the ledger, not a folder."""
    return bool(_DIGEST.fullmatch(text)) or ("/" in text and bool(re.match(r"\d{4}-T\d/", text)))


def open_reference(ctx: Context, text: str, work: Path, programmes: Sequence[str] = ()) -> Base:
    """The base of an input set (by its digest) or of a list's revision, assembled from the pinned batches in `work`."""
    frozen = find_input_set(ctx, text)
    rebuild_inputs(ctx, frozen, work / "inputs")
    document = frozen.document
    own = tuple(document["programmes"])
    if unknown := sorted(set(programmes) - set(own)):
        raise Refused(f"The input set is not about {unknown[0]}", where=text, why=f"it was frozen for {', '.join(own)}")
    rules = fetch_rules(ctx, document["rules"], work / "rules")
    return Base(
        text, frozen.digest, document["region"], document["stage"], work / "inputs", rules,
        tuple(programmes) or own, document["scope"], settings_of(frozen),
    )  # fmt: skip


def find_input_set(ctx: Context, text: str) -> InputSet:
    """The frozen input set of a digest, or of a published revision (the newest where none is named)."""
    digest = text
    with ctx.connect("reader") as connection:
        if not _DIGEST.fullmatch(text):
            list_id, number = parse_label(text)
            tracks = [read_revisions(connection, list_id, track) for track in ("list", "simulation")]
            found = [one for track in tracks for one in track if number in (None, one.revision)]
            if not found:
                raise Refused("There is no such list", where=text, remedy="perlinsos snapshot list")
            lists = [one for one in found if one.status != "simulation"]
            digest = (lists or found)[-1].input_set_digest
        return read_input_set(connection, digest)


def digest_folder(inputs: Path) -> str:
    """A SHA-256 over the files of an input folder: their names and hashes."""
    files = sorted(path for name in DATASETS for path in find_files(inputs, name))
    text = "".join(f"{path.relative_to(inputs)} {digest_of(path)}\n" for path in files)
    return hashlib.sha256(text.encode()).hexdigest()


def with_quota(base: Base, quota: Mapping[str, int | None], reference: Path, out: Path) -> Path:
    """An input folder with other places for some programmes of this region and stage; the same files for all else."""
    if not quota:
        return base.inputs
    _link_all_but(base.inputs, "quota", out)
    files = find_files(base.inputs, "quota") or [reference / "quota.csv"]
    names = DATASETS["quota"].names
    kept = [
        row for row in _read_rows(files, names)
        if row[:3] not in {(base.region, programme, base.stage) for programme in quota}
    ]  # fmt: skip
    own = [
        (base.region, programme, base.stage, str(value), "simulation") for programme, value in quota.items() if value is not None
    ]
    with (out / "quota.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *kept, *own])
    return out


def with_true_deciles(inputs: Path, truth: Path, out: Path) -> Path:
    """An input folder in which the welfare data knows every family's true decile (`truth`: no_kk, true_decile)."""
    _link_all_but(inputs, "welfare_family", out)
    with duckdb.connect(":memory:") as connection:
        rows = _open_files(connection, find_files(inputs, "welfare_family"))
        known = _open_files(connection, [truth])
        places = ", ".join(f'r."{name}"' for name in rows.columns if name != "decile")
        rows.create_view("welfare")
        known.create_view("truth")
        connection.execute(
            f"create table corrected as select {places}, coalesce(try_cast(t.true_decile as bigint), "  # noqa: S608
            "try_cast(r.decile as bigint)) as decile from welfare as r left join "
            "(select no_kk, max(true_decile) as true_decile from truth group by no_kk) as t on t.no_kk = r.no_kk"
        )
        connection.table("corrected").write_parquet(str(out / "welfare_family.parquet"))
    return out


def _link_all_but(inputs: Path, dataset: str, out: Path) -> None:
    out.mkdir(parents=True)
    for path in inputs.iterdir():
        if path.stem != dataset:
            (out / path.name).symlink_to(path.resolve())


def _open_files(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> duckdb.DuckDBPyRelation:
    """The rows of CSV or Parquet files; texts of CSV stay as they are."""
    relations = [
        connection.read_parquet(str(path)) if path.suffix == ".parquet"
        else connection.read_csv(str(path), header=True, sep=",", all_varchar=True)
        for path in files
    ]  # fmt: skip
    first = relations[0]
    for other in relations[1:]:
        first = first.union(other.project(", ".join(f'"{name}"' for name in first.columns)))
    return first


def _read_rows(files: Sequence[Path], names: Iterable[str]) -> list[tuple[Any, ...]]:
    with duckdb.connect(":memory:") as connection:
        rows = _open_files(connection, files)
        there = set(rows.columns)
        chosen = ", ".join(f'"{name}"' if name in there else f"null as {name}" for name in names)
        return rows.project(chosen).fetchall()
