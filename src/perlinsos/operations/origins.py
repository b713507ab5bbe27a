"""Sources that are asked, not sent: on its due day the answer of a query or of an HTTP API is laid into the landing bucket.

From there it is a delivery like any other. Nothing is asked for without a legal basis in force on that day.
"""

from __future__ import annotations

import calendar
import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from perlinsos.context import Context
from perlinsos.errors import Refused
from perlinsos.ledger.connection import fetch_rows
from perlinsos.ledger.outcomes import measure
from perlinsos.ledger.records import NATIONAL
from perlinsos.operations.landing import COMPLETE
from perlinsos.settings import act_as
from perlinsos.sources.description import HttpOrigin, LandingOrigin, PostgresqlOrigin, Schedule, SourceDescription
from perlinsos.storage import open_storage

STEP = "ask"
PAUSE = timedelta(hours=1)
"""How long a source is left alone after an answer that was refused."""


@dataclass(frozen=True)
class Question:
    """One answer that is due: a source, its scope (region code or `national`) and the snapshot date."""

    source: SourceDescription
    scope: str
    snapshot_date: date

    @property
    def name(self) -> str:
        """`bkn-signal/national/2026-01-10`: also the landing prefix."""
        return f"{self.source.source}/{self.scope}/{self.snapshot_date}"


def last_due_day(schedule: Schedule | None, today: date) -> date | None:
    """The newest due day up to `today`: a day of the first month of each quarter, of each month, or every day."""
    if schedule is None or schedule.every is None:
        return None
    if schedule.every == "day":
        return today
    months = 3 if schedule.every == "quarter" else 1
    year, month = today.year, (today.month - 1) // months * months + 1
    due = _day_of(year, month, schedule.due_day)
    if due > today:
        year, month = (year, month - months) if month > months else (year - 1, month - months + 12)
        due = _day_of(year, month, schedule.due_day)
    return due


def _day_of(year: int, month: int, day: int) -> date:
    return date(year, month, min(max(day, 1), calendar.monthrange(year, month)[1]))


def find_due(ctx: Context, source: SourceDescription) -> list[Question]:
    """What is to be asked now: due, lawful on that day, not taken yet, and not refused within the last hour."""
    if isinstance(source.origin, LandingOrigin):
        return []
    day = last_due_day(source.schedule, ctx.at.astimezone(ZoneInfo(source.time_zone)).date())
    if day is None:
        return []
    with ctx.connect("reader") as connection:
        regions = fetch_rows(connection, "select region_code from region order by region_code")
        scopes = [NATIONAL] if source.scope == "national" else [row["region_code"] for row in regions]
        questions = [Question(source, scope, day) for scope in scopes]
        taken = {row["landing_prefix"] for row in fetch_rows(connection, _TAKEN, [[f"{q.name}/" for q in questions]])}
        left = {row["key"] for row in fetch_rows(connection, _REFUSED, [STEP, [q.name for q in questions], ctx.at - PAUSE])}
    return [q for q in questions if f"{q.name}/" not in taken and q.name not in left]


_TAKEN = "select landing_prefix from landing_prefix where landing_prefix = any (%s) and delivery_id is not null"
_REFUSED = (
    "select key from (select distinct on (key) key, state, recorded_at from outcome where step = %s and key = any (%s) "
    "order by key, outcome_id desc) as newest where state = 'refused' and recorded_at > %s"
)


def ask(ctx: Context, question: Question) -> int:
    """Ask, and lay the answer into the landing bucket with its mark; gives the number of rows.

    Raises Refused where no legal basis is in force, the secret is missing or the answer is not one delivery; nothing
    is laid then. The bytes of every HTTP answer are kept in the raw bucket under their SHA-256 first.
    """
    buckets = ctx.settings.buckets

    def keep(answer: bytes) -> None:
        digest = hashlib.sha256(answer).hexdigest()
        ctx.storage.put_new(buckets.raw, f"sha256/{digest[:2]}/{digest}", answer)
        answers.append(digest)

    answers: list[str] = []
    with measure(ctx.connect, "loader", STEP, question.name) as measured, tempfile.TemporaryDirectory() as folder:
        question.source.check_legal_basis(question.snapshot_date)
        part, rows = _fetch(ctx, question, Path(folder), keep)
        agency = open_storage(act_as(ctx.settings, "landing"))  # the loader itself may only read there
        agency.put_landing(buckets.landing, f"{question.name}/{part.name}", part)
        agency.put_landing(buckets.landing, f"{question.name}/{COMPLETE}", b"")
        measured.counts, measured.digests = {"rows": rows, "answers": len(answers)}, {"answers": answers}
        return rows


def _fetch(ctx: Context, question: Question, folder: Path, keep: Callable[[bytes], None]) -> tuple[Path, int]:
    """The answer as a file, by the kind of the origin."""
    from perlinsos.sources.http_origin import fetch_pages
    from perlinsos.sources.query_origin import fetch_query

    origin = question.source.origin
    parameters: dict[str, object] = {"snapshot_date": question.snapshot_date, "region_code": question.scope}
    if isinstance(origin, PostgresqlOrigin):
        part = folder / "rows.parquet"
        return part, fetch_query(origin, read_secret(ctx.settings.home, origin.secret), parameters, part)
    assert isinstance(origin, HttpOrigin)
    part = folder / "records.jsonl"
    return part, fetch_pages(origin, read_secret(ctx.settings.home, origin.secret), parameters, part, keep)


def read_secret(home: Path, name: str) -> str:
    """A secret by its name: `PERLINSOS_SECRET_<NAME>` of the environment, else the file `secrets/<NAME>` in the home."""
    word = os.environ.get(f"PERLINSOS_SECRET_{name.upper().replace('-', '_')}")
    path = home / "secrets" / name
    if word:
        return word
    if path.is_file():
        return path.read_text(encoding="utf-8").strip()
    raise Refused(
        "A secret is missing", where=name, why="the origin of a source names it",
        remedy=f"write it into {path.parent.name}/{name} of PERLINSOS_HOME (mode 0600), or set the environment variable",
    )  # fmt: skip
