"""What is frozen, when, and what makes another input set."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta

from conftest import execute
from perlinsos.ledger.work import claim
from perlinsos.operations import dispatch, pull

from .conftest import add_cycle, add_region, deliver_rows, read_rows, register
from .sources_of_tests import MAY_BE_SILENT, REQUIRED, card, family, member, nik, person, signal
from .test_windows import publish_key

KEY = "35.10|2026-T1"


def sets(ctx):
    return [
        json.loads(row["document"])
        for row in read_rows(
            ctx,
            "select document from cycle_input_set join input_set using (input_set_digest) "
            "where cycle_id = '2026-T1/35.10' order by number",
        )
    ]


def waiting(ctx):
    return read_rows(ctx, "select waiting_reason from cycle where region_code = '35.10'")[0]["waiting_reason"]


def test_a_second_tick_at_the_same_time_is_the_same_and_freezes_nothing(world):
    first, second = dispatch.advance(world), dispatch.advance(world)
    assert (first["keys"], first["frozen"]) == ([KEY], [KEY])
    assert (second["keys"], second["frozen"]) == ([KEY], [])
    assert len(sets(world)) == 1


def test_without_a_team_nothing_collects(world):
    add_region(world, "35.09")
    add_cycle(world, "35.09")
    dispatch.advance(world)
    rows = read_rows(world, "select l.state, c.waiting_reason from list as l join cycle as c using (cycle_id) "
                            "where c.region_code = '35.09'")  # fmt: skip
    assert {row["state"] for row in rows} == {"planned"}
    assert "no decree tim is in force for 35.09" in rows[0]["waiting_reason"]


def test_a_team_of_one_registrar_or_of_another_time_is_none(world):
    add_region(world, "35.09")
    add_cycle(world, "35.09")
    register(world, regions=("35.09",), in_force_from="2025-11-01", in_force_until="2026-01-01")
    dispatch.advance(world)
    assert read_rows(world, "select 1 from list where region_code = '35.09' and state <> 'planned'") == []


def test_a_missing_required_source_is_waited_for_by_name(world):
    add_cycle(world, required=[*REQUIRED, {"source": "test-delta", "max_age_days": 30}])
    assert dispatch.advance(world)["frozen"] == []
    assert waiting(world) == "no accepted delivery until 2026-01-01 of test-delta"


def test_a_national_source_that_names_nobody_of_the_region_is_waited_for_unless_it_may(world):
    deliver_rows(world, "test-signal", [signal(0, region="35.09")], "national", "2025-12-21")
    assert dispatch.advance(world)["frozen"] == []
    assert waiting(world) == "test-signal: its national deliveries name nobody of 35.10"
    add_cycle(world, required=MAY_BE_SILENT)
    assert dispatch.advance(world)["frozen"] == [KEY]


def test_a_snapshot_that_is_too_old_is_waited_for(world):
    add_cycle(world, required=[*REQUIRED[1:], {"source": "test-population", "max_age_days": 5}])
    dispatch.advance(world)
    assert waiting(world) == "test-population: the newest is of 2025-12-20, needed is 2025-12-27 or later"


def test_a_source_that_the_region_does_not_read_changes_nothing(world):
    dispatch.advance(world)
    other = world.settings.folder("sources") / "test-population.yaml"
    another = other.with_name("test-another.yaml")
    another.write_text(other.read_text().replace("test-population", "test-another"))
    assert dispatch.advance(world)["frozen"] == []
    other.write_text(re.sub("(?m)^agency: .*$", "agency: Another Ministry", other.read_text()))
    assert dispatch.advance(world)["frozen"] == [KEY]


def test_before_the_cut_off_nothing_is_frozen(world):
    early = world.at_time(datetime(2025, 12, 31, 16, 59, tzinfo=UTC))
    assert dispatch.advance(early)["frozen"] == []
    assert waiting(world) == "the cut-off is on 2026-01-01"
    midnight = world.at_time(datetime(2025, 12, 31, 17, tzinfo=UTC))
    assert dispatch.advance(midnight)["frozen"] == [KEY]


def test_what_has_arrived_anywhere_is_read_first_but_not_waited_for_beyond_the_lease(world):
    add_region(world, "35.09")
    landing = world.settings.buckets.landing
    for name, content in (("part.csv", b"no_kk\n1\n"), ("_COMPLETE", b"")):
        world.storage.put_landing(landing, f"test-family/35.09/2025-12-20/{name}", content)
    pull.fetch(world, "test-family")
    assert dispatch.advance(world)["frozen"] == []
    assert waiting(world) == "1 deliveries that may count have arrived and are being read"
    later = world.at_time(world.at + timedelta(seconds=world.settings.lease_seconds + 1))
    assert dispatch.advance(later)["frozen"] == [KEY]


def test_a_newer_delivery_within_the_cut_off_freezes_the_next_and_an_older_or_later_one_does_not(world):
    dispatch.advance(world)
    deliver_rows(world, "test-family", [family(n, decile=2) for n in range(3)], day="2025-12-10")
    deliver_rows(world, "test-family", [family(n, decile=3) for n in range(3)], day="2026-01-02")
    assert dispatch.advance(world)["frozen"] == []
    deliver_rows(world, "test-family", [family(n, decile=4) for n in range(3)], day="2025-12-20-2")
    assert dispatch.advance(world)["frozen"] == [KEY]
    assert sorted(b["snapshot_date"] for b in sets(world)[1]["batches"]) == ["2025-12-20"] * 4


def test_the_same_bytes_again_make_nothing_new(world):
    dispatch.advance(world)
    deliver_rows(world, "test-family", [family(n) for n in range(3)], day="2025-12-20-2")
    assert dispatch.advance(world)["frozen"] == []
    assert read_rows(world, "select count(*) from batch") == [{"count": 4}]


def test_the_lottery_seed_is_fixed_by_the_first_set(world):
    dispatch.advance(world)
    deliver_rows(world, "test-family", [family(n, decile=4) for n in range(3)], day="2025-12-20-2")
    dispatch.advance(world)
    first, second = sets(world)
    assert first["lottery_seed"] == second["lottery_seed"] != ""


def test_changed_rules_freeze_the_next(world):
    dispatch.advance(world)
    programmes = world.settings.project / "programmes"
    own = world.settings.project / "own"
    own.mkdir()
    for path in programmes.resolve().rglob("*.yaml"):
        copy = own / path.relative_to(programmes.resolve())
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(path.read_text() + "# another day\n")
    programmes.unlink()
    own.rename(programmes)
    assert dispatch.advance(world)["frozen"] == [KEY]


def test_without_a_quota_by_decree_it_can_only_be_a_simulation(world):
    dispatch.advance(world)
    assert read_rows(world, "select statuses from work") == [{"statuses": {"bpnt": "simulation", "pkh": "simulation"}}]
    register(world, "kuota", quotas={"pkh": 1})
    dispatch.advance(world)
    rows = read_rows(world, "select statuses from work where state <> 'superseded'")
    assert rows == [{"statuses": {"bpnt": "simulation", "pkh": "provisional"}}]
    assert [(q["programme"], q["quota"], q["decree_id"]) for q in sets(world)[1]["quotas"]] == [("pkh", 1, "kuota-35.10")]


def test_foreign_batches_are_pinned_only_where_they_share_a_number(world):
    for code in ("35.09", "35.11"):
        add_region(world, code)
    deliver_rows(world, "test-population", [person(50, region="35.11")], scope="35.11")
    deliver_rows(world, "test-population", [person(60, region="35.09"), person(1, region="35.09", nik=nik(1))], scope="35.09")
    dispatch.advance(world)
    found = {(b["role"], b["scope"]) for b in sets(world)[0]["batches"]}
    assert found == {("own", "35.10"), ("national", "national"), ("foreign", "35.09")}


def test_a_quarantined_row_of_another_region_is_pinned_too(world):
    add_region(world, "35.09")
    rows = [person(n, region="35.09") for n in range(60, 64)]
    deliver_rows(world, "test-population", [*rows, person(1, region="35.09", nik=nik(1), sex="X")], scope="35.09")
    dispatch.advance(world)
    assert ("foreign", "35.09") in {(b["role"], b["scope"]) for b in sets(world)[0]["batches"]}


def test_one_regions_error_stops_nobody_and_stands_where_people_look(world):
    add_region(world, "35.09")
    register(world, regions=("35.09",))
    add_cycle(world, "35.09", stage="2025-T4", cut_off="2026-01-01")
    execute(world.settings.database_url, "update perlinsos.cycle set required = '[7]' where region_code = '35.09'")
    result = dispatch.advance(world)
    assert result["keys"] == [KEY] and list(result["errors"]) == ["35.09|2025-T4"]
    assert (
        "unforeseen error"
        in read_rows(world, "select waiting_reason from cycle where region_code = '35.09'")[0]["waiting_reason"]
    )


def test_live_goes_before_backfill_and_backfills_are_few_at_once(world):
    for quarter in (1, 2, 3):
        add_cycle(world, stage=f"2025-T{quarter}", purpose="backfill", cut_off="2026-01-01")
    assert dispatch.advance(world)["keys"] == [KEY]
    second, third = (world.at_time(world.at + timedelta(seconds=seconds)) for seconds in (5, 10))
    assert dispatch.advance(second)["keys"] == ["35.10|2025-T1"]
    with world.connect("decider") as connection:
        assert claim(connection, "determine", "35.10", "2026-T1", holder="a run", lease_seconds=600)
    assert dispatch.advance(third)["keys"] == []
    publish_key(world, "35.10|2025-T1")
    world_later = world.at_time(world.at + timedelta(seconds=15))
    assert dispatch.advance(world_later)["keys"] == ["35.10|2025-T2"]


def test_without_live_work_two_backfills_are_on_the_way(world):
    for quarter in (1, 2, 3):
        add_cycle(world, stage=f"2025-T{quarter}", purpose="backfill", cut_off="2026-01-01")
    dispatch.advance(world)
    publish_key(world, KEY)
    later = world.at_time(world.at + timedelta(seconds=5))
    assert len(dispatch.advance(later)["keys"]) == dispatch.BACKFILLS_AT_ONCE


def test_a_past_stage_takes_batches_by_snapshot_date_whatever_their_arrival(world):
    add_cycle(world, stage="2025-T4", purpose="backfill", cut_off="2025-12-15")
    dispatch.advance(world)
    deliver_rows(world, "test-population", [person(n) for n in range(3)], day="2025-12-10")
    deliver_rows(world, "test-family", [family(n, dtsen_period="2025-Q3") for n in range(3)], day="2025-12-10")
    deliver_rows(world, "test-person", [member(n) for n in range(3)], day="2025-12-10")
    deliver_rows(world, "test-signal", [signal(1)], "national", day="2025-12-10")
    assert dispatch.advance(world)["frozen"] == ["35.10|2025-T4"]


def test_registrants_wait_for_the_portals_delivery(world):
    add_region(world, "35.10", scope="registrants")
    dispatch.advance(world)
    assert waiting(world) == "no delivery of registration"


def test_the_input_set_is_canonical_json_under_its_digest_and_holds_no_number_of_a_person(world):
    dispatch.advance(world)
    row = read_rows(world, "select input_set_digest, document from input_set")[0]
    assert hashlib.sha256(row["document"].encode()).hexdigest() == row["input_set_digest"]
    assert card(1) not in row["document"] and nik(1) not in row["document"]
