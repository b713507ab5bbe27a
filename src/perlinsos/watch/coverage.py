"""Coverage: every region and stage with the state of its lists, since when, the next legal date, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from perlinsos.ledger.connection import Connection, fetch_rows
from perlinsos.watch.dates import LegalDate, find_next_date
from perlinsos.watch.explaining import Explanation, explain
from perlinsos.watch.rights import Rights
from perlinsos.watch.troubles import RefusedDelivery, read_refused

_CYCLES = """
select c.cycle_id, c.region_code, r.name as region_name, r.zone, c.stage, c.purpose, c.cut_off, c.announce_at,
    c.waiting_reason, (select array_agg(q ->> 'source') from jsonb_array_elements(c.required) as q) as required,
    w.state as work_state, w.error as work_error, w.created_at as work_since,
    (select max(s.at) from cycle_input_set as s where s.cycle_id = c.cycle_id) as frozen_at
from cycle as c join region as r using (region_code)
left join work as w on w.kind = 'determine' and w.region_code = c.region_code and w.stage = c.stage and w.state <> 'superseded'
where %(regions)s is null or c.region_code = any (%(regions)s)
order by c.region_code, c.stage
"""
_LISTS = """
with newest_step as (
    select distinct on (list_id) list_id, at from list_step order by list_id, step_id desc
), newest_revision as (
    select distinct on (list_id) list_id, revision, status from list_revision where state = 'published'
    order by list_id, published_at desc, revision desc
)
select l.cycle_id, l.list_id, l.programme, l.state::text as state, s.at as since, v.revision, v.status, w.closes_at
from list as l left join newest_step as s using (list_id) left join newest_revision as v using (list_id)
left join objection_window as w on w.list_id = l.list_id and w.window_number = 1
where %(regions)s is null or l.region_code = any (%(regions)s)
order by l.list_id
"""
Sort = Literal["time_left", "region", "stage", "state", "age"]
SORTS: tuple[Sort, ...] = ("time_left", "region", "stage", "state", "age")


@dataclass(frozen=True)
class ListCell:
    """One list: its state since when, and its newest revision if there is one."""

    list_id: str
    programme: str
    state: str
    since: datetime | None
    revision: int | None
    status: str | None


@dataclass(frozen=True)
class Cell:
    """One region and stage. `level` is trouble, waits, works or fine; `rule` and `file` are of the first failing rule."""

    region: str
    region_name: str
    zone: str
    stage: str
    purpose: str
    level: str
    words: str
    rule: str | None
    file: str | None
    command: str
    lists: tuple[ListCell, ...]
    since: datetime | None
    next_date: LegalDate | None

    @property
    def told_together(self) -> list[tuple[str, ListCell]]:
        """The lists as a page tells them: programmes that stand alike since the same moment in one breath."""
        together: dict[tuple[str, datetime | None], list[ListCell]] = {}
        for one in self.lists:
            together.setdefault((one.state, one.since), []).append(one)
        return [(", ".join(one.programme for one in members), members[0]) for members in together.values()]

    def time_left(self, at: datetime) -> timedelta | None:
        """How long until the next legal date; negative where it is behind; None where there is none."""
        return self.next_date.at - at if self.next_date else None


@dataclass(frozen=True)
class Filters:
    """What a person chose; it stands in the URL. Empty text: everything."""

    purpose: str = ""
    province: str = ""
    region: str = ""
    stage: str = ""
    programme: str = ""
    level: str = ""
    sort: Sort = "time_left"

    def keeps(self, cell: Cell) -> bool:
        """Whether a cell is wanted."""
        return (
            self.purpose in ("", cell.purpose)
            and cell.region.startswith(self.province)
            and self.region in ("", cell.region)
            and self.stage in ("", cell.stage)
            and self.level in ("", cell.level)
            and bool(cell.lists)
        )


@dataclass(frozen=True)
class Coverage:
    """The cells that were wanted, in the order wanted, and the words to choose from."""

    at: datetime
    cells: tuple[Cell, ...]
    stages: tuple[str, ...]
    provinces: tuple[str, ...]
    programmes: tuple[str, ...]
    national_troubles: tuple[RefusedDelivery, ...]


def read_coverage(connection: Connection, rights: Rights, filters: Filters, at: datetime) -> Coverage:
    """The coverage as one user may see it."""
    cells = read_cells(connection, rights, at, programme=filters.programme)
    known = [one.programme for cell in cells for one in cell.lists]
    national = read_refused(connection, ["national"])
    wanted = sorted((cell for cell in cells if filters.keeps(cell)), key=_order(filters.sort, at))
    return Coverage(
        at,
        tuple(wanted),
        tuple(sorted({cell.stage for cell in cells})),
        tuple(sorted({cell.region[:2] for cell in cells})),
        tuple(sorted({*known, *([filters.programme] if filters.programme else [])})),
        tuple(national),
    )


def read_cells(connection: Connection, rights: Rights, at: datetime, *, programme: str = "") -> list[Cell]:
    """Every cell that a user may see, by region and stage; with a programme, its lists only."""
    regions = list(rights.regions) if rights.regions is not None else None
    lists: dict[str, list[dict[str, Any]]] = {}
    for row in fetch_rows(connection, _LISTS, {"regions": regions}):
        if programme in ("", row["programme"]):
            lists.setdefault(row["cycle_id"], []).append(row)
    refused: dict[str, list[RefusedDelivery]] = {}
    for delivery in read_refused(connection, None if regions is None else [*regions, "national"]):
        refused.setdefault(delivery.scope, []).append(delivery)
    rows = fetch_rows(connection, _CYCLES, {"regions": regions})
    national = refused.get("national", [])
    return [
        _make_cell(row, lists.get(row["cycle_id"], []), refused.get(row["region_code"], []), national, at, rights) for row in rows
    ]


def _make_cell(
    row: dict[str, Any],
    lists: list[dict[str, Any]],
    own: list[RefusedDelivery],
    national: list[RefusedDelivery],
    at: datetime,
    rights: Rights,
) -> Cell:
    states = [one["state"] for one in lists]
    closes = [one["closes_at"] for one in lists if one["closes_at"] and one["state"] == "provisional"]
    next_date = find_next_date(
        row["purpose"], row["cut_off"], row["announce_at"], row["zone"], states, closes,
        is_frozen=row["frozen_at"] is not None, at=at,
    )  # fmt: skip
    told: Explanation = explain(row, lists, own, national)
    times = [moment for moment in (one["since"] for one in lists) if moment]
    since = told.since or (max(times) if times else None)
    return Cell(
        row["region_code"], row["region_name"], row["zone"], row["stage"], row["purpose"], told.level, told.words, told.rule,
        told.file, told.command if rights.is_told_commands else "",
        tuple(ListCell(r["list_id"], r["programme"], r["state"], r["since"], r["revision"], r["status"]) for r in lists),
        since, next_date,
    )  # fmt: skip


_SEVERITY = {"trouble": 0, "waits": 1, "works": 2, "fine": 3}


def _order(sort: Sort, at: datetime) -> Callable[[Cell], tuple[Any, ...]]:
    """The key of an order; what has no date or no age comes last, and region and stage break every tie."""
    far = timedelta(days=100_000)

    def place(cell: Cell) -> tuple[Any, ...]:
        tie = (cell.region, cell.stage)
        if sort == "time_left":
            left = cell.time_left(at)
            return (far if left is None else left, *tie)
        if sort == "age":
            return (cell.since is None, cell.since or at, *tie)
        if sort == "state":
            return (_SEVERITY[cell.level], *tie)
        return (cell.stage, cell.region) if sort == "stage" else tie

    return place


def count_levels(cells: Iterable[Cell]) -> dict[str, int]:
    """How many cells of each level."""
    counts = dict.fromkeys(_SEVERITY, 0)
    for cell in cells:
        counts[cell.level] += 1
    return counts
