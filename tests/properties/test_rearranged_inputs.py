"""Equal inputs give equal bytes and digests, however they are laid out; other families change nobody's answer."""

import random
from dataclasses import replace
from datetime import date, timedelta
from itertools import count

import pyarrow.parquet as pq
import pytest

from oracle.families import generate
from oracle.worlds import nik, write
from properties.disagreements import TABLES, run_product

SEED, STAGE = 11, "2026-T1"
ORDER_DEPENDENT = ("rank", "queue_position", "outcome", "reasons", "amount_year_idr", "amount_stage_idr")
PROGRAMMES = ("pkh", "bpnt")


@pytest.fixture(scope="module", params=["population", "registrants"])
def population(request):
    """The first nasty population of this day, scope and both programmes from SEED on, without settings."""
    made = (generate(seed, 120) for seed in count(SEED))
    wanted = (STAGE, date(2026, 1, 1), request.param, PROGRAMMES)
    found = next(one for one in made if (one.stage, one.as_of, one.scope, one.programmes) == wanted)
    return replace(found, settings={})


class Run:
    """What one determination wrote."""

    def __init__(self, folder, population, form="csv", parts=1, **options):
        inputs = write(folder / "inputs", population.data, form, parts)
        summary = run_product(inputs, folder / "out", population, **options)
        self.digests = {name: summary["programmes"][name]["list_digest"] for name in population.programmes}
        self.bytes = {name: (folder / "out" / f"{name}.parquet").read_bytes() for name in TABLES}
        self.rows = {name: pq.read_table(folder / "out" / f"{name}.parquet").to_pylist() for name in TABLES}


@pytest.fixture(scope="module")
def plain(population, tmp_path_factory):
    return Run(tmp_path_factory.mktemp("plain"), population)


def assert_same(found, plain):
    assert found.digests == plain.digests
    assert {name: found.bytes[name] == plain.bytes[name] for name in TABLES} == dict.fromkeys(TABLES, True)


@pytest.mark.parametrize("seed", [1, 2])
def test_row_order_means_nothing(population, plain, tmp_path, seed):
    data = {name: random.Random(seed).sample(rows, len(rows)) for name, rows in population.data.items()}
    assert_same(Run(tmp_path, replace(population, data=data)), plain)


@pytest.mark.parametrize(("form", "parts"), [("csv", 3), ("odd", 1), ("parquet", 1), ("parquet", 4)])
def test_file_layout_means_nothing(population, plain, tmp_path, form, parts):
    assert_same(Run(tmp_path, population, form, parts), plain)


@pytest.mark.parametrize("options", [{"threads": 1}, {"threads": 4}, {"threads": 1, "memory_limit": "256MB"}])
def test_threads_and_memory_mean_nothing(population, plain, tmp_path, options):
    assert_same(Run(tmp_path, population, **options), plain)


def test_the_future_means_nothing(population, plain, tmp_path):
    """Later deaths, facts, welfare rows and quotas of other stages are not seen."""
    later = population.as_of + timedelta(days=1)
    data = dict(population.data)
    data["population"] = [
        row | {"status": "deceased", "status_date": later} if (row["status"], row["status_date"]) == ("active", None) else row
        for row in data["population"]
    ]
    facts = [{"nik": row["nik"], "source": "BKN", "value": "1", "observed_on": later} for row in data["population"]]
    data["signal"] = data["signal"] + [fact | {"code": code} for fact in facts for code in ("ASN", "CAR", "PREGNANT")]
    data["welfare_family"] = data["welfare_family"] + [
        row | {"dtsen_period": "2026-Q1", "decile": 10, "region_code": "35.09"} for row in data["welfare_family"]
    ]
    assert_same(Run(tmp_path, replace(population, data=data)), plain)


