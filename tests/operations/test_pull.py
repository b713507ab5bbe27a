"""Pull: bytes first, deliveries once, what cannot be taken is named."""

from dataclasses import replace
from datetime import timedelta

import pytest

from perlinsos.operations import pull

SOURCE = "dukcapil-population"
PREFIX = f"{SOURCE}/35.10/2025-12-20"


def test_a_complete_prefix_is_taken_and_its_bytes_are_kept_under_their_sha256(ctx, region, land, rows):
    land(PREFIX, part1="a,b\n", part2="c\n")
    assert pull.list_due(ctx) == [SOURCE]
    result = pull.fetch(ctx, SOURCE)
    assert result["keys"] == ["35.10"] and len(result["deliveries"]) == 1
    parts = rows("select raw_key, bytes from delivery_part order by part_number")
    assert [ctx.storage.get("perlinsos-raw", part["raw_key"]) for part in parts] == [b"a,b\n", b"c\n"]


def test_taken_twice_is_taken_once_and_the_waiting_key_is_called_again(ctx, region, land, rows):
    land(PREFIX, part="a\n")
    pull.fetch(ctx, SOURCE)
    again = pull.fetch(ctx, SOURCE)
    assert again["deliveries"] == [] and again["keys"] == ["35.10"]
    assert rows("select count(*) from delivery") == [{"count": 1}]


def test_without_the_mark_a_prefix_is_taken_once_it_is_quiet(ctx, region, land):
    ctx = replace(ctx, settings=replace(ctx.settings, landing_quiet_seconds=600))
    land(PREFIX, complete=False, part="a\n")
    assert pull.list_due(ctx) == []
    later = ctx.at_time(ctx.at + timedelta(seconds=500))
    land(PREFIX, complete=False, second="b\n")
    assert pull.list_due(later) == []
    assert pull.list_due(later.at_time(later.at + timedelta(seconds=599))) == []
    assert pull.list_due(later.at_time(later.at + timedelta(seconds=600))) == [SOURCE]


def test_the_same_bytes_twice_in_a_row_are_one_delivery_and_otherwise_three(ctx, region, land, rows):
    for suffix, text in (("", "a\n"), ("-2", "a\n"), ("-3", "b\n"), ("-4", "a\n")):
        land(PREFIX + suffix, part=text)
        pull.fetch(ctx, SOURCE)
    assert [row["suffix"] for row in rows("select suffix from delivery order by suffix")] == [1, 3, 4]


def test_what_changes_in_a_taken_prefix_is_named_once_and_not_read(ctx, region, land, rows):
    land(PREFIX, part="a\n")
    pull.fetch(ctx, SOURCE)
    land(PREFIX, another="b\n")
    assert pull.list_due(ctx) == [SOURCE]
    assert pull.fetch(ctx, SOURCE)["changed"] == [PREFIX + "/"]
    assert pull.fetch(ctx, SOURCE)["changed"] == []
    assert rows("select count(*) from delivery_part") == [{"count": 1}]


def test_an_unregistered_region_is_a_recorded_refusal_until_it_is_registered(ctx, region, land, rows):
    land(f"{SOURCE}/35.09/2025-12-20", part="a\n")
    assert len(pull.fetch(ctx, SOURCE)["refused"]) == 1
    assert rows("select error_code, error->>'what' as what from delivery") == [
        {"error_code": "region_unregistered", "what": "the region 35.09 does not take part"}
    ]
    assert pull.list_due(ctx) == []
    region("35.09")
    assert pull.fetch(ctx, SOURCE)["keys"] == ["35.09"]


def test_an_unknown_source_and_malformed_prefixes_are_refused_by_name(ctx, region, land, rows):
    land("dukcapil-populasi/35.10/2025-12-20", part="a")
    land(f"{SOURCE}/35.10/20-12-2025", part="a")
    land(f"{SOURCE}/3510/2025-12-20", part="a")
    land(f"{SOURCE}/national/2025-12-20", part="a")
    land("bkn-employment/35.10/2025-12-20", part="a")
    land(f"{SOURCE}/35.10/2025-12-21")
    ctx.storage.put_landing("perlinsos-landing", f"{SOURCE}/stray.csv", b"a")
    for source in pull.list_due(ctx):
        pull.fetch(ctx, source)
    found = {row["landing_prefix"]: row["error_code"] for row in rows("select landing_prefix, error_code from delivery")}
    assert found == {
        "dukcapil-populasi/35.10/2025-12-20/": "source_unknown",
        f"{SOURCE}/35.10/20-12-2025/": "prefix_malformed",
        f"{SOURCE}/3510/2025-12-20/": "prefix_malformed",
        f"{SOURCE}/national/2025-12-20/": "scope_mismatch",
        "bkn-employment/35.10/2025-12-20/": "scope_mismatch",
        f"{SOURCE}/35.10/2025-12-21/": "prefix_malformed",
        f"{SOURCE}/stray.csv": "prefix_malformed",
    }
    assert list(ctx.storage.list("perlinsos-raw")) == []


def test_a_broken_source_file_stops_no_other(ctx, region, project, land, rows):
    (project / "sources" / "dtsen-family.yaml").write_text("source: dtsen-family\nno_such_key: 1\n")
    land("dtsen-family/35.10/2025-12-20", part="a")
    land(PREFIX, part="a")
    for source in pull.list_due(ctx):
        pull.fetch(ctx, source)
    assert rows("select source_id, state from delivery order by 1") == [
        {"source_id": "dtsen-family", "state": "refused"},
        {"source_id": SOURCE, "state": "landed"},
    ]


def test_more_than_a_thousand_keys_with_odd_characters(ctx, region, land, rows):
    names = {f"bagian {n:04d} ü+%25=&'.csv": "x" for n in range(1005)}
    land(PREFIX, **names)
    pull.fetch(ctx, SOURCE)
    assert rows("select count(*), count(distinct raw_key) as raw from delivery_part") == [{"count": 1005, "raw": 1}]


def test_a_crash_after_the_bytes_and_before_the_ledger_is_repaired_by_the_next_run(ctx, region, land, rows, monkeypatch):
    land(PREFIX, part="a\n")

    def crash(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(pull, "record_delivery", crash)
        with pytest.raises(KeyboardInterrupt):
            pull.fetch(ctx, SOURCE)
    assert len(pull.fetch(ctx, SOURCE)["deliveries"]) == 1


def test_a_key_that_is_being_ingested_is_not_called_again(ctx, region, land):
    from perlinsos.ledger.connection import call

    land(PREFIX, part="a\n")
    pull.fetch(ctx, SOURCE)
    with ctx.connect("loader") as connection:
        call(connection, "lease_ingest", ["35.10", 600])
    assert pull.list_due(ctx) == []
