"""Every sentence that the catalogue can make, for every programme, in both languages, on one page: to be read by people.

The answers are those of the product, of invented facts; a sentence that cannot be made is an error here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perlinsos.engine import open_engine
from perlinsos.explanation.answer import AFTER_LAST, describe_situation, explain_place, explain_programme, make_voice
from perlinsos.explanation.evidence import Evidence, name_region
from perlinsos.explanation.page import find_template, write_page
from perlinsos.explanation.people import Situation
from perlinsos.explanation.rows import InputRows, Row
from perlinsos.explanation.words import Voice
from perlinsos.model.programmes import Programme, load_programme
from perlinsos.model.reasons import LANGUAGES, OUTCOMES, SITUATIONS, load_reasons
from perlinsos.settings import load_settings

ADULT, CHILD, CARD = "3510164107907001", "3510164107127002", "3510160101207003"
VALUES = {
    "DESIL_DI_ATAS_BATAS": ("7", "4"), "DAYA_LISTRIK": ("2200", "2200"), "UPAH_DI_ATAS_UMK": ("5123456", "2989145"),
    "PENERIMA_PROGRAM_LAIN": ("bpnt", None),
}  # fmt: skip


@dataclass(frozen=True)
class Sentence:
    """What is said of one code: `told` are the sentences in their order."""

    section: str
    code: str
    programme: str
    language: str
    told: tuple[str, ...]


def write_contact_sheet(path: Path) -> int:
    """Write the page; how many entries it has."""
    found = collect_sentences()
    sections: dict[str, dict[tuple[str, str], dict[str, tuple[str, ...]]]] = {}
    for entry in found:
        by_code = sections.setdefault(entry.section, {})
        by_code.setdefault((entry.code, entry.programme), {})[entry.language] = entry.told
    write_page(find_template("contact_sheet.html.jinja").render(sections=sections, count=len(found)), path)
    return len(found)


def collect_sentences() -> list[Sentence]:
    """All sentences, by section, code, programme and language."""
    with _evidence() as evidence:
        voices = {language: make_voice(evidence, language) for language in LANGUAGES}
        found = [sentence for voice in voices.values() for sentence in _say_all(evidence, voice)]
    order = {section: number for number, section in enumerate(dict.fromkeys(entry.section for entry in found))}
    return sorted(found, key=lambda entry: (order[entry.section], entry.code, entry.programme, entry.language != "id"))


@contextmanager
def _evidence() -> Iterator[Evidence]:
    """Evidence of a determination of invented facts, with an adult and a child in the register."""
    own = load_settings()
    rules = own.folder("programmes")
    programmes = {path.parent.name: load_programme(path) for path in sorted(rules.glob("*/programme.yaml"))}
    settings = {f"{code}.{name}": 2 for code, programme in programmes.items() for name in programme.parameters}
    summary = {"region": "35.10", "stage": "2026-T1", "as_of": "2026-01-01", "simulation_only": False, "settings": settings}
    with open_engine(threads=1) as connection, tempfile.TemporaryDirectory(prefix="perlinsos-sheet-") as folder:
        file = Path(folder) / "population.parquet"
        connection.execute(
            "copy (from (values (?, date '1990-07-01'), (?, date '2012-07-01')) as p (nik, birth_date)) to '" + str(file) + "'",
            [ADULT, CHILD],
        )
        inputs = InputRows(connection, lambda dataset: [file] if dataset == "population" else [])
        yield Evidence(
            {}, summary, load_reasons(rules / "reasons.yaml"), programmes, lambda code: name_region(own, code), inputs=inputs
        )


def _say_all(evidence: Evidence, voice: Voice) -> Iterator[Sentence]:
    """Every entry of the catalogue, and every component of every programme."""
    for code, programme in evidence.programmes.items():
        yield from _say_programme(evidence, voice, code, programme)
    for name in SITUATIONS:
        told = describe_situation(voice, Situation(name, ("DUKCAPIL",), evidence.as_of))
        yield Sentence("situations", name, "", voice.language, (told["text"], told["next_step"]))
    for kind in ("PINDAH", "ELSEWHERE", "TIDAK_MENDAFTAR"):
        place = explain_place(evidence, voice, {"kind": kind, "region_code": "35.09" if kind == "ELSEWHERE" else None})
        yield Sentence("places", kind, "", voice.language, (place["text"], place["next_step"]))
    catalogue = voice.catalogue
    for section, texts in (
        ("headings", catalogue.headings),
        ("letters", catalogue.letters),
        ("next_steps", catalogue.next_steps),
    ):
        for name, text in texts.items():
            yield Sentence(section, name, "", voice.language, (voice.say(text, region="Kabupaten Jember"),))
    yield Sentence("remedies", AFTER_LAST[-1], "", voice.language, (voice.say(catalogue.remedies.text),))


def _say_programme(evidence: Evidence, voice: Voice, code: str, programme: Programme) -> Iterator[Sentence]:
    """Outcomes, every code as a reason, every warning, and every component."""

    def tell(section: str, name: str, row: Row, findings: list[Row], components: list[Row]) -> Sentence:
        told = explain_programme(evidence, voice, row, findings, components)
        return Sentence(section, name, code, voice.language, tuple(_texts(section, told)))

    for outcome in OUTCOMES:
        yield tell("outcomes", outcome, _decision(code, programme, outcome=outcome), [], [])
    for reason, entry in voice.catalogue.reasons.items():
        row = _decision(code, programme, outcome="TIDAK_LAYAK", reasons=[reason])
        people = {"": ADULT, " (anak/minor)": CHILD} if entry.only_of_minors else {"": ADULT}
        for who, nik in people.items():
            if entry.kind in ("refusal", "missing", "queue", "objection"):
                yield tell("reasons", reason + who, row, [_finding(code, reason, nik)], [])
        if entry.kind == "not_counted":
            told = (voice.start(entry.text, n="2"), voice.step(entry.next_step))
            yield Sentence("not counted", reason, code, voice.language, told)
        if entry.kind == "warning" or reason == "NIK_TIDAK_VALID":
            yield tell("warnings", reason, _decision(code, programme, outcome="LAYAK", warnings=[reason]), [], [])
    for name, component in programme.components.items():
        people = {"": ADULT, " (anak/minor)": CHILD} if component.is_sensitive else {"": ADULT}
        for who, nik in people.items():
            for refused in (None, *_refusals(programme, name)):
                row = _decision(code, programme, outcome="LAYAK")
                label = f"{name}{who}" + (f", {refused}" if refused else "")
                yield tell("components", label, row, [], [_component(code, name, nik, refused)])


def _refusals(programme: Programme, component: str) -> Iterator[str]:
    """The codes under which a component may not count."""
    yield from ("NIK_TIDAK_VALID", "SATU_ORANG_SATU_KOMPONEN")
    yield from (refused.code for refused in programme.components[component].not_counted)
    yield from (cap.code for cap in programme.caps if component in cap.components)


def _texts(section: str, told: dict[str, Any]) -> Iterator[str]:
    """What a person reads of a section."""
    if section == "outcomes":
        yield from (told["outcome_name"], *([told["member"]] if told["member"] else []), told["text"], *told["remarks"])
    for reason in told["reasons"]:
        yield from (reason["text"], *([reason["turn"]] if reason["turn"] else []), reason["next_step"])
    for warning in told["warnings"]:
        yield from (warning["text"], warning["next_step"])
    for part in told["counted"]:
        yield f"{told['headings']['counted']}: {part['name']}, {part['amount'] or '–'}"
    for part in told["not_counted"]:
        yield from (f"{told['headings']['not_counted']}: {part['name']}. {part['text']}", part["next_step"])


def _decision(code: str, programme: Programme, **changed: Any) -> Row:
    person = ADULT if str(programme.unit) == "person" else None
    amounts = {"amount_year_idr": 2_400_000, "amount_stage_idr": 600_000, "eligible_amount_year_idr": 2_400_000}
    row: Row = {"programme": code, "unit": programme.unit, "no_kk": CARD, "nik": person, "reasons": [], "warnings": []}
    return row | amounts | {"queue_position": 1234} | changed


def _finding(programme: str, code: str, nik: str) -> Row:
    value, limit = VALUES.get(code, (None, None))
    return {"programme": programme, "no_kk": CARD, "nik": nik, "code": code, "source": None, "observed_value": value,
            "limit_value": limit, "legal_basis": None}  # fmt: skip


def _component(programme: str, name: str, nik: str, refused: str | None) -> Row:
    return {"programme": programme, "no_kk": CARD, "nik": nik, "component": name, "amount_year_idr": 2_400_000,
            "is_counted": refused is None, "not_counted_reason": refused}  # fmt: skip
