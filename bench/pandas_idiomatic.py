"""PKH and BPNT of one region decided in idiomatic pandas: the script that a data engineer would write for this one job.

Written from the rules alone and apart from the product, with which it shares no code. One function is one step of the
rules, in their order; tables are DataFrames, NIK and No KK stay the texts that they are, and words of few values are
categoricals. The one trick is to sort only what is contested: most people have one row, so `best_rows` looks at the rest.

Usage: python bench/pandas_idiomatic.py --region 35.10 --stage 2026-T1 --inputs DIR --out DIR [--threads 2]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
PLACE = ["region_code", "district_code", "village_code"]

# ---- inputs: columns and their kinds ---------------------------------------------------------------------------------
REQUIRED = {
    "population": "nik no_kk sex birth_date family_relation region_code status",
    "welfare_family": "no_kk dtsen_period decile region_code",
    "welfare_person": "nik no_kk",
    "signal": "nik code value observed_on",
    "quarantined": "dataset nik no_kk",
    "quota": "region_code programme stage quota",
    "minimum_wage": "region_code year",
}
OPTIONAL = {
    "population": "district_code village_code status_date",
    "welfare_family": "dtsen_family_id national_rank electricity_va district_code village_code",
    "welfare_person": "family_relation disability is_pregnant pregnancy_number school_level",
    "signal": "source",
    "quarantined": "source",
    "quota": "decree_id",
    "minimum_wage": "umk_idr ump_idr valid_from",
}
IDS = {"nik", "no_kk"}
# Ids are Arrow text: `isin` of pandas' own text goes through Python objects, and is a hundred times slower.
ID = pd.ArrowDtype(pa.string())
DATES = {"birth_date", "status_date", "observed_on", "valid_from"}
NUMBERS = {"family_relation", "decile", "national_rank", "electricity_va", "pregnancy_number", "quota", "year"}
MONEY = {"umk_idr", "ump_idr"}
FLAGS = {"is_pregnant"}
WORDS = {"sex", "status", "disability", "school_level", "code", "source", *PLACE, "dtsen_period", "dataset"}
KNOWN_WORDS = {
    "sex": {"L", "P"},
    "status": {"active", "deceased", "moved"},
    "disability": {"none", "mild", "severe"},
    "school_level": {"SD", "SMP", "SMA"},
    "dataset": {"population", "welfare_family", "welfare_person", "signal"},
}
NEVER_NULL = {"status", "dtsen_period", "dataset"}

# ---- rules ---------------------------------------------------------------------------------------------------------
AMOUNT = {
    "HAM": 10_800_000,
    "AUD": 3_000_000,
    "SD": 900_000,
    "SMP": 1_500_000,
    "SMA": 2_000_000,
    "DISABILITAS": 2_400_000,
    "LANSIA": 2_400_000,
    "HAMIL": 3_000_000,
}  # in the order of counting
CHILDREN = ["AUD", "SD", "SMP", "SMA"]
BPNT_AMOUNT = 2_400_000
PAYMENTS = 4
LEVELS = ["SD", "SMP", "SMA"]
# The rules of a day: the last entry that has begun.
DATED = {
    "2020-01-01": {"elderly_age": 70, "elderly": 1, "disability": 1, "children": None, "victims": False, "by_decile": False},
    "2024-01-01": {"elderly_age": 60, "elderly": None, "disability": None, "children": 3, "victims": True, "by_decile": False},
    "2025-04-01": {"elderly_age": 60, "elderly": None, "disability": None, "children": 3, "victims": True, "by_decile": True},
}
RULES = {
    "max_decile": {"pkh": 4, "bpnt": 5},
    "max_early_childhood": 2,
    "max_members": 4,
    "max_pregnancy": 2,
    "min_va": 2200,
    "min_cars": 1,
    "max_age_months": {"PREGNANT": 10, "ENROLLED": 12},
}
EMPLOYMENT = {
    "ASN": "ANGGOTA_ASN",
    "TNI_POLRI": "ANGGOTA_TNI_POLRI",
    "PENSIUNAN": "ANGGOTA_PENSIUNAN",
    "BUMN_BUMD": "PEGAWAI_BUMN_BUMD",
    **{
        code: code
        for code in (
            "UPAH_APBN_APBD",
            "PERANGKAT_DESA",
            "GURU_SERTIFIKASI",
            "TENAGA_KESEHATAN",
            "SDM_KESOS",
            "PENGURUS_PERUSAHAAN",
        )
    },
}
NUMBER_CODES = ["WAGE", "ELECTRICITY", "CAR", "LAND", "BALANCE", "PREGNANT"]
KNOWN_CODES = [*EMPLOYMENT, *NUMBER_CODES, "GAMBLING", "ENROLLED", "RIGHTS_VICTIM"]
DENIALS = ["0", "false", "none", "tidak"]
MISSING = [
    "BELUM_ADA_DESIL",
    "DATA_DIKARANTINA",
    "NIK_TIDAK_PADAN",
    "NIK_TIDAK_VALID",
    "NOMOR_KEHAMILAN_KOSONG",
    "TIDAK_ADA_DATA_KELUARGA",
]
# What makes it unknown whether a family has a component.
UNKNOWN_COMPONENTS = [code for code in MISSING if code != "BELUM_ADA_DESIL"]
LEGAL_BASIS = {"DESIL_DI_ATAS_BATAS": "Kepmensos 79/HUK/2025", "MENINGGAL": "Kepmensos 73/HUK/2024"}
OTHER_LEGAL_BASIS = "Kepmensos 245/HUK/2025"

# ---- results -------------------------------------------------------------------------------------------------------
TEXT, INT, LIST = pa.string(), pa.int64(), pa.list_(pa.string())


def _schema(columns: str, **others: pa.DataType) -> pa.Schema:
    """Columns of text but for those named."""
    return pa.schema([(name, others.get(name, TEXT)) for name in columns.split()])


SCHEMAS = {
    "decisions": _schema(
        "programme stage as_of region_code district_code village_code unit no_kk nik outcome reasons warnings amount_year_idr "
        "amount_stage_idr eligible_amount_year_idr decile national_rank rank queue_position family_size head_nik",
        **{"as_of": pa.date32(), "reasons": LIST, "warnings": LIST},
        **dict.fromkeys(("amount_year_idr", "amount_stage_idr", "eligible_amount_year_idr", "decile", "national_rank"), INT),
        **dict.fromkeys(("rank", "queue_position", "family_size"), INT),
    ),
    "components": _schema(
        "programme no_kk nik component amount_year_idr is_counted not_counted_reason",
        **{"amount_year_idr": INT, "is_counted": pa.bool_()},
    ),
    "findings": _schema("programme no_kk nik code source observed_value limit_value legal_basis"),
    "not_decided": _schema("no_kk kind region_code"),
}
FINDING = ["no_kk", "nik", "code", "source", "observed_value", "limit_value"]


class InputError(Exception):
    """The inputs cannot be decided upon; the message says where and why, and never a number of a person."""


@dataclass(frozen=True)
class Job:
    """What is decided: a region's stage, its first day, and the dated rules of that day."""

    region: str
    stage: str
    as_of: pd.Timestamp
    rules: dict[str, Any]


