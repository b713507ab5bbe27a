"""Programmes as data: what `programmes/<p>/programme.yaml` may say, checked when it is loaded.

A value stands beside the first day it is in force, its legal basis, its source and the day somebody checked it. "Who"
is a small closed vocabulary: an attribute and one test. There is no expression language.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from perlinsos.errors import Refused
from perlinsos.model.dated import Dated, DatedValues, DatedWords, Parameter, Strict, WithValues
from perlinsos.model.vocabulary import FAMILY_TESTS, MEMBER_ATTRIBUTES, SIGNAL_ATTRIBUTES, Attribute

QUARTERS = ("T1", "T2", "T3", "T4")


class ParameterName(Strict):
    """A limit that is a parameter of the programme."""

    parameter: str


class RegionValue(Strict):
    """A limit that the region has: its minimum wage, by the programme's `wage_reference`."""

    region_value: Literal["minimum_wage"]


Limit = bool | int | str | ParameterName | RegionValue
OPERATORS = ("is", "in", "min", "max", "above", "below")


class Test(Strict):
    """An attribute and exactly one of: is, in, min (>=), max (<=), above (>), below (<)."""

    attribute: str
    is_: Limit | None = Field(default=None, alias="is")
    in_: tuple[str, ...] | None = Field(default=None, alias="in")
    min: Limit | None = None
    max: Limit | None = None
    above: Limit | None = None
    below: Limit | None = None

    @property
    def operator(self) -> str:
        """The one that is said."""
        return next(name for name in OPERATORS if self._said(name) is not None)

    @property
    def limit(self) -> Any:
        """What the attribute is compared with."""
        return self._said(self.operator)

    def _said(self, name: str) -> Any:
        return getattr(self, name if name not in ("is", "in") else f"{name}_")

    @model_validator(mode="after")
    def _check_one(self) -> Test:
        if sum(self._said(name) is not None for name in OPERATORS) != 1:
            raise ValueError(f"a test has exactly one of {', '.join(OPERATORS)}")
        return self


class NotCounted(Strict):
    """A candidate of the component that meets `when` is kept and not counted, under `code`."""

    code: str
    when: Test


class Component(WithValues):
    """Who may count, why some of them do not, and the amount a year; it exists from its first amount on."""

    name: dict[Literal["id", "en"], str] = Field(min_length=2)
    category: dict[Literal["id", "en"], str] = Field(min_length=2)
    is_sensitive: bool
    first: bool = False
    who: tuple[Test, ...] = Field(min_length=1)
    not_counted: tuple[NotCounted, ...] = ()
    amount_year_idr: DatedValues


class Cap(Strict):
    """At most `parameter` members of these components count; the others carry `code`."""

    code: str
    components: tuple[str, ...] = Field(min_length=1)
    parameter: str


class Exclusion(Strict):
    """A family that meets `who` is refused."""

    who: Test
    legal_basis: str = Field(min_length=1)
    source: str = Field(min_length=1)
    checked_on: date


