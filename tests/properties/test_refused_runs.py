"""What the rules refuse as a whole the product refuses too: a PerlinsosError, nothing written, no NIK in the message."""

from dataclasses import replace
from datetime import date

import pytest

from oracle.families import Population
from oracle.worlds import REGION, STAGE, World, write
from perlinsos.errors import PerlinsosError
from properties.disagreements import ask_referee, run_product


def small_world():
    """One selected family whose mother has a wage."""
    world = World()
    world.wages()
    number = world.person(world.family(1), date(1980, 1, 1), "P", 1)
    world.signal(number, "WAGE", "1000000")
    return world, number


def first(dataset, /, **change):
    return lambda world, number: world.data[dataset][0].update(change)


def add(dataset, /, **row):
    return lambda world, number: world.data[dataset].append(row)


def say(code, value):
    return lambda world, number: world.signal(number, code, value)


def drop(dataset):
    return lambda world, number: world.data[dataset].clear()


QUOTA = {"region_code": REGION, "programme": "bpnt", "stage": STAGE}
WRONG = {
    "a wage and no minimum wage": drop("minimum_wage"),
    "a wage and a minimum wage without figures": first("minimum_wage", umk_idr=None, ump_idr=None),
    "two minimum wages of one day": add(
        "minimum_wage", region_code=REGION, year=2026, umk_idr=1, ump_idr=1, valid_from=date(2026, 1, 1)
    ),
    "an empty quota": add("quota", **QUOTA, quota=None),
    "a negative quota": add("quota", **QUOTA, quota=-1),
    "two quotas": lambda world, number: world.data["quota"].extend([QUOTA | {"quota": 1}, QUOTA | {"quota": 1}]),
    "a wage in words": say("WAGE", "dua juta"),
    "a wage with a decimal": say("WAGE", "1000000.5"),
    "a wage with separators": say("WAGE", "1.000.000"),
    "a negative power": say("ELECTRICITY", "-900"),
    "a number of cars with an exponent": say("CAR", "1e0"),
    "a pregnancy in words": say("PREGNANT", "kedua"),
    "land with a comma": say("LAND", "1,0"),
    "a balance with a sign": say("BALANCE", "+1"),
    "a malformed period": first("welfare_family", dtsen_period="2025-T4"),
    "a fifth quarter": first("welfare_family", dtsen_period="2025-Q5"),
    "an unknown status": first("population", status="hidup"),
    "an unknown sex": first("population", sex="W"),
    "an unknown disability": first("welfare_person", disability="berat"),
    "an unknown level": first("welfare_person", school_level="TK"),
    "a row set aside of an unknown dataset": add("quarantined", dataset="quota", nik=None, no_kk=None),
    "a decile in words": first("welfare_family", decile="dua"),
    "half a decile": first("welfare_family", decile="2.5"),
    "a region without families": first("population", region_code="35.09"),
}


@pytest.mark.parametrize("name", list(WRONG))
def test_refused(name, tmp_path):
    world, number = small_world()
    WRONG[name](world, number)
    population = Population(0, world.data, STAGE, date(2026, 1, 1), "population")
    inputs = write(tmp_path / "inputs", world.data)
    assert ask_referee(inputs, population) is None
    with pytest.raises(PerlinsosError) as refused:
        run_product(inputs, tmp_path / "out", population)
    assert refused.value.exit_code == 1
    assert number not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["inputs"]


def test_before_the_first_rule(tmp_path):
    world, _ = small_world()
    population = Population(0, world.data, "2019-T4", date(2019, 10, 1), "population")
    inputs = write(tmp_path / "inputs", world.data)
    assert ask_referee(inputs, population) is None
    with pytest.raises(PerlinsosError):
        run_product(inputs, tmp_path / "out", population)


def test_the_same_world_unspoilt_is_decided(tmp_path):
    world, _ = small_world()
    population = Population(0, world.data, STAGE, date(2026, 1, 1), "population")
    inputs = write(tmp_path / "inputs", world.data)
    assert ask_referee(inputs, population) is not None
    assert run_product(inputs, tmp_path / "out", replace(population))["funnel"]["decided"] == 1
