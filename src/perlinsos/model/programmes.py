"""Programmes as data: what `programmes/<p>/programme.yaml` may say, checked when it is loaded.

A value stands beside the first day it is in force, its legal basis, its source and the day somebody checked it. "Who"
is a small closed vocabulary: an attribute and one test. There is no expression language.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from perlinsos.errors import Refused

AttributeKind = Literal["number", "text", "bool"]
FIRST_DAY = date(2020, 1, 1)


@dataclass(frozen=True)
class Attribute:
    """A word of the vocabulary. `signal`: the signal code that carries it; `words`: its possible texts."""

    kind: AttributeKind
    words: tuple[str, ...] = ()
    signal: str | None = None


# What a component may ask of a member: the columns of sql/recipients/member.sql.
MEMBER_ATTRIBUTES: dict[str, Attribute] = {
    "age": Attribute("number"),
    "sex": Attribute("text", ("L", "P")),
    "school_level": Attribute("text", ("SD", "SMP", "SMA")),
    "is_enrolled": Attribute("bool"),
    "disability": Attribute("text", ("mild", "none", "severe")),
    "is_pregnant": Attribute("bool"),
    "pregnancy_number": Attribute("number"),
    "has_pregnancy_number": Attribute("bool"),
    "is_rights_victim": Attribute("bool"),
}

# What an exclusion may ask of any member: facts of other agencies (sql/core/signal_fact.sql).
SIGNAL_ATTRIBUTES: dict[str, Attribute] = {
    "is_civil_servant": Attribute("bool", signal="ASN"),
    "is_soldier_or_police": Attribute("bool", signal="TNI_POLRI"),
    "is_public_pensioner": Attribute("bool", signal="PENSIUNAN"),
    "is_paid_from_public_budget": Attribute("bool", signal="UPAH_APBN_APBD"),
    "is_village_official": Attribute("bool", signal="PERANGKAT_DESA"),
    "is_state_company_employee": Attribute("bool", signal="BUMN_BUMD"),
    "is_certified_teacher": Attribute("bool", signal="GURU_SERTIFIKASI"),
    "is_health_worker": Attribute("bool", signal="TENAGA_KESEHATAN"),
    "is_social_programme_worker": Attribute("bool", signal="SDM_KESOS"),
    "is_company_officer": Attribute("bool", signal="PENGURUS_PERUSAHAAN"),
    "is_gambling": Attribute("bool", signal="GAMBLING"),
    "wage_idr": Attribute("number", signal="WAGE"),
    "car_count": Attribute("number", signal="CAR"),
    "land_m2": Attribute("number", signal="LAND"),
    "balance_idr": Attribute("number", signal="BALANCE"),
}

# What an exclusion may ask of the family, with the one code and test that sql/recipients/family_criterion.sql has.
FAMILY_TESTS: dict[str, tuple[str, str]] = {
    "electricity_va": ("DAYA_LISTRIK", "min"),
    "decile": ("DESIL_DI_ATAS_BATAS", "above"),
    "living_members": ("MENINGGAL", "max"),
}

NUMBER_SIGNALS = ("BALANCE", "CAR", "ELECTRICITY", "LAND", "PREGNANT", "WAGE")
SIGNAL_CODES = tuple(
    sorted(
        {attribute.signal for attribute in SIGNAL_ATTRIBUTES.values() if attribute.signal}
        | {"ELECTRICITY", "ENROLLED", "PREGNANT", "RIGHTS_VICTIM"}
    )
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Dated(_Strict):
    """One value and the days on which it holds: from its first day to `until` or to the next one's first day."""

    first_day: date = Field(alias="from")
    until: date | None = None
    value: int | str
    legal_basis: str = Field(min_length=1)
    source: str = Field(min_length=1)
    checked_on: date


def _in_order(values: Sequence[Dated]) -> tuple[Dated, ...]:
    """Values that follow one another; ValueError where two hold on one day."""
    for earlier, later in pairwise(values):
        if later.first_day <= earlier.first_day or (earlier.until and earlier.until >= later.first_day):
            raise ValueError(f"overlapping dates: the values from {earlier.first_day} and from {later.first_day}")
    for value in values:
        if value.until and value.until < value.first_day:
            raise ValueError(f"overlapping dates: the value from {value.first_day} ends before it begins")
    return tuple(values)


DatedValues = Annotated[tuple[Dated, ...], Field(min_length=1)]


