"""How a value of a file becomes a value of the contract, and when it cannot: SQL expressions as sqlglot trees.

Each is written once as a constant text over the stand-in `x`, parsed, and `x` replaced by the column.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import sqlglot
from sqlglot import exp

from perlinsos.model.vocabulary import NUMBER_SIGNALS

CUT = "cut_int64"  # an amount whose fraction of a rupiah is cut
TARGETS = {
    "text": "varchar", "int64": "bigint", CUT: "bigint", "date": "date", "bool": "boolean", "timestamp": "timestamptz",
}  # fmt: skip
WHOLE = "'-?[0-9]+([.]0*)?'"
ZONED = "'[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?))?'"

# (kind of the contract, family of the file's type) -> (value, is_wrong); a family that is not here is wrong if not null
CONVERSIONS: dict[tuple[str, str], tuple[str, str | None]] = {
    ("text", "text"): ("nullif(x, '')", None),
    ("int64", "text"): (
        "cast(split_part(nullif(x, ''), '.', 1) as bigint)",
        f"x <> '' and not (regexp_full_match(x, {WHOLE}) and try_cast(split_part(x, '.', 1) as bigint) is not null)",
    ),
    ("int64", "bigint"): ("x", None),
    ("int64", "whole"): ("cast(x as bigint)", "x is not null and try_cast(x as bigint) is null"),
    ("int64", "fraction"): (
        "cast(x as bigint)",
        "x is not null and not (isfinite(cast(x as double)) and x = trunc(x) and abs(x) < 9007199254740992)",
    ),
    (CUT, "text"): (
        "cast(split_part(nullif(x, ''), '.', 1) as bigint)",
        "x <> '' and not (regexp_full_match(x, '[0-9]+([.][0-9]*)?') and try_cast(split_part(x, '.', 1) as bigint) is not null)",
    ),
    (CUT, "bigint"): ("x", None),
    (CUT, "whole"): ("cast(x as bigint)", "x is not null and try_cast(x as bigint) is null"),
    (CUT, "fraction"): (
        "cast(trunc(x) as bigint)", "x is not null and not (isfinite(cast(x as double)) and abs(x) < 9007199254740992)",
    ),
    ("date", "text"): (
        "cast(nullif(x, '') as date)",
        "x <> '' and not (regexp_full_match(x, '[0-9]{4}-[0-9]{2}-[0-9]{2}') and try_cast(x as date) is not null)",
    ),
    ("date", "date"): ("x", None),
    ("date", "moment"): ("cast(x as date)", "x <> date_trunc('day', x)"),
    ("bool", "text"): (
        "case when lower(x) in ('true', '1') then true when x <> '' then false end",
        "x <> '' and lower(x) not in ('true', 'false', '1', '0')",
    ),
    ("bool", "bool"): ("x", None),
    ("bool", "bigint"): ("x = 1", "x not in (0, 1)"),
    ("bool", "whole"): ("x = 1", "x not in (0, 1)"),
    ("bool", "fraction"): ("x = 1", "x not in (0, 1)"),
    ("timestamp", "text"): (
        "case when strlen(x) = 10 then cast(x as timestamp) at time zone 'Asia/Jakarta' "
        "else cast(nullif(x, '') as timestamptz) end",
        f"x <> '' and not (regexp_full_match(x, {ZONED}) and try_cast(x as timestamptz) is not null)",
    ),
    ("timestamp", "zoned"): ("x", None),
    ("timestamp", "date"): ("cast(x as timestamp) at time zone 'Asia/Jakarta'", None),
}  # fmt: skip
WANTED = {
    "text": "text is wanted", "int64": "a whole number is wanted", CUT: "an amount is wanted",
    "date": "a day such as 2026-01-31 is wanted", "bool": "true, false, 1 or 0 is wanted",
    "timestamp": "a moment with its zone, or a day, is wanted",
}  # fmt: skip


@dataclass(frozen=True)
class Check:
    """A condition under which a row of a file is wrong, with what is said about it."""

    column: str
    is_wrong: exp.Expr
    what: str
    why: str
    remedy: str


CUT_COLUMNS = frozenset({("minimum_wage", "umk_idr"), ("minimum_wage", "ump_idr")})
CLOSED_WORDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("population", "status"): ("active", "deceased", "moved"),
    ("population", "sex"): ("L", "P"),
    ("welfare_person", "disability"): ("none", "mild", "severe"),
    ("welfare_person", "school_level"): ("SD", "SMP", "SMA"),
    ("quarantined", "dataset"): ("population", "signal", "welfare_family", "welfare_person"),
}
ALWAYS_THERE = frozenset({("population", "status"), ("welfare_family", "dtsen_period"), ("quarantined", "dataset")})
UPPER = frozenset({("signal", "code"), ("welfare_family", "dtsen_period"), ("quota", "stage")})
LOWER = frozenset({("quota", "programme")})


def kind_of(dataset: str, column: str, kind: str) -> str:
    """The kind in which the determination reads a column: an amount of minimum_wage loses its fraction."""
    return CUT if (dataset, column) in CUT_COLUMNS else kind


def in_one_case(dataset: str, column: str, value: exp.Expr) -> exp.Expr:
    """The value in the case in which the models compare it."""
    words = CLOSED_WORDS.get((dataset, column))
    if (dataset, column) in UPPER or (words and words[0].isupper()):
        return exp.func("upper", value)
    if (dataset, column) in LOWER or words:
        return exp.func("lower", value)
    return value


def family(found: str) -> str:
    """The family of a DuckDB type: text, bigint, whole, fraction, date, moment, zoned, bool, other."""
    name = found.upper()
    if name == "VARCHAR" or name.startswith("ENUM"):
        return "text"
    if name == "BIGINT":
        return "bigint"
    if name in {"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT", "UHUGEINT"}:
        return "whole"
    if name in {"FLOAT", "DOUBLE"} or name.startswith("DECIMAL"):
        return "fraction"
    if name == "TIMESTAMP WITH TIME ZONE":
        return "zoned"
    if name.startswith("TIMESTAMP"):
        return "moment"
    return {"DATE": "date", "BOOLEAN": "bool"}.get(name, "other")


@cache
def _parsed(text: str) -> exp.Expr:
    return sqlglot.parse_one(text, read="duckdb")


def _over(text: str, column: str) -> exp.Expr:
    """The expression with the column in the place of `x`."""

    def replace(node: exp.Expr) -> exp.Expr:
        return exp.column(column) if isinstance(node, exp.Column) and node.name == "x" else node

    return _parsed(text).copy().transform(replace)


def typed(column: str, kind: str, found: str) -> exp.Expr:
    """The column of a file in a kind of the contract. Only right where cell_checks found nothing wrong."""
    conversion = CONVERSIONS.get((kind, family(found)))
    return _over(conversion[0], column) if conversion else exp.cast(exp.null(), TARGETS[kind])


def cell_checks(dataset: str, column: str, kind: str, found: str) -> list[Check]:
    """What can be wrong with one column of a file of that type."""
    checks = []
    conversion = CONVERSIONS.get((kind, family(found)))
    is_wrong = conversion[1] if conversion else "x is not null"
    if is_wrong:
        is_id = column in ("nik", "no_kk") and conversion is None
        what = "An id stands in a column of numbers" if is_id else "A value has the wrong type"
        checks.append(
            Check(column, _over(is_wrong, column), what, WANTED[kind], "correct the value, or deliver it as quarantined")
        )
    if conversion and (words := CLOSED_WORDS.get((dataset, column))):
        wrong = exp.not_(
            exp.In(this=exp.func("lower", exp.column(column)), expressions=[exp.Literal.string(w.lower()) for w in words])
        )
        empty = exp.column(column).neq(exp.Literal.string(""))
        checks.append(
            Check(column, exp.and_(empty, wrong), "An unknown word", f"one of {', '.join(words)} is wanted", "correct it")
        )
    if (dataset, column) in ALWAYS_THERE:
        none = _over("x is null or cast(x as varchar) = ''", column)
        checks.append(Check(column, none, "A value is missing", "a row without it cannot be judged", "deliver it"))
    if conversion and (dataset, column) == ("welfare_family", "dtsen_period"):
        malformed = _over("x <> '' and not regexp_full_match(x, '[0-9]{4}-[Qq][1-4]')", column)
        checks.append(Check(column, malformed, "A period is malformed", "a quarter such as 2025-Q4 is wanted", "correct it"))
    return checks


def row_checks(dataset: str, kinds: dict[str, str]) -> list[Check]:
    """What can be wrong between the columns of a file: a number signal whose value is not one."""
    if dataset != "signal" or any(family(kinds.get(name, "")) != "text" for name in ("code", "value")):
        return []
    codes = exp.In(this=exp.func("upper", exp.column("code")), expressions=[exp.Literal.string(code) for code in NUMBER_SIGNALS])
    wrong = _over(
        "x <> '' and not (regexp_full_match(x, '[0-9]+([.]0*)?') and try_cast(split_part(x, '.', 1) as bigint) is not null) "
        "and lower(x) not in ('false', 'none', 'tidak')",
        "value",
    )
    return [
        Check("value", exp.and_(codes, wrong), "A signal's value is not a number", "digits are wanted for its code", "correct it")
    ]