class Programme(WithValues):
    """A programme. It pays either the sum of what counts, or one amount for each unit.

    `unit` person: each considered member of a decided family is judged; `considered` says whether that is every member
    or only the candidates of a component. `regions`: where it exists (empty: everywhere). Paid in every quarter
    (`payments_per_year: 4`), or in the quarters of `paid_in`.
    """

    programme: str = Field(pattern="^[a-z][a-z0-9_-]*$")
    name: dict[Literal["id", "en"], str] = Field(min_length=2)
    unit: Literal["family", "person"]
    considered: Literal["members", "candidates"] | None = None
    regions: tuple[str, ...] = ()
    payments_per_year: Literal[4] | None = None
    paid_in: tuple[DatedWords, ...] = ()
    gate: DatedValues
    parameters: dict[str, Parameter]
    components: dict[str, Component] = Field(default_factory=dict)
    family_amount_year_idr: tuple[Dated, ...] = ()
    person_amount_year_idr: tuple[Dated, ...] = ()
    caps: tuple[Cap, ...] = ()
    exclusions: dict[str, Exclusion] = Field(min_length=1)
    excluded_by: tuple[DatedWords, ...] = ()

    @property
    def unit_amount_year_idr(self) -> tuple[Dated, ...]:
        """The one amount of a unit, with its days; empty where components pay."""
        return self.family_amount_year_idr or self.person_amount_year_idr

    @property
    def amounts(self) -> tuple[Dated, ...]:
        """Every amount that the programme pays on any day: it exists where one of them holds."""
        return (*self.unit_amount_year_idr, *(dated for part in self.components.values() for dated in part.amount_year_idr))

    @property
    def codes(self) -> dict[str, tuple[str, ...]]:
        """The reason codes that the file uses, by the place where they stand."""
        reasons = [reason.code for part in self.components.values() for reason in part.not_counted]
        return {
            "components": tuple(reasons),
            "caps": tuple(cap.code for cap in self.caps),
            "exclusions": tuple(self.exclusions),
        }

    @model_validator(mode="after")
    def _check_whole(self) -> Programme:
        _check_unit(self)
        _check_payment(self)
        if self.caps and "selection" not in self.parameters:
            raise ValueError("caps need the parameter selection")
        for component in self.components.values():
            for test in (*component.who, *(reason.when for reason in component.not_counted)):
                _check_test(test, MEMBER_ATTRIBUTES, self.parameters)
        for cap in self.caps:
            if unknown := [name for name in cap.components if name not in self.components]:
                raise ValueError(f"cap {cap.code}: unknown component {', '.join(unknown)}")
            _check_parameter(cap.parameter, self.parameters)
        for code, exclusion in self.exclusions.items():
            _check_exclusion(code, exclusion.who, self.parameters)
        _check_needed_exclusions(self)
        return self


def _check_unit(programme: Programme) -> None:
    """ValueError unless the amount and `considered` fit the unit."""
    of_unit = getattr(programme, f"{programme.unit}_amount_year_idr")
    if programme.unit_amount_year_idr != of_unit or bool(programme.components) == bool(of_unit):
        raise ValueError(f"a programme has either components or {programme.unit}_amount_year_idr")
    if (programme.unit == "person") != (programme.considered is not None):
        raise ValueError("`considered: members` or `considered: candidates` belongs to unit person, and to no other")
    if programme.considered == "candidates" and not programme.components:
        raise ValueError("`considered: candidates` needs components: nobody else is a candidate")


def _check_payment(programme: Programme) -> None:
    """ValueError unless the calendar of payments, gate and regions can be read."""
    if (programme.payments_per_year is None) == (not programme.paid_in):
        raise ValueError("a programme has either `payments_per_year: 4` or paid_in")
    for dated in programme.paid_in:
        if list(dated.value) != [quarter for quarter in QUARTERS if quarter in dated.value]:
            raise ValueError(f"paid_in lists quarters of {', '.join(QUARTERS)} in their order, each once")
    if unknown := [code for code in programme.regions if not _REGENCY.fullmatch(code)]:
        raise ValueError(f"{unknown[0]} is not a regency's code, such as 35.10")
    for dated_gate in programme.gate:
        if dated_gate.value not in ("welfare_list", "decile"):
            raise ValueError("a gate is welfare_list or decile")


_REGENCY = re.compile(r"[0-9]{2}\.[0-9]{2}")


def _check_needed_exclusions(programme: Programme) -> None:
    """ValueError where a family without a living member, or above every decile, would be paid."""
    tested = {exclusion.who.attribute for exclusion in programme.exclusions.values()}
    if "living_members" not in tested:
        raise ValueError("an exclusion is missing: `MENINGGAL: {who: {attribute: living_members, max: 0}, …}`")
    if any(dated.value == "decile" for dated in programme.gate) and "decile" not in tested:
        raise ValueError("the gate is a decile: the exclusion DESIL_DI_ATAS_BATAS is missing")


def _check_parameter(name: str, parameters: dict[str, Parameter]) -> None:
    if name not in parameters:
        raise ValueError(f"unknown parameter {name}")


