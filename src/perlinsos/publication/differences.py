"""The difference of two lists: every unit whose outcome or amounts changed, with one cause, and sums that add up.

Causes in their order of precedence (docs/replay-and-diff.md): OBJECTION, MOVE, DEATH, RULE, QUOTA, CORRECTION, DATA.
They are decided from the two folders alone, so that everybody who holds both finds the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from perlinsos.errors import Refused
from perlinsos.publication.rule_changes import RuleChange, find_rule_changes
from perlinsos.settings import load_settings

CAUSES = ("OBJECTION", "MOVE", "DEATH", "RULE", "QUOTA", "CORRECTION", "DATA")
MODELS = ("changed_unit", "changed_reason", "changed_component", "changed_person", "changes")
_TABLES = ("decisions", "components", "findings", "not_decided")
_WAGE = "UPAH_DI_ATAS_UMK"


@dataclass(frozen=True)
class Total:
    """One programme, cause and pair of outcomes (None: the unit does not stand in that list). Rupiah of LAYAK rows."""

    programme: str
    cause: str
    outcome_before: str | None
    outcome_after: str | None
    units: int
    delta_year_idr: int
    delta_stage_idr: int


@dataclass(frozen=True)
class CauseSum:
    """What one cause changed. `entered`, `left`: units that came to LAYAK, or were LAYAK and are no more."""

    programme: str
    cause: str
    families: int
    delta_year_idr: int
    delta_stage_idr: int
    entered: int
    left: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


def compare_lists(
    connection: duckdb.DuckDBPyConnection,
    before: Path,
    after: Path,
    *,
    corrected_by_verdict: Iterable[str] = (),
    deceased: Iterable[str] = (),
    has_same_inputs: bool = False,
) -> duckdb.DuckDBPyRelation:
    """Make the temp table `changes` and give it: one row a changed unit, in the order programme, no_kk, nik.

    `before`, `after`: folders with the four tables and summary.json (an authoritative list, or what `determine` wrote);
    the programmes that stand in both are compared. Columns: programme, unit, no_kk, nik, region_code, district_code,
    decile, outcome_…, reasons_… (lists) and three amounts before and after (0 where the unit is not in the list),
    delta_year_idr, delta_stage_idr, cause. `corrected_by_verdict`: card numbers (of persons: NIK) that a verdict corrected;
    `deceased`: NIK of persons that the later register knows as deceased; `has_same_inputs`: both were decided from the
    same rows, so that only a rule or a quota can be the cause. Raises Refused where a file is missing or the
    lists have no programme in common.
    """
    summaries = _read_summary(before), _read_summary(after)
    programmes = sorted(summaries[0]["programmes"].keys() & summaries[1]["programmes"].keys())
    if not programmes:
        raise Refused("The two lists have no programme in common", where=f"{before.name}, {after.name}")
    for side, folder in (("before", before), ("after", after)):
        _open_tables(connection, side, folder, programmes)
    _fill_numbers(connection, "corrected_unit", corrected_by_verdict)
    _fill_numbers(connection, "deceased_person", deceased)
    _fill_rules(connection, list(_all_rule_changes(connection, programmes, summaries)))
    connection.execute("set variable has_same_inputs = $1", [has_same_inputs])
    folder = load_settings().folder("sql") / "reports"
    for model in MODELS:
        connection.execute((folder / f"{model}.sql").read_text(encoding="utf-8"))
    return connection.table("changes")


def _read_summary(folder: Path) -> dict[str, Any]:
    path = folder / "summary.json"
    if not path.is_file():
        raise Refused(
            "This is not the folder of a list", where=folder.name, why="it has no summary.json",
            remedy="name what `determine` wrote, or a restricted list of `snapshot fetch`",
        )  # fmt: skip
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def _open_tables(connection: duckdb.DuckDBPyConnection, side: str, folder: Path, programmes: Sequence[str]) -> None:
    """The four tables of a list as views `<side>_<table>`, with the rows of these programmes."""
    for name in _TABLES:
        path = folder / f"{name}.parquet"
        if not path.is_file():
            raise Refused("A table of the list is missing", where=f"{folder.name}/{path.name}")
        rows = connection.read_parquet(str(path))
        if "programme" in rows.columns:
            rows = rows.filter(duckdb.ColumnExpression("programme").isin(*map(duckdb.ConstantExpression, programmes)))
        rows.create_view(f"{side}_{name}")


def _fill_numbers(connection: duckdb.DuckDBPyConnection, table: str, numbers: Iterable[str]) -> None:
    connection.execute(f"create or replace temp table {table} (number varchar)")
    connection.execute(f"insert into {table} select unnest(?::varchar[])", [sorted(set(numbers))])


def _fill_rules(connection: duckdb.DuckDBPyConnection, changes: Sequence[RuleChange]) -> None:
    connection.execute(
        "create or replace temp table rule_change "
        "(programme varchar, kind varchar, name varchar, operator varchar, limit_before bigint, limit_after bigint)"
    )
    for change in changes:
        connection.execute("insert into rule_change values (?, ?, ?, ?, ?, ?)", list(asdict(change).values()))


def _all_rule_changes(
    connection: duckdb.DuckDBPyConnection, programmes: Sequence[str], summaries: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> Iterator[RuleChange]:
    for programme in programmes:
        old, new = (summary["programmes"][programme] for summary in summaries)
        wages = _wage_limit(connection, "before", programme), _wage_limit(connection, "after", programme)
        excluding = old.get("excluding_rules", {}), new.get("excluding_rules", {})
        yield from find_rule_changes(programme, old.get("rules"), new.get("rules"), wages, excluding)


def _wage_limit(connection: duckdb.DuckDBPyConnection, side: str, programme: str) -> int | None:
    """The minimum wage that a list judged by, as its findings show it; None where nobody was above it."""
    row = connection.execute(
        f"select max(try_cast(limit_value as bigint)) from {side}_findings where programme = ? and code = ?",  # noqa: S608
        [programme, _WAGE],
    ).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def total_changes(connection: duckdb.DuckDBPyConnection) -> list[Total]:
    """The rows of `changes` by programme, cause and pair of outcomes.

    Raises Refused where they do not add up to the difference of the two lists, by outcome and in rupiah: a fault of ours.
    """
    folder = load_settings().folder("sql") / "reports"
    found = connection.execute((folder / "change_total.sql").read_text(encoding="utf-8")).fetchall()
    totals = [Total(*row) for row in found]
    _check_sums(connection, totals)
    return totals


def summarise_changes(connection: duckdb.DuckDBPyConnection) -> list[CauseSum]:
    """What each cause changed, by programme in the order of precedence; no row for a cause without changes.

    Counts and sums only, no number of a person: fit for the ledger and for pages. After `compare_lists`.
    """
    totals = total_changes(connection)
    sums = []
    for programme in sorted({total.programme for total in totals}):
        for cause in CAUSES:
            parts = [total for total in totals if (total.programme, total.cause) == (programme, cause)]
            if parts:
                sums.append(_sum_cause(programme, cause, parts))
    return sums


def _sum_cause(programme: str, cause: str, parts: Sequence[Total]) -> CauseSum:
    return CauseSum(
        programme,
        cause,
        sum(part.units for part in parts),
        sum(part.delta_year_idr for part in parts),
        sum(part.delta_stage_idr for part in parts),
        sum(part.units for part in parts if part.outcome_after == "LAYAK" != part.outcome_before),
        sum(part.units for part in parts if part.outcome_before == "LAYAK" != part.outcome_after),
    )


def read_totals(connection: duckdb.DuckDBPyConnection, side: str) -> dict[str, dict[str, dict[str, int]]]:
    """Of one side (`before`, `after`): programme → outcome → units, year_idr, stage_idr. After `compare_lists`."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    rows = connection.execute(
        "select programme, outcome, count(*), sum(amount_year_idr)::bigint, sum(amount_stage_idr)::bigint "  # noqa: S608
        f"from {side}_decisions group by all order by all"
    ).fetchall()
    for programme, outcome, units, year, stage in rows:
        found.setdefault(programme, {})[outcome] = {"units": units, "year_idr": year, "stage_idr": stage}
    return found


def _check_sums(connection: duckdb.DuckDBPyConnection, totals: Sequence[Total]) -> None:
    """Every part counted once: units by outcome, rupiah of year and stage, programme by programme."""
    before, after = read_totals(connection, "before"), read_totals(connection, "after")
    for programme in before.keys() | after.keys():
        own = [total for total in totals if total.programme == programme]
        old, new = before.get(programme, {}), after.get(programme, {})
        is_sound = all(
            sum((part.outcome_after == outcome) * part.units - (part.outcome_before == outcome) * part.units for part in own)
            == _of(new, outcome, "units") - _of(old, outcome, "units")
            for outcome in old.keys() | new.keys()
        ) and all(
            sum(getattr(part, f"delta_{amount}") for part in own)
            == sum(_of(new, outcome, amount) for outcome in new) - sum(_of(old, outcome, amount) for outcome in old)
            for amount in ("year_idr", "stage_idr")
        )
        if not is_sound:
            raise Refused("The changes do not add up to the difference of the lists", where=programme, remedy="report this")


def _of(totals: Mapping[str, Mapping[str, int]], outcome: str, name: str) -> int:
    return totals.get(outcome, {}).get(name, 0)