def add_family(data, decile, is_civil_servant):
    """A lone elderly woman on a new card; as a civil servant she is refused."""
    card, number = "3510160101208999", nik(date(1950, 1, 1), "P", 8999)
    place = {"region_code": "35.10", "district_code": "35.10.16", "village_code": "35.10.16.1014"}
    rows = {
        "population": {
            "nik": number,
            "no_kk": card,
            "sex": "P",
            "birth_date": date(1950, 1, 1),
            "family_relation": 1,
            "status": "active",
        }
        | place,
        "welfare_family": {"no_kk": card, "dtsen_period": "2025-Q4", "decile": decile, "national_rank": 0} | place,
        "welfare_person": {"nik": number, "no_kk": card, "family_relation": 1},
    }
    rows["registration"] = {"nik": number, "no_kk": card, "registered_at": date(2025, 12, 1), "consent": True}
    if is_civil_servant:
        rows["signal"] = {"nik": number, "source": "BKN", "code": "ASN", "value": "1", "observed_on": date(2025, 12, 1)}
    return card, {name: [*old, *([rows[name]] if name in rows else [])] for name, old in data.items()}


def rows_without(run, card):
    return {name: [row for row in rows if row["no_kk"] != card] for name, rows in run.rows.items()}


def test_a_refused_family_changes_nobody(population, plain, tmp_path):
    card, data = add_family(population.data, 1, is_civil_servant=True)
    found = Run(tmp_path, replace(population, data=data))
    assert {row["outcome"] for row in found.rows["decisions"] if row["no_kk"] == card} == {"TIDAK_LAYAK"}
    assert rows_without(found, card) == plain.rows


def test_an_eligible_family_changes_only_places(population, plain, tmp_path):
    card, data = add_family(population.data, 1, is_civil_servant=False)
    found = rows_without(Run(tmp_path, replace(population, data=data)), card)
    assert [without_order(row) for row in found["decisions"]] == [without_order(row) for row in plain.rows["decisions"]]
    assert (found["components"], found["findings"]) == (plain.rows["components"], plain.rows["findings"])


def without_order(row):
    return {name: value for name, value in row.items() if name not in ORDER_DEPENDENT}


def with_quota(population, quota):
    rows = [{"region_code": "35.10", "programme": p, "stage": population.stage, "quota": quota} for p in PROGRAMMES]
    return replace(population, data=population.data | {"quota": rows if quota is not None else []})


def test_a_higher_quota_removes_nobody(population, tmp_path):
    before = set()
    for quota in (0, 1, 7, 8, 30, None):
        run = Run(tmp_path / str(quota), with_quota(population, quota))
        chosen = {(row["programme"], row["no_kk"]) for row in run.rows["decisions"] if row["outcome"] == "LAYAK"}
        assert before <= chosen
        assert quota is None or len(chosen) <= 2 * quota
        before = chosen


def test_a_family_is_judged_by_its_own_rows(population, tmp_path):
    """Half of the cards, with every row that names them or one of their persons, decide as in the whole."""
    whole = Run(tmp_path / "whole", with_quota(population, None))
    cards = {row["no_kk"] for row in whole.rows["decisions"]}
    chosen = set(random.Random(5).sample(sorted(cards), len(cards) // 2))
    data = with_quota(population, None).data
    named = ("population", "welfare_person")
    niks = {row["nik"] for name in named for row in data[name] if row.get("no_kk") in chosen} - {None}
    own = {
        name: rows
        if name in ("quota", "minimum_wage")
        else [row for row in rows if row.get("nik") in niks or row.get("no_kk") in chosen]
        for name, rows in data.items()
    }
    found = Run(tmp_path / "half", replace(population, data=own))
    for table in ("decisions", "components", "findings"):
        assert rows_of(found, table, chosen) == rows_of(whole, table, chosen)


def rows_of(run, table, cards):
    """The rows of some cards without their place in the order."""
    return [row | {"rank": None} for row in run.rows[table] if row["no_kk"] in cards]


def test_settings_and_set_decide_alike(population, tmp_path):
    chosen = {"pkh.selection": "highest_amount", "pkh.max_members": "2", "lottery_seed": "7f3a"}
    set_values = Run(tmp_path / "set", replace(population, settings=chosen))
    from perlinsos.recipients.determine import determine

    out = tmp_path / "settings"
    summary = determine(
        "35.10", "2026-T1", tmp_path / "set" / "inputs", out, programmes=PROGRAMMES, settings=chosen, scope=population.scope
    )
    assert {name: summary["programmes"][name]["list_digest"] for name in PROGRAMMES} == set_values.digests
