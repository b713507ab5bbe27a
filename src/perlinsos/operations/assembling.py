"""The input folder of a determination, made with DuckDB from the batches of an input set.

Of the region's own batches every row in force; of national batches the rows placed in the region; of national and
foreign ones all rows that share a NIK or No KK with these, in three rounds (card → person → card), so that a person's
other rows and a card's other members are there. The files are Parquet, sorted by all columns: equal input sets give
equal bytes under one version of the engine.
"""

# ruff: noqa: S608  (the names in the SQL are those of model/datasets.py; every value is bound)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from perlinsos.ledger.deliveries import Batch
from perlinsos.ledger.input_sets import InputSet
from perlinsos.model.datasets import DATASETS, Dataset
from perlinsos.operations.batches import ACCEPTED, HELD
from perlinsos.operations.quarantine import KEYS, is_same_delivery

ROW_GROUP = 122_880  # 60 of DuckDB's vectors: its batches are then exactly this long
ROUNDS = 3
ROW_DATASETS = ("population", "welfare_family", "welfare_person", "signal", "registration")
JOINED = ("population", "welfare_family", "welfare_person")
_ROW_KEYS = KEYS | {"registration": ("nik", "registered_at")}
_ARROW = {
    "text": pa.string(),
    "int64": pa.int64(),
    "date": pa.date32(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}
Fetch = Callable[[Batch, str], Path]


@dataclass(frozen=True)
class _Pinned:
    """A batch with its role, the group of its source and scope, and its place in that group's order."""

    batch: Batch
    role: str
    group: int
    place: int


def assemble_inputs(engine: duckdb.DuckDBPyConnection, frozen: InputSet, fetch: Fetch, out: Path) -> dict[str, dict[str, Any]]:
    """Write `<dataset>.parquet` for every dataset into `out`; gives file name → rows.

    `fetch(batch, name)` gives a local file of a batch. Datasets without any batch are left out, except quota,
    minimum_wage and quarantined, which are always written (an absent file would mean the project's reference).
    """
    pinned = _order(frozen)
    for name in ROW_DATASETS:
        _open_dataset(engine, frozen, [p for p in pinned if p.batch.dataset == name], DATASETS[name], fetch)
    _find_near(engine, frozen)
    written = {}
    for name in ROW_DATASETS:
        if any(p.batch.dataset == name for p in pinned):
            written[f"{name}.parquet"] = _write(engine.sql(_chosen(name)), DATASETS[name], out)
    written["quarantined.parquet"] = _write(engine.sql(_HELD_CHOSEN), DATASETS["quarantined"], out)
    for name, rows in (("minimum_wage", frozen.document["minimum_wage"]), ("quota", _quota_rows(frozen))):
        written[f"{name}.parquet"] = _write_rows(engine, rows, DATASETS[name], out)
    return {name: {"rows": rows} for name, rows in written.items()}


def _order(frozen: InputSet) -> list[_Pinned]:
    """The pinned batches in the order of their deliveries, grouped by source and scope."""
    groups: dict[tuple[str, str], int] = {}
    found: list[_Pinned] = []
    entries = zip(frozen.document["batches"], frozen.batches(), strict=True)
    for entry, batch in sorted(entries, key=lambda pair: (pair[1].source_id, pair[1].scope, pair[1].order)):
        group = groups.setdefault((batch.source_id, batch.scope), len(groups))
        place = sum(1 for other in found if other.group == group)
        found.append(_Pinned(batch, entry["role"], group, place))
    return found


def _open_dataset(
    engine: duckdb.DuckDBPyConnection, frozen: InputSet, pinned: list[_Pinned], dataset: Dataset, fetch: Fetch
) -> None:
    """Make `row_<dataset>` (the rows in force) and fill `held` (rows set aside and not replaced)."""
    name = dataset.name
    engine.execute("create table if not exists held (dataset text, role text, grp int, place int, _row bigint, "
                   "source text, nik text, no_kk text, code text)")  # fmt: skip
    _view_files(engine, f"all_{name}", pinned, ACCEPTED, dataset, fetch)
    if not pinned:
        engine.execute(f"create view row_{name} as from all_{name}")
        return
    _view_files(engine, f"held_{name}", pinned, HELD, None, fetch)
    engine.execute(
        f"insert into held select ?, role, grp, place, _row, coalesce(source, source_id), nik, no_kk, code from held_{name}",
        [name],
    )
    repairs = [(held, later) for held, later in frozen.repairs if any(p.batch.batch_digest == held for p in pinned)]
    repaired = {p.group for p in pinned for held, _ in repairs if p.batch.batch_digest == held}
    many = sorted({p.group for p in pinned if p.place} | repaired)
    if not many:
        engine.execute(f"create view row_{name} as from all_{name}")
        return
    marks = ", ".join("?" for _ in many)
    engine.execute(f"create table merged_{name} as from all_{name} where grp in ({marks})", many)
    _supersede(engine, dataset)
    for held, later in repairs:
        _repair(engine, dataset, next(p for p in pinned if p.batch.batch_digest == held), later, fetch)
    engine.execute(
        f"create view row_{name} as from all_{name} where grp not in ({', '.join(map(str, many))}) "
        f"union all by name from merged_{name}"
    )


def _view_files(
    engine: duckdb.DuckDBPyConnection, view: str, pinned: list[_Pinned], file: str, dataset: Dataset | None, fetch: Fetch
) -> None:
    """A view over one file of each batch with the batch's role, source_id, group and place beside each row."""
    columns = [c.name for c in dataset.columns] if dataset else ["source", "nik", "no_kk", "code"]
    kinds = {c.name: _SQL_KINDS[c.kind] for c in dataset.columns} if dataset else dict.fromkeys(columns, "text")
    if not pinned:
        empty = ", ".join(f"cast(null as {kinds[c]}) as {c}" for c in columns)
        engine.execute(f"create view {view} as select '' as role, '' as source_id, 0 as grp, 0 as place, "
                       f"0::bigint as _row, {empty} where false")  # fmt: skip
        return
    paths = {str(fetch(p.batch, file)): p for p in pinned}
    files = pa.table(
        {
            "filename": list(paths),
            "role": [p.role for p in paths.values()],
            "source_id": [p.batch.source_id for p in paths.values()],
            "grp": pa.array([p.group for p in paths.values()], pa.int32()),
            "place": pa.array([p.place for p in paths.values()], pa.int32()),
        }
    )
    engine.from_arrow(files).create(f"file_{view}")
    read = engine.read_parquet(list(paths), filename=True, union_by_name=True)
    there = set(read.columns)
    typed = [f"cast({c if c in there else 'null'} as {kinds[c]}) as {c}" for c in columns]
    read.project(", ".join(["filename", "_row", *typed])).create_view(f"raw_{view}")
    chosen = ", ".join(f"r.{c}" for c in columns)
    engine.execute(f"create view {view} as select f.role, f.source_id, f.grp, f.place, r._row, {chosen} "
                   f"from raw_{view} as r join file_{view} as f using (filename)")  # fmt: skip


_SQL_KINDS = {"text": "varchar", "int64": "bigint", "date": "date", "bool": "boolean", "timestamp": "timestamptz"}


def _supersede(engine: duckdb.DuckDBPyConnection, dataset: Dataset) -> None:
    """Inside each group the later row of a key wins, and a held row ends where a later batch has its key."""
    name = dataset.name
    if name in KEYS:
        same = " and ".join(f"later.{column} = held.{column}" for column in KEYS[name])
        engine.execute(
            f"delete from held where dataset = ? and exists (select 1 from merged_{name} as later "
            f"where later.grp = held.grp and later.place > held.place and {same})",
            [name],
        )
    key = ", ".join(_ROW_KEYS[name])
    engine.execute(
        f"delete from merged_{name} as old using (select grp, {key}, max(place) as newest "
        f"from merged_{name} group by all) as last where old.grp = last.grp and old.place < last.newest and "
        + " and ".join(f"old.{column} = last.{column}" for column in _ROW_KEYS[name])
    )


def _repair(engine: duckdb.DuckDBPyConnection, dataset: Dataset, held: _Pinned, later: Batch, fetch: Fetch) -> None:
    """Bring in what a later batch says of the rows that one batch set aside, and of nobody else."""
    name = dataset.name
    there = _Pinned(later, held.role, held.group, held.place)
    digest = later.batch_digest[:16]
    _view_files(engine, f"later_{name}_{digest}", [there], ACCEPTED, dataset, fetch)
    _view_files(engine, f"still_{name}_{digest}", [there], HELD, None, fetch)
    engine.execute("create or replace table aside as from held where dataset = ? and grp = ? and place = ?",
                   [name, held.group, held.place])  # fmt: skip
    if is_same_delivery(held.batch, later):
        engine.execute(f"insert into merged_{name} by name from later_{name}_{digest} "
                       "where _row in (select _row from aside)")  # fmt: skip
        gone = f"_row in (select _row from later_{name}_{digest})"
    elif later.coverage == "full":
        hit = _names_held(dataset)
        engine.execute(f"delete from merged_{name} where grp = ? and {hit}", [held.group])
        engine.execute(f"insert into merged_{name} by name from later_{name}_{digest} where {hit}")
        gone = (f"coalesce(nik, no_kk) not in (select coalesce(nik, no_kk) from still_{name}_{digest} "
                "where coalesce(nik, no_kk) is not null)")  # fmt: skip
    else:
        key = f"row({', '.join(KEYS[name])})"
        known = f"{key} in (select {key} from later_{name}_{digest})"
        asked = f"{key} in (select {key} from aside)"
        engine.execute(f"delete from merged_{name} where grp = ? and {asked} and {known}", [held.group])
        engine.execute(f"insert into merged_{name} by name from later_{name}_{digest} where {asked}")
        gone = known
    engine.execute(f"delete from held where dataset = ? and grp = ? and place = ? and {gone}",
                   [name, held.group, held.place])  # fmt: skip


def _names_held(dataset: Dataset) -> str:
    """Whether a row is about a person, or where the person is not known a card, that is set aside."""
    tests = []
    if "nik" in dataset.names:
        tests.append("nik in (select nik from aside where nik is not null)")
    if "no_kk" in dataset.names:
        tests.append("no_kk in (select no_kk from aside where nik is null and no_kk is not null)")
    return f"({' or '.join(tests)})"


def _find_near(engine: duckdb.DuckDBPyConnection, frozen: InputSet) -> None:
    """Fill `near_nik` and `near_card`: the numbers of the region's rows, and what they reach in three rounds."""
    region = frozen.document["region"]
    engine.execute("create table near_nik (number text primary key)")
    engine.execute("create table near_card (number text primary key)")
    for name in (*JOINED, "registration"):
        placed = "or region_code = $region" if "region_code" in DATASETS[name].names else "or $region is null"
        _add_near(engine, name, f"role = 'own' {placed}", {"region": region})
    known = _count_near(engine)
    for _ in range(ROUNDS):
        engine.execute("create or replace table nik_then as from near_nik")
        engine.execute("create or replace table card_then as from near_card")
        for name in JOINED:
            _add_near(engine, name, f"role <> 'own' and {_shares(DATASETS[name], 'nik_then', 'card_then')}", {})
        before, known = known, _count_near(engine)
        if known == before:
            return


def _count_near(engine: duckdb.DuckDBPyConnection) -> int:
    """How many numbers are known."""
    found = engine.execute("select (select count(*) from near_nik) + (select count(*) from near_card)").fetchall()
    return int(found[0][0])


def _add_near(engine: duckdb.DuckDBPyConnection, name: str, condition: str, values: dict[str, Any]) -> None:
    """Add the numbers of some rows of a dataset."""
    for column, table in (("nik", "near_nik"), ("no_kk", "near_card")):
        if column in DATASETS[name].names:
            engine.execute(
                f"insert or ignore into {table} select distinct {column} from row_{name} "
                f"where {column} is not null and ({condition})",
                values,
            )


def _shares(dataset: Dataset, niks: str = "near_nik", cards: str = "near_card") -> str:
    """Whether a row holds one of the numbers."""
    tests = [f"nik in (select number from {niks})"] if "nik" in dataset.names else []
    tests += [f"no_kk in (select number from {cards})"] if "no_kk" in dataset.names else []
    return f"({' or '.join(tests)})"


def _chosen(name: str) -> str:
    """The rows of a dataset that the determination gets."""
    columns = ", ".join(DATASETS[name].names)
    return f"select {columns} from row_{name} where role = 'own' or {_shares(DATASETS[name])}"


_HELD_CHOSEN = (
    "select distinct dataset, source, nik, no_kk from held where (nik is not null or no_kk is not null) and "
    "dataset <> 'registration' and (role = 'own' or nik in (select number from near_nik) "
    "or no_kk in (select number from near_card))"
)


def _write(rows: duckdb.DuckDBPyRelation, dataset: Dataset, out: Path) -> int:
    """Write rows sorted by all columns; how many there are."""
    schema = pa.schema([(column.name, _ARROW[column.kind]) for column in dataset.columns])
    count = 0
    with pq.ParquetWriter(out / f"{dataset.name}.parquet", schema, compression="zstd", store_schema=False) as writer:
        for batch in rows.order("all").to_arrow_reader(ROW_GROUP):
            writer.write_table(pa.Table.from_batches([batch]).select(schema.names).cast(schema), row_group_size=ROW_GROUP)
            count += batch.num_rows
    return count


def _quota_rows(frozen: InputSet) -> list[dict[str, Any]]:
    """The quotas of the decrees as rows of the dataset."""
    document = frozen.document
    return [
        {"region_code": document["region"], "programme": entry["programme"], "stage": document["stage"],
         "quota": entry["quota"], "decree_id": entry["decree_id"]}
        for entry in document["quotas"]
    ]  # fmt: skip


def _write_rows(engine: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]], dataset: Dataset, out: Path) -> int:
    """Write a few rows that are in hand."""
    texts = {
        c.name: pa.array([None if r[c.name] is None else str(r[c.name]) for r in rows], pa.string()) for c in dataset.columns
    }
    typed = ", ".join(f"cast({c.name} as {_SQL_KINDS[c.kind]}) as {c.name}" for c in dataset.columns)
    return _write(engine.from_arrow(pa.table(texts)).project(typed), dataset, out)
