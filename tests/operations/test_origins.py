"""Sources that are asked: a query and a paged HTTP API become deliveries like any other, or nothing at all."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import psycopg2
import pytest

from perlinsos.errors import Refused, Unreachable
from perlinsos.operations import accept, pull
from perlinsos.operations.origins import last_due_day
from perlinsos.sources.description import HttpOrigin, Schedule
from perlinsos.sources.http_origin import fetch_pages

from .sources_of_tests import BASIS, nik

AT = datetime(2026, 1, 12, 3, tzinfo=UTC)
COMMON = "dataset: signal\nscope: national\ncoverage: full\nagency: Lembaga Uji\n"
SCHEDULED = "schedule: {every: month, due_day: 10}\n"
TOKEN = "rahasia-uji"


def describe(project, name, origin, more=SCHEDULED):
    """Write a source with an origin of its own."""
    (project / "sources" / f"{name}.yaml").write_text(f"source: {name}\n{COMMON}{more}{origin}{BASIS}")


def record(number):
    return {"nik": nik(number), "code": "ASN", "value": "true", "observed_on": "2025-12-01", "source": "UJI"}


@pytest.mark.parametrize(
    ("schedule", "today", "due"),
    [
        ({"every": "quarter", "due_day": 10}, date(2026, 2, 20), date(2026, 1, 10)),
        ({"every": "quarter", "due_day": 10}, date(2026, 1, 9), date(2025, 10, 10)),
        ({"every": "month", "due_day": 31}, date(2026, 3, 1), date(2026, 2, 28)),
        ({"every": "month", "due_day": 10}, date(2026, 1, 10), date(2026, 1, 10)),
        ({"every": "day"}, date(2026, 1, 12), date(2026, 1, 12)),
        ({}, date(2026, 1, 12), None),
    ],
)
def test_the_newest_due_day(schedule, today, due):
    assert last_due_day(Schedule(**schedule), today) == due


class Pages(BaseHTTPRequestHandler):
    """An API that answers by the query of the request from `server.answers`, to who shows the token."""

    def do_GET(self):
        self.server.asked.append(self.path)
        query = urlsplit(self.path).query
        word = (parse_qs(query).get("page") or parse_qs(query).get("cursor") or ["1"])[0]
        is_known = self.headers["Authorization"] == f"Bearer {TOKEN}"
        status, answer = self.server.answers.get(word, (404, {})) if is_known else (401, {})
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    """The API on a free port."""
    made = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    made.asked, made.answers = [], {}
    thread = Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def page(*numbers, following=None, total=None):
    return 200, {"data": {"items": [record(number) for number in numbers]}, "paging": {"cursor": following}, "total": total}


@pytest.fixture
def api(ctx, project, server, monkeypatch):
    """A source that asks the server."""
    monkeypatch.setenv("PERLINSOS_SECRET_UJI", TOKEN)
    address = f"http://127.0.0.1:{server.server_port}/orang?on={{snapshot_date}}"
    paths = "records: data.items, next: paging.cursor, total: total"
    describe(project, "uji-api", f'origin: {{kind: http, secret: uji, url: "{address}", {paths}}}\n')
    return ctx.at_time(AT)


@pytest.mark.parametrize("following", ["b", 2, "/orang?on=2026-01-10&page=2"], ids=["a token", "a number", "an address"])
def test_the_pages_of_an_api_become_a_delivery(api, server, rows, following):
    word = "b" if following == "b" else "2"
    server.answers = {"1": page(1, 2, following=following, total=3), word: page(3, total=3)}
    assert pull.list_due(api) == ["uji-api"]
    assert len(pull.fetch(api, "uji-api")["deliveries"]) == 1
    accept.accept(api, "national")
    assert rows("select received, accepted, snapshot_date from batch") == [
        {"received": 3, "accepted": 3, "snapshot_date": date(2026, 1, 10)}
    ]
    kept = rows("select digests from outcome where step = 'ask'")[0]["digests"]["answers"]
    raw = [json.loads(api.storage.get("perlinsos-raw", f"sha256/{digest[:2]}/{digest}")) for digest in kept]
    assert [len(answer["data"]["items"]) for answer in raw] == [2, 1]


def test_half_a_character_is_a_matter_of_its_row(api, server, rows):
    damaged = record(2) | {"source": "U\ud800I"}
    server.answers = {"1": (200, {"data": {"items": [record(1), damaged]}, "total": 2})}
    pull.fetch(api, "uji-api")
    accept.accept(api, "national")
    assert rows("select received, quarantined from batch") == [{"received": 2, "quarantined": 1}]


def test_an_answer_is_asked_for_once_until_the_next_due_day(api, server):
    server.answers = {"1": page(1, total=1)}
    pull.fetch(api, "uji-api")
    asked = len(server.asked)
    pull.fetch(api, "uji-api")
    assert len(server.asked) == asked
    pull.fetch(api.at_time(AT + timedelta(days=31)), "uji-api")
    assert "2026-02-10" in server.asked[-1]


BROKEN = {
    "a token twice": {"1": page(1, following="b"), "b": page(2, following="b")},
    "an answer twice": {"1": page(1, following="b"), "b": page(1, following="b")},
    "fewer than announced": {"1": page(1, 2, total=3)},
    "the same record twice": {"1": page(1, 1, total=2)},
    "another server": {"1": page(1, following="http://127.0.0.2:1/orang")},
    "another total": {"1": page(1, following="b", total=2), "b": page(2, total=3)},
    "no list": {"1": (200, {"data": {"items": "none"}, "total": 0})},
    "not JSON": {"1": (200, b"<html>")},
    "an error": {"1": (403, {})},
}


@pytest.mark.parametrize("answers", BROKEN.values(), ids=BROKEN)
def test_pages_that_are_not_one_delivery_leave_nothing(api, server, rows, answers):
    server.answers = answers
    with pytest.raises(Refused, match="not one delivery"):
        pull.fetch(api, "uji-api")
    assert list(api.storage.list("perlinsos-landing")) == []
    assert rows("select count(*) from delivery") == [{"count": 0}]
    assert TOKEN not in str(rows("select error from outcome where step = 'ask'"))


def test_after_a_refusal_it_is_asked_again_an_hour_later(api, server):
    """What the ledger recorded stands at the clock's time, so the runs of this test do too."""
    now = api.at_time(datetime.now(UTC))
    server.answers = BROKEN["an error"]
    with pytest.raises(Refused):
        pull.fetch(now, "uji-api")
    assert pull.list_due(now) == []
    later = now.at_time(now.at + timedelta(hours=2))
    assert pull.list_due(later) == ["uji-api"]
    server.answers = {"1": page(1, total=1)}
    assert len(pull.fetch(later, "uji-api")["deliveries"]) == 1


