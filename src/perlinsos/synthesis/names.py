"""Names out of words, as Javanese people of a birth year and sex have them: one word for the old, two or three for the young."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perlinsos.synthesis.draws import Array, Ints
from perlinsos.synthesis.parameters import Tables

MAX_WORDS = 3
YOUNG_FROM = 1985


def draw_words(rng: np.random.Generator, tables: Tables, birth_year: Ints, sex: Ints) -> Array:
    """[persons, 3]: positions in `name_words`, -1 where the name has no such word."""
    count = _number_of_words(rng, tables, birth_year, sex)
    words = np.full((len(sex), MAX_WORDS), -1, dtype=np.int16)
    rows = tables.name_words
    for letter, sex_code in (("L", 0), ("P", 1)):
        for cohort, is_young in (("old", False), ("young", True)):
            known = [i for i, row in enumerate(rows) if row["sex"] == letter and row["cohort"] == cohort]
            limits = np.cumsum([float(rows[i]["weight"]) ** 0.7 for i in known])
            who = np.flatnonzero((sex == sex_code) & ((birth_year >= YOUNG_FROM) == is_young))
            for place in range(MAX_WORDS):
                drawn = np.searchsorted(limits, rng.random(len(who)) * limits[-1])
                words[who, place] = np.asarray(known, dtype=np.int16)[drawn]
    words[np.arange(MAX_WORDS) >= count[:, None]] = -1
    words[:, 1][words[:, 1] == words[:, 0]] = -1
    words[:, 2][(words[:, 2] == words[:, 0]) | (words[:, 2] == words[:, 1])] = -1
    return words


def _number_of_words(rng: np.random.Generator, tables: Tables, birth_year: Ints, sex: Ints) -> Ints:
    """1 to 3 words, with the mean of the birth year and sex (years outside the table: its first or last)."""
    rows = tables.words_per_name
    years = np.array([int(row["birth_year"]) for row in rows])
    means = np.array([[float(row["mean_words_L"]), float(row["mean_words_P"])] for row in rows])
    mean = means[np.clip(birth_year - years[0], 0, len(years) - 1), sex]
    low = np.floor(mean).astype(np.int64)
    return np.asarray(np.clip(low + (rng.random(len(sex)) < mean - low), 1, MAX_WORDS))


def write_names(tables: Tables, words: Array) -> pa.Array:
    """The names in capitals, as registers write them."""
    dictionary = pa.array([row["word"].upper() for row in tables.name_words])
    columns = [pc.take(dictionary, pa.array(words[:, i], mask=words[:, i] < 0)) for i in range(MAX_WORDS)]
    return pc.binary_join_element_wise(*columns, " ", null_handling="skip")
