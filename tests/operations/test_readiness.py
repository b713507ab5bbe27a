"""What a region needs for a stage, and what will happen to its families: two printed pages without a person on them."""

import csv
import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from chromium import MISSING, find_chromium, open_chromium
from conftest import execute
from perlinsos.errors import Refused
from perlinsos.operations import dispatch
from perlinsos.operations.readiness.checks import Check, check_region
from perlinsos.operations.readiness.outlook import read_outlook
from perlinsos.operations.readiness.page import render_page
from perlinsos.settings import find_project

from .conftest import add_cycle, add_region, deliver_rows, read_rows, register
from .sources_of_tests import MAY_BE_SILENT, REQUIRED, card, family, member, nik, person, signal
from .test_windows import publish_key

KEY, DAY = "35.10|2026-T1", date(2026, 1, 2)


def named(readiness):
    return {check.name: check for check in readiness.checks}


def test_a_region_that_nobody_registered_lacks_everything_and_is_told_where_to_begin(world):
    found = check_region(world, "35.12")
    assert not found.is_ready and found.name == "Kabupaten Situbondo"
    assert (found.first_missing.name, found.first_missing.command) == (
        "region",
        "perlinsos region add FILE (as demo/region-35.10.yaml)",
    )
    assert not named(found)["tim"].is_ready and not named(found)["2026-T1"].is_ready


def test_a_code_that_no_region_has_is_refused(world):
    with pytest.raises(Refused, match=r"no region has the code 99\.99"):
        check_region(world, "99.99")


def test_a_live_stage_is_ready_with_its_quota_and_not_without(world):
    found = check_region(world, "35.10")
    assert not found.is_ready and found.first_missing.name == "kuota pkh"
    register(world, "kuota", quotas={"pkh": 1, "bpnt": 5})
    found = check_region(world, "35.10")
    assert found.is_ready and found.first_missing is None
    assert named(found)["test-family"].found == "2025-12-20, 12 of at most 100 days old; 3 rows, 0 quarantined"
    assert named(found)["zone"].found == "WIB"


def test_what_dispatch_waits_for_is_not_ready(world):
    register(world, "kuota", quotas={"pkh": 1, "bpnt": 5})
    early = check_region(world.at_time(datetime(2025, 12, 30, tzinfo=UTC)), "35.10")
    assert (early.is_ready, early.first_missing.found) == (False, "nothing is frozen before 2026-01-01")
    execute(
        world.settings.database_url,
        "update perlinsos.region set programmes = programmes || '{blt-kesra}' where region_code = '35.10'",
    )
    later = check_region(world, "35.10")
    assert later.is_ready  # it exists in 2025-T4 only
    execute(
        world.settings.database_url, "update perlinsos.region set programmes = programmes || '{pip}' where region_code = '35.10'"
    )
    assert named(check_region(world, "35.10"))["pip"].command == "perlinsos cycle add FILE (the same file again)"


def test_the_printed_page_calls_everything_that_is_missing_by_its_name(world):
    found = check_region(world, "35.10")
    missing = [Check("reference", "holidays", False, ""), Check("list", "pip", False, ""), Check("tick", "cut-off", False, "")]
    html = render_page(replace(found, checks=tuple(missing)), read_outlook(world, "35.10", "2026-T1"), DAY, language="en")
    for words in ("holidays of the year", "list of the programme pip", "the determination cannot begin yet"):
        assert words in html
    assert "minimum wage" not in html


def test_a_past_stage_may_do_without_a_quota(world):
    add_cycle(world, purpose="backfill")
    found = check_region(world, "35.10")
    assert found.is_ready and not named(found)["kuota pkh"].is_ready


def test_the_zone_is_that_of_the_province(world):
    add_region(world, "35.10", zone="WIT")
    assert named(check_region(world, "35.10"))["zone"].found == "WIT, but the province has Asia/Jakarta"


def test_a_decree_that_waits_for_its_second_person_is_named(world):
    register(world, regions=("35.10",), decree="tim-new", in_force_from="2027-01-01")
    add_region(world, "35.12")
    from perlinsos.ledger import records

    read = records.read_record(find_project() / "demo" / "third-region" / "tim-35.12.yaml", records.DecreeRecord)
    with world.connect("registrar") as connection:
        records.register_decree(connection, read, ("decrees/x", "e" * 64), "First Person")
    check = named(check_region(world, "35.12"))["tim"]
    assert check.found == "tim-35.12-2026 is registered by First Person alone" and "--registrar" in check.command


def test_a_source_that_is_missing_too_old_or_refused_says_so(world):
    wanted = [*REQUIRED[1:], {"source": "test-population", "max_age_days": 5}, {"source": "test-delta", "max_age_days": 9}]
    add_cycle(world, required=wanted)
    checks = named(check_region(world, "35.10"))
    assert checks["test-population"].found == "the newest is of 2025-12-20; needed is one of 2025-12-27 or later"
    assert checks["test-delta"].command.startswith("perlinsos deliver DIR (with test-delta/35.10/")
    with pytest.raises(Refused):
        deliver_rows(world, "test-population", [{"nik": nik(1), "no_kk": card(1)}], day="2025-12-30")
    check = named(check_region(world, "35.10"))["test-population"]
    assert check.found.startswith("2025-12-30 is refused") and check.command == "perlinsos quarantine list --region 35.10"