def _check_test(test: Test, vocabulary: dict[str, Attribute], parameters: dict[str, Parameter]) -> None:
    """ValueError unless the attribute exists and the test and limit fit its kind."""
    attribute = vocabulary.get(test.attribute)
    if attribute is None:
        raise ValueError(f"unknown attribute {test.attribute}; there are {', '.join(vocabulary)}")
    limit, operator = test.limit, test.operator
    if isinstance(limit, ParameterName):
        _check_parameter(limit.parameter, parameters)
        return
    if isinstance(limit, RegionValue):
        if test.attribute != "wage_idr":
            raise ValueError(f"{test.attribute} has no value of the region")
        return
    if attribute.kind == "bool" and not (operator == "is" and isinstance(limit, bool)):
        raise ValueError(f"{test.attribute} is true or false: write `is: true`")
    if attribute.kind == "number" and (isinstance(limit, bool) or not isinstance(limit, int)):
        raise ValueError(f"{test.attribute} is compared with a whole number")
    if attribute.kind == "text":
        words = limit if operator == "in" else (limit,)
        if operator not in ("is", "in") or not words or not set(words) <= set(attribute.words):
            raise ValueError(f"{test.attribute} is one of {', '.join(attribute.words)}")


def _check_exclusion(code: str, test: Test, parameters: dict[str, Parameter]) -> None:
    """ValueError unless the exclusion is one that the models can decide."""
    if test.attribute in FAMILY_TESTS:
        if (code, test.operator) != FAMILY_TESTS[test.attribute]:
            wanted = "{}: {{attribute: {}, {}: …}}".format(*_turned(test.attribute))
            raise ValueError(f"a test of {test.attribute} is written {wanted}")
        if isinstance(test.limit, ParameterName):
            _check_parameter(test.limit.parameter, parameters)
        return
    _check_test(test, SIGNAL_ATTRIBUTES, parameters)
    allowed = ("is",) if SIGNAL_ATTRIBUTES[test.attribute].kind == "bool" else ("min", "above")
    if test.operator not in allowed or test.limit is False:
        raise ValueError(f"{code}: {test.attribute} is tested with {' or '.join(allowed)}")


def _turned(attribute: str) -> tuple[str, str, str]:
    code, operator = FAMILY_TESTS[attribute]
    return code, attribute, operator


class _UniqueKeys(yaml.CSafeLoader):
    """YAML in which a key cannot stand twice."""


def _unique_mapping(loader: _UniqueKeys, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    if twice := {str(key) for key in keys if keys.count(key) > 1}:
        raise yaml.YAMLError(f"line {node.start_mark.line + 1}: {', '.join(sorted(twice))} stands twice")
    return yaml.CSafeLoader.construct_mapping(loader, node, deep)


def _mapping(loader: _UniqueKeys, node: yaml.MappingNode) -> dict[Hashable, Any]:
    return _unique_mapping(loader, node, deep=True)


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> Any:
    """A YAML file of the project; Refused with file, place and remedy where it cannot be read."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506 (a SafeLoader)
    except FileNotFoundError:
        raise Refused("A rule file is missing", where=str(path.name), remedy="restore the programmes folder") from None
    except yaml.YAMLError as error:
        raise Refused("A rule file is not readable YAML", where=_place(path), why=str(error), remedy="repair it") from None


def _place(path: Path) -> str:
    return "/".join(path.parts[-3:])


def _refuse(path: Path, error: ValidationError) -> Refused:
    """The first fault, with its place inside the file."""
    fault = error.errors()[0]
    place = ".".join(str(part) for part in fault["loc"])
    return Refused(
        "A rule file is not valid",
        where=f"{_place(path)}: {place}" if place else _place(path),
        why=fault["msg"].removeprefix("Value error, "),
        remedy="correct the entry; docs/rules.md lists the vocabulary",
    )


def load_programme(path: Path) -> Programme:
    """Read and check a programme file. Raises Refused with file, place and remedy."""
    try:
        programme = Programme.model_validate(read_yaml(path))
    except ValidationError as error:
        raise _refuse(path, error) from None
    if programme.programme != path.parent.name:
        raise Refused("A rule file stands in another folder than it says", where=_place(path), remedy="rename either")
    return programme


def load_parameters(path: Path) -> dict[str, Parameter]:
    """Read and check the parameters that hold for every programme."""
    try:
        return TypeAdapter(dict[str, Parameter]).validate_python(read_yaml(path))
    except ValidationError as error:
        raise _refuse(path, error) from None
