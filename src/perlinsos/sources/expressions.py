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
class Cell:
    """What is known of a column's cells: the source and column, the expression of their kind, how numbers are read."""

    source: SourceDescription
    column: Column
    kind: exp.Expr
    reading: Reading

    @property
    def described(self) -> SourceColumn:
        """How the source fills the column."""
        return self.source.column(self.column.name)

    @property
    def arrived(self) -> exp.Column:
        """The cell as it arrived."""
        return name_of(self.column.name)

    def stage(self, name: str) -> exp.Column:
        """A later stage of the cell: text, value, bare, …"""
        return name_of(f"{self.column.name}__{name}")


@dataclass(frozen=True)
class Expressions:
    """The expressions of one column, in the order of the stages that they are computed in."""

    column: Column
    text: exp.Expr
    parsed: dict[str, exp.Expr] = field(default_factory=dict)
    value: exp.Expr = NULL
    issue: exp.Expr = NULL


def name_of(column: str) -> exp.Column:
    """A quoted reference to a column."""
    return exp.column(exp.to_identifier(column, quoted=True))


def literal(text: str | None) -> exp.Expr:
    """A text literal, escaped by the SQL generator."""
    return NULL if text is None else exp.Literal.string(text)


def call(macro: str, *arguments: exp.Expr | str | None) -> exp.Expr:
    """A call of a macro of `sql/staging/`; plain text arguments are literals."""
    found = [a if isinstance(a, exp.Expr) else literal(a) for a in arguments]
    return exp.Anonymous(this=macro, expressions=[a.copy() for a in found])


def case(*branches: tuple[exp.Expr, exp.Expr], default: exp.Expr = NULL) -> exp.Expr:
    """`case when … then … else … end`."""
    tree = exp.Case()
    for condition, result in branches:
        tree = tree.when(condition.copy(), result.copy(), copy=False)
    return tree.else_(default.copy(), copy=False)


def is_null(tree: exp.Expr) -> exp.Expr:
    """`… is null`."""
    return exp.Is(this=tree.copy(), expression=exp.Null())


def is_in(tree: exp.Expr, words: Sequence[str]) -> exp.Expr:
    """`… in (…)` over text literals."""
    return exp.In(this=tree.copy(), expressions=[literal(word) for word in words])


def build(cell: Cell) -> Expressions:
    """The expressions of one column."""
    builder = _BUILDERS.get(cell_kind(cell.source.dataset, cell.column), _build_text)
    built = builder(cell)
    if isinstance(cell.kind, exp.Null):
        return built
    issue = case(
        (_equals(cell.kind, "error"), literal("cell_error")),
        (_equals(cell.kind, "formula"), literal("formula_without_value")),
        (_equals(cell.kind, "nested"), literal("value_type")),
        default=built.issue,
    )
    value = case((is_in(cell.kind, ("error", "formula", "nested")), NULL), default=built.value)
    return Expressions(cell.column, built.text, built.parsed, value, issue)


def _equals(tree: exp.Expr, text: str) -> exp.Expr:
    return exp.EQ(this=tree.copy(), expression=literal(text))


def _trimmed(cell: Cell) -> exp.Expr:
    """The cell without outer blanks; null where empty or a null word of the source."""
    text = call("nullif", call("trim", cell.arrived), "")
    words = null_words(cell.source, cell.column)
    return case((is_in(call("upper", text), [w.strip().upper() for w in words]), NULL), default=text) if words else text


def null_words(source: SourceDescription, column: Column) -> tuple[str, ...]:
    """The words that mean null in this column; a decile's are the contract's too."""
    own = source.column(column.name).null_words
    return (*own, *DECILE_NULL_WORDS) if column.name == "decile" else own


def _mapped(cell: Cell, words: Sequence[str] = ()) -> exp.Expr:
    """The contract's word for a cell's word, compared without case; null where none is listed."""
    values = cell.described.values
    table = {word.casefold(): word for word in words}
    table |= {word.strip().casefold(): value for word, value in values.items() if value is not None}
    lower = call("lower", cell.stage("text"))
    branches = [(_equals(lower, word), literal(value)) for word, value in table.items()]
    return case(*branches) if branches else NULL


def _word_or_text(cell: Cell) -> exp.Expr:
    """The source's word where it lists the cell's, else the cell's text."""
    text = cell.stage("text")
    return call("coalesce", _mapped(cell), text) if cell.described.values else text


def _is_mapped_to_null(cell: Cell) -> exp.Expr:
    words = [word.strip().casefold() for word, value in cell.described.values.items() if value is None]
    return is_in(call("lower", cell.stage("text")), words) if words else exp.false()