class _WithValues(_Strict):
    @model_validator(mode="after")
    def _check_dates(self) -> _WithValues:
        for name in type(self).model_fields:
            found = getattr(self, name)
            if isinstance(found, tuple) and found and isinstance(found[0], Dated):
                _in_order(found)
        return self


class Parameter(_WithValues):
    """A named value that can be set: a `number`, a `cap` (number or `none`), one of `choices`, or a `text`."""

    kind: Literal["number", "cap", "choice", "text"]
    choices: tuple[str, ...] = ()
    values: DatedValues

    def read(self, value: object) -> int | str | None:
        """The value in its type; `none` is None. ValueError where it is not one of this parameter."""
        text = "none" if value is None else str(value).strip()
        if self.kind == "choice":
            if text not in self.choices:
                raise ValueError(f"one of {', '.join(self.choices)}")
            return text
        if text == "none" and self.kind != "number":
            return None
        if self.kind == "text":
            return text
        if isinstance(value, bool) or not (text.isascii() and text.isdigit()) or len(text) > 15:
            raise ValueError("a whole number from 0" + (" or none" if self.kind == "cap" else ""))
        return int(text)

    @model_validator(mode="after")
    def _check_values(self) -> Parameter:
        for dated in self.values:
            try:
                self.read(dated.value)
            except ValueError as error:
                raise ValueError(f"the value from {dated.first_day} must be {error}") from None
        return self


class ParameterName(_Strict):
    """A limit that is a parameter of the programme."""

    parameter: str


class RegionValue(_Strict):
    """A limit that the region has: its minimum wage, by the programme's `wage_reference`."""

    region_value: Literal["minimum_wage"]


Limit = bool | int | str | ParameterName | RegionValue
OPERATORS = ("is", "in", "min", "max", "above", "below")


class Test(_Strict):
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


class NotCounted(_Strict):
    """A candidate of the component that meets `when` is kept and not counted, under `code`."""

    code: str
    when: Test


class Component(_WithValues):
    """Who may count, why some of them do not, and the amount a year; it exists from its first amount on."""

    name: dict[Literal["id", "en"], str] = Field(min_length=2)
    category: dict[Literal["id", "en"], str] = Field(min_length=2)
    is_sensitive: bool
    first: bool = False
    who: tuple[Test, ...] = Field(min_length=1)
    not_counted: tuple[NotCounted, ...] = ()
    amount_year_idr: DatedValues


class Cap(_Strict):
    """At most `parameter` members of these components count; the others carry `code`."""

    code: str
    components: tuple[str, ...] = Field(min_length=1)
    parameter: str


class Exclusion(_Strict):
    """A family that meets `who` is refused."""

    who: Test
    legal_basis: str = Field(min_length=1)
    source: str = Field(min_length=1)
    checked_on: date


class Programme(_WithValues):
    """A programme. It pays either the sum of its counted components or one amount per family."""

    programme: str = Field(pattern="^[a-z][a-z0-9_]*$")
    name: dict[Literal["id", "en"], str]
    unit: Literal["family"]
    payments_per_year: Literal[4]
    gate: DatedValues
    parameters: dict[str, Parameter]
    components: dict[str, Component] = Field(default_factory=dict)
    family_amount_year_idr: tuple[Dated, ...] = ()
    caps: tuple[Cap, ...] = ()
    exclusions: dict[str, Exclusion] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_words(self) -> Programme:
        if bool(self.components) == bool(self.family_amount_year_idr):
            raise ValueError("a programme has either components or family_amount_year_idr")
        for dated in self.gate:
            if dated.value not in ("welfare_list", "decile"):
                raise ValueError("a gate is welfare_list or decile")
        for name in ("max_decile", *(["selection"] if self.components else [])):
            if name not in self.parameters:
                raise ValueError(f"the parameter {name} is missing")
        for component in self.components.values():
            for test in (*component.who, *(reason.when for reason in component.not_counted)):
                _check_test(test, MEMBER_ATTRIBUTES, self.parameters)
        for cap in self.caps:
            if unknown := [name for name in cap.components if name not in self.components]:
                raise ValueError(f"cap {cap.code}: unknown component {', '.join(unknown)}")
            _check_parameter(cap.parameter, self.parameters)
        for code, exclusion in self.exclusions.items():
            _check_exclusion(code, exclusion.who, self.parameters)
        return self


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
