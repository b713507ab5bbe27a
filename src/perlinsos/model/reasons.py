"""The reason catalogue: what each code says to a family, in Indonesian and English, and what the family can do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from perlinsos.errors import Refused
from perlinsos.model.programmes import Programme, read_yaml

Kind = Literal["refusal", "missing", "not_counted", "warning", "queue", "place", "objection"]
LANGUAGES = ("id", "en")
OUTCOMES = ("LAYAK", "ANTREAN", "TIDAK_LAYAK", "TUNDA")

# What the texts may leave open.
PLACEHOLDERS = (
    "amount", "amounts", "components", "date", "deadline", "limit", "n", "position", "programme", "region", "source", "stage",
    "value", "year",
)  # fmt: skip

# The codes of the models in sql/; those of exclusions, caps and components stand in the programme files.
FIXED_CODES = (
    "BELUM_ADA_DESIL", "DATA_DIKARANTINA", "DI_LUAR_KUOTA", "ELSEWHERE", "GANTI_PENGURUS", "KK_GANDA", "NIK_GANDA",
    "NIK_JENIS_KELAMIN_BEDA", "NIK_TGL_LAHIR_BEDA", "NIK_TIDAK_PADAN", "NIK_TIDAK_VALID", "PENERIMA_PROGRAM_LAIN",
    "PINDAH", "SANGGAH_BELUM_DIPUTUS", "SANGGAH_LEWAT_WAKTU", "SATU_ORANG_SATU_KOMPONEN", "TIDAK_ADA_DATA_KELUARGA",
    "TIDAK_ADA_KOMPONEN", "TIDAK_MENDAFTAR",
)  # fmt: skip
SITUATIONS = (
    "card_closed", "card_deceased", "inputs_needed", "later", "not_of_region", "not_seen", "only_quarantined",
    "only_registration", "only_signal", "only_welfare", "person_deceased", "person_moved", "person_not_considered",
    "person_unmatched", "person_without_card",
)  # fmt: skip


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Texts(_Strict):
    """One sentence in both languages; words in braces are filled in."""

    id: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def in_language(self, language: str) -> str:
        """The sentence in `id` or `en`."""
        return self.id if language == "id" else self.en

    def open_words(self) -> set[str]:
        """The words in braces."""
        return set(re.findall(r"{(.*?)}", self.id))

    @model_validator(mode="after")
    def _check_braces(self) -> Texts:
        if unknown := self.open_words() - set(PLACEHOLDERS):
            raise ValueError(f"unknown placeholder {', '.join(sorted(unknown))}")
        if set(re.findall(r"{(.*?)}", self.en)) != self.open_words():
            raise ValueError("the two languages leave different words open")
        return self


def _all_of(*names: str) -> AfterValidator:
    """A table with exactly these names."""

    def check(found: dict[str, object]) -> dict[str, object]:
        if missing := [name for name in names if name not in found]:
            raise ValueError(f"missing: {', '.join(missing)}")
        if unknown := [name for name in found if name not in names]:
            raise ValueError(f"unknown: {', '.join(unknown)}")
        return found

    return AfterValidator(check)


class Reason(_Strict):
    """One code. `is_sensitive`: inside the family only the category is shown, the detail to the person alone.

    `conceals` says what is kept back: the value, or the code, the source and the sentence too. `only_of_minors`: of a
    person of 18 or more nothing is. `turn` of missing data: who moves next.
    """

    kind: Kind
    is_sensitive: bool
    conceals: Literal["value", "code"] = "value"
    only_of_minors: bool = False
    turn: Literal["family", "source", "office"] | None = None
    sources: tuple[str, ...] = Field(min_length=1)
    placeholders: tuple[str, ...]
    legal_basis: str = Field(min_length=1)
    text: Texts
    next_step: str

    @model_validator(mode="after")
    def _check_parts(self) -> Reason:
        if self.text.open_words() != set(self.placeholders):
            raise ValueError("the words in braces are not the placeholders that are listed")
        if (self.kind == "missing") != (self.turn is not None):
            raise ValueError("missing data, and nothing else, say whose turn it is")
        return self


class Remedies(_Strict):
    """What is open to a family after the last revision: a text of the centre."""

    owner: Literal["pusat"]
    legal_basis: str = Field(min_length=1)
    source: str = Field(min_length=1)
    checked_on: date
    text: Texts


Outcomes = Annotated[dict[str, Texts], _all_of(*OUTCOMES)]


class Catalogue(_Strict):
    """All codes, and the sentences around them; next steps stand the most actionable first."""

    opening: Annotated[dict[str, Texts], _all_of("refusal", "missing")]
    closing: Annotated[dict[str, Texts], _all_of("refusal")]
    outcomes: Annotated[dict[str, Outcomes], _all_of("family", "person")]
    outcome_names: Outcomes
    remarks: Annotated[
        dict[str, Texts],
        _all_of("amounts", "amount_once", "queue", "one_amount", "amounts_together", "member", "concealed", "concealed_missing",
                "concealed_not_counted"),
    ]  # fmt: skip
    turns: Annotated[dict[str, Texts], _all_of("family", "source", "office")]
    situations: Annotated[dict[str, Texts], _all_of(*SITUATIONS)]
    situation_steps: Annotated[dict[str, str], _all_of(*SITUATIONS)]
    headings: Annotated[
        dict[str, Texts],
        _all_of("title", "stage", "simulation", "reasons", "next_step", "counted", "would_count", "not_counted", "warnings",
                "where", "where_elsewhere", "hours", "telephone", "remedies", "legal_basis"),
    ]  # fmt: skip
    periods: Annotated[dict[str, Texts], _all_of("before", "after")]
    letters: Annotated[dict[str, Texts], _all_of("no_office", "visit", "simulation", "desk", "other_region")]
    remedies: Remedies
    next_steps: dict[str, Texts]
    source_names: dict[str, Texts]
    private_sources: tuple[str, ...]
    private_source_name: Texts
    legal_names: dict[str, Texts]
    reasons: dict[str, Reason]

    @model_validator(mode="after")
    def _check_names(self) -> Catalogue:
        if missing := [code for code in FIXED_CODES if code not in self.reasons]:
            raise ValueError(f"reasons: missing {', '.join(missing)}")
        named = {code: reason.next_step for code, reason in self.reasons.items()} | self.situation_steps
        for code, step in named.items():
            if step not in self.next_steps:
                raise ValueError(f"{code}: unknown next step {step}")
        return self


def check_codes(catalogue: Catalogue, programmes: Iterable[Programme]) -> None:
    """Refused where a programme can give a code that the catalogue cannot say."""
    for programme in programmes:
        codes = [*programme.exclusions, *(cap.code for cap in programme.caps)]
        codes += [refused.code for part in programme.components.values() for refused in part.not_counted]
        if missing := [code for code in codes if code not in catalogue.reasons]:
            raise Refused(
                "A programme has a code that no family could be told",
                where=f"programmes/{programme.programme}/programme.yaml: {missing[0]}",
                why="programmes/reasons.yaml has no such code",
                remedy="write its kind, sources, placeholders, text in id and en, next step and legal basis there",
            )


def load_reasons(path: Path) -> Catalogue:
    """Read and check `programmes/reasons.yaml`. A code without all of its parts is an error: Refused with the place."""
    return read_reasons(read_yaml(path), path.name)


def read_reasons(document: object, name: str) -> Catalogue:
    """The catalogue of a document that was read. Refused with the place where a part is missing or wrong."""
    try:
        return Catalogue.model_validate(document)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise Refused(
            "The reason catalogue is not complete",
            where=f"{name}: {place}",
            why=fault["msg"].removeprefix("Value error, "),
            remedy="give every code its kind, sources, placeholders, text in id and en, next step and legal basis",
        ) from None