def _unless_known(cell: Cell, message_id: str) -> exp.Expr:
    """The message, unless the cell is empty, has a value, or means null."""
    is_found = exp.not_(is_null(cell.stage("value")))
    known = exp.or_(is_null(cell.stage("text")), is_found, _is_mapped_to_null(cell))
    return case((known, NULL), default=literal(message_id))


def _build_text(cell: Cell) -> Expressions:
    if cell.described.values:
        return Expressions(cell.column, _trimmed(cell), value=_mapped(cell), issue=_unless_known(cell, "code_unknown"))
    kept = case((is_null(cell.stage("text")), NULL), default=cell.arrived)
    return Expressions(cell.column, _trimmed(cell), value=kept)


def _build_word(cell: Cell) -> Expressions:
    words = WORDS[cell.source.dataset, cell.column.name]
    issue = _unless_known(cell, "code_unknown")
    return Expressions(cell.column, _trimmed(cell), value=_mapped(cell, words), issue=issue)


def _build_form(cell: Cell) -> Expressions:
    name = cell.column.name
    upper = call("upper", _word_or_text(cell))
    fits = call("regexp_full_match", upper, PATTERNS[cell.source.dataset, name])
    issue = _unless_known(cell, "code_unknown" if name == "claim" else "value_type")
    return Expressions(cell.column, _trimmed(cell), value=case((fits, upper)), issue=issue)


def _build_id(cell: Cell) -> Expressions:
    text = cell.stage("text")
    required = exp.true() if cell.column.must else exp.false()
    return Expressions(
        cell.column,
        call("id_cleaned", cell.arrived),
        value=call("id_value", cell.arrived, cell.kind, text),
        issue=call("id_issue", cell.arrived, cell.kind, text, required),
    )


def _build_bool(cell: Cell) -> Expressions:
    word = call("lower", _word_or_text(cell))
    value = case((is_in(word, TRUE_WORDS), exp.true()), (is_in(word, FALSE_WORDS), exp.false()))
    return Expressions(cell.column, _trimmed(cell), value=value, issue=_unless_known(cell, "code_unknown"))


def _build_list(cell: Cell) -> Expressions:
    text = cell.stage("text")
    parts = call("string_split", call("regexp_replace", text, r"\s*\|\s*", "|", "g"), "|")
    is_formed = call("regexp_full_match", text, r"[A-Z][A-Z0-9_]*(\s*\|\s*[A-Z][A-Z0-9_]*)*")
    value = case((is_formed, parts))
    return Expressions(cell.column, _trimmed(cell), value=value, issue=_unless_known(cell, "code_unknown"))


def _number(cell: Cell) -> dict[str, exp.Expr]:
    """The stages of a number: without currency, its style, with a decimal point, whole."""
    bare, style = cell.stage("bare"), cell.stage("style")
    declared = exp.true() if cell.reading.is_declared else exp.false()
    keys = [word.strip() for word in cell.described.values]
    # Where the source lists numbers they are its codes: a number beside them is no amount.
    is_code_list = bool(keys) and all(key.isdigit() for key in keys)
    return {
        "bare": call("number_bare", _mapped(cell) if is_code_list else _word_or_text(cell)),
        "style": call("number_style", bare),
        "number": call("number_text", bare, cell.kind, style, literal(cell.reading.style), declared),
        "whole": call("whole_number", cell.stage("number")),
    }


def _build_number(cell: Cell) -> Expressions:
    name, whole = cell.column.name, cell.stage("whole")
    is_code = exp.true() if cell.described.values or name in CODE_NUMBERS else exp.false()
    style = literal(cell.reading.style)
    issue = call("number_issue", cell.stage("text"), cell.kind, cell.stage("style"), style, whole, is_code)
    if cell.described.values and all(key.strip().isdigit() for key in cell.described.values):
        issue = _unless_known(cell, "code_unknown")
    value: exp.Expr = call("nullif", whole, exp.Literal.number(0)) if name == "decile" else whole
    issue = case((_is_mapped_to_null(cell), NULL), default=issue)
    return Expressions(cell.column, _trimmed(cell), _number(cell), value, issue)


def _build_signal_value(cell: Cell) -> Expressions:
    """A number for the codes whose value is one, otherwise the source's word where it lists words, else the text."""
    whole, lists_words = cell.stage("whole"), bool(cell.described.values)
    is_number = is_in(call("coalesce", name_of("code__value"), ""), NUMBER_SIGNALS)
    held = case((exp.GTE(this=whole, expression=exp.Literal.number(0)), whole))
    value = case((is_number, exp.cast(held, "text")), default=_mapped(cell) if lists_words else cell.stage("text"))
    style = literal(cell.reading.style)
    issue = call("number_issue", cell.stage("text"), cell.kind, cell.stage("style"), style, held, exp.false())
    unlisted = _unless_known(cell, "code_unknown") if lists_words else NULL
    return Expressions(cell.column, _trimmed(cell), _number(cell), value, case((is_number, issue), default=unlisted))


