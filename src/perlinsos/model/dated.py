"""Values beside the days on which they hold, with legal basis, source and the day somebody checked them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

FIRST_DAY = date(2020, 1, 1)


class Strict(BaseModel):
    """A part of a rule file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class InForce(Strict):
    """The days on which something holds: from its first day to `until` or to the next one's first day."""

    first_day: date = Field(alias="from")
    until: date | None = None
    legal_basis: str = Field(min_length=1)
    source: str = Field(min_length=1)
    checked_on: date


class Dated(InForce):
    """One value and the days on which it holds."""

    value: int | str


class DatedWords(InForce):
    """Some words (quarters, programmes) and the days on which they hold."""

    value: tuple[str, ...] = Field(min_length=1)


OneOf = TypeVar("OneOf", bound=InForce)


def find_in_force(values: Sequence[OneOf], day: date) -> OneOf | None:
    """The value that holds on a day, if any."""
    begun = [value for value in values if value.first_day <= day]
    return begun[-1] if begun and (begun[-1].until is None or begun[-1].until >= day) else None


def _check_order(values: Sequence[InForce]) -> None:
    """ValueError unless the values follow one another: never two on one day."""
    for earlier, later in pairwise(values):
        if later.first_day <= earlier.first_day or (earlier.until and earlier.until >= later.first_day):
            raise ValueError(f"overlapping dates: the values from {earlier.first_day} and from {later.first_day}")
    for value in values:
        if value.until and value.until < value.first_day:
            raise ValueError(f"overlapping dates: the value from {value.first_day} ends before it begins")


DatedValues = Annotated[tuple[Dated, ...], Field(min_length=1)]


class WithValues(Strict):
    """A part of a rule file that holds dated values."""

    @model_validator(mode="after")
    def _check_dates(self) -> WithValues:
        for name in type(self).model_fields:
            found = getattr(self, name)
            if isinstance(found, tuple) and found and isinstance(found[0], InForce):
                _check_order(found)
        return self


class Parameter(WithValues):
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