def test_a_national_delivery_that_was_made_without_the_region_says_so(world):
    deliver_rows(world, "test-signal", [signal(0, region="35.11")], "national", day="2025-12-21")
    add_cycle(world, required=[{key: one[key] for key in ("source", "max_age_days")} for one in REQUIRED])
    check = named(check_region(world, "35.10"))["test-signal"]
    assert not check.is_ready and check.found.endswith("it names nobody of 35.10")


@pytest.fixture
def two_stages(world):
    """2025-T4 as a simulation of three poor families; 2026-T1, in which one has grown rich and another one waits."""
    add_cycle(world, stage="2025-T4", purpose="backfill", cut_off="2025-10-01", required=MAY_BE_SILENT)
    deliver_rows(world, "test-population", [person(n) for n in range(3)], day="2025-09-20")
    deliver_rows(world, "test-family", [family(n, dtsen_period="2025-Q3") for n in range(3)], day="2025-09-20")
    deliver_rows(world, "test-person", [member(n) for n in range(3)], day="2025-09-20")
    deliver_rows(world, "test-signal", [signal(7, observed_on="2025-09-01")], "national", day="2025-09-20")
    register(world, "kuota", quotas={"pkh": 1, "bpnt": 1})
    dispatch.advance(world)
    publish_key(world, KEY)
    dispatch.advance(world.at_time(world.at.replace(hour=5)))
    publish_key(world, "35.10|2025-T4")
    return world


def test_gain_lose_and_wait_are_counted_by_district_against_the_stage_before(two_stages):
    outlook = read_outlook(two_stages, "35.10", "2026-T1")
    assert (outlook.before, outlook.is_simulation) == ("2025-T4", False)
    bpnt = outlook.total("bpnt")
    assert bpnt == {"gain": 0, "lose": 2, "chosen": 1, "wait": 1, "refused": 1, "held": 0}
    assert {row["district"] for row in outlook.rows} == {"Banyuwangi"}
    assert sum(row["lose"] for row in outlook.rows if row["programme"] == "bpnt") == 2


def test_without_an_earlier_list_the_figures_are_absolute(two_stages):
    outlook = read_outlook(two_stages, "35.10", "2025-T4")
    assert outlook.before is None and outlook.is_simulation
    assert outlook.total("bpnt") == {"gain": None, "lose": None, "chosen": 3, "wait": 0, "refused": 0, "held": 0}
    assert "angka mutlak" in render_page(check_region(two_stages, "35.10", "2025-T4"), outlook, DAY)


def test_objections_are_an_estimate_from_the_reference_and_the_desks(two_stages):
    estimate = read_outlook(two_stages, "35.10", "2026-T1", desks=2).estimate
    with (find_project() / "reference" / "objection_load.csv").open(encoding="utf-8", newline="") as file:
        shares = {row["parameter"]: int(row["value"]) for row in csv.DictReader(file)}
    assert (estimate.losing_families, estimate.other_refused_families) == (2, 1)
    hundredths = 2 * shares["losing_families_that_object"] + shares["other_refused_families_that_object"]
    assert estimate.objections == -(-hundredths // 100)
    assert estimate.per_desk_and_day == round(estimate.objections / (2 * estimate.working_days), 1)
    assert "objection_load.csv" in estimate.source and estimate.as_dict()["is_estimate"]


@pytest.mark.parametrize("language", ["id", "en"])
def test_the_page_tells_it_all_and_no_number_of_a_person(two_stages, language):
    readiness = check_region(two_stages, "35.10", "2026-T1")
    html = render_page(readiness, read_outlook(two_stages, "35.10", "2026-T1"), DAY, language)
    assert ("PERKIRAAN" if language == "id" else "ESTIMATE") in html and "Posko" in html
    assert re.findall(r"\d{12,}", html) == [] and nik(0) not in html and "http" not in html
    assert html.count("Banyuwangi</td>") == 1


def test_before_anything_is_determined_the_page_says_what_is_missing(world):
    html = render_page(check_region(world, "35.12"), None, DAY)
    assert "belum dihitung" in html and "SK tim" in html and "perlinsos region add FILE" in html


def test_nothing_is_changed_by_looking(two_stages):
    before = read_rows(two_stages, "select count(*) from audit")
    check_region(two_stages, "35.10")
    read_outlook(two_stages, "35.10", "2026-T1")
    assert read_rows(two_stages, "select count(*) from audit") == before


@pytest.mark.skipif(find_chromium() is None, reason=MISSING)
def test_it_prints_on_two_sheets_of_a4(two_stages):
    outlook = read_outlook(two_stages, "35.10", "2026-T1")
    most = [{**row, "district": f"Kecamatan Yang Panjang Namanya {n}", "district_code": f"35.10.{n}"}
            for n in range(10, 61) for row in outlook.rows]  # fmt: skip
    readiness = check_region(two_stages, "35.12", "2026-T1")
    html = render_page(readiness, replace(outlook, rows=tuple(most)), DAY)
    with open_chromium() as browser:
        page = browser.new_page()
        page.set_content(html)
        pdf = page.pdf(format="A4", prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 2
