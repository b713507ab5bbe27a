"""One dataset column as three SQL expressions, built from the source's description through sqlglot's tree.

`text` is the cell cleaned for reading, `value` the typed value, `issue` the message id. Words of the description become
literals of the tree, never joined text; the rules of reading are macros in `sql/staging/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from perlinsos.model.datasets import Column
from perlinsos.sources.description import ZONE_HOURS, SourceColumn, SourceDescription
from perlinsos.sources.vocabulary import (
    CODE_NUMBERS,
    DECILE_NULL_WORDS,
    NUMBER_SIGNALS,
    PATTERNS,
    WORDS,
    cell_kind,
)

NULL = exp.Null()
TRUE_WORDS, FALSE_WORDS = ("true", "1"), ("false", "0")


@dataclass(frozen=True)
class Reading:
    """How the numbers of a column are read: comma, point, both (no `either` can be) or None; by the source or not."""

    style: str | None = None
    is_declared: bool = False


@dataclass(frozen=True)
class Expressions:
    """The expressions of one column, in the order of the stages that they are computed in."""

    column: Column
    text: exp.Expression
    parsed: dict[str, exp.Expression] = field(default_factory=dict)
    value: exp.Expression = NULL
    issue: exp.Expression = NULL


def name_of(column: str) -> exp.Column:
    """A quoted reference to a column."""
    return exp.column(exp.to_identifier(column, quoted=True))


def literal(text: str | None) -> exp.Expression:
    """A text literal, escaped by the SQL generator."""
    return NULL if text is None else exp.Literal.string(text)


def call(macro: str, *arguments: exp.Expression | str | None) -> exp.Expression:
    """A call of a macro of `sql/staging/`; plain text arguments are literals."""
    found = [a if isinstance(a, exp.Expression) else literal(a) for a in arguments]
    return exp.Anonymous(this=macro, expressions=[a.copy() for a in found])


def case(*branches: tuple[exp.Expression, exp.Expression], default: exp.Expression = NULL) -> exp.Expression:
    """`case when … then … else … end`."""
    tree = exp.Case()
    for condition, result in branches:
        tree = tree.when(condition.copy(), result.copy(), copy=False)
    return tree.else_(default.copy(), copy=False)


def is_null(tree: exp.Expression) -> exp.Expression:
    """`… is null`."""
    return exp.Is(this=tree.copy(), expression=exp.Null())


def is_in(tree: exp.Expression, words: Sequence[str]) -> exp.Expression:
    """`… in (…)` over text literals."""
    return exp.In(this=tree.copy(), expressions=[literal(word) for word in words])


def build(source: SourceDescription, column: Column, kind: exp.Expression, reading: Reading) -> Expressions:
    """The expressions of one column. `kind` is the expression of the cell's kind (null: text)."""
    builders = {
        "id": _build_id,
        "int64": _build_number,
        "date": _build_date,
        "timestamp": _build_date,
        "bool": _build_bool,
        "list": _build_list,
        "signal_value": _build_signal_value,
        "word": _build_word,
        "form": _build_form,
    }
    builder = builders.get(cell_kind(source.dataset, column), _build_text)
    built = builder(source, column, kind, reading)
    broken = case(
        (exp.EQ(this=kind.copy(), expression=literal("error")), literal("cell_error")),
        (exp.EQ(this=kind.copy(), expression=literal("formula")), literal("formula_without_value")),
        (exp.EQ(this=kind.copy(), expression=literal("nested")), literal("value_type")),
        default=built.issue,
    )
    if isinstance(kind, exp.Null):
        return built
    value = case((is_in(kind, ("error", "formula", "nested")), NULL), default=built.value)
    return Expressions(column, built.text, built.parsed, value, broken)


def _trimmed(source: SourceDescription, column: Column) -> exp.Expression:
    """The cell without outer blanks; null where empty or a null word of the source."""
    cell = call("nullif", call("trim", name_of(column.name)), "")
    words = null_words(source, column)
    return case((is_in(call("upper", cell), [w.strip().upper() for w in words]), NULL), default=cell) if words else cell


