"""What a stage does to a region's families, per district, and how many of them will come to object. Counts only."""

from __future__ import annotations

import csv
import tempfile
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from perlinsos.context import Context
from perlinsos.engine import open_engine
from perlinsos.errors import Refused, WrongUsage
from perlinsos.ledger import cycles
from perlinsos.ledger.connection import fetch_rows
from perlinsos.ledger.cycles import Cycle
from perlinsos.operations.calendar import close_window, load_holidays, local_day

COUNTS = ("gain", "lose", "chosen", "wait", "refused", "held")
WORKING_DAYS_OF_A_MONTH = 21  # where a year's holidays are not known yet


@dataclass(frozen=True)
class Estimate:
    """Objections to expect: an estimate from the shares in reference/objection_load.csv, never a count."""

    losing_families: int
    other_refused_families: int
    losing_percent: int
    refused_percent: int
    desks: int
    working_days: int
    source: str

    @property
    def objections(self) -> int:
        """In all, rounded up: one more desk does less harm than one too few."""
        hundredths = self.losing_families * self.losing_percent + self.other_refused_families * self.refused_percent
        return -(-hundredths // 100)

    @property
    def per_desk_and_day(self) -> float:
        """To one decimal."""
        return round(self.objections / (self.desks * self.working_days), 1)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, with what follows from the parts."""
        return asdict(self) | {"objections": self.objections, "per_desk_and_day": self.per_desk_and_day, "is_estimate": True}


@dataclass(frozen=True)
class Outlook:
    """Counts by district and programme: `rows` = district_code, district, programme and COUNTS. `before` is the stage
    that gain and lose are measured against, None where the region has no earlier list: they are None then."""

    stage: str
    before: str | None
    is_simulation: bool
    programmes: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    estimate: Estimate

    def total(self, programme: str) -> dict[str, Any]:
        """The sums of one programme."""
        rows = [row for row in self.rows if row["programme"] == programme]
        return {name: None if any(r[name] is None for r in rows) else sum(r[name] for r in rows) for name in COUNTS}

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        found = {"stage": self.stage, "before": self.before, "is_simulation": self.is_simulation}
        totals = {programme: self.total(programme) for programme in self.programmes}
        return found | {"totals": totals, "districts": list(self.rows), "estimate": self.estimate.as_dict()}


def read_outlook(ctx: Context, region: str, stage: str, desks: int | None = None) -> Outlook | None:
    """What the newest published determination of a stage says; None where there is none yet."""
    with ctx.connect("reader") as connection:
        rows = fetch_rows(connection, _NEWEST, [region, stage])
        cycle = next((c for c in cycles.read_cycles(connection) if (c.region_code, c.stage) == (region, stage)), None)
    after = [row for row in rows if row["stage"] == stage]
    if not after or cycle is None:
        return None
    earlier = max((row["stage"] for row in rows if row["stage"] < stage), default=None)
    before = [row for row in rows if row["stage"] == earlier]
    with tempfile.TemporaryDirectory(prefix="perlinsos-outlook-") as name:
        counted, families = _count(ctx, Path(name), after, before)
    districts = _read_districts(ctx)
    named = tuple(row | {"district": districts.get(row["district_code"] or "", "–")} for row in counted)
    estimate = _estimate(ctx, cycle, families, len({row["district_code"] for row in counted}), desks)
    programmes = tuple(sorted({row["programme"] for row in after}))
    return Outlook(stage, earlier, any(row["track"] == "simulation" for row in after), programmes, named, estimate)


_NEWEST = (
    "select distinct on (r.list_id) l.stage, l.programme, r.track, r.input_set_digest from list_revision as r "
    "join list as l using (list_id) where l.region_code = %s and l.stage <= %s and r.state = 'published' "
    "order by r.list_id, r.published_at desc, r.revision desc"
)


def _count(
    ctx: Context, folder: Path, after: list[dict[str, Any]], before: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], tuple[int, int]]:
    """Counts by district and programme; and of all programmes the families that lose one, and the other refused ones."""
    with open_engine(ctx.settings.threads, ctx.settings.memory_limit) as engine:
        for name, lists in (("after", after), ("before", before)):
            engine.execute(f"create table {name}_list (programme text, no_kk text, nik text, district_code text, outcome text)")
            for one in lists:
                key, copy = f"determinations/{one['input_set_digest']}/decisions.parquet", folder / one["input_set_digest"]
                if not copy.exists():
                    ctx.storage.fetch(ctx.settings.buckets.work, key, copy)
                engine.execute(f"insert into {name}_list {_READ}", [str(copy), one["programme"]])
        engine.execute(_BOTH)
        counted = engine.sql(_BY_DISTRICT)
        found = [dict(zip(counted.columns, row, strict=True)) for row in counted.fetchall()]
        families = engine.sql(_FAMILIES).fetchall()[0]
    if not before:
        found = [row | {"gain": None, "lose": None} for row in found]
    return found, (int(families[0]), int(families[1]))


_READ = "select programme, no_kk, coalesce(nik, ''), district_code, outcome from read_parquet(?) where programme = ?"
_BOTH = """
create table both_lists as
select programme, no_kk, coalesce(a.district_code, b.district_code) as district_code,
    a.outcome as outcome, coalesce(a.outcome = 'LAYAK', false) as is_chosen, coalesce(b.outcome = 'LAYAK', false) as was_chosen
from after_list as a full join before_list as b using (programme, no_kk, nik)
"""
_BY_DISTRICT = """
select district_code, programme,
    count(*) filter (is_chosen and not was_chosen) as gain,
    count(*) filter (was_chosen and not is_chosen) as lose,
    count(*) filter (is_chosen) as chosen,
    count(*) filter (outcome = 'ANTREAN') as wait,
    count(*) filter (outcome = 'TIDAK_LAYAK') as refused,
    count(*) filter (outcome = 'TUNDA') as held
from both_lists group by all order by district_code nulls last, programme
"""
_FAMILIES = """
with family as (
    select no_kk, bool_or(was_chosen and not is_chosen) as is_losing,
        coalesce(bool_or(outcome in ('TIDAK_LAYAK', 'ANTREAN')), false) as is_refused
    from both_lists group by no_kk
)
select count(*) filter (is_losing), count(*) filter (is_refused and not is_losing) from family
"""


def _read_districts(ctx: Context) -> dict[str, str]:
    """District code → name."""
    with (ctx.settings.folder("reference") / "regions.csv").open(encoding="utf-8", newline="") as file:
        return {row["code"]: row["name"] for row in csv.DictReader(file) if row["level"] == "district"}


def _estimate(ctx: Context, cycle: Cycle, families: tuple[int, int], districts: int, desks: int | None) -> Estimate:
    """Objections to expect, by the shares of the reference and the working days of the window."""
    with (ctx.settings.folder("reference") / "objection_load.csv").open(encoding="utf-8", newline="") as file:
        known = {row["parameter"]: row for row in csv.DictReader(file)}
    if desks is not None and desks < 1:
        raise WrongUsage(f"--desks {desks}", why="there is at least one desk")
    losing, refused = known["losing_families_that_object"], known["other_refused_families_that_object"]
    estimate = Estimate(
        *families, int(losing["value"]), int(refused["value"]), max(districts, 1), _working_days(ctx, cycle),
        f"reference/objection_load.csv: {losing['source']} ({losing['source_date']})",
    )  # fmt: skip
    return replace(estimate, desks=desks or estimate.desks * int(known["desks_per_district"]["value"]))


def _working_days(ctx: Context, cycle: Cycle) -> int:
    """The working days of the window that opens at the cycle's announcement (a backfill's would-be window)."""
    holidays = load_holidays(ctx.settings.folder("reference") / "holidays.csv")
    months = max(cycle.window_months, 1)
    try:
        day = local_day(cycle.announce_at, cycle.zone)
        end: date = close_window(cycle.announce_at, months, cycle.zone, holidays).date()
        days = [day + timedelta(days=n) for n in range((end - day).days + 1)]
        return max(sum(holidays.is_working_day(one) for one in days), 1)
    except Refused:
        return WORKING_DAYS_OF_A_MONTH * months