@dataclass(frozen=True)
class Register:
    """The families as of the day; `members` and `persons` (those without members too) are of the families to decide."""

    families: pd.DataFrame
    not_decided: pd.DataFrame
    members: pd.DataFrame
    persons: pd.DataFrame
    warnings: pd.DataFrame
    unknown_heads: pd.DataFrame


# ---- reading and checking ------------------------------------------------------------------------------------------
def read_dataset(folder: Path, name: str) -> pd.DataFrame | None:
    """The needed columns of one dataset, checked, with empty text as null; None where there is no such file."""
    file = folder / f"{name}.parquet"
    if not file.exists():
        if (folder / f"{name}.csv").exists() or (folder / name).exists():
            raise InputError(f"{name}: this script reads {name}.parquet only")
        return None
    schema = pq.read_schema(file)
    if missing := set(REQUIRED[name].split()) - set(schema.names):
        raise InputError(f"{file.name}: columns are missing: {', '.join(sorted(missing))}")
    columns = f"{REQUIRED[name]} {OPTIONAL[name]}".split()
    present = [column for column in columns if column in schema.names]
    for column in present:
        check_type(file.name, schema.field(column))
    rows = pd.read_parquet(
        file,
        columns=present,
        read_dictionary=[column for column in present if column in WORDS],
        to_pandas_kwargs={"date_as_object": False},
    )
    return tidy(name, rows.reindex(columns=columns))


def check_type(file: str, field: pa.Field) -> None:
    """Refuse a column of another type than its kind has."""
    types, kind = pa.types, field.type
    if types.is_null(kind):
        return
    if field.name in DATES:
        good, wanted = types.is_date(kind), "a date"
    elif field.name in NUMBERS | MONEY:
        good, wanted = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind), "a number"
    elif field.name in FLAGS:
        good, wanted = types.is_boolean(kind), "true or false"
    else:
        kind = kind.value_type if types.is_dictionary(kind) else kind
        good, wanted = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind), "text"
    if not good:
        raise InputError(f"{file}, column {field.name}: {field.type} where {wanted} is needed")


