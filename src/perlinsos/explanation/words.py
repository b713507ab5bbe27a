"""One language's way of saying things: sentences with their words filled in, money, days, sources."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from perlinsos.model.reasons import Catalogue, Texts

MONTHS = {
    "id": ("Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November",
           "Desember"),
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December"),
}  # fmt: skip
SENDER = "instansi pengirim"
"""How a source is called whose agency is not known, by its name in the catalogue."""
_TECHNICAL = re.compile(r"[a-z0-9]+|\S*[-_]\S*")  # an id of sources/*.yaml or of a system, which says nothing to people
_PERIOD = re.compile(r"(\d{4})-Q([1-4])")


@dataclass(frozen=True)
class Voice:
    """A language and what every sentence may name: `known` holds stage, date (of the answer) and deadline.

    `agency_of`: source id → agency.
    """

    language: str
    catalogue: Catalogue
    known: Mapping[str, str]
    agency_of: Callable[[str], str | None] = lambda _: None

    def say(self, texts: Texts, **values: str) -> str:
        """The sentence with its words filled in, one pass: what is filled in is never filled in again."""
        words = {**self.known, **values}
        return re.sub(r"{(.*?)}", lambda found: words[found[1]], texts.in_language(self.language))

    def start(self, texts: Texts, **values: str) -> str:
        """The same as a sentence of its own, with a capital at its beginning."""
        said = self.say(texts, **values)
        return said[:1].upper() + said[1:]

    def step(self, name: str) -> str:
        """A next step."""
        return self.say(self.catalogue.next_steps[name])

    def remark(self, name: str, **values: str) -> str:
        """One of the catalogue's remarks."""
        return self.start(self.catalogue.remarks[name], **values)

    def is_private(self, source: str) -> bool:
        """Whether the name of a source alone would give a sensitive fact away."""
        plain = re.sub(r"[-_]", " ", source).casefold()
        return any(name.casefold() in plain for name in self.catalogue.private_sources)

    def source(self, name: str) -> str:
        """A source as people call it: its own name, else its agency's; an id that names nobody is never said."""
        agency = self.agency_of(name)
        if self.is_private(name) or (agency and self.is_private(agency)):
            return self.say(self.catalogue.private_source_name)
        named = self.catalogue.source_names
        for known in (name, agency or ""):
            if found := named.get(known) or named.get(known.upper()):
                return self.say(found)
        if agency or not _TECHNICAL.fullmatch(name):
            return agency or name
        return self.say(named[SENDER]) if SENDER in named else SENDER

    def sources(self, names: Sequence[str]) -> str:
        """Several of them in one phrase."""
        return join(self.language, list(dict.fromkeys(self.source(name) for name in names)))

    def legal(self, text: str) -> str:
        """A legal basis as people call it."""
        found = self.catalogue.legal_names.get(text)
        return self.say(found) if found else text

    def number(self, value: Any) -> str:
        """A number with the thousands of the language; any other text as it is."""
        text = "" if value is None else str(value)
        return say_number(self.language, int(text)) if text.isascii() and text.isdigit() else text

    def day(self, day: date) -> str:
        """`1 Januari 2026`."""
        return say_day(self.language, day)


def say_number(language: str, value: int) -> str:
    """`2.400.000` in Indonesian, `2,400,000` in English."""
    text = f"{value:,}"
    return text.replace(",", ".") if language == "id" else text


def say_day(language: str, day: date) -> str:
    """`1 Januari 2026`, `1 January 2026`."""
    return f"{day.day} {MONTHS[language][day.month - 1]} {day.year}"


def say_moment(language: str, moment: datetime, zone: str) -> str:
    """`2 Februari 2026 pukul 23.59 WIB`; `moment` is already in the region's own time."""
    clock = f"pukul {moment:%H.%M}" if language == "id" else f"{moment:%H:%M}"
    return f"{say_day(language, moment.date())} {clock} {zone}"


def say_period(language: str, period: str) -> str:
    """`2025-Q4` as `triwulan 4 tahun 2025`; any other text as it is."""
    found = _PERIOD.fullmatch(period)
    if not found:
        return period
    return f"triwulan {found[2]} tahun {found[1]}" if language == "id" else f"quarter {found[2]} of {found[1]}"


def join(language: str, parts: Sequence[str]) -> str:
    """`a`, `a dan b`, `a, b, dan c`."""
    word = "dan" if language == "id" else "and"
    if len(parts) < 3:
        return f" {word} ".join(parts)
    return f"{', '.join(parts[:-1])}, {word} {parts[-1]}"


def read_day(value: Any) -> date | None:
    """A day as a file has it: a date, ISO text, or nothing."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(str(value)[:10])
