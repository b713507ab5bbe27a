"""`snapshot diff`: two revisions, stages or folders, compared as a whole: totals, causes and outcomes, shown to add up."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from perlinsos.context import Context
from perlinsos.engine import open_engine
from perlinsos.errors import Refused, WrongUsage
from perlinsos.publication.differences import compare_lists, read_totals, summarise_changes, total_changes
from perlinsos.publication.fetch import fetch_list, parse_label
from perlinsos.publication.manifest import MANIFEST
from perlinsos.storage import Missing

_LABEL = re.compile(r"\d{4}-T\d/.*")


@dataclass(frozen=True)
class Side:
    """One of the two lists: a folder with its tables. `manifest` is None for what `determine` wrote."""

    label: str
    folder: Path
    manifest: dict[str, Any] | None = None

    def describe(self) -> dict[str, Any]:
        """What it is, for people and programs."""
        if self.manifest is None:
            return {"list": self.label}
        return {"list": self.label, **{name: self.manifest[name] for name in ("status", "list_digest", "rules_digest")}}


@dataclass(frozen=True)
class Difference:
    """Everything that `snapshot diff` says; sums and counts only. `steps` has one entry, with --counterfactual two."""

    before: dict[str, Any]
    after: dict[str, Any]
    totals: dict[str, dict[str, Any]]
    causes: list[dict[str, Any]]
    transitions: list[dict[str, Any]]
    steps: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


def open_side(ctx: Context, text: str, work: Path, *, is_simulation: bool = False) -> Side:
    """A local folder, else a list (`2026-T1/35.10/pkh`, the newest revision, or `…/r2`) fetched into `work`.

    WrongUsage for another form; Missing where there is no such list.
    """
    folder = Path(text)
    if folder.is_dir():
        file = folder / MANIFEST
        return Side(text, folder, json.loads(file.read_bytes()) if file.is_file() else None)
    if not _LABEL.fullmatch(text):
        raise WrongUsage(f"{text!r} is neither a folder nor a list", remedy="write 2026-T1/35.10/pkh/r1, or name a folder")
    list_id, number = parse_label(text)
    label = list_id if number is None else f"{list_id}/r{number}"
    try:
        done = fetch_list(ctx.storage, ctx.settings.buckets, label, work, simulations=is_simulation)
    except Missing as error:
        remedy = "see `perlinsos snapshot list`" + ("" if is_simulation else "; a simulation: --simulations")
        raise Missing(error.what, where=text, remedy=remedy) from error
    return Side(done["list"], work, json.loads((work / MANIFEST).read_bytes()))


def diff_lists(ctx: Context, before: Side, after: Side) -> Difference:
    """The difference by the two folders alone."""
    _check_comparable(before, after)
    return _join(before, after, [_compare(ctx, before.folder, after.folder, has_same_inputs=False)], [])


def diff_counterfactually(ctx: Context, before: Side, after: Side, work: Path) -> Difference:
    """The difference in two steps: data by the old rules, then the rules on the new data. Two revisions of the ledger."""
    from perlinsos.ledger.input_sets import read_input_set
    from perlinsos.simulation.counterfactual import decide_with_old_rules

    _check_comparable(before, after)
    if before.manifest is None or after.manifest is None:
        raise WrongUsage("A counterfactual needs two published lists", why="a folder without a manifest names no input set")
    with ctx.connect("reader") as connection:
        earlier = read_input_set(connection, before.manifest["input_set"]["digest"])
        later = read_input_set(connection, after.manifest["input_set"]["digest"])
    as_of = date.fromisoformat(before.manifest["as_of"])
    between = decide_with_old_rules(ctx, earlier, later, as_of, before.manifest["settings"], work)
    steps = [
        _compare(ctx, before.folder, between, has_same_inputs=False),
        _compare(ctx, between, after.folder, has_same_inputs=True),
    ]
    return _join(before, after, steps, ["data, by the rules of the first list", "rules, on the data of the second list"])


def _check_comparable(before: Side, after: Side) -> None:
    regions = {
        json.loads((side.folder / "summary.json").read_bytes())["region"] for side in (before, after) if _has_summary(side)
    }
    if len(regions) > 1:
        raise Refused("The two lists are of different regions", where=f"{before.label}, {after.label}")


def _has_summary(side: Side) -> bool:
    if (side.folder / "summary.json").is_file():
        return True
    raise Refused(
        "This is not the folder of a list", where=side.label, why="it has no summary.json",
        remedy="name what `determine` wrote, or a restricted list of `snapshot fetch`",
    )  # fmt: skip


@dataclass(frozen=True)
class _Step:
    causes: list[dict[str, Any]]
    transitions: list[dict[str, Any]]
    before: dict[str, Any]
    after: dict[str, Any]


def _compare(ctx: Context, before: Path, after: Path, *, has_same_inputs: bool) -> _Step:
    with open_engine(ctx.settings.threads, ctx.settings.memory_limit) as connection:
        compare_lists(connection, before, after, has_same_inputs=has_same_inputs)
        return _Step(
            [one.as_dict() for one in summarise_changes(connection)],
            [asdict(total) for total in total_changes(connection)],
            read_totals(connection, "before"),
            read_totals(connection, "after"),
        )


def _join(before: Side, after: Side, steps: list[_Step], names: list[str]) -> Difference:
    """The steps one after the other, with the sums checked from the first to the last."""
    causes = [row | ({"step": number} if names else {}) for number, step in enumerate(steps, 1) for row in step.causes]
    transitions = [row | ({"step": number} if names else {}) for number, step in enumerate(steps, 1) for row in step.transitions]
    first, last = steps[0].before, steps[-1].after
    totals = {}
    for programme in sorted(first.keys() | last.keys()):
        old, new = _sum(first.get(programme, {})), _sum(last.get(programme, {}))
        difference = {name: new[name] - old[name] for name in new}
        parts = {
            name: sum(row[f"delta_{name}"] for row in causes if row["programme"] == programme)
            for name in ("year_idr", "stage_idr")
        }
        if any(parts[name] != difference[name] for name in parts):
            raise Refused("The causes do not add up to the difference", where=programme, remedy="report this")
        totals[programme] = {"before": old, "after": new, "difference": difference, "sum_of_causes": parts}
    return Difference(before.describe(), after.describe(), totals, causes, transitions, names)


def _sum(outcomes: dict[str, dict[str, int]]) -> dict[str, int]:
    """Units of each outcome and in all, rupiah of year and stage."""
    found = {outcome: outcomes.get(outcome, {}).get("units", 0) for outcome in ("LAYAK", "ANTREAN", "TIDAK_LAYAK", "TUNDA")}
    found["units"] = sum(found.values())
    return found | {name: sum(of[name] for of in outcomes.values()) for name in ("year_idr", "stage_idr")}
