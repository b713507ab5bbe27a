"""What a region needs for a stage: what is there, what is missing, and which command brings it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any

from perlinsos.context import Context
from perlinsos.errors import Refused
from perlinsos.ledger import backfills, cycles
from perlinsos.ledger.connection import Connection, fetch_rows
from perlinsos.ledger.cycles import Cycle
from perlinsos.ledger.deliveries import Batch, read_batches_until
from perlinsos.ledger.records import NATIONAL
from perlinsos.ledger.work import DETERMINE, find_work, make_key
from perlinsos.model.stages import Stage
from perlinsos.operations.backfill.record import plan_command
from perlinsos.operations.calendar import ZONES, close_window, load_holidays, local_day
from perlinsos.operations.inputs import NEEDED, count_unread, find_silent, pick_in_force
from perlinsos.operations.region_programmes import find_absent, find_faults
from perlinsos.operations.rule_files import load_today

SOON = timedelta(days=60)
"""How long before a window opens the holidays of its last day must be known."""


@dataclass(frozen=True)
class Check:
    """One thing that is needed. `kind`: record, decree, cycle, list, source, reference, tick. `is_needed` False: without it the
    result can only be a simulation. `command` is what brings it, empty where it is there."""

    kind: str
    name: str
    is_ready: bool
    found: str
    command: str = ""
    is_needed: bool = True


@dataclass(frozen=True)
class Readiness:
    """All checks of a region and stage in the order in which people bring things in."""

    region: str
    name: str
    stage: str
    purpose: str
    office: dict[str, str] | None
    checks: tuple[Check, ...]

    @property
    def is_ready(self) -> bool:
        """Whether a list can come out."""
        return all(check.is_ready for check in self.checks if check.is_needed)

    @property
    def first_missing(self) -> Check | None:
        """What to bring next."""
        missing = [check for check in self.checks if not check.is_ready]
        return min(missing, key=lambda check: not check.is_needed, default=None)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        first = self.first_missing
        found = {"region": self.region, "name": self.name, "stage": self.stage, "purpose": self.purpose}
        checks = [asdict(check) for check in self.checks]
        return found | {"is_ready": self.is_ready, "first_missing": asdict(first) if first else None, "checks": checks}


def check_region(ctx: Context, region: str, stage: str | None = None) -> Readiness:
    """Everything that a region needs for a stage (default: of its newest cycle, live before backfill, else of today).

    Refused where no region has this code. A region that is not registered is not ready; nothing is changed.
    """
    official = _find_official(ctx, region)
    with ctx.connect("reader") as connection:
        rows = fetch_rows(connection, "select * from region where region_code = %s", [region])
        known = [cycle for cycle in cycles.read_cycles(connection) if cycle.region_code == region]
        if stage is None:
            newest = max(known, key=lambda cycle: (cycle.purpose == "live", cycle.stage), default=None)
            stage = newest.stage if newest else _stage_of(ctx.at.date())
        cycle = next((one for one in known if one.stage == stage), None)
        checks = list(_each(ctx, connection, region, stage, rows[0] if rows else None, cycle))
    name, office = (rows[0]["name"], rows[0]["office"]) if rows else (official, None)
    return Readiness(region, name, stage, cycle.purpose if cycle else "", office, tuple(checks))


def _find_official(ctx: Context, region: str) -> str:
    """The region's official name. Refused where reference/regions.csv has no such regency or city."""
    with (ctx.settings.folder("reference") / "regions.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["code"] == region and row["level"] == "regency":
                return row["name"]
    raise Refused(f"no region has the code {region}", where="reference/regions.csv", remedy="write the Kemendagri code, 35.10")


def _stage_of(day: date) -> str:
    return str(Stage(day.year, (day.month + 2) // 3))


def _each(
    ctx: Context, connection: Connection, region: str, stage: str, record: dict[str, Any] | None, cycle: Cycle | None
) -> Iterator[Check]:
    """The checks in order."""
    yield from _check_record(ctx, region, record)
    if record is not None:
        absent = find_absent(load_today(ctx), region, stage, record["programmes"])
        yield from _check_programmes(ctx, record, stage, absent)
        record = record | {"programmes": [code for code in record["programmes"] if code not in absent]}
    yield from _check_teams(ctx, connection, region, stage, record)
    yield _check_cycle(region, stage, cycle)
    yield from _check_sources(ctx, connection, region, stage, cycle)
    yield _check_wage(ctx, region, stage)
    yield from _check_quotas(connection, region, stage, record, cycle)
    if cycle is not None:
        yield from _check_lists(connection, cycle, record)
        yield from _check_tick(ctx, connection, cycle)


def _check_record(ctx: Context, region: str, record: dict[str, Any] | None) -> Iterator[Check]:
    """The region's record, its zone, its office."""
    if record is None:
        found = "the region is not registered; its deliveries are not taken"
        yield Check("record", "region", False, found, "perlinsos region add FILE (as demo/region-35.10.yaml)")
        return
    yield Check("record", "region", True, f"{record['name']}: {', '.join(record['programmes'])}; {record['scope']}")
    with (ctx.settings.folder("reference") / "zones.csv").open(encoding="utf-8", newline="") as file:
        zones = {row["province_code"]: row["iana_zone"] for row in csv.DictReader(file)}
    wanted, chosen = zones.get(region[:2]), ZONES[record["zone"]]
    words = f"{record['zone']}" if wanted in (None, chosen) else f"{record['zone']}, but the province has {wanted}"
    yield Check(
        "record", "zone", wanted in (None, chosen), words, "" if wanted in (None, chosen) else "perlinsos region add FILE"
    )
    empty = [word for word in ("name", "address", "hours", "telephone") if not record["office"].get(word)]
    words = f"{record['office'].get('name')}" if not empty else f"{', '.join(empty)} missing: no letter is made"
    yield Check("record", "office", not empty, words, "perlinsos region add FILE" if empty else "")


def _check_programmes(ctx: Context, record: dict[str, Any], stage: str, absent: dict[str, str]) -> Iterator[Check]:
    """Programmes that the record cannot name; and those that exist, but not at this stage."""
    faults = list(find_faults(load_today(ctx), record["region_code"], record["programmes"], "the region's record"))
    for fault in faults:
        yield Check("record", "programmes", False, f"{fault.what}: {fault.why}", f"perlinsos region add FILE ({fault.remedy})")
    for code, why in {} if faults else absent.items():
        yield Check("record", code, True, f"{stage} has no list of it: {why}")
    if len(absent) == len(record["programmes"]):
        yield Check(
            "record",
            "programmes",
            False,
            f"none of them exists in {stage}",
            f"perlinsos region check {record['region_code']} --stage STAGE",
        )


def _check_teams(ctx: Context, connection: Connection, region: str, stage: str, record: dict[str, Any] | None) -> Iterator[Check]:
    """A decree `tim` in force today that covers every programme of the region."""
    today = local_day(ctx.at, record["zone"] if record else "WIB")
    rows = fetch_rows(
        connection,
        "select decree_id, programmes from decrees_in_force('tim', %s, %s) where cardinality(stages) = 0 or %s = any (stages)",
        [region, today, stage],
    )
    wanted = set(record["programmes"]) if record else set()
    covered = wanted if any(not row["programmes"] for row in rows) else {one for row in rows for one in row["programmes"]}
    if rows and wanted <= covered:
        yield Check("decree", "tim", True, f"{', '.join(row['decree_id'] for row in rows)}, in force on {today}")
    elif rows:
        found = f"in force on {today}, but without {', '.join(sorted(wanted - covered))}"
        yield Check("decree", "tim", False, found, "perlinsos decree add FILE")
    else:
        yield _describe_unsigned(connection, "tim", region, f"no decree tim is in force on {today}")


def _describe_unsigned(
    connection: Connection, kind: str, region: str, otherwise: str, *, name: str = "", is_needed: bool = True
) -> Check:
    """A decree that is missing, or that waits for its second person."""
    waiting = fetch_rows(
        connection,
        "select decree_id, first_registrar from decree where kind::text = %s and %s = any (regions) and registered_at is null",
        [kind, region],
    )
    if waiting:
        found = f"{waiting[0]['decree_id']} is registered by {waiting[0]['first_registrar']} alone"
        return Check("decree", name or kind, False, found, "perlinsos decree add FILE --registrar SECOND-PERSON", is_needed)
    return Check("decree", name or kind, False, otherwise, "perlinsos decree add FILE", is_needed)


def _check_cycle(region: str, stage: str, cycle: Cycle | None) -> Check:
    """The cycle of the stage."""
    if cycle is not None:
        return Check("cycle", stage, True, f"{cycle.purpose}, cut-off {cycle.cut_off}")
    command = f"perlinsos cycle add FILE; for a past stage: {plan_command(region, stage, stage)}"
    return Check("cycle", stage, False, f"{stage} is not to be determined", command)


def _check_lists(connection: Connection, cycle: Cycle, record: dict[str, Any] | None) -> Iterator[Check]:
    """A list for every programme of the region: one that the region got later has none in an older cycle."""
    there = {one.programme for one in cycles.read_lists(connection, cycle.cycle_id)}
    for code in [] if record is None else record["programmes"]:
        if code not in there:
            found = f"{cycle.stage} has no list of it: the region got the programme after the cycle"
            yield Check("list", code, False, found, "perlinsos cycle add FILE (the same file again)")


def _check_tick(ctx: Context, connection: Connection, cycle: Cycle) -> Iterator[Check]:
    """What else dispatch waits for: the cut-off, deliveries that are being read, a plan that no longer holds, failed work,
    holidays of the year in which the window closes."""
    key = make_key(cycle.region_code, cycle.stage)
    today = local_day(ctx.at, cycle.zone)
    work = find_work(connection, DETERMINE, cycle.region_code, cycle.stage)
    if work is not None and work["state"] == "failed":
        found = f"the determination was refused: {work['error'].get('what', '')}"
        yield Check("tick", "work", False, found, f"perlinsos dispatch --retry '{key}'")
    if today < cycle.cut_off:
        yield Check("tick", "cut-off", False, f"nothing is frozen before {cycle.cut_off}", "")
    elif unread := count_unread(ctx, connection, cycle.cut_off):
        found = f"{unread} deliveries of any region that may count are being read"
        yield Check("tick", "deliveries", False, found, "perlinsos status")
    yield from _check_pin(connection, cycle, work)
    if cycle.purpose == "live":
        yield from _check_window(ctx, cycle)


def _check_pin(connection: Connection, cycle: Cycle, work: dict[str, Any] | None) -> Iterator[Check]:
    """The plan that brings a past stage: whether it still holds, as the last tick of dispatch found it."""
    pin = backfills.read_pin(connection, cycle.region_code, cycle.stage) if cycle.purpose == "backfill" else None
    if pin is None or (work is not None and work["input_set_digest"] == pin.input_set_digest):
        return
    again = plan_command(cycle.region_code, cycle.stage, cycle.stage)
    said = fetch_rows(connection, "select waiting_reason as why from cycle where cycle_id = %s", [cycle.cycle_id])[0]["why"]
    if pin.is_cancelled:
        yield Check("tick", "plan", False, f"the backfill {pin.backfill_id} was cancelled", again)
    elif said and pin.backfill_id in said:
        yield Check("tick", "plan", False, said, again)


def _check_window(ctx: Context, cycle: Cycle) -> Iterator[Check]:
    """Whether the end of a window that opens soon can be reckoned: the holidays of its year must be known."""
    if cycle.announce_at - ctx.at > SOON:
        return
    holidays = load_holidays(ctx.settings.folder("reference") / "holidays.csv")
    try:
        close_window(max(cycle.announce_at, ctx.at), cycle.window_months, cycle.zone, holidays)
    except Refused as error:
        yield Check("reference", "holidays", False, error.what, error.remedy)


def _check_sources(ctx: Context, connection: Connection, region: str, stage: str, cycle: Cycle | None) -> Iterator[Check]:
    """Each required source: the newest delivery up to the cut-off and its age; and every dataset that is needed."""
    cut_off = cycle.cut_off if cycle else Stage.parse(stage).as_of
    in_force = [b for b in pick_in_force(read_batches_until(connection, cut_off)) if b.scope in (region, NATIONAL)]
    arrived = {row["source_id"]: row for row in fetch_rows(connection, _NEWEST, [cut_off, [region, NATIONAL]])}
    silent = {words.partition(":")[0] for words in find_silent(ctx, cycle, in_force)} if cycle else set()
    for required in cycle.required if cycle else []:
        check = _check_source(ctx, region, cut_off, required, in_force, arrived.get(required["source"]))
        yield _name_silence(region, check) if check.is_ready and check.name in silent else check
    there = {batch.dataset for batch in in_force}
    needed = (*NEEDED, "registration") if cycle and cycle.scope == "registrants" else NEEDED
    for dataset in needed:
        if dataset not in there and not (cycle and any(_is_of(ctx, r["source"], dataset) for r in cycle.required)):
            found = f"no delivery of {dataset} until {cut_off}"
            yield Check("source", dataset, False, found, f"perlinsos deliver DIR (of a source with `dataset: {dataset}`)")


def _name_silence(region: str, check: Check) -> Check:
    """A delivery that is there and was made without the region: nobody there would seem to have a wage or an office."""
    command = "ask the agency for a correction with the region, then perlinsos deliver DIR"
    return replace(check, is_ready=False, found=f"{check.found}; it names nobody of {region}", command=command)


_NEWEST = (
    "select distinct on (source_id) source_id, scope, snapshot_date, state, error ->> 'what' as what from delivery "
    "where snapshot_date <= %s and scope = any (%s) order by source_id, snapshot_date desc, suffix desc, delivery_id desc"
)


def _is_of(ctx: Context, source: str, dataset: str) -> bool:
    """Whether a source of sources/ brings a dataset."""
    path = ctx.settings.folder("sources") / f"{source}.yaml"
    return path.is_file() and f"dataset: {dataset}" in path.read_text(encoding="utf-8").splitlines()


def _check_source(
    ctx: Context, region: str, cut_off: date, required: dict[str, Any], in_force: list[Batch], arrived: dict[str, Any] | None
) -> Check:
    """One required source: accepted and fresh, or what stands in its way."""
    source, oldest = required["source"], cut_off - timedelta(days=required["max_age_days"])
    newest = max((b for b in in_force if b.source_id == source), key=lambda b: b.order, default=None)
    if newest is not None and newest.snapshot_date >= oldest:
        age = (cut_off - newest.snapshot_date).days
        rows = f"{newest.received:,} rows, {newest.quarantined:,} quarantined"
        found = f"{newest.snapshot_date}, {age} of at most {required['max_age_days']} days old; {rows}"
        return Check("source", source, True, found)
    if arrived and arrived["state"] == "landed":
        return Check("source", source, False, f"{arrived['snapshot_date']} has arrived and is being read", "perlinsos status")
    if arrived and arrived["state"] == "refused":
        found = f"{arrived['snapshot_date']} is refused: {arrived['what']}"
        scope = f" --region {arrived['scope']}" if arrived["scope"] != NATIONAL else ""
        return Check("source", source, False, found, f"perlinsos quarantine list{scope}")
    found = f"nothing accepted until {cut_off}" if newest is None else f"the newest is of {newest.snapshot_date}"
    path = ctx.settings.folder("sources") / f"{source}.yaml"
    scope = NATIONAL if path.is_file() and "scope: national" in path.read_text(encoding="utf-8").splitlines() else region
    command = f"perlinsos deliver DIR (with {source}/{scope}/<{oldest} … {cut_off}>/)"
    return Check("source", source, False, f"{found}; needed is one of {oldest} or later", command)


def _check_wage(ctx: Context, region: str, stage: str) -> Check:
    """A minimum wage of the stage's year."""
    year = Stage.parse(stage).year
    with (ctx.settings.folder("reference") / "minimum_wage.csv").open(encoding="utf-8", newline="") as file:
        is_there = any(row["region_code"] == region and row["year"] == str(year) for row in csv.DictReader(file))
    found = f"of {year}" if is_there else f"none of {year}: wages cannot be judged"
    return Check("reference", "minimum wage", is_there, found, "" if is_there else "add the row to reference/minimum_wage.csv")


def _check_quotas(
    connection: Connection, region: str, stage: str, record: dict[str, Any] | None, cycle: Cycle | None
) -> Iterator[Check]:
    """A quota by decree for each programme; a past stage may do without, and is then a simulation."""
    if record is None:
        return
    is_needed = cycle is not None and cycle.purpose == "live"
    day = Stage.parse(stage).as_of
    rows = fetch_rows(connection, "select decree_id, quotas from decrees_in_force('kuota', %s, %s)", [region, day])
    for programme in record["programmes"]:
        values = [
            (row["decree_id"], entry["quota"])
            for row in rows
            for entry in row["quotas"]
            if (entry["region_code"], entry["programme"], entry["stage"]) == (region, programme, stage)
        ]
        name = f"kuota {programme}"
        if values:
            yield Check("decree", name, True, f"{values[0][1]:,} places by {values[0][0]}", "", is_needed)
        else:
            otherwise = "no decree kuota is in force: it can only be a simulation"
            yield _describe_unsigned(connection, "kuota", region, otherwise, name=name, is_needed=is_needed)
