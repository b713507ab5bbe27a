"""Run scenarios on one base and compare each with it: budget, outcomes, who comes in and goes out, targeting.

A result holds counts and rupiah by group, no number of a person. It says SIMULASI wherever it goes.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from perlinsos.engine import open_engine
from perlinsos.errors import WrongUsage
from perlinsos.model.stages import Stage
from perlinsos.publication.differences import compare_lists, summarise_changes
from perlinsos.publication.manifest import SIMULATION_NOTICE
from perlinsos.recipients.determine import determine
from perlinsos.settings import Settings, load_settings
from perlinsos.simulation.bases import Base, with_quota, with_true_deciles
from perlinsos.simulation.changes import describe_changes, describe_new_programme
from perlinsos.simulation.rule_folders import list_programmes, make_rules
from perlinsos.simulation.scenarios import BASE, Scenario
from perlinsos.simulation.targeting import check_truth, measure_targeting

STATUS = "simulation"


@dataclass(frozen=True)
class Run:
    """One scenario that was decided: its folder with the tables, its summary, and the same by true deciles if asked for."""

    scenario: Scenario
    folder: Path
    summary: dict[str, Any]
    by_truth: Path | None = None


@dataclass(frozen=True)
class Simulation:
    """All scenarios beside the base, JSON-able through `as_dict`. `scenarios[0]` is the base."""

    region: str
    stage: str
    inputs: dict[str, str]
    scenarios: list[dict[str, Any]]
    truth: str | None = None
    notice: str = SIMULATION_NOTICE
    status: str = STATUS
    warnings: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The form of `--json`, of simulation.json and of the store."""
        return {"notice": self.notice, "status": self.status, **{k: v for k, v in vars(self).items() if k not in _FIRST}}


_FIRST = ("notice", "status")


def simulate(base: Base, scenarios: Sequence[Scenario], *, truth: Path | None = None, keep: Path | None = None) -> Simulation:
    """Decide the base and every scenario on the same inputs and compare them.

    `truth`: a file with no_kk and true_decile (and is_poor, if known). `keep`: a folder that gets the tables of every
    scenario, marked as a simulation; by default none are kept. Raises WrongUsage or Refused as `determine` does, naming
    the scenario; nothing is kept then.
    """
    settings = load_settings()
    if truth is not None:
        check_truth(truth)
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise WrongUsage("The folder for the tables holds something", where=str(keep), remedy="name a new folder")
    with tempfile.TemporaryDirectory(prefix="perlinsos-simulate-") as name:
        work = Path(name)
        chosen = [Scenario(name=BASE), *scenarios]
        runs = [_run(settings, base, scenario, work / scenario.name, truth) for scenario in chosen]
        described = [_describe(settings, runs[0], run, truth) for run in runs]
        if keep is not None:
            for run in runs:
                _keep(run, keep / run.scenario.name)
    warnings = sorted({warning for run in runs for warning in run.summary["warnings"]})
    inputs = {"from": base.label, "digest": base.digest}
    return Simulation(base.region, base.stage, inputs, described, truth.name if truth else None, warnings=warnings)


def _run(settings: Settings, base: Base, scenario: Scenario, work: Path, truth: Path | None) -> Run:
    """Decide one scenario; with a truth a second time, as if every decile were the true one."""
    work.mkdir(parents=True)
    rules, drafts = make_rules(base.rules, scenario, Stage.parse(base.stage).as_of, work / "rules")
    programmes = tuple(dict.fromkeys((*base.programmes, *drafts)))
    _check_quota(scenario, programmes, rules)
    inputs = with_quota(base, scenario.quota, settings.folder("reference"), work / "inputs")
    own = replace(base, inputs=inputs, rules=rules, programmes=programmes, scope=scenario.scope or base.scope)
    try:
        summary = _decide(settings, own, scenario, work / "out")
        if truth is None:
            return Run(scenario, work / "out", summary)
        true_inputs = with_true_deciles(inputs, truth, work / "true-inputs")
        _decide(settings, replace(own, inputs=true_inputs), scenario, work / "true-out")
        return Run(scenario, work / "out", summary, work / "true-out")
    except WrongUsage as error:
        where = f"scenario {scenario.name}" + (f", {error.where}" if error.where else "")
        raise WrongUsage(error.what, where=where, why=error.why, remedy=error.remedy) from error


