"""What a family lives on and in, and what is known of its members: deciles, housing, power, schooling, work, wages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perlinsos.synthesis.draws import Array, Ints, choose, pick
from perlinsos.synthesis.parameters import Tables, Targets

ASSETS = (
    "tabung_gas_5_5kg", "lemari_es", "ac", "pemanas_air", "telepon_rumah", "tv_datar", "emas_perhiasan",
    "komputer_laptop_tablet", "sepeda_motor", "sepeda", "mobil", "perahu", "kapal_perahu_motor", "smartphone",
    "lahan_lainnya", "rumah_lainnya",
)  # fmt: skip
"""Assets in the order of the export's columns."""

HOUSING = (
    "status_kepemilikan_rumah", "jenis_lantai_terluas", "jenis_dinding_terluas", "jenis_atap_terluas",
    "sumber_penerangan_utama", "daya_terpasang", "bahan_bakar_utama_memasak", "fasilitas_bab",
)  # fmt: skip
"""Housing variables that are drawn."""

NATIONAL_FAMILIES_PER_DECILE = 9_368_296


@dataclass(frozen=True)
class Living:
    """Arrays by family. Deciles 1 to 10; `rank` is the national rank; `housing` and `assets` hold the export's codes."""

    true_decile: Ints
    decile: Ints
    rank: Ints
    is_poor: Array
    housing: dict[str, Array]
    assets: Array
    power_va: Ints


def draw_living(rng: np.random.Generator, tables: Tables, targets: Targets, sizes: Ints) -> Living:
    """Deciles in exact numbers (larger families poorer, DTSEN's ranking correlated 0.75 with the truth) and what follows."""
    families = len(sizes)
    lean = -0.3 * (sizes - sizes.mean()) / max(float(sizes.std()), 1e-9) + 0.954 * rng.normal(size=families)
    true_decile, order = _deciles(lean, targets.deciles)
    poor_persons = targets.p0_percent / 100 * sizes.sum()
    is_poor = np.zeros(families, dtype=bool)
    is_poor[order] = np.cumsum(sizes[order]) <= poor_persons
    seen = 0.75 * lean + np.sqrt(1 - 0.75**2) * rng.normal(size=families)
    decile, seen_order = _deciles(seen, targets.deciles)
    housing = {name: _housing(rng, tables, name, true_decile) for name in HOUSING}
    shares = np.array([tables.values["assets_by_decile"][name]["by_decile"] for name in ASSETS])
    assets = np.empty((families, len(ASSETS)), dtype=bool)
    for column in range(len(ASSETS)):
        assets[:, column] = rng.random(families) < shares[column, true_decile - 1]
    power = np.array([450, 900, 1300, 2200, 3500])[housing["daya_terpasang"] - 1]
    return Living(true_decile, decile, _national_rank(decile, seen_order), is_poor, housing, assets, power)


def _deciles(lean: Array, counts: Ints) -> tuple[Ints, Ints]:
    """National deciles in the regency's exact numbers, and the families from the poorest."""
    order = np.argsort(lean, kind="stable")
    decile = np.empty(len(lean), dtype=np.int64)
    decile[order] = np.repeat(np.arange(1, 11), counts)
    return decile, order


def _national_rank(decile: Ints, order: Ints) -> Ints:
    """Ranks spread evenly over the nation's families of each decile, the regency's order kept."""
    ordered = decile[order]
    counts = np.bincount(ordered, minlength=11)
    place = np.arange(len(order)) - (np.cumsum(counts) - counts)[ordered]
    rank = np.empty(len(order), dtype=np.int64)
    within = (place * NATIONAL_FAMILIES_PER_DECILE) // np.maximum(counts[ordered], 1)
    rank[order] = (ordered - 1) * NATIONAL_FAMILIES_PER_DECILE + within + 1
    return rank


def _housing(rng: np.random.Generator, tables: Tables, name: str, decile: Ints) -> Array:
    """Codes of one housing variable, by decile where the table has it."""
    entry = tables.values["housing"][name]
    shares = np.array(entry.get("by_decile") or [entry["mean"]] * 10)
    return np.asarray(np.array(entry["codes"], dtype=np.int8)[choose(rng, shares, decile - 1)])


@dataclass(frozen=True)
class Facts:
    """Arrays by person. Disability 0 none, 1 mild, 2 severe; pregnancy = its number or 0; level 0 none, 1 SD, 2 SMP, 3 SMA."""

    disability: Array
    pregnancy: Array
    level: Array


