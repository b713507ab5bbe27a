"""A stored list is explained from its own rows, inputs and texts: later deliveries and texts change no byte of an answer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from explanation.conftest import kinds, of_programme
from operations.conftest import add_cycle, add_region, deliver_rows, make_context, make_project, register
from operations.sources_of_tests import card, family, member, nik, person, signal
from perlinsos.context import Context
from perlinsos.errors import Conflict, WrongUsage
from perlinsos.explanation.answer import explain, explain_row
from perlinsos.explanation.page import render_page
from perlinsos.explanation.stored import open_stored
from perlinsos.operations import assemble, dispatch
from perlinsos.publication.keys import ensure_keys
from perlinsos.publication.publish import publish
from perlinsos.settings import find_project
from perlinsos.storage import Missing

KEY, LIST = "35.10|2026-T1", "2026-T1/35.10/bpnt"
RUN = {"dag_id": "determine", "run_id": "test", "task_id": "publish"}
ASTRAY, SET_ASIDE = "3510164101907950", "3510164101907X"


def publish_next(ctx: Context) -> list[str]:
    """Freeze, determine and publish what is due; the revisions."""
    dispatch.advance(ctx)
    assemble.assemble(ctx, KEY)
    assemble.determine(ctx, KEY)
    return [f"{done['list_id']}/r{done['revision']}" for done in publish(ctx, KEY, RUN)["published"]]


def tell(ctx: Context, label: str, number: str, language: str = "id") -> str:
    """An answer as JSON and as a page."""
    with open_stored(ctx, label) as evidence:
        answer = explain(evidence, number, language)
    return json.dumps(answer) + render_page(answer)


@pytest.fixture
def ctx(database_url: str, tmp_path: Path) -> Iterator[Context]:
    """A region with quotas whose first lists are published: 0 is a civil servant, 2 waits, a row of 3 is set aside."""
    project = make_project(tmp_path / "project")
    (project / "programmes").unlink()
    shutil.copytree(find_project() / "programmes", project / "programmes")
    made = make_context(database_url, tmp_path)
    for bucket in vars(made.settings.buckets).values():
        made.storage.make_bucket(bucket)
    ensure_keys(made.settings)
    add_region(made)
    add_region(made, "35.09")
    register(made)
    register(made, "kuota", quotas={"bpnt": 1, "pkh": 1})
    add_cycle(made, announce_at="2026-01-10T00:00:00+07:00")
    people = [person(n) for n in range(3)] + [person(4, region="35.09"), person(5) | {"nik": SET_ASIDE}]
    deliver_rows(made, "test-population", people)
    deliver_rows(made, "test-family", [family(n) for n in range(3)])
    deliver_rows(made, "test-person", [member(n) for n in range(3)])
    deliver_rows(made, "test-signal", [signal(0), signal(0) | {"nik": ASTRAY}], "national")
    assert publish_next(made) == [f"{LIST}/r1", "2026-T1/35.10/pkh/r1"]
    yield made


@pytest.fixture
def answer(ctx: Context) -> Callable[..., dict[str, object]]:
    def ask(number: str, label: str = LIST) -> dict[str, object]:
        with open_stored(ctx, label) as evidence:
            return explain(evidence, number)

    return ask


def test_families_are_told_with_their_office(answer: Callable[..., dict[str, object]]) -> None:
    refused = answer(card(0))
    assert of_programme(refused, "bpnt")["reasons"][0]["text"].startswith("Menurut catatan UJI per 1 Desember 2025, ")
    assert refused["list"] == f"{LIST}/r1"
    assert refused["letter"] == {"is_letter": True, "why_not": None}
    assert of_programme(answer(nik(1)), "bpnt")["outcome"] == "LAYAK"
    assert of_programme(answer(card(2)), "bpnt")["queue_position"] == 1


def test_every_number_of_the_pinned_batches_has_an_answer(answer: Callable[..., dict[str, object]]) -> None:
    elsewhere = answer(card(4, "350916"))
    assert kinds(elsewhere) == ["ELSEWHERE"]
    assert elsewhere["families"][0]["office"]["telephone"]
    assert kinds(answer(ASTRAY)) == ["only_signal"]
    assert kinds(answer(SET_ASIDE)) == ["only_quarantined"]
    assert "dari Lembaga Uji belum terbaca" in answer(SET_ASIDE)["families"][0]["text"]
    assert kinds(answer("3510164101907999")) == ["not_seen"]


def test_a_cell_that_is_no_number_of_a_person_or_card_is_not_what_was_asked_for(answer: Callable[..., dict[str, object]]) -> None:
    """The row that was set aside has `1` as its place in the family and `active` as its status."""
    assert [kinds(answer(text)) for text in ("1", "active", "P")] == [["not_seen"]] * 3
    assert kinds(answer(f" {SET_ASIDE} ")) == ["only_quarantined"]


def test_a_number_of_a_pinned_register_of_another_region_is_sent_to_its_office(ctx: Context) -> None:
    """The neighbour's delivery is pinned for the one person whom both registers have; its other rows are not taken."""
    here_too = person(1, region="35.09", nik=nik(1))
    deliver_rows(ctx, "test-population", [here_too, person(60, region="35.09")], "35.09", "2025-12-28")
    assert f"{LIST}/r2" in publish_next(ctx)
    with open_stored(ctx, LIST) as evidence:
        for number in (nik(60, "350916"), card(60, "350916")):
            (told,) = explain(evidence, number)["families"]
            (in_english,) = explain(evidence, number, "en")["families"]
            assert told["kind"] == "not_of_region" and "alamat kependudukannya di daerah lain" in told["text"]
            assert "Hubungi kantor di daerah itu" in str(told) and "not assessed in this region" in in_english["text"]
    with open_stored(ctx, f"{LIST}/r1") as evidence:
        assert kinds(explain(evidence, nik(60, "350916"))) == ["not_seen"]


