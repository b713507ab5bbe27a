"""Kemendagri region codes with points: `35`, `35.10`, `35.10.16`, `35.10.16.1014`."""

from __future__ import annotations

import re

from perlinsos.errors import WrongUsage

_FORM = re.compile(r"\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?")
LEVELS = ("province", "regency", "district", "village")


def is_code(text: str) -> bool:
    """Whether the text has the form of a Kemendagri code with points (it need not be in today's list)."""
    return _FORM.fullmatch(text) is not None


def level(code: str) -> str:
    """`province`, `regency`, `district` or `village`, by the number of parts."""
    return LEVELS[code.count(".")]


def parent(code: str) -> str:
    """The code one level up; the empty text for a province."""
    return code.rpartition(".")[0]


def parse_regency(text: str) -> str:
    """Check that the text is a regency code such as `35.10`. Raises WrongUsage naming the form."""
    if not is_code(text) or level(text) != "regency":
        raise WrongUsage(f"{text!r} is not a region code", why="a region is a regency or city", remedy="write 35.10")
    return text


def with_points(digits: str) -> str:
    """`3510161014` -> `35.10.16.1014`; 2, 4, 6 or 10 digits."""
    cuts = {2: (2,), 4: (2, 4), 6: (2, 4, 6), 10: (2, 4, 6, 10)}[len(digits)]
    return ".".join(digits[start:end] for start, end in zip((0, *cuts), cuts, strict=False))
