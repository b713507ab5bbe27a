"""The reason catalogue: what each code says to a family, in Indonesian and English, and what the family can do."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from perlinsos.errors import Refused
from perlinsos.model.programmes import read_yaml

Kind = Literal["refusal", "missing", "not_counted", "warning", "queue", "place", "objection"]
LANGUAGES = ("id", "en")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Texts(_Strict):
    """One sentence in both languages; words in braces are filled in."""

    id: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def in_language(self, language: str) -> str:
        """The sentence in `id` or `en`."""
        return self.id if language == "id" else self.en


class Reason(_Strict):
    """One code. `is_sensitive`: inside the family only the category is shown, the detail to the person alone."""

    kind: Kind
    is_sensitive: bool
    sources: tuple[str, ...] = Field(min_length=1)
    text: Texts
    next_step: str
    placeholders: tuple[str, ...] = ()
    legal_basis: str = Field(min_length=1)

    @model_validator(mode="after")
    def _check_placeholders(self) -> Reason:
        for text in (self.text.id, self.text.en):
            missing = [name for name in self.placeholders if f"{{{name}}}" not in text]
            unknown = text.count("{") != len(self.placeholders)
            if missing or unknown:
                raise ValueError("the words in braces are not the placeholders that are listed")
        return self


class Catalogue(_Strict):
    """All codes, and the next steps that they name (the most actionable first)."""

    outcomes: dict[Literal["LAYAK", "ANTREAN", "TIDAK_LAYAK", "TUNDA", "not_seen"], Texts] = Field(min_length=5)
    headings: dict[Literal["counted", "would_count", "not_counted"], Texts] = Field(min_length=3)
    objection_period: Texts
    next_steps: dict[str, Texts]
    opening: Texts
    closing: dict[Literal["refusal", "missing"], Texts]
    reasons: dict[str, Reason]

    @model_validator(mode="after")
    def _check_steps(self) -> Catalogue:
        for code, reason in self.reasons.items():
            if reason.next_step not in self.next_steps:
                raise ValueError(f"{code}: unknown next step {reason.next_step}")
        return self


def load_reasons(path: Path) -> Catalogue:
    """Read and check `programmes/reasons.yaml`. A code without all of its parts is an error: Refused with the place."""
    try:
        return Catalogue.model_validate(read_yaml(path))
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise Refused(
            "The reason catalogue is not complete",
            where=f"{path.name}: {place}",
            why=fault["msg"].removeprefix("Value error, "),
            remedy="give every code its kind, sources, text in id and en, next step and legal basis",
        ) from None