def _check_quota(scenario: Scenario, programmes: Sequence[str], rules: Path) -> None:
    if unknown := sorted(set(scenario.quota) - set(programmes)):
        known = ", ".join(programmes)
        why = f"{known} are decided" + (", it is not among them" if unknown[0] in list_programmes(rules) else "")
        raise WrongUsage(f"The scenario {scenario.name} has a quota of {unknown[0]!r}", why=why)


def _decide(settings: Settings, base: Base, scenario: Scenario, out: Path) -> dict[str, Any]:
    """Run the determination; its summary says that it is a simulation, whatever was changed."""
    summary = determine(
        base.region, base.stage, base.inputs, out, programmes=base.programmes, scope=base.scope, settings=base.settings,
        set_values=scenario.set, threads=settings.threads, memory_limit=settings.memory_limit, rules_folder=base.rules,
    )  # fmt: skip
    marked = {"notice": SIMULATION_NOTICE, "status": STATUS, "scenario": scenario.name} | summary | {"simulation_only": True}
    marked["programmes"] = {code: entry | {"simulation_only": True} for code, entry in summary["programmes"].items()}
    (out / "summary.json").write_text(json.dumps(marked, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return marked


def _keep(run: Run, folder: Path) -> None:
    """Move the tables of a run out of the working folder."""
    import shutil

    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(run.folder, folder)


def _describe(settings: Settings, base: Run, run: Run, truth: Path | None) -> dict[str, Any]:
    """One scenario: its changes, and of each programme budget, outcomes, the difference from the base, targeting."""
    found: dict[str, Any] = {"name": run.scenario.name, "changes": run.scenario.describe(), "programmes": {}}
    with open_engine(settings.threads, settings.memory_limit) as connection:
        changes, causes = _compare(connection, base, run)
        for code, entry in run.summary["programmes"].items():
            if code in base.summary["programmes"]:
                before: Mapping[str, Any] = base.summary["programmes"][code]
                difference = describe_changes(changes[changes["programme"] == code], causes.get(code, []), settings)
            else:
                before = {}
                difference = describe_new_programme(connection, run.folder, code, settings)
            found["programmes"][code] = _budget(entry, before) | {"difference": difference}
            if truth is not None and run.by_truth is not None:
                measured = measure_targeting(connection, run.folder, run.by_truth, truth, code)
                found["programmes"][code]["targeting"] = measured
    return found


def _compare(connection: duckdb.DuckDBPyConnection, base: Run, run: Run) -> tuple[pd.DataFrame, dict[str, list[dict[str, Any]]]]:
    """The rows that changed, with their reasons, and the sums by cause of each programme."""
    compare_lists(connection, base.folder, run.folder, has_same_inputs=True)
    causes: dict[str, list[dict[str, Any]]] = {}
    for one in summarise_changes(connection):
        causes.setdefault(one.programme, []).append(one.as_dict())
    rows = connection.sql(
        "select programme, district_code, decile, outcome_before, outcome_after, cause, delta_year_idr, delta_stage_idr, "
        "reasons_before, reasons_after from changes"
    ).df()
    return rows, causes


def _budget(entry: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Rupiah and outcomes of a programme, with the difference from the base."""
    return {
        "quota": entry["quota"],
        "outcomes": entry["outcomes"],
        "amount_year_idr": entry["amount_year_idr"],
        "amount_stage_idr": entry["amount_stage_idr"],
        "delta_year_idr": entry["amount_year_idr"] - before.get("amount_year_idr", 0),
        "delta_stage_idr": entry["amount_stage_idr"] - before.get("amount_stage_idr", 0),
        "rules_digest": entry["rules_digest"],
        "list_digest": entry["list_digest"],
    }
