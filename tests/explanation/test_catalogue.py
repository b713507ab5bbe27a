"""Every code can be said in every programme and language, kindly; an incomplete catalogue is an error when it is loaded."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from perlinsos.errors import Refused
from perlinsos.explanation.contact_sheet import Sentence, collect_sentences, write_contact_sheet
from perlinsos.model.programmes import load_programme
from perlinsos.model.reasons import FIXED_CODES, check_codes, load_reasons, read_reasons

PROGRAMMES = Path(__file__).resolve().parents[2] / "programmes"
FILES = sorted(PROGRAMMES.glob("*/programme.yaml"))


@pytest.fixture(scope="module")
def sentences() -> list[Sentence]:
    return collect_sentences()


def test_every_code_is_rendered_for_every_programme_and_language(sentences: list[Sentence]) -> None:
    rendered = {(entry.code.split(" ")[0], entry.programme, entry.language) for entry in sentences}
    missing = [
        (code, path.parent.name, language)
        for code in load_reasons(PROGRAMMES / "reasons.yaml").reasons
        for path in FILES
        for language in ("id", "en")
        if not {(code, path.parent.name, language), (code, "", language)} & rendered
    ]
    assert not missing


def test_every_sentence_is_whole_and_kind(sentences: list[Sentence]) -> None:
    texts = [(entry, text) for entry in sentences for text in entry.told]
    assert all(entry.told for entry in sentences)
    faults = re.compile(r"[{}]|  | [.,;:]|\(\)|None|Rp(?!\d)|ditolak|miskin|curang|rejected|\bpoor\b|fraud", re.IGNORECASE)
    assert [(entry.code, text) for entry, text in texts if faults.search(text)] == []
    assert [text for _, text in texts if text != text.strip()] == []


def test_refusals_open_and_close_as_the_catalogue_says(sentences: list[Sentence]) -> None:
    catalogue = load_reasons(PROGRAMMES / "reasons.yaml")
    for entry in sentences:
        if entry.section != "reasons" or entry.language != "id":
            continue
        kind, name = (
            catalogue.reasons[entry.code.split(" ")[0]].kind,
            load_programme(PROGRAMMES / entry.programme / "programme.yaml").name["id"],
        )
        if kind == "refusal":
            assert re.match(r"Menurut catatan .+ per 1 Januari 2026, ", entry.told[0])
            assert entry.told[0].endswith(f"Karena itu keluarga Bapak/Ibu belum dapat menerima {name} tahap 2026-T1.")
        if kind == "missing":
            assert entry.told[0].startswith("Ini bukan penolakan: ")
            assert entry.told[1].startswith("Giliran ")


def test_every_answer_that_asks_something_is_free_of_charge() -> None:
    steps = load_reasons(PROGRAMMES / "reasons.yaml").next_steps
    assert [name for name, step in steps.items() if "tanpa biaya" not in step.id or "free of charge" not in step.en] == []


def test_the_codes_of_every_programme_are_in_the_catalogue() -> None:
    catalogue = load_reasons(PROGRAMMES / "reasons.yaml")
    check_codes(catalogue, map(load_programme, FILES))
    fewer = catalogue.model_copy(update={"reasons": {code: catalogue.reasons[code] for code in FIXED_CODES}})
    with pytest.raises(Refused, match="no family could be told") as caught:
        check_codes(fewer, map(load_programme, FILES))
    assert "programme.yaml: ANGGOTA_ASN" in caught.value.where


def test_the_page_of_all_sentences_is_written(tmp_path: Path, sentences: list[Sentence]) -> None:
    assert write_contact_sheet(tmp_path / "sheet.html") == len(sentences)
    page = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert all(code in page for code in load_reasons(PROGRAMMES / "reasons.yaml").reasons)


def _without(*path: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        for name in path[:-1]:
            document = document[name]
        del document[path[-1]]

    return change


def _with(value: Any, *path: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        for name in path[:-1]:
            document = document[name]
        document[path[-1]] = value

    return change


CODE = ("reasons", "ANGGOTA_PENSIUNAN")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        *((_without(*CODE, part), f"reasons.ANGGOTA_PENSIUNAN.{part}")
          for part in ("kind", "is_sensitive", "sources", "placeholders", "legal_basis", "text", "next_step")),
        (_without(*CODE, "text", "en"), "reasons.ANGGOTA_PENSIUNAN.text.en"),
        (_with([], *CODE, "sources"), "reasons.ANGGOTA_PENSIUNAN.sources"),
        (_with(["limit"], *CODE, "placeholders"), "reasons.ANGGOTA_PENSIUNAN"),
        (_with("{limits}", *CODE, "text", "id"), "reasons.ANGGOTA_PENSIUNAN.text"),
        (_with("P99", *CODE, "next_step"), ""),
        (_without("reasons", "NIK_GANDA"), ""),
        (_without("reasons", "BELUM_ADA_DESIL", "turn"), "reasons.BELUM_ADA_DESIL"),
        (_without("outcomes", "person", "TUNDA"), "outcomes.person"),
        (_without("situations", "not_seen"), "situations"),
        (_with("daerah", "remedies", "owner"), "remedies.owner"),
    ],
)  # fmt: skip
def test_a_missing_part_is_refused_with_its_place(change: Callable[[dict[str, Any]], None], place: str) -> None:
    document = yaml.safe_load((PROGRAMMES / "reasons.yaml").read_text(encoding="utf-8"))
    change(document)
    with pytest.raises(Refused, match="catalogue is not complete") as caught:
        read_reasons(document, "reasons.yaml")
    assert caught.value.where == f"reasons.yaml: {place}"