def null_words(source: SourceDescription, column: Column) -> tuple[str, ...]:
    """The words that mean null in this column; a decile's are the contract's too."""
    own = source.column(column.name).null_words
    return (*own, *DECILE_NULL_WORDS) if column.name == "decile" else own


def _mapped(described: SourceColumn, text: exp.Expression, words: Sequence[str]) -> exp.Expression:
    """The contract's word for a cell's word, compared without case; null where none is listed."""
    table = {word.casefold(): word for word in words}
    table |= {word.strip().casefold(): value for word, value in described.values.items() if value is not None}
    branches = [(exp.EQ(this=call("lower", text), expression=literal(w)), literal(v)) for w, v in table.items()]
    return case(*branches) if branches else NULL


def _to_null(described: SourceColumn, text: exp.Expression) -> exp.Expression:
    """Words that the source maps to null."""
    words = [word.strip().casefold() for word, value in described.values.items() if value is None]
    return is_in(call("lower", text), words) if words else exp.false()


def _build_text(source: SourceDescription, column: Column, kind: exp.Expression, reading: Reading) -> Expressions:
    described, cell = source.column(column.name), name_of(column.name)
    text, trimmed = name_of(f"{column.name}__text"), _trimmed(source, column)
    if not described.values:
        kept = case((is_null(text), NULL), default=cell)
        return Expressions(column, trimmed, value=kept)
    value = _mapped(described, text, ())
    known = exp.or_(is_null(text), exp.not_(is_null(name_of(f"{column.name}__value"))), _to_null(described, text))
    return Expressions(column, trimmed, value=value, issue=case((known, NULL), default=literal("code_unknown")))


def _build_word(source: SourceDescription, column: Column, kind: exp.Expression, reading: Reading) -> Expressions:
    described, text = source.column(column.name), name_of(f"{column.name}__text")
    value = _mapped(described, text, WORDS[source.dataset, column.name])
    known = exp.or_(is_null(text), exp.not_(is_null(name_of(f"{column.name}__value"))), _to_null(described, text))
    issue = case((known, NULL), default=literal("code_unknown"))
    return Expressions(column, _trimmed(source, column), value=value, issue=issue)


def _build_form(source: SourceDescription, column: Column, kind: exp.Expression, reading: Reading) -> Expressions:
    described, text = source.column(column.name), name_of(f"{column.name}__text")
    upper = call("coalesce", _mapped(described, text, ()), call("upper", text))
    fits = call("regexp_full_match", upper, PATTERNS[source.dataset, column.name])
    known = exp.or_(is_null(text), exp.not_(is_null(name_of(f"{column.name}__value"))))
    issue = case((known, NULL), default=literal("code_unknown" if column.name == "claim" else "value_type"))
    return Expressions(column, _trimmed(source, column), value=case((fits, upper)), issue=issue)


def _build_id(source: SourceDescription, column: Column, kind: exp.Expression, reading: Reading) -> Expressions:
    cell, text = name_of(column.name), name_of(f"{column.name}__text")
    required = exp.true() if column.must else exp.false()
    return Expressions(
        column,
        call("id_cleaned", cell),
        value=call("id_value", cell, kind, text),
        issue=call("id_issue", cell, kind, text, required),
    )


def _build_bool(source: SourceDescription, column: Column, kind: exp.Expression, reading: Reading) -> Expressions:
    described, text = source.column(column.name), name_of(f"{column.name}__text")
    word = call("coalesce", _mapped(described, text, ()), call("lower", text))
    value = case((is_in(word, TRUE_WORDS), exp.true()), (is_in(word, FALSE_WORDS), exp.false()))
    known = exp.or_(is_null(text), exp.not_(is_null(name_of(f"{column.name}__value"))), _to_null(described, text))
    issue = case((known, NULL), default=literal("code_unknown"))
    return Expressions(column, _trimmed(source, column), value=value, issue=issue)


