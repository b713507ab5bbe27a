"""One call of `perlinsos synth`: which regions, how large, with what errors, and where to."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from perlinsos.errors import Refused, WrongUsage
from perlinsos.settings import find_project
from perlinsos.synthesis import moves
from perlinsos.synthesis.deliveries import TruthFiles, plan_deliveries, retired_villages, write_part
from perlinsos.synthesis.errors import rates_of
from perlinsos.synthesis.parameters import Tables, Targets, load_tables, load_targets, read_rows
from perlinsos.synthesis.regency import Regency, build_regency
from perlinsos.synthesis.truth import write_canonical

SMALLEST = 300
PARQUET_OF_BOTH = ("dtsen-family", "dtsen-person")

OLDEST_SNAPSHOT = date(2022, 1, 1)


@dataclass(frozen=True)
class SynthOrder:
    """What to make. `sizes`: region -> families (None: all of them). `share_with`: regions with families in common."""

    sizes: dict[str, int | None]
    out: Path
    errors: str = "2025"
    form: str = "csv"
    seed: int = 1
    snapshot: date = moves.ANCHOR
    share_with: tuple[str, ...] = ()
    canonical: bool = False
    reference: Path | None = None


def parse_sizes(regions: list[str], families: list[str] | None, scale: float | None) -> dict[str, int | None]:
    """Families per region from the options. Raises WrongUsage where they do not fit each other."""
    if families and scale is not None:
        raise WrongUsage("both --families and --scale are given", remedy="give one of them")
    if scale is not None:
        if not 0 < scale <= 1:
            raise WrongUsage(
                f"--scale {scale:g} is no share of a regency", remedy="write a number above 0 and up to 1, such as 0.1"
            )
        rows = read_rows(find_project() / "reference" / "population" / "regencies.csv")
        full = {row["region_code"]: int(row["families"]) for row in rows}
        families = [str(max(round(full.get(region, 0) * scale), SMALLEST)) for region in regions]
    words = families or ["full"]
    words = words * len(regions) if len(words) == 1 else words
    if len(words) != len(regions):
        raise WrongUsage(f"{len(words)} --families for {len(regions)} --region", remedy="give one, or one per region")
    return {region: _size(word) for region, word in zip(regions, words, strict=True)}


def parse_day(text: str) -> date:
    """A day written 2025-12-20; raises WrongUsage for anything else, and for one so old that heads were children then."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise WrongUsage(f"{text!r} is no day", remedy="write 2025-12-20") from error
    if day < OLDEST_SNAPSHOT:
        why = f"the people are those of {moves.ANCHOR}; long before, heads of families were children"
        raise WrongUsage(f"{text} is too early for a snapshot", why=why, remedy=f"write {OLDEST_SNAPSHOT} or later")
    return day


def _size(word: str) -> int | None:
    """A number of families, None for `full`."""
    if word == "full":
        return None
    remedy = f"write a whole number from {SMALLEST} up, or full"
    if not (word.isascii() and word.isdigit()):
        raise WrongUsage(f"--families {word}: this is no number of families", remedy=remedy)
    if int(word) < SMALLEST:
        raise WrongUsage(f"--families {word}", why=f"a region needs at least {SMALLEST} families", remedy=remedy)
    return int(word)


def run_order(order: SynthOrder, progress: Callable[[str], object] = str) -> dict[str, Any]:
    """Make everything, whole or not at all; returns counts and paths. Raises Refused where the folder holds something."""
    if order.out.exists() and (not order.out.is_dir() or any(order.out.iterdir())):
        raise Refused("the folder is not empty", where=str(order.out), remedy="name a new folder with --out")
    parent = order.out.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{order.out.name}-", dir=parent))
    try:
        summary = _make(replace(order, out=work), progress)
        work.replace(order.out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for row in summary["deliveries"]:
        row["path"] = str(order.out / row["path"])
    return summary | {"truth": str(order.out / "truth")}


def _make(order: SynthOrder, progress: Callable[[str], object]) -> dict[str, Any]:
    """Write all into `order.out`; the paths of the deliveries are relative to it."""
    reference = order.reference or find_project() / "reference"
    tables = load_tables(reference)
    rates = rates_of(tables, order.errors)
    retired = retired_villages(reference)
    targets = {code: load_targets(reference, code, size, order.seed) for code, size in sorted(order.sizes.items())}
    truth = TruthFiles(order.out)
    made: list[dict[str, Any]] = []
    for code in targets:
        progress(f"{code}: people")
        regency = _build(order, reference, tables, targets, code)
        for delivery in plan_deliveries(regency, tables, rates, retired):
            progress(f"{code}: {delivery.source}")
            path = write_part(delivery, order.out, order.snapshot, _form(order.form, delivery.source))
            truth.add(delivery, path, order.snapshot)
            where = path.relative_to(order.out)
            made.append({"source": delivery.source, "scope": delivery.scope, "rows": delivery.size, "path": where})
        truth.add_regency(regency)
        if order.canonical:
            write_canonical(regency, tables, order.out)
    truth.close()
    for folder in sorted({order.out / row["path"].parent for row in made}):
        (folder / "_COMPLETE").touch()
    return {
        "regions": {code: {"persons": t.persons, "families": int(t.families.sum())} for code, t in targets.items()},
        "deliveries": made,
        "errors": sum(truth.counts.values()),
        "errors_by_id": dict(sorted(truth.counts.items())),
    }


def _form(form: str, source: str) -> str:
    """The file format of one source."""
    return ("parquet" if source in PARQUET_OF_BOTH else "csv") if form == "both" else form


def _build(order: SynthOrder, reference: Path, tables: Tables, targets: dict[str, Targets], code: str) -> Regency:
    """One regency with the families that it shares: the greater code is the one that they left."""
    shared = []
    for other in sorted({region for region in order.share_with if region != code}):
        partner = targets.get(other) or load_targets(reference, other, SMALLEST, order.seed)
        is_origin = code > other
        origin, destination = (targets[code], partner) if is_origin else (partner, targets[code])
        shared.append((is_origin, moves.shared_families(order.seed, origin, destination)))
    return build_regency(order.seed, tables, targets[code], order.snapshot, shared)
