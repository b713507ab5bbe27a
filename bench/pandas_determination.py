"""PKH and BPNT of one region decided in pandas: the independent rival of the benchmark.

Written from the rules alone and apart from the product, with which it shares no code. It does the whole job once: reads
the Parquet inputs, checks them, decides every family with reasons, components and findings, orders the queue, and writes
the four tables sorted and their list digests.

How it gets its speed: NIK and No KK are int64 (other texts get negative numbers), words are small integers, families are
numbered in the order of their cards so that a table by family is sorted already, and duplicates, contested heads and caps
are worked on as small tables of their own. Dates are days since 1970.

Usage: python bench/pandas_determination.py --region 35.10 --stage 2026-T1 --inputs DIR --out DIR [--threads 2]
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

Array = np.ndarray
REFERENCE = Path(__file__).resolve().parent.parent / "reference"

NO_ID = -1
NEVER, FOREVER = -(2**31), 2**31 - 1  # a null date where null is oldest, and where null is youngest
MOVED, ACTIVE, DECEASED = 0, 1, 2
MALE, FEMALE = 1, 2
LEVELS = {"sd": 1, "smp": 2, "sma": 3}

EMPLOYMENT = {
    "ASN": "ANGGOTA_ASN",
    "TNI_POLRI": "ANGGOTA_TNI_POLRI",
    "PENSIUNAN": "ANGGOTA_PENSIUNAN",
    "BUMN_BUMD": "PEGAWAI_BUMN_BUMD",
    **{code: code for code in ("UPAH_APBN_APBD", "PERANGKAT_DESA", "GURU_SERTIFIKASI", "TENAGA_KESEHATAN", "SDM_KESOS")},
    "PENGURUS_PERUSAHAAN": "PENGURUS_PERUSAHAAN",
}
NUMBERS = ("WAGE", "ELECTRICITY", "CAR", "LAND", "BALANCE", "PREGNANT")
SIGNALS = (*EMPLOYMENT, *NUMBERS, "GAMBLING", "ENROLLED", "RIGHTS_VICTIM")
SIGNAL_ID = {code: number for number, code in enumerate(SIGNALS)}

MISSING = (
    "BELUM_ADA_DESIL", "DATA_DIKARANTINA", "NIK_TIDAK_PADAN", "NIK_TIDAK_VALID", "NOMOR_KEHAMILAN_KOSONG",
    "TIDAK_ADA_DATA_KELUARGA",
)  # fmt: skip
CODES = sorted(
    {*MISSING, *EMPLOYMENT.values(), "DAYA_LISTRIK", "DESIL_DI_ATAS_BATAS", "DI_LUAR_KUOTA", "KENDARAAN_RODA_4", "MENINGGAL"}
    | {"TIDAK_ADA_KOMPONEN", "UPAH_DI_ATAS_UMK"}
)
CODE_ID = {code: number for number, code in enumerate(CODES)}
BIT = {code: 1 << number for code, number in CODE_ID.items()}
MISSING_BITS = sum(BIT[code] for code in MISSING)
WARNINGS = ("GANTI_PENGURUS", "KK_GANDA", "NIK_GANDA", "NIK_JENIS_KELAMIN_BEDA", "NIK_TGL_LAHIR_BEDA", "NIK_TIDAK_VALID")
WARN = {warning: 1 << number for number, warning in enumerate(WARNINGS)}

COMPONENTS = ("AUD", "DISABILITAS", "HAM", "HAMIL", "LANSIA", "SD", "SMA", "SMP")
AUD, DISABILITAS, HAM, HAMIL, LANSIA, SD, SMA, SMP = range(8)
AMOUNT = np.array([3_000_000, 2_400_000, 10_800_000, 3_000_000, 2_400_000, 900_000, 2_000_000, 1_500_000])
PRIORITY = np.array([1, 5, 0, 7, 6, 2, 4, 3])
NOT_COUNTED = (
    None, "BATAS_ANAK", "BATAS_ANAK_USIA_DINI", "BATAS_DISABILITAS", "BATAS_KOMPONEN", "BATAS_LANSIA", "KEHAMILAN_KE_3",
    "NIK_TIDAK_VALID", "NOMOR_KEHAMILAN_KOSONG", "SATU_ORANG_SATU_KOMPONEN", "TIDAK_TERDAFTAR_DAPODIK",
)  # fmt: skip
WHY = {reason: number for number, reason in enumerate(NOT_COUNTED)}
BPNT_YEAR_IDR = 2_400_000
OUTCOMES = ("LAYAK", "ANTREAN", "TIDAK_LAYAK", "TUNDA")

_DTSEN = "Kepmensos 79/HUK/2025"
_EXCLUSION = "Kepmensos 73/HUK/2024; Kepmensos 245/HUK/2025"
LEGAL_BASIS = [_DTSEN if code in (*MISSING, "DESIL_DI_ATAS_BATAS", "TIDAK_ADA_KOMPONEN") else _EXCLUSION for code in CODES]


def refuse(message: str) -> None:
    """End with exit code 1: the data cannot be decided."""
    raise SystemExit(f"refused: {message}")


@dataclass(frozen=True)
class Rules:
    """The rules in force on `as_of` (a cap that is None does not exist)."""

    as_of: date
    gate_is_decile: bool
    counts_victims: bool
    elderly_min_age: int
    max_elderly: int | None
    max_disability: int | None
    max_children: int | None
    max_early_childhood: int = 2
    max_members: int = 4
    pregnancy_max_number: int = 2
    electricity_min_va: int = 2200
    car_min_count: int = 1
    pregnant_months: int = 10
    enrolled_months: int = 12

    @property
    def today(self) -> int:
        """`as_of` in days since 1970."""
        return (self.as_of - date(1970, 1, 1)).days

    def days_before(self, months: int) -> int:
        """The day that many months before `as_of`, which is the first of a month, in days since 1970."""
        month = self.as_of.year * 12 + self.as_of.month - 1 - months
        return (date(month // 12, month % 12 + 1, 1) - date(1970, 1, 1)).days


MAX_DECILE = {"bpnt": 5, "pkh": 4}


def rules_of(stage: str) -> Rules:
    """The rule set of a stage such as 2026-T1."""
    found = re.fullmatch(r"(\d{4})-T([1-4])", stage)
    if not found:
        print(f"malformed stage {stage}", file=sys.stderr)
        raise SystemExit(2)
    as_of = date(int(found[1]), int(found[2]) * 3 - 2, 1)
    if as_of < date(2020, 1, 1):
        refuse("no rules before 2020-01-01")
    new = as_of >= date(2024, 1, 1)
    old_cap = None if new else 1
    return Rules(as_of, as_of >= date(2025, 4, 1), new, 60 if new else 70, old_cap, old_cap, 3 if new else None)


# --- reading -----------------------------------------------------------------------------------------------------------


def read(inputs: Path, name: str, required: str, optional: str = "", words: Iterable[str] = ()) -> pa.Table | None:
    """A dataset's columns (null where an optional one is absent), or None where there is no such file."""
    path = inputs / f"{name}.parquet"
    path = path if path.exists() else inputs / name
    if not path.exists():
        return None
    there = set(ds.dataset(path, format="parquet").schema.names)
    if missing := [column for column in required.split() if column not in there]:
        refuse(f"{name}: no column {', '.join(missing)}")
    columns = f"{required} {optional}".split()
    present = [column for column in columns if column in there]
    table = pq.read_table(path, columns=present, read_dictionary=[word for word in words if word in there])
    for column in columns:
        if column not in there:
            table = table.append_column(column, pa.nulls(len(table)))
    return table


def must_read(inputs: Path, name: str, required: str, optional: str = "", words: Iterable[str] = ()) -> pa.Table:
    """`read`, refusing where the dataset is missing."""
    table = read(inputs, name, required, optional, words)
    if table is None:
        refuse(f"no dataset {name}")
    return table


def integers(column: pa.ChunkedArray, null: int, kind: pa.DataType = pa.int64()) -> Array:
    """A column as numpy integers with `null` for nulls; a value of another type is refused."""
    try:
        numbers = column.cast(kind)
    except pa.ArrowInvalid:
        refuse("a value is not of its column's type")
    if pa.types.is_date32(kind) or pa.types.is_boolean(kind):
        numbers = numbers.cast(pa.int32())
    return pc.fill_null(numbers, null).to_numpy() if numbers.null_count else numbers.to_numpy()


def days(column: pa.ChunkedArray, null: int) -> Array:
    """A date column as days since 1970."""
    return integers(column, null, pa.date32())


