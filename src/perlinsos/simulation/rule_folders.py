"""Rule folders of scenarios: a copy of the programmes with other amounts or drafts in it, read as any rules are."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from perlinsos.errors import Refused, WrongUsage
from perlinsos.model.dated import FIRST_DAY
from perlinsos.model.programmes import read_yaml
from perlinsos.simulation.scenarios import Amount, Scenario

NEVER = date(9999, 1, 1)


def make_rules(source: Path, scenario: Scenario, as_of: date, out: Path) -> tuple[Path, tuple[str, ...]]:
    """The rule folder of a scenario and the programmes that its drafts add or replace.

    `source` itself where nothing of a file changes. Refused or WrongUsage where a draft or an amount does not fit.
    """
    if not scenario.amounts and not scenario.programmes:
        return source, ()
    copy_rules(source, out)
    drafts = tuple(_add_draft(folder, out) for folder in scenario.programmes)
    by_programme: dict[str, dict[str | None, Amount]] = {}
    for name, amounts in scenario.amounts.items():
        programme, _, component = name.partition(".")
        by_programme.setdefault(programme, {})[component or None] = amounts
    for programme, changed in by_programme.items():
        _override_amounts(out, programme, changed, scenario.name, as_of)
    return out, drafts


def copy_rules(source: Path, out: Path) -> None:
    """Copy the rule files (programme.yaml of each programme, parameters, reasons); cases and the like stay."""
    out.mkdir(parents=True)
    for path in [*source.glob("*.yaml"), *source.glob("*/programme.yaml")]:
        target = out / path.relative_to(source)
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, target)


def _add_draft(folder: Path, out: Path) -> str:
    """Put a draft under the name that it says; the programme's code."""
    file = folder / "programme.yaml"
    if not file.is_file():
        raise WrongUsage("The draft has no programme.yaml", where=str(folder), remedy="name the folder of one programme")
    document = read_yaml(file)
    code = document.get("programme") if isinstance(document, dict) else None
    if not isinstance(code, str) or "/" in code or code.startswith("."):
        raise Refused("The draft does not say its programme", where=str(file), remedy="write `programme: name`")
    (out / code).mkdir(exist_ok=True)
    shutil.copyfile(file, out / code / "programme.yaml")
    return code


def _override_amounts(rules: Path, programme: str, changed: Mapping[str | None, Amount], scenario: str, as_of: date) -> None:
    """Let other amounts hold in the programme file; each replaces what begins on its day or later."""
    file = rules / programme / "programme.yaml"
    if not file.is_file():
        raise WrongUsage(f"{programme!r} is not a programme", why=f"there are {', '.join(list_programmes(rules))}")
    document = read_yaml(file)
    for component, amounts in changed.items():
        holder, key = _find_amounts(document, programme, component)
        for amount in amounts:
            first_day = amount.first_day or as_of
            kept = [dated for dated in holder[key] if dated["from"] < first_day]
            holder[key] = [*(_ending(dated, first_day) for dated in kept), _value(amount.value, first_day, scenario)]
    write_yaml(document, file)


def _ending(dated: Mapping[str, Any], first_day: date) -> dict[str, Any]:
    """The dated value without an end that reaches into the new one."""
    return {name: value for name, value in dated.items() if name != "until" or value < first_day}


def _value(value: int, first_day: date, scenario: str) -> dict[str, Any]:
    basis = f"simulation: scenario {scenario}"
    return {"from": first_day, "value": value, "legal_basis": basis, "source": basis, "checked_on": first_day}


def _find_amounts(document: dict[str, Any], programme: str, component: str | None) -> tuple[dict[str, Any], str]:
    """Where the dated amounts of a component, or of the programme's one amount, stand."""
    components = document.get("components") or {}
    if component is not None and component in components:
        return components[component], "amount_year_idr"
    single = [key for key in document if key.endswith("amount_year_idr")]
    if component is None and single:
        return document, single[0]
    known = [f"{programme}.{name}" for name in components] or [programme]
    name = programme if component is None else f"{programme}.{component}"
    raise WrongUsage(f"{name!r} has no amount", why=f"there are {', '.join(known)}")


def list_programmes(rules: Path) -> list[str]:
    """The programmes of a rule folder."""
    return sorted(path.parent.name for path in rules.glob("*/programme.yaml"))


def write_yaml(document: Any, file: Path) -> None:
    """Write a rule file, in the order of its keys."""
    file.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=200), encoding="utf-8")


def hold_on(source: Path, day: date, out: Path) -> Path:
    """A copy of the rules in which every dated value is the one that holds on a day, whatever day is asked for; `out`.

    What does not hold on that day begins never. So the rules of one stage can decide the inputs of another.
    """
    copy_rules(source, out)
    for file in [out / "parameters.yaml", *sorted(out.glob("*/programme.yaml"))]:
        write_yaml(_held(read_yaml(file), day), file)
    return out


def _held(part: Any, day: date) -> Any:
    if isinstance(part, dict):
        return {name: _held(value, day) for name, value in part.items()}
    if not isinstance(part, list):
        return part
    if not part or not all(isinstance(item, dict) and "from" in item for item in part):
        return [_held(item, day) for item in part]
    begun = [dated for dated in part if dated["from"] <= day and (dated.get("until") is None or dated["until"] >= day)]
    if begun:
        return [{name: value for name, value in begun[-1].items() if name != "until"} | {"from": FIRST_DAY}]
    return [{name: value for name, value in part[-1].items() if name != "until"} | {"from": NEVER}]
