"""Whom a number is about: the families to answer for, and what is said of a number that no family was decided under."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from perlinsos.explanation.evidence import Evidence
from perlinsos.explanation.rows import NOISE, Row, find_rows
from perlinsos.explanation.words import SENDER, read_day

ADULT_YEARS = 18


@dataclass(frozen=True)
class Situation:
    """Where a number stands, by its name in the catalogue. `day`: the record's, where it has one."""

    name: str
    sources: tuple[str, ...] = ()
    day: date | None = None


@dataclass(frozen=True)
class Found:
    """The answer's parts: situations first, then the families (No KK), and single persons of programmes that decide
    persons. `nik` is the person asked for: of such programmes only that row is told."""

    situations: tuple[Situation, ...] = ()
    cards: tuple[str, ...] = ()
    nik: str | None = None


def read_number(line: str) -> tuple[str, ...]:
    """The texts that a line may mean, the likeliest first: as it stands, trimmed, and its 16 digits alone."""
    texts = [line.rstrip("\r\n"), line.strip()]
    digits = re.sub(r"[\s.\-']", "", line)
    if re.fullmatch(r"[0-9]{16}", digits):
        texts.append(digits)
    return tuple(dict.fromkeys(text for text in texts if text))


def find(evidence: Evidence, line: str) -> Found:
    """Whom a number is about: looked for in the results and every input, then in what was delivered beside them."""
    texts = read_number(line)
    for text in texts:
        if found := _find_exactly(evidence, text):
            return found
    if (loose := re.sub(NOISE, "", line)) and evidence.inputs:
        for text in _find_spellings(evidence, loose):
            if found := _find_exactly(evidence, text):
                return found
    for text in texts:
        if found := _find_raw(evidence, text):
            return found
    return Found((Situation("not_seen" if evidence.inputs else "inputs_needed"),))


def is_decided(evidence: Evidence, no_kk: str) -> bool:
    """Whether the determination saw this card: decided it, or says where it is decided."""
    return any(find_rows(evidence.tables[name], "no_kk", no_kk) for name in ("decisions", "not_decided"))


def is_minor(evidence: Evidence, nik: str | None) -> bool:
    """Whether a person is under 18 on as_of by the register; also where that is not known."""
    if nik is None or evidence.inputs is None:
        return True
    days = [read_day(row["birth_date"]) for row in evidence.inputs.find("population", "nik", nik)]
    return not days or any(day is None or completed_years(day, evidence.as_of) < ADULT_YEARS for day in days)


