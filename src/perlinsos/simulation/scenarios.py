"""Scenarios: what a simulation changes, read from YAML or from `name:pkh.max_decile=3,quota.pkh=1000,…`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from perlinsos.errors import WrongUsage
from perlinsos.sources.plain_yaml import load_plain_yaml

BASE = "base"
Model = TypeVar("Model", bound=BaseModel)
_Strict = ConfigDict(extra="forbid", frozen=True)


MOST = 10**15 - 1
"""The greatest number that a scenario may give: sums over a nation still fit 64 bits."""


class DatedAmount(BaseModel):
    """An amount and its first day; from the first day of the stage where none is said."""

    model_config = _Strict
    first_day: date | None = Field(default=None, alias="from")
    value: int = Field(ge=0, le=MOST)


Amount = Annotated[tuple[DatedAmount, ...], Field(min_length=1)]


class Scenario(BaseModel):
    """One scenario. What it does not name is as in the base.

    `set`: parameters by full name (docs/rules.md). `quota`: places by programme, null = no quota. `amounts`: rupiah a year
    by `pkh.AUD` (a component) or `bpnt` (a programme of one amount). `programmes`: folders of drafts, each with its
    programme.yaml; one of a known programme replaces it, another one is decided beside.
    """

    model_config = _Strict
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")
    set: dict[str, str | int | None] = Field(default_factory=dict)
    quota: dict[str, Annotated[int, Field(ge=0, le=MOST)] | None] = Field(default_factory=dict)
    amounts: dict[str, Amount] = Field(default_factory=dict)
    programmes: tuple[Path, ...] = ()
    scope: Literal["population", "registrants"] | None = None

    @field_validator("amounts", mode="before")
    @classmethod
    def _dated(cls, found: Any) -> Any:
        """A plain number is the amount from the first day of the stage."""
        if not isinstance(found, dict):
            return found
        return {name: value if isinstance(value, list | tuple) else [{"value": value}] for name, value in found.items()}

    def describe(self) -> list[str]:
        """What it changes, one line each."""
        lines = [f"{name} = {'none' if value is None else value}" for name, value in self.set.items()]
        lines += [f"quota of {name} = {'none' if value is None else f'{value:,}'}" for name, value in self.quota.items()]
        for name, amounts in self.amounts.items():
            lines += [f"{name} = Rp{part.value:,}" + (f" from {part.first_day}" if part.first_day else "") for part in amounts]
        lines += [f"draft {path.name}" for path in self.programmes]
        return lines + ([f"scope = {self.scope}"] if self.scope else [])


class _File(BaseModel):
    model_config = _Strict
    scenarios: tuple[Scenario, ...] = Field(min_length=1)


def read_scenarios(path: Path | None, texts: Sequence[str]) -> list[Scenario]:
    """The scenarios of a YAML file (`scenarios:` and a list) and of `--scenario` texts. WrongUsage where one is malformed.

    Paths of drafts in a file are relative to it.
    """
    found: list[Scenario] = []
    if path is not None:
        parsed = _check(_File, load_plain_yaml(path), str(path))
        found += [_beside(scenario, path.parent) for scenario in parsed.scenarios]
    found += [parse_scenario(text) for text in texts]
    names = [BASE, *(scenario.name for scenario in found)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise WrongUsage(f"Two scenarios are called {twice[0]!r}", why=f"{BASE} is what all are compared with")
    if not found:
        raise WrongUsage("No scenario is named", remedy="--scenario poorer:pkh.max_decile=3, or --scenarios FILE")
    return found


def _beside(scenario: Scenario, folder: Path) -> Scenario:
    return scenario.model_copy(update={"programmes": tuple(folder / path for path in scenario.programmes)})


def parse_scenario(text: str) -> Scenario:
    """`name:pkh.max_decile=3,quota.pkh=1000,amount.pkh.AUD=3600000,draft=FOLDER,scope=registrants`."""
    name, sign, rest = text.partition(":")
    document: dict[str, Any] = {"name": name, "set": {}, "quota": {}, "amounts": {}, "programmes": []}
    for part in rest.split(",") if sign else []:
        key, equals, value = (word.strip() for word in part.partition("="))
        if not (key and equals and value):
            raise WrongUsage(f"--scenario {text!r} cannot be used", why=f"{part!r} is not name=value")
        if key.startswith("quota."):
            document["quota"][key.removeprefix("quota.")] = None if value == "none" else value
        elif key.startswith("amount."):
            document["amounts"][key.removeprefix("amount.")] = value
        elif key == "draft":
            document["programmes"].append(value)
        elif key == "scope":
            document["scope"] = value
        else:
            document["set"][key] = value
    return _check(Scenario, document, f"--scenario {text}")


def _check(kind: type[Model], document: Any, where: str) -> Model:
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise WrongUsage(
            "The scenario cannot be used", where=f"{where}: {place}" if place else where, why=fault["msg"],
            remedy="docs/simulate.md shows the form",
        ) from None  # fmt: skip