def as_dictionary(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """A text column, dictionary-encoded."""
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    array = column.unify_dictionaries().combine_chunks()
    return array if isinstance(array, pa.DictionaryArray) else pa.concat_arrays(array.chunks)


def coded(column: pa.ChunkedArray, known: dict[str, int], null: int, unknown: int | None = None) -> Array:
    """A column of words as numbers, whatever their case; an unknown word is refused unless `unknown` says otherwise."""
    array = as_dictionary(column)
    meaning = []
    for word in array.dictionary.to_pylist():
        number = null if word is None or word == "" else known.get(word.casefold(), unknown)
        if number is None:
            refuse(f"unknown word {word!r}")
        meaning.append(number)
    indices = pc.fill_null(array.indices, -1).to_numpy()
    return np.array([*meaning, null], dtype=np.int32)[indices]


class Ids:
    """NIK and No KK as int64: 16 digits are themselves, null is -1, any other text a negative number of its own."""

    def __init__(self) -> None:
        self.odd: dict[str, int] = {}

    def codes(self, column: pa.ChunkedArray, any_text: bool = False) -> Array:
        """The numbers of a column of ids; one that was written as a number is refused unless `any_text`."""
        text = column.cast(pa.string())
        plain = pc.and_(pc.equal(pc.binary_length(text), 16), pc.ascii_is_decimal(text))
        if pc.all(plain).as_py() is not False:
            return integers(text, NO_ID)
        numbers = integers(pc.if_else(plain, text, None), NO_ID).copy()
        rows = np.flatnonzero(pc.fill_null(pc.invert(plain), False).to_numpy())
        odd_texts = text.take(pa.array(rows)).to_pylist()
        if not any_text and any(re.fullmatch(r"[+-]?\d+([.,]\d*|(\.\d*)?[eE][+-]?\d+)", odd) for odd in odd_texts):
            refuse("an id is written as a number")
        numbers[rows] = [self.odd.setdefault(odd, -2 - len(self.odd)) if odd else NO_ID for odd in odd_texts]
        return numbers

    def texts(self, codes: Array) -> pa.Array:
        """The text of each number, null for -1."""
        text = pa.array(codes, mask=codes < 0).cast(pa.string())
        if len(codes) and codes.min() < 10**15:
            text = pc.utf8_lpad(text, 16, "0")
            odd = {number: word for word, number in self.odd.items()}
            if (strange := codes < NO_ID).any():
                text = pc.replace_with_mask(text, pa.array(strange), pa.array([odd[code] for code in codes[strange].tolist()]))
        return text

    def order(self, codes: Array) -> Array:
        """Numbers that sort as the texts do, nulls first."""
        if not (codes < NO_ID).any():
            return codes
        unique, inverse = np.unique(codes, return_inverse=True)
        words = [word or "" for word in self.texts(unique).to_pylist()]
        rank = np.empty(len(unique), dtype=np.int64)
        rank[sorted(range(len(unique)), key=words.__getitem__)] = np.arange(len(unique))
        return rank[inverse]


# --- step 1: persons ---------------------------------------------------------------------------------------------------


def month_of(day_numbers: Array) -> tuple[Array, Array]:
    """Months since year 0 and the day in the month."""
    dates = day_numbers.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    return months.astype(np.int64) + 1970 * 12, (dates - months).astype(np.int64) + 1


def is_valid(nik: Array) -> Array:
    """Whether the 16 digits can be a NIK: no region pair 00, a real day in 19yy or 20yy, serial not 0000."""
    month_length = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    region, born, serial = nik // 10**10, nik // 10**4 % 10**6, nik % 10**4
    day, month, year = born // 10**4, born // 100 % 100, born % 100
    day = np.where(day > 40, day - 40, day)
    last = month_length[np.where(month > 12, 0, month)] - ((month == 2) & (year % 4 != 0))
    regions = (region // 10**4 > 0) & (region // 100 % 100 > 0) & (region % 100 > 0)
    return (nik > 0) & regions & (day >= 1) & (day <= last) & (serial > 0)


def remove_future(rows: pd.DataFrame, today: int) -> pd.DataFrame:
    """What `as_of` does not see: later births and arrivals are not there, later deaths and moves have not happened."""
    later = rows["since"].to_numpy() > today
    not_yet = later & (rows["status"].to_numpy() != ACTIVE)
    unborn = (rows["birth"].to_numpy() > today) & (rows["birth"].to_numpy() != FOREVER)
    gone = (later & ~not_yet) | unborn
    if not_yet.any():
        rows.loc[not_yet, ["status", "since"]] = [ACTIVE, NEVER]
    return rows[~gone].reset_index(drop=True) if gone.any() else rows


def one_row_each(rows: pd.DataFrame, ids: Ids) -> tuple[pd.DataFrame, Array]:
    """One row per valid NIK (equal rows merged for the others), and the cards to warn of `NIK_GANDA`."""
    repeated = rows["nik"].duplicated(keep=False).to_numpy()
    if not repeated.any():
        return rows, np.array([], dtype=np.int64)
    valid = rows["valid"].to_numpy()
    doubles = rows[repeated & valid].copy()
    dead = doubles["status"] == DECEASED
    doubles.loc[dead & (doubles["since"] == NEVER), "since"] = FOREVER
    last_death = doubles["since"].where(dead, NEVER).groupby(doubles["nik"]).transform("max")
    has_death = dead.groupby(doubles["nik"]).transform("any")
    returned = (doubles["status"] == ACTIVE) & has_death & (doubles["since"] > last_death)
    doubles["class"] = np.where(returned, 3, doubles["status"])
    doubles["card_order"] = ids.order(doubles["no_kk"].to_numpy())
    doubles["born"] = doubles["birth"].replace(FOREVER, NEVER)
    keys = ["class", "since", "card_order", "born", "sex", "relation", "region", "district", "village"]
    winners = doubles.sort_values(["nik", *keys]).drop_duplicates("nik", keep="last")
    carded = doubles[(doubles["status"] == ACTIVE) & (doubles["no_kk"] != NO_ID)]
    several = carded.groupby("nik")["no_kk"].transform("nunique") > 1
    returned_cards = winners.loc[winners["class"] == 3, "no_kk"]
    warned = pd.concat([carded.loc[several, "no_kk"], returned_cards]).unique()
    keep = ~(repeated & valid)
    keep[winners.index] = True
    invalid = rows[repeated & ~valid]
    keep[invalid.index[invalid.duplicated()]] = False
    return rows[keep].reset_index(drop=True), warned


def number_warnings(persons: pd.DataFrame) -> Array:
    """The warnings that a person's NIK gives, as bits."""
    nik, birth, sex = (persons[name].to_numpy() for name in ("nik", "birth", "sex"))
    valid = persons["valid"].to_numpy()
    digits = nik // 10**4 % 10**6
    female = digits > 409_999
    digits = digits - female * 400_000
    month, born_day = month_of(birth)
    birth_digits = born_day * 10_000 + (month % 12 + 1) * 100 + month // 12 % 100
    date_differs = valid & (birth != FOREVER) & (digits != birth_digits)
    sex_differs = valid & (sex > 0) & (female != (sex == FEMALE))
    bits = date_differs * WARN["NIK_TGL_LAHIR_BEDA"] + sex_differs * WARN["NIK_JENIS_KELAMIN_BEDA"]
    return (bits + ~valid * WARN["NIK_TIDAK_VALID"]).astype(np.uint8)


class Register:
    """The persons of step 1 and the ways to find them by NIK."""

    def __init__(self, persons: pd.DataFrame, all_nik: Array, all_rows: pd.DataFrame) -> None:
        self.persons = persons
        self.visible_rows = all_rows
        again = persons["nik"].duplicated().to_numpy() if not persons["valid"].all() else np.zeros(len(persons), dtype=bool)
        self._again = pd.DataFrame({"nik": persons["nik"].to_numpy()[again], "person": np.flatnonzero(again)})
        self._first = np.flatnonzero(~again)
        self._index = pd.Index(persons["nik"].to_numpy()[self._first])
        self._unseen = all_nik if len(all_nik) != len(all_rows) else None

    def find(self, nik: Array) -> Array:
        """The position of each NIK's (first) person, -1 where there is none."""
        found = self._index.get_indexer(nik)
        if len(self._first) != len(self.persons):
            found = np.where(found >= 0, self._first[found], -1)
        return np.where(nik == NO_ID, -1, found)

    def is_unknown(self, nik: Array, found: Array) -> Array:
        """Whether a NIK is null or stands in no row of `population`, whatever its date."""
        unknown = found < 0
        if self._unseen is not None and unknown.any():
            unknown[unknown] = ~np.isin(nik[unknown], self._unseen) | (nik[unknown] == NO_ID)
        return unknown

    def pairs(self, nik: Array, found: Array) -> tuple[Array, Array]:
        """Rows and persons that belong together: an invalid NIK can be several persons'."""
        row = np.flatnonzero(found >= 0)
        person = found[row]
        if len(self._again):
            more = pd.DataFrame({"nik": nik, "row": np.arange(len(nik))}).merge(
                self._again[self._again["nik"] != NO_ID], on="nik"
            )
            row, person = np.append(row, more["row"]), np.append(person, more["person"])
        return row, person

    def is_deceased(self, nik: Array, found: Array) -> Array:
        """Whether all persons of that NIK are deceased in the register."""
        status = self.persons["status"].to_numpy()
        dead = (found >= 0) & (status[found] == DECEASED)
        row, person = self.pairs(nik, found)
        dead[row[status[person] != DECEASED]] = False
        return dead


# --- step 3: welfare rows ----------------------------------------------------------------------------------------------


def choose_welfare(table: pa.Table, ids: Ids, places: dict[str, int], today: int) -> tuple[pd.DataFrame, Array]:
    """The welfare row that counts per No KK, and the cards to warn of `KK_GANDA`."""
    periods = as_dictionary(table["dtsen_period"]).dictionary.to_pylist()
    began = {}
    for period in periods:
        found = re.fullmatch(r"(\d{4})-Q([1-4])", period.upper())
        if not found:
            refuse(f"welfare_family: malformed dtsen_period {period!r}")
        began[period.casefold()] = (date(int(found[1]), int(found[2]) * 3 - 2, 1) - date(1970, 1, 1)).days
    rows = pd.DataFrame(
        {
            "no_kk": ids.codes(table["no_kk"]),
            "period": coded(table["dtsen_period"], began, FOREVER),
            "decile": integers(table["decile"], -1),
            "rank": integers(table["national_rank"], NEVER),
            "va": integers(table["electricity_va"], NEVER),
            **{place: coded(table[f"{place}_code"], places, -1) for place in ("region", "district", "village")},
        }
    )
    decile = rows["decile"].to_numpy()
    rows["decile"] = np.where((decile < 1) | (decile > 10), -1, decile)
    counts = ((rows["period"] < today) & (rows["no_kk"] != NO_ID)).to_numpy()
    repeated = rows["no_kk"].duplicated(keep=False).to_numpy() & counts
    if not repeated.any():
        return (rows if counts.all() else rows[counts]), np.array([], dtype=np.int64)
    doubles = rows[repeated].assign(
        dtsen_id=table["dtsen_family_id"].cast(pa.string()).take(pa.array(np.flatnonzero(repeated))).to_pandas().to_numpy()
    )
    winners = doubles.sort_values(list(rows.columns)).drop_duplicates("no_kk", keep="last")
    regions = doubles[doubles["region"] >= 0].groupby("no_kk")["region"].nunique()
    unlike = doubles.drop_duplicates()
    unlike = unlike.loc[unlike.duplicated(["no_kk", "period"]), "no_kk"]
    keep = counts & ~repeated
    keep[winners.index] = True
    return rows[keep], np.union1d(regions.index[regions > 1].to_numpy(), unlike.to_numpy())


# --- step 2: signals ---------------------------------------------------------------------------------------------------


def read_numbers(text: pa.ChunkedArray) -> Array:
    """Numeric signal values: digits with an optional .0; empty is NEVER; the four words for no are 0."""
    if pc.all(pc.ascii_is_decimal(text)).as_py() is not False:
        return integers(text, NEVER)
    lower = pc.utf8_lower(text)
    lower = pc.if_else(pc.is_in(lower, pa.array(["false", "none", "tidak"])), "0", pc.if_else(pc.equal(lower, ""), None, lower))
    if pc.all(pc.match_substring_regex(lower, r"^[0-9]+(\.0+)?$")).as_py() is False:
        refuse("signal: a number of another form than digits with an optional .0")
    return integers(pc.replace_substring_regex(lower, r"\.0+$", ""), NEVER)


@dataclass
class Signals:
    """What the signals say of the members: one row per person and code that holds (ELECTRICITY of 0 too)."""

    facts: pd.DataFrame  # person, code, size (number, level, or order of the value), source, row in `values`
    values: pa.ChunkedArray
    sources: list[str]
    has_pregnancy_signal: Array  # persons with a PREGNANT signal of any age
    ignored: int

    def of(self, code: str) -> pd.DataFrame:
        """The facts of one code."""
        return self.facts[self.facts["code"].to_numpy() == SIGNAL_ID[code]]


def read_signals(table: pa.Table, ids: Ids, register: Register, wanted: Array, rules: Rules) -> Signals:
    """Step 2 for the `wanted` persons."""
    code = coded(table["code"], {name.casefold(): number for name, number in SIGNAL_ID.items()}, -1, unknown=-1)
    observed = days(table["observed_on"], NEVER)
    source_words = sorted(word for word in as_dictionary(table["source"]).dictionary.to_pylist() if word)
    source = sorted_words(table["source"], source_words)
    is_number = np.isin(code, [SIGNAL_ID[name] for name in NUMBERS])
    seen = (code >= 0) & (observed <= rules.today)
    size = np.full(len(table), NEVER, dtype=np.int64)
    numbers = np.flatnonzero(seen & is_number)
    size[numbers] = read_numbers(table["value"].cast(pa.string()).take(pa.array(numbers)))
    nik = ids.codes(table["nik"])
    row, person = register.pairs(nik, register.find(nik))
    used = wanted[person] & seen[row]
    row, person = row[used], person[used]
    facts = pd.DataFrame(
        {"person": person, "code": code[row], "source": source[row], "observed": observed[row], "size": size[row], "row": row}
    )
    values = table["value"].cast(pa.string())
    facts = value_sizes(facts, values)
    empty = facts["size"].to_numpy() == NEVER
    needs_number = np.isin(facts["code"].to_numpy(), [SIGNAL_ID[name] for name in ("WAGE", "ELECTRICITY", "LAND", "BALANCE")])
    facts = facts[~(needs_number & empty)]
    pregnant = np.zeros(len(wanted), dtype=bool)
    pregnant[facts.loc[facts["code"] == SIGNAL_ID["PREGNANT"], "person"]] = True
    return Signals(newest_facts(facts, rules), values, source_words, pregnant, int((code < 0).sum()))


def sorted_words(column: pa.ChunkedArray, words: list[str]) -> Array:
    """A text column as positions in the sorted `words`, -1 where null."""
    array = as_dictionary(column)
    position = {word: number for number, word in enumerate(words)}
    meaning = np.array([*(position.get(word, -1) for word in array.dictionary.to_pylist()), -1], dtype=np.int32)
    return meaning[pc.fill_null(array.indices, -1).to_numpy()]


def value_sizes(facts: pd.DataFrame, values: pa.ChunkedArray) -> pd.DataFrame:
    """Give each fact `holds`, and a `size` to the values that are no numbers: the level, or the order of the text."""
    code, size = facts["code"].to_numpy(), facts["size"].to_numpy().copy()
    is_number = np.isin(code, [SIGNAL_ID[name] for name in NUMBERS])
    holds = np.where(is_number, size != 0, True)
    car = (code == SIGNAL_ID["CAR"]) & (size == NEVER)
    size[car] = 1
    words = np.flatnonzero(~is_number)
    text = as_dictionary(pa.chunked_array([values.take(pa.array(facts["row"].to_numpy()[words])).combine_chunks()]))
    meanings = text.dictionary.to_pylist()
    rank = {word: number for number, word in enumerate(sorted(meanings))}
    index = pc.fill_null(text.indices, -1).to_numpy()
    says_no = np.array([*(word.casefold() in {"0", "false", "none", "tidak"} for word in meanings), False])
    holds[words] = ~says_no[index]
    as_text = np.array([*(rank[word] if word else NEVER for word in meanings), NEVER], dtype=np.int64)[index]
    as_level = np.array([*(LEVELS.get(word.casefold(), 0) for word in meanings), 0])[index]
    size[words] = np.where(code[words] == SIGNAL_ID["ENROLLED"], as_level, as_text)
    return facts.assign(holds=holds, size=size)


def newest_facts(facts: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """The newest observation per person, code and source, then the greatest over the sources."""
    fact = facts["person"].to_numpy() * len(SIGNALS) + facts["code"].to_numpy()
    repeated = pd.Series(fact).duplicated(keep=False).to_numpy()
    facts = facts.assign(fact=fact)
    single, several = facts[~repeated], facts[repeated]
    several = several.sort_values(["observed", "holds", "size"]).drop_duplicates(["fact", "source"], keep="last")
    limits = {"PREGNANT": rules.days_before(rules.pregnant_months), "ENROLLED": rules.days_before(rules.enrolled_months)}

    def in_force(rows: pd.DataFrame) -> pd.DataFrame:
        code, observed = rows["code"].to_numpy(), rows["observed"].to_numpy()
        kept = rows["holds"].to_numpy() | (code == SIGNAL_ID["ELECTRICITY"])
        for name, oldest in limits.items():
            kept &= (code != SIGNAL_ID[name]) | (observed >= oldest)
        return rows[kept]

    several = in_force(several).sort_values(["size", "source"], ascending=[False, True]).drop_duplicates("fact")
    return pd.concat([in_force(single), several])


# --- step 4: families --------------------------------------------------------------------------------------------------


@dataclass
class Families:
    """Arrays by family, families in the order of their No KK."""

    no_kk: Array
    index: pd.Index
    size: Array
    head: Array  # position of the head's person, -1 without members
    has_welfare: Array
    decile: Array  # -1 where null
    rank: Array  # NEVER where null
    va: Array  # NEVER where null
    place: dict[str, Array]  # region, district, village; -1 where null
    warnings: Array
    reasons: Array  # codes that hold for both programmes, as bits
    decided: Array

    def find(self, no_kk: Array) -> Array:
        """The family of each No KK, -1 where there is none."""
        return np.where(no_kk == NO_ID, -1, self.index.get_indexer(no_kk))


def build_families(persons: pd.DataFrame, welfare: pd.DataFrame, ids: Ids) -> Families:
    """Every family seen, with members, head, place and welfare row. Adds `family` to the persons."""
    card = np.where(persons["status"].to_numpy() == ACTIVE, persons["no_kk"].to_numpy(), NO_ID)
    cards = np.unique(np.concatenate([card[card != NO_ID], welfare["no_kk"].to_numpy()]))
    if len(cards) and cards[0] < NO_ID:
        cards = cards[np.argsort(ids.order(cards))]
    index = pd.Index(cards)
    family = np.where(card == NO_ID, -1, index.get_indexer(card))
    persons["family"] = family
    member = family >= 0
    count = len(cards)
    size = np.bincount(family[member], minlength=count)
    head = find_heads(persons, member, size, ids)
    at = index.get_indexer(welfare["no_kk"].to_numpy())

    def from_welfare(name: str, null: int) -> Array:
        values = np.full(count, null, dtype=np.int64)
        values[at] = welfare[name].to_numpy()
        return values

    has_welfare = np.zeros(count, dtype=bool)
    has_welfare[at] = True
    by_register = (size > 0) & (persons["region"].to_numpy()[head] >= 0)
    place = {
        name: np.where(by_register, persons[name].to_numpy()[head], from_welfare(name, -1))
        for name in ("region", "district", "village")
    }
    welfare_values = (from_welfare("decile", -1), from_welfare("rank", NEVER), from_welfare("va", NEVER))
    bits = np.zeros(count, dtype=np.uint8), np.zeros(count, dtype=np.int64)
    return Families(cards, index, size, head, has_welfare, *welfare_values, place, *bits, np.zeros(count, dtype=bool))


def find_heads(persons: pd.DataFrame, member: Array, size: Array, ids: Ids) -> Array:
    """Each family's head: its member of relation 1, else its oldest; where that is contested oldest first, then by NIK."""
    family = persons["family"].to_numpy()
    named = np.flatnonzero(member & (persons["relation"].to_numpy() == 1))
    head = np.full(len(size), -1)
    head[family[named]] = named
    contested = (np.bincount(family[named], minlength=len(size)) != 1) & (size > 0)
    if contested.any():
        rows = np.flatnonzero(member & contested[family])
        place = ["since", "sex", "relation", "region", "district", "village"]
        rest = persons.loc[rows, ["family", "birth", *place]].assign(
            other=persons["relation"].to_numpy()[rows] != 1, nik_order=ids.order(persons["nik"].to_numpy()[rows])
        )
        rest = rest.sort_values(["family", "other", "birth", "nik_order", *place]).drop_duplicates("family")
        head[rest["family"]] = rest.index
    return head


@dataclass
class WelfarePersons:
    """The welfare file's persons, matched to families and register."""

    nik: Array
    family: Array
    person: Array
    relation: Array
    severe: Array
    pregnant: Array
    pregnancy_number: Array
    level: Array


def read_welfare_persons(table: pa.Table, ids: Ids, register: Register, families: Families) -> tuple[WelfarePersons, Array]:
    """The rows of `welfare_person`, and the cards to warn of `NIK_GANDA`."""
    nik, no_kk = ids.codes(table["nik"]), ids.codes(table["no_kk"])
    person = register.find(nik)
    rows = WelfarePersons(
        nik,
        families.find(no_kk),
        person,
        integers(table["family_relation"], 0),
        coded(table["disability"], {"none": 0, "mild": 0, "severe": 1}, 0) == 1,
        integers(table["is_pregnant"], 0, pa.bool_()) == 1,
        integers(table["pregnancy_number"], NEVER),
        coded(table["school_level"], LEVELS, 0),
    )
    twice = np.bincount(person + 1, minlength=len(register.persons) + 1) > 1
    maybe = np.flatnonzero((nik != NO_ID) & (no_kk != NO_ID) & twice[person + 1])
    double = pd.DataFrame({"nik": nik[maybe], "no_kk": no_kk[maybe]}).drop_duplicates()
    return rows, double.loc[double["nik"].duplicated(keep=False), "no_kk"].unique()


def warn(families: Families, cards: Array, warning: str) -> None:
    """Set a warning on families, by No KK."""
    found = families.find(cards)
    families.warnings[found[found >= 0]] |= WARN[warning]


def warn_families(families: Families, persons: pd.DataFrame, heads_dead: Array) -> None:
    """The warnings of steps 1 and 4 that come from the members and the head."""
    family = persons["family"].to_numpy()
    bits = number_warnings(persons)
    for warning in ("NIK_TGL_LAHIR_BEDA", "NIK_JENIS_KELAMIN_BEDA", "NIK_TIDAK_VALID"):
        concerned = family[(bits & WARN[warning] > 0) & (family >= 0)]
        families.warnings[concerned] |= WARN[warning]
    has_members = families.size > 0
    no_head = has_members & (persons["relation"].to_numpy()[families.head] != 1)
    families.warnings[no_head] |= WARN["GANTI_PENGURUS"]
    families.warnings[heads_dead[has_members[heads_dead]]] |= WARN["GANTI_PENGURUS"]


def judge_empty(families: Families, register: Register, welfare: WelfarePersons) -> tuple[Array, Array, pd.DataFrame]:
    """Of the families without members: the unmatched and the deceased ones, and all their persons."""
    rows = register.visible_rows
    empty = families.size == 0
    card = families.find(rows["no_kk"].to_numpy()) if empty.any() else np.full(len(rows), -1)
    on_card = np.flatnonzero((card >= 0) & empty[card])
    named = np.flatnonzero((welfare.family >= 0) & empty[welfare.family])
    people = pd.DataFrame(
        {
            "family": np.concatenate([card[on_card], welfare.family[named]]),
            "nik": np.concatenate([rows["nik"].to_numpy()[on_card], welfare.nik[named]]),
        }
    ).drop_duplicates()
    nik = people["nik"].to_numpy()
    found = register.find(nik)
    unknown = register.is_unknown(nik, found)
    alive = ~register.is_deceased(nik, found)
    count = len(families.no_kk)
    has_people, has_unknown, has_alive = (
        np.bincount(people["family"].to_numpy(), weights=of, minlength=count) > 0 for of in (np.ones(len(people)), unknown, alive)
    )
    unmatched = empty & (~has_people | has_unknown)
    return unmatched, empty & ~unmatched & ~has_alive, people


def registered_families(inputs: Path, ids: Ids, register: Register, families: Families, today: int) -> Array:
    """Which families have a consenting registration (scope `registrants`)."""
    table = must_read(inputs, "registration", "nik no_kk registered_at consent")
    when = table["registered_at"]
    if pa.types.is_timestamp(when.type):
        zoned = when if when.type.tz else pc.assume_timezone(when, "Asia/Jakarta")
        moment = zoned.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
        day = pc.local_timestamp(zoned.cast(pa.timestamp("us", tz="Asia/Jakarta"))).cast(pa.date32())
    else:
        day = when.cast(pa.date32())
        moment = day.cast(pa.int32()).cast(pa.int64())
    rows = pd.DataFrame(
        {
            "nik": ids.codes(table["nik"]),
            "no_kk": ids.codes(table["no_kk"]),
            "day": days(day, FOREVER),
            "moment": integers(moment, 0),
            "consent": integers(table["consent"], 0, pa.bool_()),
        }
    )
    rows = rows[(rows["nik"] != NO_ID) & (rows["day"] <= today)]
    rows = rows.sort_values(["moment", "consent"], ascending=[True, False]).drop_duplicates("nik", keep="last")
    rows = rows[rows["consent"] == 1]
    person = register.find(rows["nik"].to_numpy())
    has_row = (person >= 0) & is_valid(rows["nik"].to_numpy())
    own = np.where(has_row, register.persons["no_kk"].to_numpy()[person], NO_ID)
    family = families.find(np.where(own == NO_ID, rows["no_kk"].to_numpy(), own))
    considered = np.zeros(len(families.no_kk), dtype=bool)
    considered[family[family >= 0]] = True
    return considered


# --- steps 5 and 6: missing data and refusals --------------------------------------------------------------------------


class Findings:
    """The findings that both programmes share, gathered by code."""

    def __init__(self, families: Families, sources: Iterable[str]) -> None:
        self.families = families
        self.sources = sorted({*sources, "DTSEN", "DUKCAPIL"})
        self.parts: list[tuple[Array, Array, Array, Array, pa.Array]] = []

    def add(
        self, code: str, family: Array, nik: Array | None = None, source: Any = None, observed: pa.Array | None = None
    ) -> None:
        """Note a code on decided families and set its reason; `source` is one name or positions in `sources`."""
        count = len(family)
        self.families.reasons[family] |= BIT[code]
        if source is None or isinstance(source, str):
            source = np.full(count, -1 if source is None else self.sources.index(source))
        nik = np.full(count, NO_ID) if nik is None else nik
        self.parts.append(
            (
                family,
                nik,
                np.full(count, CODE_ID[code]),
                source,
                observed if observed is not None else pa.nulls(count, pa.string()),
            )
        )


def number_texts(values: Array) -> pa.Array:
    """Whole numbers as text."""
    return pa.array(values).cast(pa.string())


def add_signal_findings(
    findings: Findings, signals: Signals, persons: pd.DataFrame, rules: Rules, wage_limit: int | None
) -> None:
    """Exclusions that a member's signal proves."""
    family, nik = persons["family"].to_numpy(), persons["nik"].to_numpy()
    source_of = np.array([*(findings.sources.index(word) for word in signals.sources), -1])

    def note(code: str, facts: pd.DataFrame, observed: pa.Array) -> None:
        person = facts["person"].to_numpy()
        findings.add(code, family[person], nik[person], source_of[facts["source"].to_numpy()], observed)

    for signal, code in EMPLOYMENT.items():
        facts = signals.of(signal)
        observed = signals.values.take(pa.array(facts["row"].to_numpy())).combine_chunks()
        note(code, facts, pc.if_else(pc.equal(observed, ""), None, observed))
    wages = signals.of("WAGE")
    if len(wages) and wage_limit is None:
        refuse("minimum_wage: no figure for the region and year, and a member has a wage")
    wages = wages[wages["size"] > (wage_limit or 0)]
    note("UPAH_DI_ATAS_UMK", wages, number_texts(wages["size"].to_numpy()))
    cars = signals.of("CAR")
    cars = cars[cars["size"] >= rules.car_min_count]
    note("KENDARAAN_RODA_4", cars, number_texts(cars["size"].to_numpy()))


def add_electricity(findings: Findings, signals: Signals, persons: pd.DataFrame, rules: Rules, ids: Ids) -> None:
    """The greatest power of the members, or the welfare row's where no member has any."""
    families = findings.families
    facts = signals.of("ELECTRICITY")
    person = facts["person"].to_numpy()
    power = facts.assign(family=persons["family"].to_numpy()[person], nik=persons["nik"].to_numpy()[person])
    answered = np.zeros(len(families.no_kk), dtype=bool)
    answered[power["family"]] = True
    power = power[power["size"] >= rules.electricity_min_va]
    power = power.assign(nik_order=ids.order(power["nik"].to_numpy())).sort_values(["size", "nik_order"], ascending=[False, True])
    power = power.drop_duplicates("family")
    source_of = np.array([*(findings.sources.index(word) for word in signals.sources), -1])
    source = source_of[power["source"].to_numpy()]
    findings.add(
        "DAYA_LISTRIK", power["family"].to_numpy(), power["nik"].to_numpy(), source, number_texts(power["size"].to_numpy())
    )
    said = np.flatnonzero(families.decided & ~answered & (families.va >= rules.electricity_min_va))
    findings.add("DAYA_LISTRIK", said, source="DTSEN", observed=number_texts(families.va[said]))


def add_unmatched(findings: Findings, register: Register, welfare: WelfarePersons, unmatched: Array) -> None:
    """`NIK_TIDAK_PADAN`: unknown heads, families without a valid member, and those that step 4 found."""
    families = findings.families
    at = np.flatnonzero((welfare.relation == 1) & (welfare.family >= 0))
    at = at[families.decided[welfare.family[at]]]
    unknown = at[register.is_unknown(welfare.nik[at], welfare.person[at])]
    heads = pd.DataFrame({"family": welfare.family[unknown], "nik": welfare.nik[unknown]}).drop_duplicates()
    findings.add("NIK_TIDAK_PADAN", heads["family"].to_numpy(), heads["nik"].to_numpy(), "DUKCAPIL")
    persons = register.persons
    member = (persons["family"].to_numpy() >= 0) & persons["valid"].to_numpy()
    valid = np.bincount(persons["family"].to_numpy()[member], minlength=len(families.no_kk))
    rest = families.decided & (unmatched | ((families.size > 0) & (valid == 0)))
    rest[heads["family"]] = False
    findings.add("NIK_TIDAK_PADAN", np.flatnonzero(rest), source="DUKCAPIL")


def read_quarantined(inputs: Path, ids: Ids) -> tuple[pd.DataFrame, list[str]]:
    """The rows that ingestion set aside, and the names of their sources."""
    table = read(inputs, "quarantined", "dataset nik no_kk", "source")
    if table is None:
        return pd.DataFrame({"dataset": [], "source": [], "nik": [], "no_kk": []}), []
    known = {name: number for number, name in enumerate(DATASETS)}
    sources = sorted(word for word in as_dictionary(table["source"]).dictionary.to_pylist() if word)
    columns = {"dataset": coded(table["dataset"], known, -1), "source": sorted_words(table["source"], sources)}
    return pd.DataFrame({**columns, "nik": ids.codes(table["nik"], True), "no_kk": ids.codes(table["no_kk"], True)}), sources


DATASETS = ("population", "signal", "welfare_family", "welfare_person")


def add_quarantined(findings: Findings, rows: pd.DataFrame, sources: list[str], register: Register, people: pd.DataFrame) -> None:
    """`DATA_DIKARANTINA`: a row set aside names a person of the family, or its card."""
    families = findings.families
    if not len(rows):
        return
    nik = rows["nik"].to_numpy().astype(np.int64)
    row, person = register.pairs(nik, register.find(nik))
    of_members = pd.DataFrame({"row": row, "family": register.persons["family"].to_numpy()[person]})
    named = people[people["nik"] != NO_ID].merge(pd.DataFrame({"nik": nik, "row": np.arange(len(nik))}), on="nik")
    by_nik = pd.concat([of_members[of_members["family"] >= 0], named[["row", "family"]]]).drop_duplicates()
    card = families.find(rows["no_kk"].to_numpy().astype(np.int64))
    by_card = pd.DataFrame({"row": np.flatnonzero(card >= 0), "family": card[card >= 0]})
    by_card = by_card.merge(by_nik, on=["row", "family"], how="left", indicator=True)
    by_card = by_card.loc[by_card["_merge"] == "left_only", ["row", "family"]]
    hits = pd.concat([by_nik.assign(nik=nik[by_nik["row"]]), by_card.assign(nik=NO_ID)])
    hits = hits[families.decided[hits["family"].to_numpy()]]
    hits = hits.assign(dataset=rows["dataset"].to_numpy()[hits["row"]], source=rows["source"].to_numpy()[hits["row"]])
    hits = hits.drop_duplicates(["family", "nik", "source", "dataset"])
    source_of = np.array([*(findings.sources.index(word) for word in sources), -1])
    datasets = pa.array(DATASETS).take(pa.array(hits["dataset"].to_numpy().astype(np.int64)))
    source = source_of[hits["source"].to_numpy().astype(np.int64)]
    findings.add("DATA_DIKARANTINA", hits["family"].to_numpy(), hits["nik"].to_numpy(), source, datasets)


def wage_figure(inputs: Path, region: str, as_of: date) -> int | None:
    """The minimum wage of the region on `as_of`: the regency's, else the province's."""
    columns = ("region_code", "year", "umk_idr", "ump_idr", "valid_from")
    table = read(inputs, "minimum_wage", "region_code year umk_idr ump_idr", "valid_from")
    if table is not None:
        rows = table.select(list(columns)).to_pylist()
    else:
        with (REFERENCE / "minimum_wage.csv").open(newline="", encoding="utf-8") as file:
            rows = [{name: row.get(name) or None for name in columns} for row in csv.DictReader(file)]
    found: dict[date, list[Any]] = {}
    for row in rows:
        if row["region_code"] != region or int(row["year"]) != as_of.year:
            continue
        start = row["valid_from"] or date(as_of.year, 1, 1)
        start = date.fromisoformat(start) if isinstance(start, str) else start
        if start <= as_of:
            found.setdefault(start, []).append(row["umk_idr"] if row["umk_idr"] is not None else row["ump_idr"])
    if any(len(figures) > 1 for figures in found.values()):
        refuse("minimum_wage: two rows of one day")
    figure = found[max(found)][0] if found else None
    return None if figure is None else int(float(figure))


# --- step 7: components ------------------------------------------------------------------------------------------------


def welfare_facts(welfare: WelfarePersons, register: Register) -> dict[str, Array]:
    """What the welfare file says of the members, by person: severe, pregnant, pregnancy_number, level."""
    speaks = np.flatnonzero((welfare.severe | welfare.pregnant | (welfare.level > 0)) & (welfare.family >= 0))
    row, person = register.pairs(welfare.nik[speaks], welfare.person[speaks])
    row = speaks[row]
    same = register.persons["family"].to_numpy()[person] == welfare.family[row]
    row, person = row[same], person[same]
    count = len(register.persons)
    severe, pregnant, level = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool), np.zeros(count, dtype=np.int32)
    number = np.full(count, NEVER, dtype=np.int64)
    severe[person[welfare.severe[row]]] = True
    np.maximum.at(level, person, welfare.level[row])
    expecting = welfare.pregnant[row]
    pregnant[person[expecting]] = True
    np.maximum.at(number, person[expecting], welfare.pregnancy_number[row[expecting]])
    return {"severe": severe, "pregnant": pregnant, "number": number, "level": level}


def candidates(register: Register, families: Families, facts: dict[str, Array], signals: Signals, rules: Rules) -> pd.DataFrame:
    """Every candidate component of the members of decided families, with what already speaks against it."""
    persons = register.persons
    family, birth, sex = (persons[name].to_numpy() for name in ("family", "birth", "sex"))
    member = (family >= 0) & families.decided[family]
    month, day = month_of(birth)
    today_month = rules.as_of.year * 12 + rules.as_of.month - 1
    age = np.where(birth == FOREVER, -1, (today_month - month - (rules.as_of.day < day)) // 12)
    found: list[tuple[Array, Any, Any]] = []
    if rules.counts_victims:
        victims = signals.of("RIGHTS_VICTIM")["person"].to_numpy()
        found.append((victims, HAM, 0))
    expecting = signals.of("PREGNANT")
    number = facts["number"].copy()
    number[expecting["person"]] = expecting["size"]
    pregnant = facts["pregnant"] & ~signals.has_pregnancy_signal
    pregnant[expecting["person"]] = True
    mothers = np.flatnonzero(pregnant & (sex == FEMALE) & member)
    beyond = np.where(number[mothers] > rules.pregnancy_max_number, WHY["KEHAMILAN_KE_3"], 0)
    found.append((mothers, HAMIL, np.where(number[mothers] <= 0, WHY["NOMOR_KEHAMILAN_KOSONG"], beyond)))
    found.append((np.flatnonzero(member & (age >= 0) & (age <= 6)), AUD, 0))
    school_age = member & (age >= 6) & (age <= 21)
    enrolled = np.zeros(len(persons), dtype=np.int64)
    enrolled[signals.of("ENROLLED")["person"]] = signals.of("ENROLLED")["size"]
    level = np.where(enrolled > 0, enrolled, facts["level"])
    pupils = np.flatnonzero(school_age & (level > 0))
    component = np.array([0, SD, SMP, SMA])[level[pupils]]
    found.append((pupils, component, np.where(enrolled[pupils] > 0, 0, WHY["TIDAK_TERDAFTAR_DAPODIK"])))
    found.append((np.flatnonzero(member & facts["severe"]), DISABILITAS, 0))
    found.append((np.flatnonzero(member & (age >= rules.elderly_min_age)), LANSIA, 0))
    parts = [[np.broadcast_to(value, len(person)) for value in (person, what, why)] for person, what, why in found]
    person, component, why = (np.concatenate(column) for column in zip(*parts, strict=True))
    why = np.where(persons["valid"].to_numpy()[person], why, WHY["NIK_TIDAK_VALID"])
    columns = {"family": family[person], "person": person, "birth": birth[person], "nik": persons["nik"].to_numpy()[person]}
    return pd.DataFrame({**columns, "component": component, "why": why})


def count_components(rows: pd.DataFrame, rules: Rules, ids: Ids) -> pd.DataFrame:
    """Choose each person's best component and apply the caps in their order: sets `why` of what is not counted."""
    rows["nik_order"] = ids.order(rows["nik"].to_numpy())
    component, why = rows["component"].to_numpy(), rows["why"].to_numpy().copy()
    family, person = rows["family"].to_numpy(), rows["person"].to_numpy()
    rows["priority"] = PRIORITY[component]
    rows["less"] = -AMOUNT[component]

    left = np.flatnonzero(why == 0)
    several = left[pd.Series(person[left]).duplicated(keep=False).to_numpy()]
    ordered = rows.loc[several].sort_values(["person", "less", "priority"])
    why[ordered.index[ordered["person"].duplicated()]] = WHY["SATU_ORANG_SATU_KOMPONEN"]

    def cap(concerned: Array, limit: int | None, reason: str, order: list[str]) -> None:
        if limit is None:
            return
        inside = np.flatnonzero((why == 0) & concerned)
        too_many = np.bincount(family[inside], minlength=1) > limit
        inside = inside[too_many[family[inside]]]
        ordered = rows.loc[inside].sort_values(["family", *order])
        why[ordered.index[ordered.groupby("family").cumcount() >= limit]] = WHY[reason]

    oldest_first = ["birth", "nik_order"]
    cap(component == AUD, rules.max_early_childhood, "BATAS_ANAK_USIA_DINI", oldest_first)
    cap(component == LANSIA, rules.max_elderly, "BATAS_LANSIA", oldest_first)
    cap(component == DISABILITAS, rules.max_disability, "BATAS_DISABILITAS", oldest_first)
    cap(np.isin(component, [AUD, SD, SMP, SMA]), rules.max_children, "BATAS_ANAK", ["priority", *oldest_first])
    cap(component != HAM, rules.max_members, "BATAS_KOMPONEN", ["priority", *oldest_first])
    rows["why"] = why
    return rows


# --- step 8: outcome, order, quota -------------------------------------------------------------------------------------


def read_quota(inputs: Path, region: str, stage: str) -> dict[str, int]:
    """The quota of each programme that has one."""
    table = read(inputs, "quota", "region_code programme stage quota")
    if table is not None:
        rows = table.to_pylist()
    else:
        with (REFERENCE / "quota.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    quotas: dict[str, int] = {}
    for row in rows:
        programme = (row["programme"] or "").casefold()
        if row["region_code"] != region or row["stage"] != stage or programme not in MAX_DECILE:
            continue
        if programme in quotas or row["quota"] in (None, "") or int(row["quota"]) < 0:
            refuse(f"quota: null, negative or two rows for {programme}")
        quotas[programme] = int(row["quota"])
    return quotas


def lottery_order(no_kk: list[str], prefix: str, seed: str | None) -> Array:
    """The place of each card in the lottery among these cards."""
    suffix = f"|{seed}" if seed else ""
    numbers = [hashlib.sha256(f"{prefix}|{card}{suffix}".encode()).hexdigest() for card in no_kk]
    return np.argsort(np.argsort(np.array(numbers))) if numbers else np.array([], dtype=np.int64)


def rank_families(families: Families, eligible: Array, ids: Ids, prefix: str, seed: str | None) -> Array:
    """Eligible families in the order of the list: decile, national rank, lottery, No KK."""
    decile = np.where(families.decile[eligible] < 0, 11, families.decile[eligible])
    national = np.where(families.rank[eligible] == NEVER, np.iinfo(np.int64).max, families.rank[eligible])
    order = np.lexsort((national, decile))
    same = (np.diff(decile[order]) == 0) & (np.diff(national[order]) == 0)
    tied = order[np.append(same, False) | np.insert(same, 0, False)] if len(order) else order
    lottery = np.zeros(len(eligible), dtype=np.int64)
    lottery[tied] = lottery_order(ids.texts(families.no_kk[eligible[tied]]).to_pylist(), prefix, seed)
    return eligible[np.lexsort((eligible, lottery, national, decile))] if len(tied) else eligible[order]


# --- outputs -----------------------------------------------------------------------------------------------------------


def constant(text: str | None, count: int) -> pa.Array:
    """A text column of one value."""
    return pa.nulls(count, pa.string()) if text is None else pa.repeat(pa.scalar(text), count)


def lists_of(bits: Array, names: Iterable[str]) -> pa.Array:
    """A list column out of bits: one list per distinct combination, taken by row."""
    unique, inverse = np.unique(bits, return_inverse=True)
    lists = [[name for number, name in enumerate(names) if mask >> number & 1] for mask in unique.tolist()]
    return pa.array(lists, pa.list_(pa.string())).take(pa.array(inverse))


def nullable(values: Array, null: Array) -> pa.Array:
    """An int64 column with nulls."""
    return pa.array(values.astype(np.int64), mask=null)


@dataclass
class Decided:
    """The decided families of the region, with what their rows share between the programmes."""

    families: Families
    at: Array  # positions of the decided families
    no_kk: pa.Array
    head_nik: pa.Array
    shared: dict[str, pa.Array]


def share_columns(
    families: Families, persons: pd.DataFrame, ids: Ids, places: list[str], rules: Rules, stage: str, region: str
) -> Decided:
    """The columns of the decisions that do not depend on the programme."""
    at = np.flatnonzero(families.decided)
    head = np.where(families.size[at] > 0, persons["nik"].to_numpy()[families.head[at]], NO_ID)
    names = pa.array([*places, None], pa.string())
    where = {
        name: names.take(pa.array(np.where(values[at] < 0, len(places), values[at]))) for name, values in families.place.items()
    }
    count = len(at)
    decile, rank = families.decile[at], families.rank[at]
    shared = {
        "stage": constant(stage, count),
        "as_of": pa.repeat(pa.scalar(rules.as_of), count),
        "region_code": constant(region, count),
        "district_code": where["district"],
        "village_code": where["village"],
        "unit": constant("family", count),
        "nik": constant(None, count),
        "warnings": lists_of(families.warnings[at], WARNINGS),
        "decile": nullable(decile, decile < 0),
        "national_rank": nullable(rank, rank == NEVER),
        "family_size": pa.array(families.size[at].astype(np.int64)),
    }
    return Decided(families, at, ids.texts(families.no_kk[at]), ids.texts(head), shared)


DECISION_COLUMNS = (
    "programme", "stage", "as_of", "region_code", "district_code", "village_code", "unit", "no_kk", "nik", "outcome", "reasons",
    "warnings", "amount_year_idr", "amount_stage_idr", "eligible_amount_year_idr", "decile", "national_rank", "rank",
    "queue_position", "family_size", "head_nik",
)  # fmt: skip


def decide(decided: Decided, programme: str, reasons: Array, amount: Array, ranked: Array, quota: int | None) -> pa.Table:
    """The decisions of one programme. `reasons` and `amount` are by family, `ranked` the eligible families in order."""
    count = len(reasons)
    rank, queue = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    rank[ranked] = np.arange(1, len(ranked) + 1)
    waits = rank > (len(ranked) if quota is None else quota)
    queue[waits] = rank[waits] - (quota or 0)
    reasons = reasons | np.where(waits, BIT["DI_LUAR_KUOTA"], 0)
    refused = (reasons & ~MISSING_BITS & ~BIT["DI_LUAR_KUOTA"]) > 0
    outcome = np.where(waits, 1, np.where(rank > 0, 0, np.where(refused, 2, 3)))[decided.at]
    rank, queue, amount = rank[decided.at], queue[decided.at], amount[decided.at]
    paid = np.where(outcome == 0, amount, 0)
    columns = {
        **decided.shared,
        "programme": constant(programme, len(decided.at)),
        "no_kk": decided.no_kk,
        "outcome": pa.array(OUTCOMES).take(pa.array(outcome)),
        "reasons": lists_of(reasons[decided.at], CODES),
        "amount_year_idr": pa.array(paid),
        "amount_stage_idr": pa.array(paid // 4),
        "eligible_amount_year_idr": pa.array(np.where(outcome <= 1, amount, 0)),
        "rank": nullable(rank, rank == 0),
        "queue_position": nullable(queue, queue == 0),
        "head_nik": decided.head_nik,
    }
    return pa.table({name: columns[name] for name in DECISION_COLUMNS})


def key_order(*columns: Array) -> Array:
    """The order by several columns: packed into one int64 where they fit, which sorts several times faster."""
    low = [int(column.min()) if len(column) else 0 for column in columns]
    bits = [int(column.max() - least).bit_length() if len(column) else 0 for column, least in zip(columns, low, strict=True)]
    if sum(bits) > 62:
        return np.lexsort(columns[::-1])
    key = np.zeros(len(columns[0]), dtype=np.int64)
    for column, least, width in zip(columns, low, bits, strict=True):
        key = (key << width) | (column - least)
    return np.argsort(key, kind="stable")


def dense(values: Array) -> Array:
    """Values replaced by their places among the distinct ones."""
    return np.unique(values, return_inverse=True)[1]


def component_table(rows: pd.DataFrame, families: Families, ids: Ids) -> pa.Table:
    """The components of PKH, sorted."""
    family, nik, component, why = (rows[name].to_numpy() for name in ("family", "nik", "component", "why"))
    order = key_order(family, dense(rows["nik_order"].to_numpy()), component)
    component, why = component[order], why[order]
    return pa.table(
        {
            "programme": constant("pkh", len(order)),
            "no_kk": ids.texts(families.no_kk[family[order]]),
            "nik": ids.texts(nik[order]),
            "component": pa.array(COMPONENTS).take(pa.array(component)),
            "amount_year_idr": pa.array(AMOUNT[component]),
            "is_counted": pa.array(why == 0),
            "not_counted_reason": pa.array(NOT_COUNTED, pa.string()).take(pa.array(why)),
        }
    )


def finding_table(findings: Findings, programme: str, more: Findings, limits: dict[str, Any], ids: Ids) -> pa.Table:
    """The findings of one programme, sorted."""
    parts = [part for part in findings.parts + more.parts if len(part[0])]
    if not parts:
        parts = [(np.zeros(0, dtype=np.int64),) * 4 + (pa.nulls(0, pa.string()),)]
    family, nik, code, source = (np.concatenate([part[number] for part in parts]) for number in range(4))
    observed = pa.concat_arrays([part[4] for part in parts])
    words = as_dictionary(pa.chunked_array([observed.filter(pa.array(code == CODE_ID["DATA_DIKARANTINA"]))]))
    last_key = np.zeros(len(code), dtype=np.int64)
    last_key[code == CODE_ID["DATA_DIKARANTINA"]] = sorted_words(words_column(words), sorted(DATASETS))
    nik_place = np.zeros(len(nik), dtype=np.int64)
    named = nik != NO_ID
    nik_place[named] = dense(ids.order(nik[named])) + 1
    order = key_order(family, nik_place, code, source, last_key)
    code = pa.array(code[order])
    sources = pa.array([*findings.sources, None], pa.string())
    return pa.table(
        {
            "programme": constant(programme, len(order)),
            "no_kk": ids.texts(findings.families.no_kk[family[order]]),
            "nik": ids.texts(nik[order]),
            "code": pa.array(CODES).take(code),
            "source": sources.take(pa.array(np.where(source < 0, len(findings.sources), source)[order])),
            "observed_value": observed.take(pa.array(order)),
            "limit_value": pa.array([limits.get(name) for name in CODES], pa.string()).take(code),
            "legal_basis": pa.array(LEGAL_BASIS).take(code),
        }
    )


def words_column(array: pa.Array) -> pa.ChunkedArray:
    """An array as a column."""
    return pa.chunked_array([array])


def not_decided_table(families: Families, kinds: Array, region: str, places: list[str], ids: Ids) -> pa.Table:
    """Families seen and not decided; `kinds` by family: 0 decided, 1 ELSEWHERE, 2 PINDAH, 3 TIDAK_MENDAFTAR."""
    at = np.flatnonzero(kinds)
    kind = kinds[at]
    names = pa.array([*places, None, region], pa.string())
    place = families.place["region"][at]
    where = np.where(kind == 3, len(places) + 1, np.where((kind == 2) | (place < 0), len(places), place))
    words = pa.array(["", "ELSEWHERE", "PINDAH", "TIDAK_MENDAFTAR"])
    return pa.table(
        {"no_kk": ids.texts(families.no_kk[at]), "kind": words.take(pa.array(kind)), "region_code": names.take(pa.array(where))}
    )


# --- digests -----------------------------------------------------------------------------------------------------------


def integer_bytes(number: int) -> bytes:
    """An integer of the canonical form."""
    return number.to_bytes(8, "little", signed=True)


def text_bytes(text: str) -> bytes:
    """A text of the canonical form."""
    return integer_bytes(len(text.encode())) + text.encode()


def hash_texts(digest: Any, array: pa.Array) -> None:
    """The lengths of all texts, then their bytes."""
    digest.update(pc.fill_null(pc.binary_length(array), 0).cast(pa.int64()).to_numpy(zero_copy_only=False))
    offsets = np.frombuffer(array.buffers()[1], dtype=np.int32)[array.offset : array.offset + len(array) + 1]
    if len(array) and array.buffers()[2] is not None:
        digest.update(memoryview(array.buffers()[2])[offsets[0] : offsets[-1]])


def hash_table(digest: Any, name: str, table: pa.Table) -> None:
    """The canonical form of one table, column by column."""
    digest.update(text_bytes(name) + integer_bytes(table.num_columns) + integer_bytes(table.num_rows))
    kinds = {pa.string(): "text", pa.int64(): "int64", pa.date32(): "date", pa.bool_(): "bool"}
    for column in table.column_names:
        array = table[column].combine_chunks()
        digest.update(text_bytes(column) + text_bytes(kinds.get(array.type, "list<text>")))
        digest.update(array.is_null().cast(pa.uint8()).to_numpy(zero_copy_only=False))
        if array.type == pa.string():
            hash_texts(digest, array.fill_null("") if array.null_count else array)
        elif pa.types.is_list(array.type):
            digest.update(pc.fill_null(pc.list_value_length(array), 0).cast(pa.int64()).to_numpy(zero_copy_only=False))
            hash_texts(digest, array.flatten())
        else:
            whole = array.cast(pa.int32()) if array.type == pa.date32() else array
            digest.update(pc.fill_null(whole.cast(pa.int64()), 0).to_numpy(zero_copy_only=False))


def list_digest(rules_digest: str, tables: dict[str, pa.Table]) -> str:
    """The list digest of one programme over its rows of the four tables."""
    digest = hashlib.sha256(text_bytes("perlinsos-list-1") + text_bytes(rules_digest))
    for name, table in tables.items():
        hash_table(digest, name, table)
    return digest.hexdigest()


def write_table(path: Path, *tables: pa.Table) -> None:
    """Write tables one after the other into one file."""
    unique = {"no_kk", "nik", "head_nik", "national_rank", "rank", "queue_position", "observed_value"}
    repeating = [
        name for name in tables[0].column_names if name not in unique and not pa.types.is_list(tables[0].schema.field(name).type)
    ]
    with pq.ParquetWriter(path, tables[0].schema, use_dictionary=repeating) as writer:
        for table in tables:
            writer.write_table(table)


# --- the whole job -----------------------------------------------------------------------------------------------------


def load_register(table: pa.Table, ids: Ids, places: dict[str, int], rules: Rules) -> tuple[Register, Array]:
    """Step 1, and the cards to warn of `NIK_GANDA`."""
    rows = pd.DataFrame(
        {
            "nik": ids.codes(table["nik"]),
            "no_kk": ids.codes(table["no_kk"]),
            "birth": days(table["birth_date"], FOREVER),
            "sex": coded(table["sex"], {"l": MALE, "p": FEMALE}, 0).astype(np.int8),
            "relation": integers(table["family_relation"], 0),
            **{place: coded(table[f"{place}_code"], places, -1) for place in ("region", "district", "village")},
            "status": coded(table["status"], {"moved": MOVED, "active": ACTIVE, "deceased": DECEASED}, MOVED).astype(np.int8),
            "since": days(table["status_date"], NEVER),
        }
    )
    rows["valid"] = is_valid(rows["nik"].to_numpy())
    all_nik = rows["nik"].to_numpy()
    rows = remove_future(rows, rules.today)
    persons, warned = one_row_each(rows, ids)
    return Register(persons.copy(), all_nik, rows), warned


def place_vocabulary(*tables: pa.Table) -> list[str]:
    """All place codes of the tables, sorted."""
    columns = [table[f"{place}_code"] for table in tables for place in ("region", "district", "village")]
    return sorted({word for column in columns for word in as_dictionary(column).dictionary.to_pylist() if word})


def check_region(region: str) -> None:
    """Refuse a region that does not exist."""
    with (REFERENCE / "regions.csv").open(encoding="utf-8") as file:
        if not any(line.startswith(f"{region},") for line in file):
            refuse(f"no region {region}")


@dataclass
class Case:
    """All that is known before the programmes part."""

    register: Register
    families: Families
    welfare: WelfarePersons
    signals: Signals
    findings: Findings
    kinds: Array
    places: list[str]


def prepare(inputs: Path, region: str, rules: Rules, ids: Ids, scope: str) -> Case:
    """Steps 1 to 6, as far as both programmes share them."""
    place_columns = ("region_code", "district_code", "village_code")
    population = must_read(
        inputs, "population", "nik no_kk sex birth_date family_relation region_code status",
        "district_code village_code status_date", words=("sex", "status", *place_columns),
    )  # fmt: skip
    welfare_family = must_read(
        inputs, "welfare_family", "no_kk dtsen_period decile region_code",
        "dtsen_family_id national_rank electricity_va district_code village_code", words=("dtsen_period", *place_columns),
    )  # fmt: skip
    places = place_vocabulary(population, welfare_family)
    numbers = {place: number for number, place in enumerate(places)}
    register, double_persons = load_register(population, ids, numbers, rules)
    del population
    rows, double_cards = choose_welfare(welfare_family, ids, numbers, rules.today)
    families = build_families(register.persons, rows, ids)
    table = must_read(
        inputs, "welfare_person", "nik no_kk", "family_relation disability is_pregnant pregnancy_number school_level",
        words=("disability", "school_level"),
    )  # fmt: skip
    welfare, double_named = read_welfare_persons(table, ids, register, families)
    del table, welfare_family
    for cards, warning in ((double_persons, "NIK_GANDA"), (double_named, "NIK_GANDA"), (double_cards, "KK_GANDA")):
        warn(families, cards, warning)
    heads = np.flatnonzero((welfare.relation == 1) & (welfare.family >= 0))
    dead = heads[register.is_deceased(welfare.nik[heads], welfare.person[heads])]
    warn_families(families, register.persons, welfare.family[dead])
    kinds, unmatched, deceased, people = place_families(inputs, region, rules, ids, scope, register, families, welfare, numbers)
    wanted = (register.persons["family"].to_numpy() >= 0) & families.decided[register.persons["family"].to_numpy()]
    table = must_read(inputs, "signal", "nik code value observed_on", "source", words=("source", "code"))
    signals = read_signals(table, ids, register, wanted, rules)
    del table
    quarantined, quarantine_sources = read_quarantined(inputs, ids)
    findings = Findings(families, [*signals.sources, *quarantine_sources])
    add_signal_findings(findings, signals, register.persons, rules, wage_figure(inputs, region, rules.as_of))
    add_electricity(findings, signals, register.persons, rules, ids)
    add_unmatched(findings, register, welfare, unmatched)
    add_quarantined(findings, quarantined, quarantine_sources, register, people)
    add_family_facts(findings, deceased, rules)
    return Case(register, families, welfare, signals, findings, kinds, places)


def place_families(
    inputs: Path, region: str, rules: Rules, ids: Ids, scope: str, register: Register, families: Families,
    welfare: WelfarePersons, numbers: dict[str, int],
) -> tuple[Array, Array, Array, pd.DataFrame]:  # fmt: skip
    """Who is decided here, and what step 4 says of families without members."""
    unmatched, deceased, people = judge_empty(families, register, welfare)
    moved = (families.size == 0) & ~unmatched & ~deceased
    here = families.place["region"] == numbers.get(region, -2)
    if not here.any():
        refuse(f"no family is placed in {region}")
    considered = registered_families(inputs, ids, register, families, rules.today) if scope == "registrants" else here
    kinds = np.where(~here, 1, np.where(moved, 2, np.where(~considered, 3, 0)))
    families.decided = kinds == 0
    return kinds, unmatched, deceased, people


def add_family_facts(findings: Findings, deceased: Array, rules: Rules) -> None:
    """Codes that the family's own rows give."""
    families = findings.families
    findings.add("MENINGGAL", np.flatnonzero(deceased & families.decided), source="DUKCAPIL")
    findings.add("TIDAK_ADA_DATA_KELUARGA", np.flatnonzero(families.decided & ~families.has_welfare), source="DTSEN")
    if rules.gate_is_decile:
        unranked = families.decided & families.has_welfare & (families.decile < 0)
        findings.add("BELUM_ADA_DESIL", np.flatnonzero(unranked), source="DTSEN")


def add_above_limit(findings: Findings, limit: int, rules: Rules) -> None:
    """`DESIL_DI_ATAS_BATAS` of one programme."""
    families = findings.families
    if rules.gate_is_decile:
        above = np.flatnonzero(families.decided & (families.decile > limit))
        findings.add("DESIL_DI_ATAS_BATAS", above, source="DTSEN", observed=number_texts(families.decile[above]))


def add_component_reasons(findings: Findings, rows: pd.DataFrame) -> Array:
    """PKH's codes that come from the components; returns each family's amount."""
    families = findings.families
    count = len(families.no_kk)
    counted = (rows["why"] == 0).to_numpy()
    family = rows["family"].to_numpy()
    amount = np.bincount(family[counted], weights=AMOUNT[rows["component"].to_numpy()[counted]], minlength=count).astype(np.int64)
    none = amount == 0
    for code in ("NIK_TIDAK_VALID", "NOMOR_KEHAMILAN_KOSONG"):
        held = rows[(rows["why"] == WHY[code]) & none[family]].drop_duplicates("person")
        findings.add(code, held["family"].to_numpy(), held["nik"].to_numpy())
    unless = BIT["NIK_TIDAK_PADAN"] | BIT["TIDAK_ADA_DATA_KELUARGA"] | BIT["DATA_DIKARANTINA"] | BIT["NIK_TIDAK_VALID"]
    unless |= BIT["NOMOR_KEHAMILAN_KOSONG"]
    said = families.decided & none & (families.size > 0) & (families.reasons & unless == 0)
    findings.add("TIDAK_ADA_KOMPONEN", np.flatnonzero(said))
    return amount


def run(args: argparse.Namespace, out: Path) -> None:
    """Decide the region and write the four tables and the summary into `out`."""
    rules, ids = rules_of(args.stage), Ids()
    check_region(args.region)
    inputs, seed = Path(args.inputs), args.lottery_seed
    quotas = read_quota(inputs, args.region, args.stage)
    case = prepare(inputs, args.region, rules, ids, args.scope)
    families, persons = case.families, case.register.persons
    wage = wage_figure(inputs, args.region, rules.as_of)
    facts = welfare_facts(case.welfare, case.register)
    rows = count_components(candidates(case.register, families, facts, case.signals, rules), rules, ids)
    components = component_table(rows, families, ids)
    decided = share_columns(families, persons, ids, case.places, rules, args.stage, args.region)
    shared_reasons = families.reasons
    tables: dict[str, dict[str, pa.Table]] = {}
    for programme in ("bpnt", "pkh"):
        families.reasons = shared_reasons.copy()
        more = Findings(families, case.findings.sources)
        add_above_limit(more, MAX_DECILE[programme], rules)
        amount = add_component_reasons(more, rows) if programme == "pkh" else np.full(len(families.no_kk), BPNT_YEAR_IDR)
        eligible = np.flatnonzero(families.decided & (families.reasons == 0))
        ranked = rank_families(families, eligible, ids, f"{args.stage}|{programme}|{args.region}", seed)
        limits = {"UPAH_DI_ATAS_UMK": wage, "DAYA_LISTRIK": rules.electricity_min_va, "KENDARAAN_RODA_4": rules.car_min_count}
        limits["DESIL_DI_ATAS_BATAS"] = MAX_DECILE[programme]
        limit_texts = {code: None if value is None else str(value) for code, value in limits.items()}
        tables[programme] = {
            "decisions": decide(decided, programme, families.reasons, amount, ranked, quotas.get(programme)),
            "components": components if programme == "pkh" else components.slice(0, 0),
            "findings": finding_table(case.findings, programme, more, limit_texts, ids),
        }
    not_decided = not_decided_table(families, case.kinds, args.region, case.places, ids)
    write_all(out, args, tables, not_decided, case, quotas)


def write_all(
    out: Path,
    args: argparse.Namespace,
    tables: dict[str, dict[str, pa.Table]],
    not_decided: pa.Table,
    case: Case,
    quotas: dict[str, int],
) -> None:
    """The four tables, the digests and the counts."""
    for name in ("decisions", "findings"):
        write_table(out / f"{name}.parquet", *(tables[programme][name] for programme in tables))
    write_table(out / "components.parquet", tables["pkh"]["components"])
    write_table(out / "not_decided.parquet", not_decided)
    covered = not_decided.filter(pc.not_equal(not_decided["kind"], "ELSEWHERE"))
    counts = np.bincount(case.kinds, minlength=4).tolist()
    funnel = dict(zip(("decided", "elsewhere", "PINDAH", "TIDAK_MENDAFTAR"), counts, strict=True), families_seen=sum(counts))
    programmes = {}
    for programme, of in tables.items():
        outcomes = {item["values"]: item["counts"] for item in of["decisions"]["outcome"].value_counts().to_pylist()}
        year = pc.sum(of["decisions"]["amount_year_idr"]).as_py()
        digest = list_digest(args.rules_digest, {**of, "not_decided": covered})
        programmes[programme] = {
            "outcomes": outcomes,
            "quota": quotas.get(programme),
            "amount_year_idr": year,
            "rules_digest": args.rules_digest,
            "list_digest": digest,
        }
    summary = {
        "region": args.region,
        "stage": args.stage,
        "programmes": programmes,
        "funnel": funnel,
        "ignored_signals": case.signals.ignored,
    }
    (out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, write into a folder beside `--out` and rename it at the end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    for name in ("region", "stage", "inputs", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--scope", choices=("population", "registrants"), default="population")
    parser.add_argument("--lottery-seed")
    parser.add_argument("--rules-digest", default="")
    args = parser.parse_args(arguments)
    pa.set_cpu_count(args.threads)
    pa.set_io_thread_count(args.threads)
    out = Path(args.out)
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        run(args, partial)
        if out.exists():
            shutil.rmtree(out)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


if __name__ == "__main__":
    main()