def tidy(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    """One dtype per kind of column, words in one case, empty text as null; refuses what no rule can judge."""
    for column in rows.columns:
        values = rows[column]
        if column in DATES:
            rows[column] = values.astype("datetime64[s]")
        elif column in NUMBERS | MONEY:
            rows[column] = check_numbers(name, values)
        elif column in FLAGS:
            rows[column] = values.astype("boolean").fillna(False).astype("bool")
        elif column in WORDS:
            rows[column] = check_words(name, values.astype("category"))
        else:
            values = values.astype(ID if column in IDS else "str")
            rows[column] = values.mask(values.eq("").fillna(False))
            if column in IDS and name != "quarantined":
                check_ids(name, rows[column])
    return rows


def check_numbers(name: str, values: pd.Series) -> pd.Series:
    """Whole numbers, as float64 where some are null; a fraction is refused but in money, where it is cut."""
    if pd.api.types.is_integer_dtype(values):
        return values
    numbers = values.astype("float64")
    whole = np.floor(numbers)
    if values.name not in MONEY and (numbers.notna() & numbers.ne(whole)).any():
        raise InputError(f"{name}, column {values.name}: a number with a fraction; whole numbers are needed")
    return whole


def check_words(name: str, values: pd.Series) -> pd.Series:
    """A categorical in one case whose words are known, where a list of them exists."""
    column = values.name
    change = str.lower if column in ("status", "disability", "dataset") else str.upper
    if column in KNOWN_WORDS or column == "code":
        values = values.map({word: change(word) for word in values.cat.categories}).astype("category")
    values = values.cat.remove_categories(values.cat.categories.intersection([""]))
    used = set(values.cat.categories)
    if column in KNOWN_WORDS and not used <= KNOWN_WORDS[column]:
        raise InputError(f"{name}, column {column}: an unknown word; known are {', '.join(sorted(KNOWN_WORDS[column]))}")
    if column in NEVER_NULL and values.isna().any():
        raise InputError(f"{name}, column {column}: row {int(values.isna().argmax()) + 1} has no value")
    if column == "dtsen_period" and not all(re.fullmatch(r"\d{4}-Q[1-4]", period) for period in used):
        raise InputError(f"{name}, column {column}: a period of another form than 2025-Q4")
    return values


def check_ids(name: str, ids: pd.Series) -> None:
    """Refuse ids that went through a number: 3.51E+15, 3510010711997000.0."""
    odd = ids[~ids.str.isdigit() & ids.notna()]
    bad = odd[
        odd.str.fullmatch(r"[+-]?[0-9]*(\.[0-9]*)?([eE][+-]?[0-9]+)?") & odd.str.contains(r"[0-9]") & odd.str.contains(r"[.eE]")
    ]
    if len(bad):
        raise InputError(f"{name}, column {ids.name}: row {bad.index[0] + 1} has an id written as a number; deliver ids as text")


def read_inputs(folder: Path) -> dict[str, pd.DataFrame]:
    """All datasets; quotas and minimum wages are the project's reference where the folder has none."""
    inputs = {}
    for name in REQUIRED:
        rows = read_dataset(folder, name)
        if rows is None and name in ("quota", "minimum_wage"):
            texts = pd.read_csv(REFERENCE / f"{name}.csv", dtype="str")
            columns = f"{REQUIRED[name]} {OPTIONAL[name]}".split()
            rows = tidy(name, texts.reindex(columns=columns))
        elif rows is None and name == "quarantined":
            rows = tidy(name, pd.DataFrame(columns=["dataset", "nik", "no_kk", "source"], dtype="str"))
        elif rows is None:
            raise InputError(f"{name}.parquet is missing in the inputs")
        inputs[name] = rows
    return inputs


# ---- small things that several steps need --------------------------------------------------------------------------
def best_rows(rows: pd.DataFrame, key: list[str], order: list[str], ascending: bool | list[bool] = True) -> pd.DataFrame:
    """One row per key: the last in `order`, nulls first. Only keys with several rows are sorted."""
    contested = rows[rows.duplicated(key, keep=False)]
    categories = contested[order].select_dtypes("category").columns
    ranked = contested.astype(dict.fromkeys(categories, "str")).sort_values(order, ascending=ascending, na_position="first")
    return rows.drop(ranked.index[ranked.duplicated(key, keep="last")])


def on_several(rows: pd.DataFrame, key: str, other: str) -> pd.DataFrame:
    """The pairs of key and other where a key stands with several others; nulls are none."""
    pairs = rows[[key, other]].dropna()
    pairs = pairs[pairs.duplicated(key, keep=False)].drop_duplicates()
    return pairs[pairs.duplicated(key, keep=False)]


def decode_nik(nik: pd.Series) -> pd.DataFrame:
    """What the digits say: is_valid, born (DDMMYY with the real day), is_woman; index of `nik`."""
    number = nik.where(nik.str.fullmatch("[0-9]{16}"), "0").astype("int64[pyarrow]").to_numpy()
    region, date, serial = number // 10**10, number // 10**4 % 10**6, number % 10**4
    day, month, year = date // 10**4, date // 100 % 100, date % 100
    is_woman = day > 40
    day = day - 40 * is_woman
    length = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])[np.where(month <= 12, month, 0)]
    length = length - ((month == 2) & (year % 4 > 0))
    is_date = (day >= 1) & (day <= length)
    is_region = (region // 10**4 > 0) & (region // 100 % 100 > 0) & (region % 100 > 0)
    born = day * 10**4 + month * 100 + year
    return pd.DataFrame({"is_valid": is_date & is_region & (serial > 0), "born": born, "is_woman": is_woman}, index=nik.index)


def completed_years(birth: pd.Series, as_of: pd.Timestamp) -> pd.Series:
    """Age on `as_of`; NaN without a birth date."""
    birthday_to_come = birth.dt.month * 100 + birth.dt.day > as_of.month * 100 + as_of.day
    return as_of.year - birth.dt.year - birthday_to_come


# ---- step 1: persons -----------------------------------------------------------------------------------------------
def see_register(population: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """The register as of the day: what is dated later has not happened."""
    is_later = population["status_date"].gt(as_of)
    is_there = ~(is_later & population["status"].eq("active")) & ~population["birth_date"].gt(as_of)
    seen = population.assign(
        status=population["status"].mask(is_later, "active"), status_date=population["status_date"].mask(is_later)
    )[is_there]
    return seen.join(decode_nik(seen["nik"]))


def choose_persons(seen: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """One row per person, and the cards with the warning NIK_GANDA."""
    columns = ["nik", "no_kk", "birth_date", "sex", "family_relation", *PLACE, "status", "status_date"]
    others = seen[~seen["is_valid"]].drop_duplicates(columns)
    valid = seen[seen["is_valid"]]
    several = valid[valid.duplicated("nik", keep=False)].copy()
    is_dead, is_active = several["status"].eq("deceased"), several["status"].eq("active")
    newest_death = several["status_date"].where(is_dead).groupby(several["nik"]).transform("max")
    is_back = is_active & several["status_date"].gt(newest_death)
    conditions = [is_dead & several["status_date"].isna(), is_back, is_dead, is_active]
    several["standing"] = np.select(conditions, [4, 3, 2, 1], 0)
    order = ["standing", "status_date", "no_kk", "birth_date", "sex", "family_relation", *PLACE]
    chosen = best_rows(several, ["nik"], order)
    cards = [on_several(several[is_active], "nik", "no_kk")["no_kk"], chosen.loc[chosen["standing"].eq(3), "no_kk"]]
    persons = pd.concat([valid.drop(several.index.difference(chosen.index)), others])
    return persons, pd.concat(cards)


# ---- step 2: signals -----------------------------------------------------------------------------------------------
def weigh_signals(signal: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """The signals seen, with `holds` and `number` (amount, count, or 1, 2, 3 for a school level); texts alone keep `value`."""
    seen = signal[~signal["observed_on"].gt(as_of) & signal["code"].isin(KNOWN_CODES) & signal["nik"].notna()]
    value, code = seen["value"], seen["code"]
    is_number, is_denied, is_empty = code.isin(NUMBER_CODES), value.str.lower().isin(DENIALS), value.isna()
    figures = value[is_number & ~is_denied & ~is_empty]
    if not figures.str.fullmatch(r"[0-9]{1,18}(\.0*)?").all():
        raise InputError("signal, column value: a number of another form than digits")
    number = figures.str.replace(r"\.0*$", "", regex=True).astype("int64[pyarrow]").astype("float64").reindex(seen.index)
    number = number.mask(is_number & is_denied, 0).mask(code.eq("CAR") & is_empty, 1)
    level = value.where(code.eq("ENROLLED")).str.upper().map({level: place for place, level in enumerate(LEVELS, 1)})
    weighed = seen.assign(
        source=seen["source"].astype("str").fillna(""),
        value=value.mask(is_number),
        number=number.fillna(level),
        holds=~is_denied & ~(is_number & number.eq(0)),
    )
    return weighed[~(is_empty & code.isin(["WAGE", "ELECTRICITY", "LAND", "BALANCE"]))]


def settle_signals(weighed: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """One row per NIK and code that holds (or that answers, for electricity): value, number and source that count."""
    newest = best_rows(weighed, ["nik", "code", "source"], ["observed_on", "holds", "number", "value"])
    is_fresh = pd.Series(True, index=newest.index)
    for code, months in RULES["max_age_months"].items():
        is_fresh &= newest["code"].ne(code) | newest["observed_on"].ge(as_of - pd.DateOffset(months=months))
    counting = newest[is_fresh & (newest["holds"] | newest["code"].eq("ELECTRICITY"))]
    order = ["number", "value", "source"]
    return best_rows(counting, ["nik", "code"], order, ascending=[True, True, False])


# ---- step 3: welfare rows ------------------------------------------------------------------------------------------
def choose_welfare_rows(welfare: pd.DataFrame, stage: str) -> tuple[pd.DataFrame, pd.Series]:
    """One welfare row per card, and the cards with the warning KK_GANDA."""
    counted = [period for period in welfare["dtsen_period"].cat.categories if period.replace("Q", "T") < stage]
    seen = welfare[welfare["dtsen_period"].isin(counted) & welfare["no_kk"].notna()]
    seen = seen.assign(decile=seen["decile"].where(seen["decile"].between(1, 10)))
    chosen = best_rows(seen, ["no_kk"], ["dtsen_period", "decile", "national_rank", "electricity_va", *PLACE])
    several = seen[seen.duplicated("no_kk", keep=False)]
    facts = ["dtsen_family_id", "decile", "national_rank", "electricity_va", *PLACE]
    different = several.drop_duplicates(["no_kk", "dtsen_period", *facts])
    different = different[different.duplicated(["no_kk", "dtsen_period"])]
    regions = on_several(several, "no_kk", "region_code")
    return chosen, pd.concat([different["no_kk"], regions["no_kk"]])


# ---- step 4: families ----------------------------------------------------------------------------------------------
def choose_heads(members: pd.DataFrame) -> pd.DataFrame:
    """The head of every card: relation 1, else anybody; the oldest, then the smallest NIK."""
    named = members[members["family_relation"].eq(1)]
    pool = pd.concat([named, members[~members["no_kk"].isin(named["no_kk"])]])
    is_contested = pool.duplicated("no_kk", keep=False)
    contested = pool[is_contested].astype(dict.fromkeys(["sex", *PLACE], "str"))
    contested = contested.sort_values(["nik", "sex", "family_relation", *PLACE, "status_date"], na_position="first")
    first = contested.sort_values("birth_date", na_position="last", kind="stable").drop_duplicates("no_kk")
    return pd.concat([pool[~is_contested], pool.loc[first.index]])


def place_families(welfare: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """Every card with a welfare row or a member: its place, head, size and welfare facts, sorted by No KK."""
    columns = ["no_kk", "decile", "national_rank", "electricity_va", *PLACE]
    heads = choose_heads(members)[["no_kk", "nik", *PLACE]].rename(columns={"nik": "head_nik"})
    families = welfare[columns].merge(heads, on="no_kk", how="outer", suffixes=("_welfare", ""), indicator=True)
    families["has_welfare"] = families.pop("_merge").ne("right_only")
    from_register = families["region_code"].notna()
    for column in PLACE:
        families[column] = families[column].astype("str").where(from_register, families.pop(f"{column}_welfare").astype("str"))
    sizes = members.groupby("no_kk").size().rename("family_size")
    families = families.merge(sizes, on="no_kk", how="left").fillna({"family_size": 0})
    return families.sort_values("no_kk", ignore_index=True)


def judge_empty_cards(
    families: pd.DataFrame, welfare_person: pd.DataFrame, seen: pd.DataFrame, known: pd.Series, deceased: pd.Series
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Families without members: their kind (NIK_TIDAK_PADAN, MENINGGAL, PINDAH), and their persons."""
    empty = families.loc[families["family_size"].eq(0), "no_kk"]
    persons = pd.concat(
        [rows.loc[rows["no_kk"].isin(empty), ["no_kk", "nik"]] for rows in (welfare_person, seen)]
    ).drop_duplicates()
    is_known, is_dead = persons["nik"].isin(known) & persons["nik"].notna(), persons["nik"].isin(deceased)
    of_card = persons.assign(is_known=is_known, is_dead=is_dead).groupby("no_kk")[["is_known", "is_dead"]].all()
    of_card = of_card.reindex(empty, fill_value=False)
    kind = np.select([~of_card["is_known"], of_card["is_dead"]], ["NIK_TIDAK_PADAN", "MENINGGAL"], "PINDAH")
    return pd.DataFrame({"no_kk": empty.to_numpy(), "kind": kind}), persons


def list_deceased(persons: pd.DataFrame) -> pd.Series:
    """The NIK of the dead; one that is not valid can be of several persons, who must all be dead."""
    is_dead = persons["status"].eq("deceased")
    doubtful = persons.loc[~persons["is_valid"] & ~is_dead, "nik"]
    dead = persons.loc[is_dead, "nik"].dropna()
    return dead[~dead.isin(doubtful)]


def split_families(families: pd.DataFrame, empty: pd.DataFrame, region: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The families to decide, with their kind where they have no members, and the table of those not decided."""
    families = families.merge(empty, on="no_kk", how="left")
    is_here, has_moved = families["region_code"].eq(region), families["kind"].eq("PINDAH")
    if not is_here.any():
        raise InputError(f"no family is placed in region {region}")
    rest = families[~is_here | has_moved]
    kind = np.where(rest["region_code"].eq(region), "PINDAH", "ELSEWHERE")
    not_decided = pd.DataFrame({"no_kk": rest["no_kk"], "kind": kind, "region_code": rest["region_code"].mask(kind == "PINDAH")})
    return families[is_here & ~has_moved].reset_index(drop=True), not_decided


# ---- steps 5, 6 and 9: findings ------------------------------------------------------------------------------------
def findings_of(rows: pd.DataFrame, code: Any, source: Any = None, observed: Any = None, limit: Any = None) -> pd.DataFrame:
    """Rows of the findings from rows with no_kk and perhaps nik."""
    found = rows.reindex(columns=["no_kk", "nik"])
    found = found.assign(code=code, source=source, observed_value=observed, limit_value=limit)
    return found.astype(dict.fromkeys(FINDING, "str") | dict.fromkeys(IDS, ID))


def as_text(numbers: pd.Series) -> pd.Series:
    """Whole numbers as text."""
    return numbers.astype("int64").astype("str")


def find_wage_limit(minimum_wage: pd.DataFrame, region: str, as_of: pd.Timestamp) -> int | None:
    """The UMK, else the UMP, of the newest row of region and year; None where there is none."""
    rows = minimum_wage[minimum_wage["region_code"].eq(region) & minimum_wage["year"].eq(as_of.year)]
    rows = rows.assign(valid_from=rows["valid_from"].fillna(pd.Timestamp(as_of.year, 1, 1)))
    rows = rows[rows["valid_from"].le(as_of)]
    newest = rows[rows["valid_from"].eq(rows["valid_from"].max())]
    if len(newest) > 1:
        raise InputError(f"minimum_wage: several rows of {region}, {as_of.year} begin on one day")
    figures = newest[["umk_idr", "ump_idr"]].bfill(axis=1)["umk_idr"].dropna()
    return int(figures.iloc[0]) if len(figures) else None


def find_person_refusals(held: pd.DataFrame, wage_limit: int | None) -> pd.DataFrame:
    """Employment, wages and cars of members. `held`: the settled signals of the members of decided families."""
    work = held[held["code"].isin(EMPLOYMENT.keys())]
    wages = held[held["code"].eq("WAGE")]
    if len(wages) and wage_limit is None:
        raise InputError("minimum_wage: neither UMK nor UMP for the region and year, and there are wages to judge")
    high = wages[wages["number"].gt(wage_limit or 0)]
    cars = held[held["code"].eq("CAR") & held["number"].ge(RULES["min_cars"])]
    return pd.concat(
        [
            findings_of(work, work["code"].astype("str").map(EMPLOYMENT), work["source"], work["value"]),
            findings_of(high, "UPAH_DI_ATAS_UMK", high["source"], as_text(high["number"]), str(wage_limit)),
            findings_of(cars, "KENDARAAN_RODA_4", cars["source"], as_text(cars["number"]), str(RULES["min_cars"])),
        ]
    )


def find_electricity(families: pd.DataFrame, held: pd.DataFrame) -> pd.DataFrame:
    """The greatest installed power of the members, else the welfare row's, where it is too great."""
    power = held[held["code"].eq("ELECTRICITY")]
    greatest = best_rows(power, ["no_kk"], ["number", "nik"], ascending=[True, False])
    high = greatest[greatest["number"].ge(RULES["min_va"])]
    unsaid = families[~families["no_kk"].isin(power["no_kk"]) & families["electricity_va"].ge(RULES["min_va"])]
    limit = str(RULES["min_va"])
    return pd.concat(
        [
            findings_of(high, "DAYA_LISTRIK", high["source"], as_text(high["number"]), limit),
            findings_of(unsaid[["no_kk"]], "DAYA_LISTRIK", "DTSEN", as_text(unsaid["electricity_va"]), limit),
        ]
    )


def find_missing(families: pd.DataFrame, members: pd.DataFrame, named_heads: pd.DataFrame, by_decile: bool) -> pd.DataFrame:
    """NIK_TIDAK_PADAN, TIDAK_ADA_DATA_KELUARGA, BELUM_ADA_DESIL and MENINGGAL. `named_heads` are those unknown."""
    cards = families["no_kk"]
    named = named_heads[named_heads["no_kk"].isin(cards)]
    has_valid = cards.isin(members.loc[members["is_valid"], "no_kk"])
    is_unmatched = families["family_size"].gt(0) & ~has_valid | families["kind"].eq("NIK_TIDAK_PADAN")
    without_decile = families["has_welfare"] & families["decile"].isna() & by_decile
    only_cards = families[["no_kk"]]
    return pd.concat(
        [
            findings_of(named, "NIK_TIDAK_PADAN", "DUKCAPIL"),
            findings_of(only_cards[is_unmatched & ~cards.isin(named["no_kk"])], "NIK_TIDAK_PADAN", "DUKCAPIL"),
            findings_of(only_cards[~families["has_welfare"]], "TIDAK_ADA_DATA_KELUARGA", "DTSEN"),
            findings_of(only_cards[without_decile], "BELUM_ADA_DESIL", "DTSEN"),
            findings_of(only_cards[families["kind"].eq("MENINGGAL")], "MENINGGAL", "DUKCAPIL"),
        ]
    )


def find_quarantined(quarantined: pd.DataFrame, families: pd.DataFrame, persons: pd.DataFrame) -> pd.DataFrame:
    """DATA_DIKARANTINA by the NIK of a person of the family, or by its card alone."""
    rows = quarantined.astype({"source": "str", "dataset": "str"})
    facts = ["no_kk", "nik", "source", "dataset"]
    persons = persons[persons["nik"].isin(rows["nik"].dropna())].drop_duplicates()
    by_person = rows.drop(columns="no_kk").merge(persons, on="nik")[facts]
    by_card = rows[rows["no_kk"].isin(families["no_kk"]) & rows["no_kk"].notna()][facts]
    named = by_card.merge(persons, on=["no_kk", "nik"], how="left", indicator=True)["_merge"].eq("both")
    by_card = by_card.assign(nik=by_card["nik"].where(named.to_numpy()))
    found = pd.concat([by_person, by_card]).drop_duplicates()
    return findings_of(found, "DATA_DIKARANTINA", found["source"], found["dataset"])


def find_high_deciles(families: pd.DataFrame, limit: int) -> pd.DataFrame:
    """DESIL_DI_ATAS_BATAS of one programme."""
    high = families[families["decile"].gt(limit)]
    return findings_of(high[["no_kk"]], "DESIL_DI_ATAS_BATAS", "DTSEN", as_text(high["decile"]), str(limit))


def find_without_component(families: pd.DataFrame, components: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    """What PKH alone asks: nothing is counted, and why that may be for want of data."""
    counted = components.loc[components["is_counted"], "no_kk"]
    lost = components[~components["no_kk"].isin(counted)]
    lost = lost[lost["not_counted_reason"].isin(["NIK_TIDAK_VALID", "NOMOR_KEHAMILAN_KOSONG"])]
    lost = lost.drop_duplicates(["person", "not_counted_reason"])
    unclear = findings_of(lost, lost["not_counted_reason"])
    is_unclear = pd.concat([findings.loc[findings["code"].isin(UNKNOWN_COMPONENTS), "no_kk"], unclear["no_kk"]])
    is_without = families["family_size"].gt(0) & ~families["no_kk"].isin(counted) & ~families["no_kk"].isin(is_unclear)
    return pd.concat([unclear, findings_of(families.loc[is_without, ["no_kk"]], "TIDAK_ADA_KOMPONEN")])


# ---- step 7: components --------------------------------------------------------------------------------------------
def list_school_candidates(members: pd.DataFrame, held: pd.DataFrame, welfare_person: pd.DataFrame) -> pd.DataFrame:
    """Pupils by Dapodik or EMIS, and those of whom only the family says that they are at school."""
    pupils = members[members["age"].between(6, 21)]
    enrolled = held.loc[held["code"].eq("ENROLLED"), ["person", "number"]].dropna()
    known = pupils.merge(enrolled, on="person")
    said = welfare_person.loc[welfare_person["school_level"].notna(), ["no_kk", "nik", "school_level"]].dropna(subset="nik")
    said["number"] = said.pop("school_level").astype("str").map({level: place for place, level in enumerate(LEVELS, 1)})
    said = best_rows(said, ["no_kk", "nik"], ["number"])
    unknown = pupils[~pupils["person"].isin(known["person"])].merge(said, on=["no_kk", "nik"])
    pupils = pd.concat([known, unknown.assign(reason="TIDAK_TERDAFTAR_DAPODIK")])
    return pupils.assign(component=np.array(LEVELS)[pupils["number"].astype("int64") - 1])


def list_pregnant(members: pd.DataFrame, held: pd.DataFrame, asked: pd.Series, welfare_person: pd.DataFrame) -> pd.DataFrame:
    """Pregnant members by their signal, else (no PREGNANT signal at all: `asked` are those with one) by the welfare data."""
    women = members[members["sex"].eq("P")]
    by_signal = women.merge(held.loc[held["code"].eq("PREGNANT"), ["person", "number"]], on="person")
    said = welfare_person[welfare_person["is_pregnant"] & welfare_person["nik"].notna()]
    said = best_rows(said, ["no_kk", "nik"], ["pregnancy_number"])[["no_kk", "nik", "pregnancy_number"]]
    by_welfare = women[~women["nik"].isin(asked)].merge(said.rename(columns={"pregnancy_number": "number"}), on=["no_kk", "nik"])
    pregnant = pd.concat([by_signal, by_welfare])
    is_unknown, is_beyond = ~pregnant["number"].gt(0), pregnant["number"].gt(RULES["max_pregnancy"])
    reason = np.select([is_unknown, is_beyond], ["NOMOR_KEHAMILAN_KOSONG", "KEHAMILAN_KE_3"], "")
    return pregnant.assign(component="HAMIL", reason=pd.Series(reason, index=pregnant.index, dtype="str").replace("", None))


def list_candidates(
    members: pd.DataFrame, held: pd.DataFrame, asked: pd.Series, welfare_person: pd.DataFrame, rules: dict[str, Any]
) -> pd.DataFrame:
    """Every member's possible components, with the reason where one cannot count from the start."""
    severe = welfare_person.loc[welfare_person["disability"].eq("severe"), ["no_kk", "nik"]].dropna().drop_duplicates()
    victims = held.loc[held["code"].eq("RIGHTS_VICTIM") & rules["victims"], "person"]
    candidates = pd.concat(
        [
            members[members["person"].isin(victims)].assign(component="HAM"),
            members[members["age"].le(6)].assign(component="AUD"),
            list_school_candidates(members, held, welfare_person),
            members.merge(severe, on=["no_kk", "nik"]).assign(component="DISABILITAS"),
            members[members["age"].ge(rules["elderly_age"])].assign(component="LANSIA"),
            list_pregnant(members, held, asked, welfare_person),
        ],
        ignore_index=True,
    )
    kinds = pd.CategoricalDtype(list(AMOUNT), ordered=True)
    return candidates.assign(
        component=candidates["component"].astype(kinds),
        amount_year_idr=candidates["component"].map(AMOUNT),
        reason=candidates["reason"].mask(~candidates["is_valid"], "NIK_TIDAK_VALID"),
    )


def apply_cap(candidates: pd.DataFrame, kinds: list[str], limit: int | None, code: str) -> None:
    """Refuse what goes beyond the limit among the candidates (in the order of counting) that are left; changes `reason`."""
    if limit is None:
        return
    left = candidates[candidates["reason"].isna() & candidates["component"].isin(kinds)]
    beyond = left.index[left.groupby("no_kk").cumcount().ge(limit)]
    candidates.loc[beyond, "reason"] = code


def count_components(candidates: pd.DataFrame, rules: dict[str, Any]) -> pd.DataFrame:
    """Who is counted: one component a person, then the caps in their order; rows with is_counted and not_counted_reason."""
    candidates = candidates.sort_values(["component", "birth_date", "nik"], ignore_index=True)
    left = candidates[candidates["reason"].isna()]
    several = left[left.duplicated("person", keep=False)].sort_values("amount_year_idr", ascending=False, kind="stable")
    candidates.loc[several.index[several.duplicated("person")], "reason"] = "SATU_ORANG_SATU_KOMPONEN"
    apply_cap(candidates, ["AUD"], RULES["max_early_childhood"], "BATAS_ANAK_USIA_DINI")
    apply_cap(candidates, ["LANSIA"], rules["elderly"], "BATAS_LANSIA")
    apply_cap(candidates, ["DISABILITAS"], rules["disability"], "BATAS_DISABILITAS")
    apply_cap(candidates, CHILDREN, rules["children"], "BATAS_ANAK")
    apply_cap(candidates, [kind for kind in AMOUNT if kind != "HAM"], RULES["max_members"], "BATAS_KOMPONEN")
    candidates["is_counted"] = candidates["reason"].isna()
    return candidates.rename(columns={"reason": "not_counted_reason"}).astype({"component": "str"})


# ---- step 8: outcome, order and warnings ---------------------------------------------------------------------------
def list_warnings(families: pd.DataFrame, members: pd.DataFrame, cards: dict[str, pd.Series]) -> pd.DataFrame:
    """no_kk and code of every warning: those of whole cards, and what members' numbers say."""
    birth, valid = members["birth_date"], members["is_valid"]
    born = birth.dt.day * 10**4 + birth.dt.month * 100 + birth.dt.year % 100
    sex_differs = members["is_woman"] & members["sex"].eq("L") | ~members["is_woman"] & members["sex"].eq("P")
    flagged = {
        **cards,
        "NIK_TIDAK_VALID": members.loc[~valid, "no_kk"],
        "NIK_TGL_LAHIR_BEDA": members.loc[valid & birth.notna() & members["born"].ne(born), "no_kk"],
        "NIK_JENIS_KELAMIN_BEDA": members.loc[valid & sex_differs, "no_kk"],
    }
    warnings = pd.concat([pd.DataFrame({"no_kk": of, "code": code}) for code, of in flagged.items()])
    return warnings[warnings["no_kk"].isin(families["no_kk"])]


def collect_codes(families: pd.DataFrame, codes: pd.DataFrame) -> pd.Series:
    """The codes of each family as a list, sorted and unique. `families` are sorted by No KK."""
    numbered = pd.DataFrame({"no_kk": families["no_kk"], "family": np.arange(len(families))})
    distinct = codes[["no_kk", "code"]].merge(numbered, on="no_kk").astype({"code": "category"})
    distinct = distinct[["family", "code"]].drop_duplicates().sort_values(["family", "code"])
    counts = np.bincount(distinct["family"], minlength=len(families))
    offsets = pa.array(np.concatenate([[0], counts.cumsum()]), pa.int32())
    lists = pa.ListArray.from_arrays(offsets, pa.array(distinct["code"].to_numpy(object), pa.string()))
    return pd.Series(pd.arrays.ArrowExtensionArray(lists), index=families.index)


def draw_lots(cards: pd.Series, programme: str, job: Job) -> list[str]:
    """The lottery number of each card."""
    return [hashlib.sha256(f"{job.stage}|{programme}|{job.region}|{card}".encode()).hexdigest() for card in cards]


def order_queue(eligible: pd.DataFrame, programme: str, job: Job) -> pd.Series:
    """Place 1…n of each eligible family: decile, national rank, lottery (needed for ties only), No KK."""
    eligible = eligible[["no_kk", "decile", "national_rank"]].assign(lottery="")
    tied = eligible.loc[eligible.duplicated(["decile", "national_rank"], keep=False), "no_kk"]
    eligible.loc[tied.index, "lottery"] = draw_lots(tied, programme, job)
    order = eligible.sort_values(["decile", "national_rank", "lottery", "no_kk"]).index
    return pd.Series(np.arange(1, len(order) + 1), index=order, dtype="Int64")


def find_quota(quota: pd.DataFrame, programme: str, job: Job) -> int | None:
    """The quota of this list; None where there is no row."""
    is_ours = quota["programme"].str.lower().eq(programme) & quota["stage"].eq(job.stage) & quota["region_code"].eq(job.region)
    rows = quota.loc[is_ours, "quota"]
    if len(rows) > 1:
        raise InputError(f"quota: {len(rows)} rows for {programme}, {job.region}, {job.stage}")
    if rows.isna().any() or rows.lt(0).any():
        raise InputError(f"quota: the quota of {programme}, {job.region}, {job.stage} is null or negative")
    return int(rows.iloc[0]) if len(rows) else None


def decide(
    families: pd.DataFrame, findings: pd.DataFrame, amounts: pd.Series, quota: int | None, programme: str, job: Job
) -> pd.DataFrame:
    """The decisions of one programme but for the warnings."""
    is_refused = families["no_kk"].isin(findings.loc[~findings["code"].isin(MISSING), "no_kk"])
    is_eligible = ~families["no_kk"].isin(findings["no_kk"])
    rank = order_queue(families[is_eligible], programme, job).reindex(families.index)
    is_queued = is_eligible & rank.gt(quota).fillna(False) if quota is not None else is_eligible & False
    outcome = np.select([is_refused, ~is_eligible, is_queued], ["TIDAK_LAYAK", "TUNDA", "ANTREAN"], "LAYAK")
    queued = pd.DataFrame({"no_kk": families.loc[is_queued, "no_kk"], "code": "DI_LUAR_KUOTA"})
    eligible_amount = amounts.where(is_eligible, 0)
    amount = eligible_amount.where(~is_queued, 0)
    return families[[*PLACE, "no_kk", "decile", "national_rank", "family_size", "head_nik"]].assign(
        programme=programme,
        stage=job.stage,
        as_of=job.as_of,
        unit="family",
        nik=None,
        outcome=outcome,
        reasons=collect_codes(families, pd.concat([findings, queued])),
        amount_year_idr=amount,
        amount_stage_idr=amount // PAYMENTS,
        eligible_amount_year_idr=eligible_amount,
        rank=rank,
        queue_position=(rank - quota).where(is_queued) if quota is not None else None,
    )


# ---- output --------------------------------------------------------------------------------------------------------
def to_arrow(name: str, rows: pd.DataFrame) -> pa.Table:
    """A result table in the columns and types of the contract."""
    return pa.Table.from_pandas(rows[SCHEMAS[name].names], schema=SCHEMAS[name], preserve_index=False).replace_schema_metadata()


def canonical_text(column: pa.Array) -> bytes:
    """Lengths, then all bytes."""
    texts = column.cast(pa.large_string()).fill_null("")
    offsets = np.frombuffer(texts.buffers()[1], "<i8")[texts.offset : texts.offset + len(texts) + 1]
    first, last = (offsets[0], offsets[-1]) if len(texts) else (0, 0)
    return np.diff(offsets).tobytes() + bytes(memoryview(texts.buffers()[2] or b"")[first:last])


def canonical_column(field: pa.Field, column: pa.ChunkedArray) -> bytes:
    """One column in the canonical form of docs/list-digest.md."""
    array = column.combine_chunks()
    mask = array.is_null().to_numpy(zero_copy_only=False).astype("u1").tobytes()
    if pa.types.is_list(field.type):
        kind, counts = "list<text>", pc.list_value_length(array).fill_null(0)
        values = counts.to_numpy().astype("<i8").tobytes() + canonical_text(array.flatten())
    elif pa.types.is_string(field.type):
        kind, values = "text", canonical_text(array)
    else:
        kind = {"date32[day]": "date", "bool": "bool"}.get(str(field.type), "int64")
        numbers = array.cast(pa.int32()) if kind == "date" else array
        values = numbers.cast(pa.int64()).fill_null(0).to_numpy().astype("<i8").tobytes()
    return own_text(field.name) + own_text(kind) + mask + values


def own_int(number: int) -> bytes:
    """An integer of the canonical form."""
    return number.to_bytes(8, "little", signed=True)


def own_text(text: str) -> bytes:
    """A text of the canonical form."""
    return own_int(len(text.encode())) + text.encode()


def list_digest(programme: str, tables: dict[str, pa.Table], rules_digest: str) -> str:
    """The digest of one programme's list."""
    digest = hashlib.sha256(own_text("perlinsos-list-1") + own_text(rules_digest))
    for name, table in tables.items():
        if name == "not_decided":
            rows = table.filter(pc.not_equal(table["kind"], "ELSEWHERE"))
        else:
            rows = table.filter(pc.equal(table["programme"], programme))
        digest.update(own_text(name) + own_int(rows.num_columns) + own_int(rows.num_rows))
        for field in rows.schema:
            digest.update(canonical_column(field, rows[field.name]))
    return digest.hexdigest()


def summarise_programme(
    programme: str, decisions: pd.DataFrame, tables: dict[str, pa.Table], quota: int | None, rules: dict[str, Any]
) -> dict[str, Any]:
    """Outcomes, reasons, sums and the list digest of one programme."""
    written = {"programme": programme, "rules": RULES, "dated": rules, "amounts": AMOUNT, "bpnt": BPNT_AMOUNT}
    rules_digest = hashlib.sha256(json.dumps(written, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    outcomes = decisions["outcome"].value_counts().reindex(["LAYAK", "ANTREAN", "TIDAK_LAYAK", "TUNDA"], fill_value=0)
    return {
        "outcomes": outcomes.to_dict(),
        "reasons": decisions["reasons"].list.flatten().value_counts().sort_index().to_dict(),
        "amount_year_idr": int(decisions["amount_year_idr"].sum()),
        "amount_stage_idr": int(decisions["amount_stage_idr"].sum()),
        "quota": quota,
        "simulation_only": quota is None,
        "rules_digest": rules_digest,
        "list_digest": list_digest(programme, tables, rules_digest),
    }


def summarise(job: Job, register: Register, signal: pd.DataFrame, programmes: dict[str, Any]) -> dict[str, Any]:
    """The summary of the run."""
    kinds = register.not_decided["kind"].value_counts()
    ignored = signal.loc[~signal["code"].isin(KNOWN_CODES) & ~signal["observed_on"].gt(job.as_of), "code"].astype("str")
    return {
        "region": job.region,
        "stage": job.stage,
        "as_of": job.as_of.date().isoformat(),
        "scope": "population",
        "simulation_only": any(programme["simulation_only"] for programme in programmes.values()),
        "programmes": programmes,
        "funnel": {
            "families_seen": len(register.families) + len(register.not_decided),
            "elsewhere": int(kinds.get("ELSEWHERE", 0)),
            "PINDAH": int(kinds.get("PINDAH", 0)),
            "TIDAK_MENDAFTAR": 0,
            "decided": len(register.families),
        },
        "ignored_signal_codes": ignored.value_counts().sort_index().to_dict(),
        "engine": f"pandas {pd.__version__}",
    }


# ---- all of it -----------------------------------------------------------------------------------------------------
def plan(region: str, stage: str) -> Job:
    """The job with the rules of its day."""
    as_of = pd.Period(stage.replace("T", "Q"), freq="Q").start_time.as_unit("s")
    begun = [first for first in DATED if pd.Timestamp(first) <= as_of]
    if not begun:
        raise InputError("no rules hold before 2020-01-01")
    return Job(region, stage, as_of, DATED[begun[-1]])


def look_at_families(inputs: dict[str, pd.DataFrame], job: Job) -> Register:
    """Steps 1, 3 and 4."""
    welfare_person = inputs["welfare_person"]
    seen = see_register(inputs["population"], job.as_of)
    persons, double_persons = choose_persons(seen)
    welfare, double_cards = choose_welfare_rows(inputs["welfare_family"], job.stage)
    members = persons[persons["status"].eq("active") & persons["no_kk"].notna()]
    deceased, known = list_deceased(persons), inputs["population"]["nik"].dropna()
    placed = place_families(welfare, members)
    empty, former = judge_empty_cards(placed, welfare_person, seen, known, deceased)
    families, not_decided = split_families(placed, empty, job.region)
    members = members[members["no_kk"].isin(families["no_kk"])].reset_index(drop=True)
    members = members.assign(person=members.index, age=completed_years(members["birth_date"], job.as_of))
    named = welfare_person.loc[welfare_person["family_relation"].eq(1), ["no_kk", "nik"]].drop_duplicates()
    without_head = ~families["no_kk"].isin(members.loc[members["family_relation"].eq(1), "no_kk"])
    head_is_dead = families["no_kk"].isin(named.loc[named["nik"].isin(deceased), "no_kk"])
    cards = {
        "NIK_GANDA": pd.concat([double_persons, on_several(welfare_person, "nik", "no_kk")["no_kk"]]),
        "KK_GANDA": double_cards,
        "GANTI_PENGURUS": families.loc[families["family_size"].gt(0) & (without_head | head_is_dead), "no_kk"],
    }
    return Register(
        families=families,
        not_decided=not_decided,
        members=members,
        persons=pd.concat([members[["no_kk", "nik"]], former[former["no_kk"].isin(families["no_kk"])]]),
        warnings=list_warnings(families, members, cards),
        unknown_heads=named[~named["nik"].isin(known)],
    )


def judge_families(inputs: dict[str, pd.DataFrame], register: Register, job: Job) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Steps 2, 5, 6 and 7: the findings that both programmes share, and the components."""
    members, families = register.members, register.families
    weighed = weigh_signals(inputs["signal"], job.as_of)
    facts = settle_signals(weighed, job.as_of)[["nik", "code", "value", "number", "source"]]
    held = members[["no_kk", "nik", "person"]].merge(facts.assign(source=facts["source"].replace("", None)), on="nik")
    findings = [
        find_person_refusals(held, find_wage_limit(inputs["minimum_wage"], job.region, job.as_of)),
        find_electricity(families, held),
        find_missing(families, members, register.unknown_heads, job.rules["by_decile"]),
        find_quarantined(inputs["quarantined"], families, register.persons),
    ]
    asked = weighed.loc[weighed["code"].eq("PREGNANT"), "nik"]
    candidates = list_candidates(members, held, asked, inputs["welfare_person"], job.rules)
    return pd.concat(findings), count_components(candidates, job.rules)


def decide_programme(
    programme: str, register: Register, shared: pd.DataFrame, components: pd.DataFrame, quota: int | None, job: Job
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Decisions and findings of one programme, sorted."""
    families, findings = register.families, [shared]
    if job.rules["by_decile"]:
        findings.append(find_high_deciles(families, RULES["max_decile"][programme]))
    if programme == "pkh":
        findings.append(find_without_component(families, components, shared))
        counted = components[components["is_counted"]].groupby("no_kk", as_index=False)["amount_year_idr"].sum()
        amounts = families[["no_kk"]].merge(counted, on="no_kk", how="left")["amount_year_idr"].fillna(0).astype("int64")
    else:
        amounts = pd.Series(BPNT_AMOUNT, index=families.index)
    found = pd.concat(findings, ignore_index=True)
    found = found.sort_values(["no_kk", "nik", "code", "source", "observed_value"], na_position="first")
    basis = found["code"].map(LEGAL_BASIS).fillna(OTHER_LEGAL_BASIS)
    decisions = decide(families, found, amounts, quota, programme, job)
    return decisions, found.assign(programme=programme, legal_basis=basis)


def determine(inputs: dict[str, pd.DataFrame], region: str, stage: str) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """The four tables, sorted, and the summary."""
    job = plan(region, stage)
    quotas = {programme: find_quota(inputs["quota"], programme, job) for programme in ("bpnt", "pkh")}
    register = look_at_families(inputs, job)
    shared, components = judge_families(inputs, register, job)
    warnings = collect_codes(register.families, register.warnings)
    decisions, findings = {}, []
    for programme, quota in quotas.items():
        decided, found = decide_programme(programme, register, shared, components, quota, job)
        decisions[programme] = decided.assign(warnings=warnings)
        findings.append(found)
    components = components.sort_values(["no_kk", "nik", "component"], na_position="first").assign(programme="pkh")
    tables = {
        "decisions": to_arrow("decisions", pd.concat(decisions.values())),
        "components": to_arrow("components", components),
        "findings": to_arrow("findings", pd.concat(findings)),
        "not_decided": to_arrow("not_decided", register.not_decided),
    }
    programmes = {
        programme: summarise_programme(programme, rows, tables, quotas[programme], job.rules)
        for programme, rows in decisions.items()
    }
    return tables, summarise(job, register, inputs["signal"], programmes)


def main() -> None:
    """The command line; exit 1 where the inputs are refused."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--region", required=True)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--inputs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    if not re.fullmatch(r"\d{4}-T[1-4]", args.stage):
        parser.error("--stage is written 2026-T1")
    pa.set_cpu_count(args.threads)
    pa.set_io_thread_count(args.threads)
    try:
        tables, summary = determine(read_inputs(args.inputs), args.region, args.stage)
    except InputError as error:
        sys.exit(f"error: {error}")
    args.out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        pq.write_table(table, args.out / f"{name}.parquet", compression="zstd")
    (args.out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
