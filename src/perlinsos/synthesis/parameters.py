"""What the generator draws from: the carried reference tables, read once for one region and size."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from perlinsos.errors import WrongUsage
from perlinsos.synthesis.draws import Array, Ints, apportion, generator


@dataclass(frozen=True)
class Place:
    """A village: Kemendagri and BPS codes with the names of its district and itself."""

    code: str
    name: str
    district_code: str
    district_name: str
    bps_code: str
    bps_district_code: str


@dataclass(frozen=True)
class Targets:
    """Exact numbers of one regency at one size. Arrays by district are in the order of `districts`."""

    code: str
    name: str
    province_name: str
    bps_code: str
    districts: tuple[str, ...]
    villages: tuple[tuple[Place, ...], ...]
    males: Ints
    females: Ints
    families: Ints
    deciles: Ints
    p0_percent: float
    age_shares: Array
    """[2, 16]: shares of the males and of the females in the 16 age groups."""
    minimum_wage_idr: int
    neighbour_districts: tuple[str, ...]
    """Districts that lend their prefix to those who were registered in another regency."""

    @property
    def persons(self) -> int:
        """All persons."""
        return int(self.males.sum() + self.females.sum())


@dataclass(frozen=True)
class Tables:
    """The parameters that hold for every region."""

    values: dict[str, Any]
    name_words: list[dict[str, str]]
    words_per_name: list[dict[str, str]]
    variants: list[dict[str, str]]
    errors: dict[str, dict[str, float]]
    """Error id -> profile (`2025`, `2020`) -> rate."""
    reference_date: date


def read_rows(path: Path) -> list[dict[str, str]]:
    """A CSV file as dictionaries."""
    with path.open(newline="", encoding="utf-8") as source:
        return list(csv.DictReader(source))


def load_tables(reference: Path) -> Tables:
    """Read the parameters from the project's `reference` folder."""
    values = json.loads((reference / "population" / "parameters.json").read_text(encoding="utf-8"))
    errors = {}
    for row in read_rows(reference / "population" / "error_catalogue.csv"):
        rates = {"2025": row["rate_2025_like"], "2020": row["rate_2020_like"]}
        errors[row["id"]] = {profile: _rate(text) for profile, text in rates.items()}
    names = reference / "names"
    return Tables(
        values,
        read_rows(names / "name_words.csv"),
        read_rows(names / "words_per_name.csv"),
        read_rows(names / "spelling_variants.csv"),
        errors,
        date.fromisoformat(values["reference_date"]),
    )


def _rate(text: str) -> float:
    """`1.1%`, `2% of files` -> a share; words without a number -> 0."""
    number = text.partition("%")[0]
    return float(number) / 100 if number.replace(".", "", 1).isdigit() else 0.0


def load_targets(reference: Path, code: str, families: int | None, seed: int) -> Targets:
    """The exact numbers of one regency, scaled to `families` (None: as many as it has).

    Raises WrongUsage for a code that is no regency.
    """
    rows = {row["region_code"]: row for row in read_rows(reference / "population" / "regencies.csv")}
    if code not in rows:
        why = "reference/population/regencies.csv has no such code"
        raise WrongUsage(f"{code!r} is no regency", why=why, remedy="write 35.10")
    row = rows[code]
    size = families or int(row["families"])
    villages, names = _read_places(reference, code)
    males, females, by_district = _by_district(reference, row, list(villages), villages, size, seed)
    return Targets(
        code=code,
        name=names[code][0],
        province_name=names[code[:2]][0],
        bps_code=names[code][1],
        districts=tuple(villages),
        villages=tuple(tuple(places) for places in villages.values()),
        males=males,
        females=females,
        families=by_district,
        deciles=apportion(size, np.array([float(row[f"share_decile_{decile}"]) for decile in range(1, 11)])),
        p0_percent=float(row["p0_percent"]),
        age_shares=_age_shares(reference, code),
        minimum_wage_idr=_minimum_wage(reference, code),
        neighbour_districts=_read_districts(reference, _neighbour(sorted(rows), code)),
    )


def _neighbour(codes: list[str], code: str) -> str:
    """The next regency of the province in the order of codes, so that each lends its prefix to one other only."""
    same = [other for other in codes if other[:2] == code[:2]]
    return same[(same.index(code) + 1) % len(same)]


def _read_places(reference: Path, code: str) -> tuple[dict[str, list[Place]], dict[str, tuple[str, str]]]:
    """The regency's villages by district, and the names and BPS codes of the regency and its province."""
    names: dict[str, tuple[str, str]] = {}
    villages: dict[str, list[Place]] = {}
    for row in read_rows(reference / "regions.csv"):
        own = row["code"]
        if own in (code, code[:2]) or (own.startswith(code + ".") and row["level"] == "district"):
            names[own] = (row["name"], row["bps_code"])
        elif own.startswith(code + "."):
            district = own.rpartition(".")[0]
            place = Place(own, row["name"], district, names[district][0], row["bps_code"], names[district][1])
            if place.bps_code and place.bps_district_code == place.bps_code[:7]:
                villages.setdefault(district, []).append(place)
    if not villages:
        raise WrongUsage(f"{code} has no village with a BPS code", remedy="choose another regency")
    return villages, names


def _read_districts(reference: Path, code: str) -> tuple[str, ...]:
    """The districts of a regency."""
    rows = read_rows(reference / "regions.csv")
    return tuple(row["code"] for row in rows if row["level"] == "district" and row["code"].startswith(code + "."))


def _by_district(
    reference: Path, row: dict[str, str], districts: list[str], villages: dict[str, list[Place]], size: int, seed: int
) -> tuple[Ints, Ints, Ints]:
    """Males, females and families by district: carried targets where there are any, else by villages with a spread."""
    carried = {r["district_code"]: r for r in read_rows(reference / "population" / "districts.csv")}
    if all(district in carried for district in districts):
        weights = {key: np.array([float(carried[d][key]) for d in districts]) for key in ("males", "females", "families")}
    else:
        rng = generator(seed, row["region_code"], "districts")
        spread = np.array([len(villages[d]) for d in districts]) * rng.lognormal(0, 0.2, len(districts))
        weights = {"males": spread, "females": spread, "families": spread}
    males = round(int(row["males"]) * size / int(row["families"]))
    persons = round(int(row["persons"]) * size / int(row["families"]))
    return (
        apportion(males, weights["males"]),
        apportion(persons - males, weights["females"]),
        apportion(size, weights["families"]),
    )


def _age_shares(reference: Path, code: str) -> Array:
    """[2, 16]: Banyuwangi's own age structure for East Java, the national one elsewhere."""
    rows = read_rows(reference / "population" / "age_sex_structure.csv")
    if code[:2] == "35":
        share = np.array([float(row["banyuwangi_share_of_population"]) for row in rows])
        male = np.array([float(row["banyuwangi_male_fraction"]) for row in rows])
        both = np.array([share * male, share * (1 - male)])
    else:
        both = np.array([[float(row[f"national_share_of_{sex}"]) for row in rows] for sex in ("males", "females")])
    return np.asarray(both / both.sum(axis=1, keepdims=True))


def _minimum_wage(reference: Path, code: str) -> int:
    """The newest minimum wage of the regency, else of its province's row, else East Java's of 2025: wages lie around it."""
    path = reference / "minimum_wage.csv"
    rows = read_rows(path) if path.exists() else []
    own = sorted((row["year"], row["umk_idr"] or row["ump_idr"]) for row in rows if row["region_code"] == code)
    found = [amount for _, amount in own if amount]
    return int(float(found[-1])) if found else 2305985