def completed_years(born: date, day: date) -> int:
    """Age in completed years, month and day compared."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _find_exactly(evidence: Evidence, text: str) -> Found | None:
    """What stands under exactly this text, as a card and as a person; None where nothing does."""
    if not is_decided(evidence, text):
        return _find_person(evidence, text) or _find_card(evidence, text)
    if not _rows(evidence, "population", "nik", text):
        return Found(cards=(text,))
    person = _find_person(evidence, text)
    others = tuple(card for card in person.cards if card != text) if person else ()
    return Found(person.situations if person else (), (text, *others))


def _find_person(evidence: Evidence, nik: str) -> Found | None:
    """Where the register has the person, else where anything else has."""
    tables = evidence.tables
    own = {row["no_kk"] for row in find_rows(tables["decisions"], "nik", nik)}
    if evidence.inputs is None:
        own |= {row["no_kk"] for row in find_rows(tables["decisions"], "head_nik", nik)}
        own |= {row["no_kk"] for name in ("components", "findings") for row in find_rows(tables[name], "nik", nik)}
        return Found(cards=tuple(sorted(own)), nik=nik) if own else None
    rows = evidence.inputs.find("population", "nik", nik)
    found = _find_registered(evidence, nik, rows) if rows else _find_unregistered(evidence, nik)
    if own and (found is None or not found.cards):
        return Found(found.situations if found else (), tuple(sorted(card for card in own if card)), nik)
    return found


def _find_registered(evidence: Evidence, nik: str, rows: list[Row]) -> Found:
    """A person of the register: the family of the row that counts (docs/rules.md), or why there is none."""
    seen = [there for row in rows if (there := see(row, evidence.as_of))]
    if not seen:
        return Found((Situation("later", day=evidence.as_of),), nik=nik)
    winner = pick_winner(seen)
    active = [row for row in seen if row["status"] == "active"]
    counted = active if active and not is_valid_nik(nik) else [winner]
    cards = sorted({row["no_kk"] for row in counted if row["no_kk"] and is_decided(evidence, row["no_kk"])})
    if winner["status"] == "active":
        named = any(row["no_kk"] for row in counted)
        return Found(() if named else (Situation("person_without_card"),), tuple(cards), nik)
    day = winner["status_date"] or evidence.as_of
    if winner["status"] == "deceased":
        return Found((Situation("person_deceased", day=day),), tuple(cards), nik)
    return Found((Situation("person_moved", day=day),), nik=nik)


def _find_unregistered(evidence: Evidence, nik: str) -> Found | None:
    """A person that only other inputs name: the welfare data, a registration, a row set aside, a signal."""
    for dataset, alone, beside in (
        ("welfare_person", "only_welfare", "person_unmatched"),
        ("registration", "only_registration", "only_registration"),
    ):
        if rows := _rows(evidence, dataset, "nik", nik):
            cards = _decided_cards(evidence, rows)
            return Found((Situation(beside if cards else alone), *_held(evidence, "nik", nik)), cards, nik)
    if rows := _rows(evidence, "quarantined", "nik", nik):
        return Found(_held(evidence, "nik", nik), _decided_cards(evidence, rows), nik)
    if _rows(evidence, "signal", "nik", nik):
        return Found((Situation("only_signal"),), nik=nik)
    return None


def _find_card(evidence: Evidence, no_kk: str) -> Found | None:
    """A card that no family was decided under, though an input names it."""
    if evidence.inputs is None:
        return None
    if rows := evidence.inputs.find("population", "no_kk", no_kk):
        return Found((_judge_card(evidence, rows), *_held(evidence, "no_kk", no_kk)))
    if _rows(evidence, "welfare_family", "no_kk", no_kk):
        return Found((Situation("later", day=evidence.as_of),))
    for dataset, name in (("welfare_person", "only_welfare"), ("registration", "only_registration")):
        if _rows(evidence, dataset, "no_kk", no_kk):
            return Found((Situation(name), *_held(evidence, "no_kk", no_kk)))
    held = _held(evidence, "no_kk", no_kk)
    return Found(held) if held else None


def _judge_card(evidence: Evidence, rows: list[Row]) -> Situation:
    """A card of register rows of which none counts: all later, all deceased, or moved."""
    seen = [there for row in rows if (there := see(row, evidence.as_of))]
    if not seen:
        return Situation("later", day=evidence.as_of)
    days = [row["status_date"] for row in seen if row["status_date"]]
    is_deceased = all(row["status"] == "deceased" for row in seen)
    return Situation("card_deceased" if is_deceased else "card_closed", day=max(days, default=evidence.as_of))


def _rows(evidence: Evidence, dataset: str, column: str, text: str) -> list[Row]:
    return evidence.inputs.find(dataset, column, text) if evidence.inputs else []


def _held(evidence: Evidence, column: str, text: str) -> tuple[Situation, ...]:
    """The rows about a number that were set aside."""
    rows = _rows(evidence, "quarantined", column, text)
    return (Situation("only_quarantined", _sources(rows)),) if rows else ()


def _sources(rows: Iterable[Row]) -> tuple[str, ...]:
    """The sources of rows that were set aside; for one without a source its agency stays unnamed."""
    return tuple(sorted({row["source"] or SENDER for row in rows}))


def _decided_cards(evidence: Evidence, rows: list[Row]) -> tuple[str, ...]:
    cards = {str(row["no_kk"]) for row in rows if row["no_kk"] is not None}
    return tuple(sorted(card for card in cards if is_decided(evidence, card)))


def _find_spellings(evidence: Evidence, loose: str) -> list[str]:
    """How the inputs spell a number, where blanks, quotes and other signs stand in it."""
    assert evidence.inputs is not None
    found: dict[str, None] = {}
    for dataset in ("quarantined", "population", "welfare_family", "welfare_person", "signal", "registration"):
        for column in ("nik", "no_kk"):
            for row in evidence.inputs.find(dataset, column, loose, loosely=True):
                found[str(row[column])] = None
    return list(found)


def _find_raw(evidence: Evidence, text: str) -> Found | None:
    """What was delivered under this number and did not come into the determination of this region."""
    found = evidence.find_raw(text) if evidence.find_raw else []
    datasets = {dataset for dataset, _ in found}
    held = tuple(sorted({source for dataset, source in found if dataset == "quarantined"}))
    if held:
        return Found((Situation("only_quarantined", held),))
    for dataset, name in (
        ("population", "not_of_region"), ("welfare_family", "not_of_region"), ("welfare_person", "not_of_region"),
        ("registration", "only_registration"), ("signal", "only_signal"),
    ):  # fmt: skip
        if dataset in datasets:
            return Found((Situation(name),))
    return None


def see(row: Row, as_of: date) -> Row | None:
    """A row of the register as it is seen on as_of: a later death or move has not happened; None where it is not there."""
    status, day, born = str(row["status"]).strip().lower(), read_day(row["status_date"]), read_day(row["birth_date"])
    is_later = day is not None and day > as_of
    if (born is not None and born > as_of) or (is_later and status == "active"):
        return None
    return {**row, "status": "active" if is_later else status, "status_date": None if is_later else day, "birth_date": born}


def pick_winner(seen: list[Row]) -> Row:
    """The row of a person that counts (docs/rules.md, step 1): a death, an undated one before all, unless an active row is
    newer than the newest; then an active row, then the newest."""

    def newest(rows: list[Row]) -> Row:
        return max(rows, key=lambda row: (row["status_date"] or date.min, row["no_kk"] or ""))

    deaths = [row for row in seen if row["status"] == "deceased"]
    active = [row for row in seen if row["status"] == "active"]
    if undated := [row for row in deaths if row["status_date"] is None]:
        return newest(undated)
    if deaths:
        last = newest(deaths)
        after = [row for row in active if row["status_date"] and row["status_date"] > last["status_date"]]
        return newest(after) if after else last
    return newest(active or seen)


def is_valid_nik(nik: str) -> bool:
    """The form of rules.md, step 1: 16 digits, regions not 00, a real day, a serial."""
    if not re.fullmatch(r"[0-9]{16}", nik) or "00" in (nik[:2], nik[2:4], nik[4:6]) or nik[12:] == "0000":
        return False
    day, month, year = int(nik[6:8]), int(nik[8:10]), int(nik[10:12])
    day -= 40 if day > 40 else 0
    return any(_is_day(century + year, month, day) for century in (1900, 2000))


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
