"""Quarantined rows that a person corrected: taken from a file, kept for good, and part of every later judgement.

The file lies in the raw bucket under its sha256; the ledger says of which delivery and batch its rows are, who corrected
them and why. A delivery that is judged anew, for whatever reason, is judged with its corrections.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from perlinsos.context import Context
from perlinsos.errors import Refused, WrongUsage
from perlinsos.ledger.connection import Connection, call, fetch_rows
from perlinsos.ledger.deliveries import Delivery, read_batches, read_in_force
from perlinsos.operations.batches import QUARANTINE, fetch_file
from perlinsos.sources.description import SourceDescription
from perlinsos.storage import digest_of


@dataclass(frozen=True)
class CorrectedRows:
    """One file of corrected rows. `base` is the batch whose quarantined rows they are; `local` a file not kept yet."""

    base: str
    sha256: str
    rows: int
    reason: str = ""
    corrected_by: str = ""
    local: Path | None = None

    @property
    def raw_key(self) -> str:
        """Where the file lies in the raw bucket."""
        return f"sha256/{self.sha256[:2]}/{self.sha256}"


def read_corrected(connection: Connection, delivery_id: int) -> tuple[CorrectedRows, ...]:
    """The files of a delivery, oldest first."""
    query = "select base, sha256, rows, reason, corrected_by from row_correction where delivery_id = %s order by number"
    return tuple(CorrectedRows(**row) for row in fetch_rows(connection, query, [delivery_id]))


def take_corrected(
    ctx: Context, delivery: Delivery, source: SourceDescription, file: Path, reason: str, by: str
) -> CorrectedRows:
    """A person's file, compared with the delivery's quarantined rows; nothing is kept yet.

    Refused where the delivery has no batch in force, and as `read_corrections` says. WrongUsage where reason or name hold
    a number of 16 digits: they stand in the ledger.
    """
    from perlinsos.quality.correction_files import read_corrections

    if re.search(r"[0-9]{16}", f"{reason} {by}"):
        raise WrongUsage(
            "a number of a person may not stand in the record", where="--reason, --by", remedy="name the row instead"
        )
    if not file.is_file():
        remedy = f"perlinsos quarantine show {delivery.delivery_id} --out FILE"
        raise Refused("the corrected rows are not there", where=str(file), remedy=remedy)
    with ctx.connect("reader") as connection:
        base = read_in_force(connection, delivery.delivery_id)
    if base is None:
        why = "a delivery that is refused as a whole has no quarantined rows"
        raise Refused(f"no row of delivery {delivery.delivery_id} can be corrected", why=why, remedy="ask for another delivery")
    cells = read_corrections(file, fetch_file(ctx, base, QUARANTINE), source)
    return CorrectedRows(base.batch_digest, digest_of(file), len(cells), reason, by, file)


def keep_bytes(ctx: Context, added: CorrectedRows) -> None:
    """Keep the file before anything refers to it."""
    assert added.local is not None, "it is a person's file"
    ctx.storage.put_new(ctx.settings.buckets.raw, added.raw_key, added.local)


def record(connection: Connection, delivery_id: int, added: CorrectedRows, at: datetime) -> None:
    """Say in the ledger who corrected which rows and why, as loader. Conflict where another batch is in force now."""
    entry = {"sha256": added.sha256, "raw_key": added.raw_key, "rows": added.rows}
    entry |= {"reason": added.reason or "corrected by hand", "corrected_by": added.corrected_by}
    call(connection, "record_row_correction", [delivery_id, added.base, entry, at])


def judge_with(
    ctx: Context, source: SourceDescription, first: Any, corrected: Sequence[CorrectedRows], out: Path
) -> dict[str, Any]:
    """Judge a delivery with its corrected rows into `out`; the outcome. `first` is the CheckOutcome without them."""
    from perlinsos.quality.corrected import judge_corrected
    from perlinsos.quality.correction_files import read_corrections

    with ctx.connect("reader") as connection:
        bases = {batch.batch_digest: batch for batch in read_batches(connection, [one.base for one in corrected])}
    found = []
    for one in corrected:
        quarantine = fetch_file(ctx, bases[one.base], QUARANTINE)
        file = one.local or ctx.cache.get(ctx.storage, ctx.settings.buckets.raw, one.raw_key, one.sha256)
        found.append((quarantine, read_corrections(file, quarantine, source)))
    return judge_corrected(source, first, found, out, ctx.settings).told