def test_a_busy_server_is_asked_three_times(server, tmp_path):
    server.answers = {"1": (503, {})}
    origin = HttpOrigin(kind="http", secret="uji", url=f"http://127.0.0.1:{server.server_port}/", records="data.items")
    with pytest.raises(Unreachable):
        fetch_pages(origin, TOKEN, {}, tmp_path / "records.jsonl", lambda _: None, wait=0)
    assert len(server.asked) == 3


@pytest.fixture
def asked_database(ctx, project, database_url, monkeypatch):
    """An agency's table in a database, and a source that asks for it."""
    connection = psycopg2.connect(database_url)
    with connection, connection.cursor() as cursor:
        cursor.execute("create table uji_fact (nik text, code text, value numeric, observed_on date)")
        rows = [(nik(number), "WAGE", 2_000_000 + number, date(2025, 12, 1)) for number in range(5)]
        cursor.executemany("insert into uji_fact values (%s, %s, %s, %s)", rows)
    connection.close()
    monkeypatch.setenv("PERLINSOS_SECRET_UJI", database_url)
    query = (
        "select nik, code, value, observed_on, 'UJI' as source from uji_fact where observed_on <= %(snapshot_date)s order by nik"
    )
    describe(project, "uji-query", f'origin: {{kind: postgresql, secret: uji, query: "{query}", batch_rows: 2}}\n')
    return ctx.at_time(AT)


def test_the_rows_of_a_query_become_a_delivery(asked_database, rows):
    assert len(pull.fetch(asked_database, "uji-query")["deliveries"]) == 1
    accept.accept(asked_database, "national")
    assert rows("select received, accepted from batch") == [{"received": 5, "accepted": 5}]


def test_a_query_that_is_refused_names_no_value_and_lays_nothing(asked_database, project, rows):
    origin = 'origin: {kind: postgresql, secret: uji, query: "select nothing from uji_fact"}\n'
    describe(project, "uji-query", origin)
    with pytest.raises(Refused, match="refuses the query"):
        pull.fetch(asked_database, "uji-query")
    assert list(asked_database.storage.list("perlinsos-landing")) == []


def test_without_a_legal_basis_nothing_is_asked(api, server, project):
    text = (project / "sources" / "uji-api.yaml").read_text()
    (project / "sources" / "uji-api.yaml").write_text(text.replace("2030-12-31", "2025-12-31"))
    with pytest.raises(Refused, match="no legal basis"):
        pull.fetch(api, "uji-api")
    assert server.asked == []


def test_a_missing_secret_names_where_it_is_looked_for(api, monkeypatch):
    monkeypatch.delenv("PERLINSOS_SECRET_UJI")
    with pytest.raises(Refused, match="secret is missing"):
        pull.fetch(api, "uji-api")
