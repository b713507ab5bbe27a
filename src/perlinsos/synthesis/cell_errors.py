"""Ways to write one value wrongly. Numbers stay nobody's: what is still 16 digits keeps a serial from 7000 up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from perlinsos.synthesis.draws import Array, Ints
from perlinsos.synthesis.numbers import calendar
from perlinsos.synthesis.text import write_day

NO_NUMBER: tuple[str | None, ...] = (None, "0", "-", "TIDAK ADA")
OTHER_DATE_FORMS = ("%d/%m/%Y", "%Y-%m-%d", "%d %B %Y", "excel_serial", "%d.%m.%Y")
TITLES = ("H. {}", "HJ. {}", "DRS. {}")


def as_scientific(number: int) -> str:
    """What a spreadsheet shows of a long number: `3.51016E+15`."""
    return f"{number / 1e15:.5f}E+15"


def with_stray_marks(rng: np.random.Generator, numbers: Ints) -> list[str]:
    """Apostrophes, hard spaces, trailing blanks and labels around the number."""
    forms = ("'{}", "{}\u00a0", "{} ", "NIK : {}")
    return [forms[form].format(number) for form, number in zip(rng.integers(0, len(forms), len(numbers)), numbers, strict=True)]


def unknown_numbers(rng: np.random.Generator, numbers: Ints, known: Ints) -> Ints:
    """NIK that nobody has: two digits of the region swapped, one of them wrong, or the serial 9999; the birth date stays."""
    region, rest = np.divmod(numbers, 10**10)
    kind = rng.random(len(numbers))
    tens, ones = np.divmod(region % 100, 10)
    swapped = region - region % 100 + ones * 10 + tens
    place = 10 ** rng.integers(0, 4, len(numbers))
    wrong = region - region // place % 10 * place + (region // place % 10 + rng.integers(1, 10, len(numbers))) % 10 * place
    changed = np.where(kind < 0.5, swapped, np.where(kind < 0.8, wrong, region))
    pairs = (changed % 100 > 0) & (changed // 100 % 100 > 0) & (changed // 10**4 > 0)
    changed = np.where(pairs, changed, region) * 10**10 + rest
    last = numbers - numbers % 10**4 + 9999
    return np.where((kind >= 0.8) | np.isin(changed, known), last, changed)


def wrong_cards(rng: np.random.Generator, cards: Ints, niks: Ints, old_cards: Ints, known: Ints) -> Ints:
    """Well-formed card numbers that are not the register's: an old card, one digit of the region wrong, the NIK."""
    kind = rng.random(len(cards))
    region = cards // 10**10
    place = 10 ** rng.integers(1, 4, len(cards))
    digit = region // place % 10
    wrong = cards + ((digit + rng.integers(1, 10, len(cards))) % 10 - digit) * place * 10**10
    wrong = np.where(np.isin(wrong, known), cards - cards % 10**4 + 9998, wrong)
    return np.where(kind < 0.63, old_cards, np.where(kind < 0.9, wrong, niks))


def other_birth_days(rng: np.random.Generator, birth: Ints, latest: int) -> Ints:
    """Another birth day: day and month swapped, a year more or less, 31-12 / 01-07 / 01-01, or any other."""
    kind = rng.random(len(birth))
    year, month, day = calendar(birth)
    swapped = _days_of(year, day, month)
    shifted = _days_of(year + np.where(kind < 0.4, 1, -1), month, np.minimum(day, 28))
    round_days = np.array([(12, 31), (7, 1), (1, 1)])[rng.integers(0, 3, len(birth))]
    rounded = _days_of(year, round_days[:, 0], round_days[:, 1])
    other = birth - rng.integers(1, 300, len(birth))
    can_swap = (day <= 12) & (day != month)
    chosen = np.select([(kind < 0.25) & can_swap, kind < 0.5, kind < 0.7], [swapped, shifted, rounded], other)
    return np.where((chosen == birth) | (chosen > latest), other, chosen)


def _days_of(year: Array, month: Array, day: Array) -> Ints:
    """Days since 1970 of calendar parts; parts that make no day run over into the next month."""
    months = ((np.asarray(year) - 1970) * 12 + np.clip(month, 1, 12) - 1).astype("datetime64[M]")
    return np.asarray(months.astype("datetime64[D]").astype(np.int64) + np.asarray(day) - 1)


def other_date_forms(rng: np.random.Generator, birth: Ints) -> list[str]:
    """The right day in another of the usual forms."""
    forms = rng.integers(0, len(OTHER_DATE_FORMS), len(birth))
    epoch = date(1970, 1, 1)
    return [write_day(epoch + timedelta(days=int(day)), OTHER_DATE_FORMS[f]) for day, f in zip(birth, forms, strict=True)]


def impossible_dates(birth: Ints) -> list[str]:
    """31 February of the year of birth."""
    return [f"31-02-{year}" for year in calendar(birth)[0]]


def without_zero(days: Ints) -> list[str]:
    """ddmmyyyy as a spreadsheet keeps it: `1072001`. Only for days 1 to 9."""
    year, month, day = calendar(days)
    return [f"{d}{m:02d}{y:04d}" for d, m, y in zip(day, month, year, strict=True)]


def other_names(rng: np.random.Generator, names: Sequence[str], variants: dict[str, list[str]]) -> list[str]:
    """The same person's name as somebody else writes it: a variant, a word dropped, a letter wrong, turned round, a title."""
    kinds = rng.random(len(names))
    numbers = rng.integers(0, 1 << 30, len(names))
    return [
        _other_name(name, float(kind), int(number), variants) for name, kind, number in zip(names, kinds, numbers, strict=True)
    ]


def _other_name(name: str, kind: float, number: int, variants: dict[str, list[str]]) -> str:
    """One name written differently; never equal to what it was."""
    words = name.split(" ")
    known = [place for place, word in enumerate(words) if word in variants]
    if kind < 0.6 and known:
        place = known[number % len(known)]
        written = variants[words[place]]
        return " ".join([*words[:place], written[number % len(written)], *words[place + 1 :]])
    if kind < 0.8 and len(words) > 1:
        return " ".join(words[:-1])
    if 0.8 <= kind < 0.84 and len(words) > 1 and words != words[::-1]:
        return " ".join(words[::-1])
    if 0.84 <= kind < 0.88:
        return TITLES[number % len(TITLES)].format(name)
    place = number % len(name)
    letter = "A" if name[place] != "A" else "E"
    return name[:place] + letter + name[place + 1 :]
