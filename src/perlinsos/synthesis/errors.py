"""Which errors each agency's delivery gets, at the rates of a profile (reference/population/error_catalogue.csv)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perlinsos.synthesis import cell_errors, moves
from perlinsos.synthesis.draws import Ints, generator
from perlinsos.synthesis.dtsen import BIRTH_FORM
from perlinsos.synthesis.names import write_names
from perlinsos.synthesis.parameters import Tables
from perlinsos.synthesis.persons import days
from perlinsos.synthesis.regency import Regency, WelfarePersons
from perlinsos.synthesis.register import DATE_FORM, SEXES
from perlinsos.synthesis.spoiling import Book
from perlinsos.synthesis.text import day_text, number_text

FEW = 0.0002
"""Single cells: a rate for kinds that the catalogue counts by file."""


@dataclass(frozen=True)
class Rates:
    """The rate of each error id in one profile; all 0 for `none`."""

    profile: str
    by_id: dict[str, float]

    def __getitem__(self, error_id: str) -> float:
        return self.by_id.get(error_id, 0.0)

    def single(self, rate: float) -> float:
        """A rate of our own for single cells: doubled in 2020, none without errors."""
        return rate * {"none": 0, "2025": 1, "2020": 2}[self.profile]


def rates_of(tables: Tables, profile: str) -> Rates:
    """The rates of `2025`, `2020` or `none`."""
    known = {error_id: rates.get(profile, 0.0) for error_id, rates in tables.errors.items()}
    return Rates(profile, known)


def open_book(regency: Regency, source: str, size: int) -> Book:
    """An empty book for one delivery of one region."""
    return Book(generator(regency.seed, regency.targets.code, f"errors|{source}"), size)


def spoil_ids(book: Book, header: str, column: str, numbers: Ints, rates: Rates, empty_rate: float) -> None:
    """E03 no number, E20 a number that a spreadsheet broke, E22 stray marks, in one column of ids."""
    rows = book.take(empty_rate)
    words = [cell_errors.NO_NUMBER[kind] for kind in book.rng.integers(0, len(cell_errors.NO_NUMBER), len(rows))]
    book.write(header, rows, words)
    old = [str(number) for number in numbers[rows]]
    book.note("E03", rows, header, column, "quarantine", "id_empty", old, words)
    rows = book.take(rates.single(FEW))
    broken = [cell_errors.as_scientific(int(number)) for number in numbers[rows]]
    book.write(header, rows, broken)
    book.note("E20", rows, header, column, "quarantine", "id_as_number", [str(n) for n in numbers[rows]], broken)
    rows = book.take(rates.single(0.005))
    marked = cell_errors.with_stray_marks(book.rng, numbers[rows])
    book.write(header, rows, marked)
    book.note("E22", rows, header, column, "warning", "id_repaired", [str(n) for n in numbers[rows]], marked)


def spoil_names(book: Book, header: str, names: Callable[[Ints], list[str]], rate: float) -> None:
    """E05 an empty name."""
    rows = book.take(rate)
    book.write(header, rows, [None] * len(rows))
    book.note("E05", rows, header, "name", "warning", "value_missing", names(rows), [None] * len(rows))


def spoil_birth(book: Book, header: str, birth: Ints, form: str, rate: float, latest: int, level: str) -> None:
    """E07 another birth date than the NIK says (and, in the welfare data, than the register's)."""
    rows = book.take(rate)
    other = cell_errors.other_birth_days(book.rng, birth[rows], latest)
    old, new = day_text(birth[rows], form).to_pylist(), day_text(other, form).to_pylist()
    book.write(header, rows, new)
    book.note("E07", rows, header, "nik", "warning", "NIK_TGL_LAHIR_BEDA", old, new)
    if level == "cross_file":
        book.note("E07", rows, header, "birth_date", "warning", "TGL_LAHIR_BEDA", old, new, level=level)


def spoil_sex(book: Book, header: str, sex: Ints, rate: float, level: str) -> None:
    """E09 another sex than the NIK says."""
    rows = book.take(rate)
    old, new = [SEXES[s] for s in sex[rows]], [SEXES[1 - s] for s in sex[rows]]
    book.write(header, rows, new)
    book.note("E09", rows, header, "nik", "warning", "NIK_JENIS_KELAMIN_BEDA", old, new)
    if level == "cross_file":
        book.note("E09", rows, header, "sex", "warning", "JENIS_KELAMIN_BEDA", old, new, level=level)


def spoil_register(regency: Regency, tables: Tables, rates: Rates, retired: dict[str, tuple[str, str]]) -> Book:
    """The register's errors. `retired`: village of today -> the retired code that became it and that code's district."""
    persons = regency.persons
    book = open_book(regency, "dukcapil-population", len(persons.nik))
    if rates.profile == "none":
        return book
    spoil_ids(book, "NIK", "nik", persons.nik, rates, rates.single(FEW))
    spoil_names(book, "NAMA_LENGKAP", lambda rows: write_names(tables, persons.words[rows]).to_pylist(), rates["E05"])
    spoil_birth(book, "TANGGAL_LAHIR", persons.birth, DATE_FORM, rates["E07"] * 0.1, days(regency.snapshot), "row")
    spoil_sex(book, "JENIS_KELAMIN", persons.sex, rates["E09"] * 0.3, "row")
    _spoil_dates(book, persons.birth, rates)
    _spoil_regions(book, regency, rates["E14"], retired)
    return book


def _spoil_dates(book: Book, birth: Ints, rates: Rates) -> None:
    """E23 other forms of a right date (read without a word), and a day that no month has."""
    rows = book.take(rates.single(0.02))
    old, new = day_text(birth[rows], DATE_FORM).to_pylist(), cell_errors.other_date_forms(book.rng, birth[rows])
    book.write("TANGGAL_LAHIR", rows, new)
    book.note("E23", rows, "TANGGAL_LAHIR", "birth_date", "accepted", "", old, new)
    rows = book.take(rates.single(FEW))
    old, new = day_text(birth[rows], DATE_FORM).to_pylist(), cell_errors.impossible_dates(birth[rows])
    book.write("TANGGAL_LAHIR", rows, new)
    book.note("E23", rows, "TANGGAL_LAHIR", "birth_date", "quarantine", "date_invalid", old, new)


def _spoil_regions(book: Book, regency: Regency, rate: float, retired: dict[str, tuple[str, str]]) -> None:
    """E14 a retired village code with the district it was in (carried forward), or a code that never was (quarantined)."""
    village = regency.families.village[regency.persons.family]
    codes = [place.code for place in regency.villages]
    has_old = np.array([code in retired for code in codes])[village]
    rows = book.take(rate * 0.7, has_old)
    today = [codes[v] for v in village[rows]]
    old_codes = [retired[code] for code in today]
    book.write("KODE_DESA", rows, [code for code, _ in old_codes])
    book.write("KODE_KECAMATAN", rows, [district for _, district in old_codes])
    book.note("E14", rows, "KODE_DESA", "village_code", "warning", "region_repaired", today, [code for code, _ in old_codes])
    rows = book.take(rate * 0.1)
    today = [codes[v] for v in village[rows]]
    unknown = [f"{code.rpartition('.')[0]}.2999" for code in today]
    book.write("KODE_DESA", rows, unknown)
    book.note("E14", rows, "KODE_DESA", "village_code", "quarantine", "region_unknown", today, unknown)


def spoil_families(regency: Regency, rates: Rates, rows_of: Ints) -> Book:
    """The welfare families' errors; `rows_of`: the cards of the delivery's rows. E13: rows that are not there at all."""
    families = regency.families
    book = open_book(regency, "dtsen-family", len(rows_of))
    if rates.profile == "none":
        return book
    rate = rates["E13"] if rates.profile == "2025" else 0.1
    book.dropped = np.sort(book.rng.choice(len(rows_of), round(rate * len(rows_of)), replace=False))
    book.size -= len(book.dropped)
    book._free = np.ones(book.size, dtype=bool)
    kept = np.delete(rows_of, book.dropped)
    cards = families.card[kept]
    spoil_ids(book, "nomor_kartu_keluarga", "no_kk", cards, rates, 0.0)
    rows = book.take(rates["E12"])
    old = [str(decile) for decile in families.decile[kept[rows]]]
    words = [(None, "0", "BELUM DIPERINGKAT")[kind] for kind in book.rng.integers(0, 3, len(rows))]
    book.write("desil_nasional", rows, words)
    book.note("E12", rows, "desil_nasional", "decile", "warning", "decile_missing", old, words)
    return book


def known_persons(regency: Regency, rates: Rates) -> WelfarePersons:
    """The welfare data's persons: with errors also the dead (E06), and survivors of a dead head are not yet heads."""
    known = regency.welfare_persons
    if rates.profile == "none":
        return known
    persons = regency.persons
    rng = generator(regency.seed, regency.targets.code, "errors|dead")
    dead = np.flatnonzero(persons.status == moves.DECEASED)
    dead = dead[rng.random(len(dead)) < rates["E06"] / 0.005]
    dead_heads = persons.family[dead[persons.relation[dead] == 1]]
    survivors = np.isin(known.family, dead_heads) & (known.relation == 1)
    relation = np.where(survivors, np.where(persons.sex[known.person] == 1, 3, 9), known.relation)
    person, family = np.r_[known.person, dead], np.r_[known.family, persons.family[dead]]
    relation = np.r_[relation, persons.relation[dead]]
    order = np.argsort(family, kind="stable")
    return WelfarePersons(person[order], family[order], relation[order])


def spoil_persons(regency: Regency, tables: Tables, rates: Rates, known: WelfarePersons) -> tuple[Book, Ints]:
    """The welfare persons' errors, and the row of `known` that each row of the delivery repeats (E02 adds rows at the end)."""
    persons = regency.persons
    size = len(known.person)
    rng = generator(regency.seed, regency.targets.code, "errors|twice")
    twice = np.sort(rng.choice(size, 0 if rates.profile == "none" else round(rates["E02"] * size), replace=False))
    order = np.r_[np.arange(size), twice]
    book = open_book(regency, "dtsen-person", len(order))
    if rates.profile == "none":
        return book, order
    person = known.person[order]
    nik, birth = persons.nik[person], persons.birth[person]

    def names(rows: Ints) -> list[str]:
        return list(write_names(tables, persons.words[person[rows]]).to_pylist())

    book._free[np.r_[twice, np.arange(size, len(order))]] = False
    copies = np.arange(size, len(order))
    book.note(
        "E02",
        copies,
        "nomor_induk_kependudukan",
        "nik",
        "warning",
        "duplicate_row",
        [None] * len(copies),
        [str(n) for n in nik[copies]],
    )
    renamed = copies[rng.random(len(copies)) < 0.3]
    variants = _variants(tables)
    spoil_ids(book, "nomor_induk_kependudukan", "nik", nik, rates, rates["E03"])
    _spoil_unknown(book, persons.nik, nik, rates["E01"])
    _spoil_cards(book, regency, known, order, nik, rates["E04"])
    spoil_names(book, "nama", names, rates["E05"])
    spoil_birth(book, "tanggal_lahir", birth, BIRTH_FORM, rates["E07"] * 0.9, days(regency.snapshot), "cross_file")
    spoil_sex(book, "jenis_kelamin", persons.sex[person], rates["E09"] * 0.7, "cross_file")
    _spoil_zeros(book, birth, rates.single(0.01))
    _rewrite_names(book, "E02", renamed, names, variants)
    _rewrite_names(book, "E08", book.take(rates["E08"]), names, variants)
    dead = np.flatnonzero(persons.status[person] == moves.DECEASED)
    book.note(
        "E06", dead, "nomor_induk_kependudukan", "nik", "accepted", "", [None] * len(dead), [None] * len(dead), level="cross_file"
    )
    return book, order


def _rewrite_names(
    book: Book, error_id: str, rows: Ints, names: Callable[[Ints], list[str]], variants: dict[str, list[str]]
) -> None:
    """Another way to write the name; a title before it is no difference."""
    old = names(rows)
    new = cell_errors.other_names(book.rng, old, variants)
    book.write("nama", rows, new)
    titled = np.array([after.endswith(" " + before) for before, after in zip(old, new, strict=True)], dtype=bool)
    for chosen, expected, message_id in ((~titled, "warning", "NAMA_BERBEDA"), (titled, "accepted", "")):
        picked = np.flatnonzero(chosen)
        texts = [[values[n] for n in picked] for values in (old, new)]
        book.note(error_id, rows[picked], "nama", "name", expected, message_id, *texts, level="cross_file")


def _spoil_unknown(book: Book, everybody: Ints, nik: Ints, rate: float) -> None:
    """E01 a NIK that the register does not have."""
    rows = book.take(rate)
    new = cell_errors.unknown_numbers(book.rng, nik[rows], everybody)
    fresh = np.unique(new, return_index=True)[1]
    rows, new = rows[np.sort(fresh)], new[np.sort(fresh)]
    texts = number_text(new).to_pylist()
    book.write("nomor_induk_kependudukan", rows, texts)
    old = number_text(nik[rows]).to_pylist()
    book.note("E01", rows, "nomor_induk_kependudukan", "nik", "warning", "NIK_TIDAK_DIKENAL", old, texts, level="cross_file")


def _spoil_cards(book: Book, regency: Regency, known: WelfarePersons, order: Ints, nik: Ints, rate: float) -> None:
    """E04 a card number that lost a digit (quarantined), or that is another than the register's."""
    card = regency.families.card[known.family[order]]
    rows = book.take(rate * 0.05)
    old = number_text(card[rows]).to_pylist()
    short = [text[:-1] for text in old]
    book.write("nomor_kartu_keluarga", rows, short)
    book.note("E04", rows, "nomor_kartu_keluarga", "no_kk", "quarantine", "id_form", old, short)
    rows = book.take(rate * 0.95)
    others = regency.families.card[book.rng.integers(0, regency.base_families, len(rows))]
    new = cell_errors.wrong_cards(book.rng, card[rows], nik[rows], others, regency.families.card)
    old, texts = number_text(card[rows]).to_pylist(), number_text(new).to_pylist()
    book.write("nomor_kartu_keluarga", rows, texts)
    book.note("E04", rows, "nomor_kartu_keluarga", "no_kk", "warning", "KK_BERBEDA", old, texts, level="cross_file")


def _spoil_zeros(book: Book, birth: Ints, rate: float) -> None:
    """E21 a birth date whose first zero a spreadsheet took."""
    day = birth.astype("datetime64[D]") - birth.astype("datetime64[D]").astype("datetime64[M]")
    rows = book.take(rate, day.astype(np.int64) < 9)
    old, new = day_text(birth[rows], BIRTH_FORM).to_pylist(), cell_errors.without_zero(birth[rows])
    book.write("tanggal_lahir", rows, new)
    book.note("E21", rows, "tanggal_lahir", "birth_date", "warning", "date_repaired", old, new)


def _variants(tables: Tables) -> dict[str, list[str]]:
    """Name word in capitals -> how else it is written."""
    found: dict[str, list[str]] = {}
    for row in tables.variants:
        found.setdefault(row["canonical"].upper(), []).append(row["variant"].upper())
    return found


def spoil_signal(regency: Regency, source: str, header: str, nik: Ints, rates: Rates) -> Book:
    """The errors of any other agency: only its NIK column."""
    book = open_book(regency, source, len(nik))
    if rates.profile != "none":
        spoil_ids(book, header, "nik", nik, rates, rates.single(0.001))
    return book