def _build_date(cell: Cell) -> Expressions:
    day, clock, zone = cell.stage("day"), cell.stage("clock"), cell.stage("zone")
    parsed = {
        "day": _day(cell),
        "clock": call("time_text", cell.arrived),
        "zone": call("zone_minutes", call("zone_text", cell.arrived)),
    }
    home = exp.Literal.number(60 * ZONE_HOURS[cell.source.time_zone])
    time = call("time_of", clock)
    moment = exp.Add(this=day, expression=call("coalesce", time, exp.cast(literal("00:00"), "time")))
    is_bad_time = exp.and_(exp.not_(is_null(clock)), is_null(time))
    if cell.column.kind == "timestamp":
        utc = exp.Sub(this=moment, expression=call("to_minutes", call("coalesce", zone, home)))
        value = case((is_bad_time, NULL), default=exp.cast(exp.cast(utc, "timestamp"), "timestamptz"))
    else:
        shift = call("to_minutes", exp.Sub(this=home, expression=zone))
        moved = exp.cast(exp.Add(this=moment, expression=shift), "date")
        value = case((is_bad_time, NULL), (is_null(zone), day), default=moved)
    return Expressions(cell.column, _date_text(cell), parsed, value, _date_issue(cell))


def _date_text(cell: Cell) -> exp.Expr:
    text = call("day_text", cell.arrived)
    words = [word.strip().upper() for word in null_words(cell.source, cell.column)]
    return case((is_in(call("upper", call("trim", cell.arrived)), words), NULL), default=text) if words else text


def _day(cell: Cell) -> exp.Expr:
    """The first of the source's formats that fits."""
    text, century = cell.stage("text"), cell.described.century
    forms = {
        "%Y-%m-%d": call("iso_day", text),
        "%Y/%m/%d": call("slashed_iso_day", text),
        "%d/%m/%Y": call("marked_day", text, "/"),
        "%d-%m-%Y": call("marked_day", text, "-"),
        "%d.%m.%Y": call("marked_day", text, "."),
        "%d%m%Y": call("unmarked_day", text),
        "excel_serial": call("serial_day", text, cell.kind),
    }
    for word in ("%d %B %Y", "%d %b %Y", "%d-%B-%Y", "%d-%b-%Y"):
        forms[word] = call("worded_day", text)
    pivot = exp.Literal.number(century.pivot if century else 0)
    for word, mark in (("%d/%m/%y", "/"), ("%d-%m-%y", "-"), ("%d.%m.%y", ".")):
        forms[word] = call("short_year_day", text, mark, pivot) if century else NULL
    # Date cells of a workbook and dates of Parquet come as ISO text whatever formats the source names.
    iso = "%Y-%m-%d"
    formats = cell.described.formats
    chosen = [forms[iso]] if iso in formats or not isinstance(cell.kind, exp.Null) else []
    chosen += [forms[name] for name in formats if name != iso]
    return call("coalesce", *chosen, NULL)


def _date_issue(cell: Cell) -> exp.Expr:
    text, clock = cell.stage("text"), cell.stage("clock")
    ambiguous = [] if cell.described.century else [r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2}"]
    repaired = call("has_place_before", cell.arrived)
    if "%d%m%Y" in cell.described.formats:
        ambiguous.append("[0-9]{6}")
        repaired = exp.or_(repaired, call("regexp_full_match", text, "[0-9]{7}"))
    is_day_cell = _equals(call("coalesce", cell.kind, ""), "date")
    at_midnight = exp.and_(is_day_cell, call("regexp_full_match", clock, r"00:00(:00(\.0*)?)?"))
    dropped = exp.and_(exp.not_(is_null(clock)), exp.not_(at_midnight)) if cell.column.kind == "date" else exp.false()
    found = exp.not_(is_null(cell.stage("value")))
    is_iso = call("regexp_full_match", cell.arrived, "[0-9]{4}-[0-9]{2}-[0-9]{2}")
    branches: list[tuple[exp.Expr, exp.Expr]] = [
        (is_null(text), NULL),
        (exp.and_(found, is_iso), NULL),
        (exp.and_(found, repaired), literal("date_repaired")),
        (exp.and_(found, dropped), literal("time_dropped")),
        (found, NULL),
    ]
    if ambiguous:
        branches.append((call("regexp_full_match", text, "|".join(ambiguous)), literal("date_ambiguous")))
    return case(*branches, default=literal("date_invalid"))


_BUILDERS = {
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