def test_no_byte_changes_after_later_deliveries_and_texts(ctx: Context) -> None:
    told = {number: tell(ctx, f"{LIST}/r1", number) for number in (card(0), nik(1), card(2), ASTRAY, SET_ASIDE)}
    reasons = ctx.settings.folder("programmes") / "reasons.yaml"
    reasons.write_text(reasons.read_text().replace("masih menjadi ASN", "kini menjadi ASN"))
    source = ctx.settings.folder("sources") / "test-population.yaml"
    source.write_text(source.read_text().replace("Lembaga Uji", "Lembaga Lain"))
    deliver_rows(ctx, "test-signal", [signal(1), signal(1, "GAMBLING")], "national", "2025-12-28")
    deliver_rows(ctx, "test-family", [family(n, decile=9 - n) for n in range(3)], day="2025-12-28")
    assert f"{LIST}/r2" in publish_next(ctx)
    assert {number: tell(ctx, f"{LIST}/r1", number) for number in told} == told
    assert tell(ctx, f"{LIST}/r2", card(0)) != told[card(0)]
    assert "kini menjadi ASN" in tell(ctx, LIST, nik(1))


def test_the_deadline_is_the_end_of_the_window_in_the_region_s_time(ctx: Context) -> None:
    assert "akhir masa sanggah" in tell(ctx, LIST, card(0))
    dispatch.advance(ctx.at_time(ctx.at + timedelta(days=10)))
    assert "ajukan sanggah sampai 12 Februari 2026 pukul 23.59 WIB" in tell(ctx, LIST, card(0))
    assert "object until 12 February 2026 23:59 WIB" in tell(ctx, LIST, card(0), "en")


def test_the_last_revision_names_the_further_remedies(ctx: Context) -> None:
    with open_stored(ctx, LIST) as evidence:
        final = explain(replace(evidence, status="final"), card(0))
        assert explain(evidence, card(0))["remedies"] is None
    assert "PTUN" in final["remedies"]
    assert final["deadline"] == "akhir masa sanggah tahap berikutnya"


def test_a_row_names_a_family_of_the_list(ctx: Context) -> None:
    with open_stored(ctx, LIST) as evidence:
        assert explain_row(evidence, 1) == explain(evidence, card(0))
        with pytest.raises(WrongUsage, match="no such row"):
            explain_row(evidence, 4)


def test_a_simulation_says_so_on_every_form(ctx: Context) -> None:
    with open_stored(ctx, LIST) as evidence:
        simulated = explain(replace(evidence, status="simulation"), card(0))
    assert "SIMULASI" in render_page(simulated)
    assert not simulated["letter"]["is_letter"]


def test_a_list_that_is_not_there_or_not_as_recorded_is_refused(ctx: Context) -> None:
    for label in (f"{LIST}/r9", "2026-T2/35.10/bpnt"):
        with pytest.raises(Missing, match="no such list"), open_stored(ctx, label):
            pass
    key = "lists/v1/programme=bpnt/region=35.10/stage=2026-T1/rev=1/manifest.json"
    path = Path(ctx.settings.home.parent / "objects" / "perlinsos-work" / key)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"rows": 1', b'"rows": 2'))
    with pytest.raises(Conflict, match="manifest is not the one"), open_stored(ctx, LIST):
        pass