def _build_list(source: SourceDescription, column: Column, kind: exp.Expression, reading: Reading) -> Expressions:
    text, value = name_of(f"{column.name}__text"), name_of(f"{column.name}__value")
    parts = exp.cast(call("string_split", call("regexp_replace", text, r"\s*\|\s*", "|", "g"), "|"), "text[]")
    is_formed = call("regexp_full_match", text, r"[A-Z][A-Z0-9_]*(\s*\|\s*[A-Z][A-Z0-9_]*)*")
    issue = case((exp.or_(is_null(text), exp.not_(is_null(value))), NULL), default=literal("code_unknown"))
    return Expressions(column, _trimmed(source, column), value=case((is_formed, parts)), issue=issue)


def _number(
    source: SourceDescription, column: Column, kind: exp.Expression, reading: Reading
) -> dict[str, exp.Expression]:
    """The stages of a number: without currency, its style, with a decimal point, whole."""
    n = column.name
    described = source.column(n)
    text = name_of(f"{n}__text")
    bare = call("number_bare", call("coalesce", _mapped(described, text, ()), text) if described.values else text)
    declared = exp.true() if reading.is_declared else exp.false()
    return {
        "bare": bare,
        "style": call("number_style", name_of(f"{n}__bare")),
        "number": call(
            "number_text", name_of(f"{n}__bare"), kind, name_of(f"{n}__style"), literal(reading.style), declared
        ),
        "whole": call("whole_number", name_of(f"{n}__number")),
    }


def _build_number(source: SourceDescription, column: Column, kind: exp.Expression, reading: Reading) -> Expressions:
    n = column.name
    described, text, whole = source.column(n), name_of(f"{n}__text"), name_of(f"{n}__whole")
    is_code = exp.true() if described.values or n in CODE_NUMBERS else exp.false()
    issue = call("number_issue", text, kind, name_of(f"{n}__style"), literal(reading.style), whole, is_code)
    value: exp.Expression = call("nullif", whole, exp.Literal.number(0)) if n == "decile" else whole
    issue = case((_to_null(described, text), NULL), default=issue)
    return Expressions(column, _trimmed(source, column), _number(source, column, kind, reading), value, issue)


def _build_signal_value(
    source: SourceDescription, column: Column, kind: exp.Expression, reading: Reading
) -> Expressions:
    """A number for the codes whose value is one, otherwise the text."""
    described, text, whole = source.column("value"), name_of("value__text"), name_of("value__whole")
    is_number = is_in(call("coalesce", name_of("code__value"), ""), NUMBER_SIGNALS)
    held = case((exp.GTE(this=whole, expression=exp.Literal.number(0)), whole))
    words = call("coalesce", _mapped(described, text, ()), text)
    value = case((is_number, exp.cast(held, "text")), (_to_null(described, text), NULL), default=words)
    issue = call("number_issue", text, kind, name_of("value__style"), literal(reading.style), held, exp.false())
    parsed = _number(source, column, kind, reading)
    return Expressions(column, _trimmed(source, column), parsed, value, case((is_number, issue)))


def _build_date(source: SourceDescription, column: Column, kind: exp.Expression, reading: Reading) -> Expressions:
    n = column.name
    cell, text = name_of(n), name_of(f"{n}__text")
    day, clock, zone = name_of(f"{n}__day"), name_of(f"{n}__clock"), name_of(f"{n}__zone")
    formats = source.column(n).formats
    parsed = {
        "day": _day(source.column(n), text, kind),
        "clock": call("time_text", cell),
        "zone": call("zone_minutes", call("zone_text", cell)),
    }
    home = exp.Literal.number(60 * ZONE_HOURS[source.time_zone])
    moment = exp.Add(this=day, expression=call("coalesce", call("time_of", clock), exp.cast(literal("00:00"), "time")))
    is_bad_time = exp.and_(exp.not_(is_null(clock)), is_null(call("time_of", clock)))
    if column.kind == "timestamp":
        utc = exp.Sub(this=moment, expression=call("to_minutes", call("coalesce", zone, home)))
        value = case((is_bad_time, NULL), default=exp.cast(exp.cast(utc, "timestamp"), "timestamptz"))
    else:
        shift = call("to_minutes", exp.Sub(this=home, expression=zone))
        moved = exp.cast(exp.Add(this=moment.copy(), expression=shift), "date")
        value = case((is_bad_time, NULL), (is_null(zone), day), default=moved)
    issue = _date_issue(column, kind, formats, is_declared_century=source.column(n).century is not None)
    return Expressions(column, _date_text(source, column, cell), parsed, value, issue)