def draw_facts(rng: np.random.Generator, tables: Tables, age: Array, sex: Ints, decile: Ints) -> Facts:
    """Disability and pregnancies in exact numbers, pupils by age and decile."""
    return Facts(_disability(rng, tables, age), _pregnancy(rng, age, sex), _levels(rng, tables, age, decile))


def _disability(rng: np.random.Generator, tables: Tables, age: Array) -> Array:
    """0, 1, 2 in the shares of the 16 age groups; three in ten of the disabled severely."""
    found = np.zeros(len(age), dtype=np.int8)
    group = np.minimum(age // 5, 15).astype(np.int64)
    for number, percent in enumerate(tables.values["disability_pct_by_age16"]):
        members = np.flatnonzero((group == number) & (age >= 0))
        chosen = rng.permutation(members)[: round(len(members) * percent / 100)]
        found[chosen] = np.where(rng.random(len(chosen)) < 0.3, 2, 1)
    return found


def _pregnancy(rng: np.random.Generator, age: Array, sex: Ints) -> Array:
    """Pregnancy numbers of 5.16 % of the women of 15 to 44: the nation's 4,440,838 births of 2025 x 0.75 over its women."""
    women = np.flatnonzero((sex == 1) & (age >= 15) & (age < 45))
    weight = np.exp(-(((age[women] - 28) / 7) ** 2) / 2)
    count = round(len(women) * 0.0516)
    found = np.zeros(len(age), dtype=np.int8)
    chosen = women[pick(rng, weight, count)]
    found[chosen] = 1 + choose(rng, np.array([[0.4, 0.35, 0.17, 0.08]]), np.zeros(count, dtype=np.int64))
    return found


def _levels(rng: np.random.Generator, tables: Tables, age: Array, decile: Ints) -> Array:
    """School levels of those who are at school."""
    school = tables.values["school_enrolment"]
    older = np.array(school["by_decile_16_18"])[decile - 1]
    ages = [(age >= 6.5) & (age < 13), (age >= 13) & (age < 16), (age >= 16) & (age < 19)]
    share = np.select(ages, [school["7-12"], school["13-15"], older], 0.0)
    level = np.select([age < 13, age < 16], [1, 2], 3)
    return np.where(rng.random(len(age)) < share, level, 0).astype(np.int8)


EMPLOYMENT = (
    ("PNS", 0.0090, 21, 58), ("PPPK", 0.0045, 21, 58), ("TNI", 0.0016, 20, 53), ("POLRI", 0.0016, 20, 58),
    ("PENSIUNAN", 0.0090, 58, 120), ("PEGAWAI NON ASN", 0.0040, 20, 58), ("PERANGKAT DESA", 0.0012, 22, 60),
    ("PEGAWAI BUMN", 0.0020, 21, 56), ("PEGAWAI BUMD", 0.0005, 21, 56), ("GURU BERSERTIFIKAT", 0.0030, 25, 60),
    ("TENAGA KESEHATAN", 0.0020, 22, 58), ("SDM KESOS", 0.0003, 22, 58),
)  # fmt: skip
"""Category, share of all persons, ages (K: rounded from general knowledge)."""


def draw_employment(rng: np.random.Generator, age: Array, decile: Ints) -> Array:
    """0 or 1 + the number of the category in EMPLOYMENT: richer families more often."""
    found = np.zeros(len(age), dtype=np.int8)
    for number, (_, share, youngest, oldest) in enumerate(EMPLOYMENT):
        able = np.flatnonzero((age >= youngest) & (age < oldest) & (found == 0))
        chosen = able[pick(rng, decile[able] ** 1.4, round(len(age) * share))]
        found[chosen] = 1 + number
    return found


def draw_wages(rng: np.random.Generator, age: Array, decile: Ints, employment: Array, minimum_wage_idr: int) -> Ints:
    """Monthly wages (0: none reported) around the minimum wage; one in a hundred is exactly that, some are a rupiah above."""
    share = 0.04 + 0.026 * decile
    insured = (age >= 18) & (age < 58) & (employment == 0) & (rng.random(len(age)) < share)
    mean = (decile - 6.5) * 0.06
    wage = (minimum_wage_idr * np.exp(mean + rng.normal(0, 0.25, len(age))) / 1000).astype(np.int64) * 1000
    special = rng.random(len(age))
    wage = np.where(special < 0.01, minimum_wage_idr, np.where(special < 0.012, minimum_wage_idr + 1, wage))
    return np.where(insured, wage, 0)
