"""Claims on work. A claim raises the fence; every commit shows it, so that a worker that wakes late loses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from perlinsos.errors import Conflict, PerlinsosError, Refused, WrongUsage
from perlinsos.ledger.connection import Connection, Role, call, call_rows, fetch_rows
from perlinsos.model.regions import parse_regency
from perlinsos.model.stages import Stage

DETERMINE = "determine"


@dataclass(frozen=True)
class Claim:
    """One piece of work that this process may commit while its fence is the last one.

    `statuses` says for each programme what is asked for: `simulation`, `provisional` or `proposed`. A programme that
    is not there needs nothing (its window is open and nothing of it changed).
    """

    work_id: int
    fence: int
    kind: str
    region: str
    stage: str
    purpose: str
    input_set_digest: str
    statuses: dict[str, str]

    @property
    def key(self) -> str:
        """The key that Airflow carries: `35.10|2026-T1`."""
        return make_key(self.region, self.stage)

    @property
    def status_wanted(self) -> str:
        """One word for all programmes: `simulation` if any of them can only be one."""
        return "simulation" if "simulation" in self.statuses.values() else min(self.statuses.values())


def make_key(region: str, stage: str) -> str:
    """`35.10|2026-T1`."""
    return f"{region}|{stage}"


def parse_key(key: str) -> tuple[str, str]:
    """Region and stage of a key. Raises WrongUsage for another form."""
    region, bar, stage = key.partition("|")
    if not bar:
        raise WrongUsage(f"{key!r} is no key of a list's work", remedy="write 35.10|2026-T1")
    return parse_regency(region), str(Stage.parse(stage))


def claim(connection: Connection, kind: str, region: str, stage: str, *, holder: str, lease_seconds: int) -> Claim | None:
    """Claim the work of a region and stage; None where it is done, or another holder's lease runs.

    The same holder (one Airflow run, also on its retry) takes its own claim over at once. Needs a commit to hold.
    """
    rows = call_rows(connection, "claim_work", [kind, region, stage, holder, lease_seconds])
    return _as_claim(rows[0]) if rows else None


def find_work(connection: Connection, kind: str, region: str, stage: str) -> dict[str, Any] | None:
    """The work row in force of a region and stage (any state but superseded), without claiming it."""
    rows = fetch_rows(
        connection,
        "select * from work where kind = %s and region_code = %s and stage = %s and state <> 'superseded'",
        [kind, region, stage],
    )
    return rows[0] if rows else None


def assert_fence(connection: Connection, work_id: int, fence: int) -> None:
    """Conflict unless this claim is the last one. Locks the work until the transaction ends: call it before a commit."""
    call(connection, "assert_fence", [work_id, fence])


def renew_claim(connection: Connection, work_id: int, fence: int, lease_seconds: int) -> None:
    """Lengthen the lease of a claim that still holds."""
    call(connection, "renew_claim", [work_id, fence, lease_seconds])


def release_work(connection: Connection, work_id: int, fence: int) -> None:
    """Give the work back: it is due again at once."""
    call(connection, "end_claim", [work_id, fence, "due", None])


def fail_work(connection: Connection, work_id: int, fence: int, error: dict[str, str]) -> None:
    """Set the work aside with the reason, until a person runs it again or a new input set comes."""
    call(connection, "end_claim", [work_id, fence, "failed", error])


def retry_work(connection: Connection, kind: str, region: str, stage: str) -> bool:
    """Ask again for work that was refused, once its cause is mended. False where it has not failed."""
    return bool(call_rows(connection, "retry_work", [kind, region, stage]))


def read_due(connection: Connection, kind: str) -> list[str]:
    """The keys of the work that nobody has claimed, live before backfill."""
    rows = fetch_rows(
        connection,
        "select region_code, stage from work where kind = %s and state = 'due' order by purpose desc, stage, region_code",
        [kind],
    )
    return [make_key(row["region_code"], row["stage"]) for row in rows]


def finish_work(connection: Connection, work_id: int, fence: int) -> None:
    """End the work (as publisher): everything that it asked for is published."""
    call(connection, "end_claim", [work_id, fence, "done", None])


@contextmanager
def ending(
    connect: Callable[[Role], AbstractContextManager[Connection]],
    role: Role,
    held: Claim,
    end: Callable[[Connection, int, int], None] = release_work,
    not_yet: type[Refused] | tuple[()] = (),
) -> Iterator[None]:
    """End a claim after what is done under it: by `end` when all went well. A refusal sets the work aside until a person or
    a new input set; it is due again where a service failed, or where the refusal is a `not_yet`."""
    try:
        yield
    except Conflict:
        raise  # the claim was lost, or an object differs: nothing of ours to end
    except Refused as error:
        with connect(role) as connection:
            if isinstance(error, not_yet):
                release_work(connection, held.work_id, held.fence)
            else:
                fail_work(connection, held.work_id, held.fence, error.as_dict())
        raise
    except Exception:
        with suppress(PerlinsosError), connect(role) as connection:
            release_work(connection, held.work_id, held.fence)
        raise
    with connect(role) as connection:
        end(connection, held.work_id, held.fence)


def _as_claim(row: dict[str, Any]) -> Claim:
    return Claim(
        row["work_id"],
        row["fence"],
        row["kind"],
        row["region_code"],
        row["stage"],
        row["purpose"],
        row["input_set_digest"],
        row["statuses"],
    )