def _date_text(source: SourceDescription, column: Column, cell: exp.Expression) -> exp.Expression:
    words = null_words(source, column)
    text = call("day_text", cell)
    if not words:
        return text
    return case((is_in(call("upper", call("trim", cell)), [w.strip().upper() for w in words]), NULL), default=text)


def _day(described: SourceColumn, text: exp.Expression, kind: exp.Expression) -> exp.Expression:
    """The first of the source's formats that fits."""
    pivot = exp.Literal.number(described.century.pivot if described.century else 0)
    forms = {
        "%Y-%m-%d": call("iso_day", text),
        "%Y/%m/%d": call("slashed_iso_day", text),
        "%d/%m/%Y": call("marked_day", text, "/"),
        "%d-%m-%Y": call("marked_day", text, "-"),
        "%d.%m.%Y": call("marked_day", text, "."),
        "%d%m%Y": call("unmarked_day", text),
        "excel_serial": call("serial_day", text, kind),
    }
    for word in ("%d %B %Y", "%d %b %Y", "%d-%B-%Y", "%d-%b-%Y"):
        forms[word] = call("worded_day", text)
    for word, mark in (("%d/%m/%y", "/"), ("%d-%m-%y", "-"), ("%d.%m.%y", ".")):
        forms[word] = call("short_year_day", text, mark, pivot) if described.century else NULL
    # Date cells of a workbook and dates of Parquet come as ISO text whatever formats the source names.
    chosen = [forms["%Y-%m-%d"]] if not isinstance(kind, exp.Null) or "%Y-%m-%d" in described.formats else []
    chosen += [forms[name] for name in described.formats if name != "%Y-%m-%d"]
    return call("coalesce", *chosen, NULL)


def _date_issue(
    column: Column, kind: exp.Expression, formats: tuple[str, ...], *, is_declared_century: bool
) -> exp.Expression:
    n = column.name
    cell, text, value = name_of(n), name_of(f"{n}__text"), name_of(f"{n}__value")
    clock = name_of(f"{n}__clock")
    ambiguous = [] if is_declared_century else [r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2}"]
    repaired = call("has_place_before", cell)
    if "%d%m%Y" in formats:
        ambiguous.append("[0-9]{6}")
        repaired = exp.or_(repaired, call("regexp_full_match", text, "[0-9]{7}"))
    at_midnight = exp.and_(
        exp.EQ(this=call("coalesce", kind, ""), expression=literal("date")),
        call("regexp_full_match", clock, r"00:00(:00(\.0*)?)?"),
    )
    dropped = exp.and_(exp.not_(is_null(clock)), exp.not_(at_midnight)) if column.kind == "date" else exp.false()
    is_iso = call("regexp_full_match", cell, "[0-9]{4}-[0-9]{2}-[0-9]{2}")
    found = exp.not_(is_null(value))
    branches = [
        (is_null(text), NULL),
        (exp.and_(found, is_iso), NULL),
        (exp.and_(found, repaired), literal("date_repaired")),
        (exp.and_(found, dropped), literal("time_dropped")),
        (found, NULL),
    ]
    if ambiguous:
        branches.append((call("regexp_full_match", text, "|".join(ambiguous)), literal("date_ambiguous")))
    return case(*branches, default=literal("date_invalid"))
