"""From cells to the dataset's typed rows, in one statement over all rows.

Stages: the cells, cleaned texts, parsed parts, values, issues. Nothing is decided here about a row: `_issues` names
every `column.message_id` that reading found, the rule file says what each means.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp, select

from perlinsos.errors import Refused
from perlinsos.model.datasets import DATASETS, Column
from perlinsos.sources.cells import KIND_SUFFIX
from perlinsos.sources.description import SourceDescription
from perlinsos.sources.expressions import (
    NULL,
    Cell,
    Expressions,
    Reading,
    build,
    call,
    case,
    is_in,
    is_null,
    literal,
    name_of,
    null_words,
)
from perlinsos.sources.layout import required_names
from perlinsos.sources.places import PLACE_COLUMNS, Codes, load_gazetteer, refuse_bps_codes, resolve_place
from perlinsos.sources.vocabulary import cell_kind

SQL_TYPES = {
    "text": "text",
    "int64": "bigint",
    "date": "date",
    "bool": "boolean",
    "timestamp": "timestamptz",
    "list<text>": "text[]",
}
PARSED_STAGES = ("bare", "style", "number", "whole")
RESERVED = ("_row", "_flaw", "_cells")


def open_cells(connection: duckdb.DuckDBPyConnection, files: Iterable[Path], macros: Path) -> list[str]:
    """Make the view `cells` over the cell files and load the macros. Gives its column names."""
    for model in sorted(macros.glob("*.sql")):
        connection.execute(model.read_text(encoding="utf-8"))
    connection.read_parquet([str(file) for file in files], union_by_name=True).create_view("cells", replace=True)
    return [row[0] for row in connection.execute("select column_name from (describe cells)").fetchall()]


def convert(
    connection: duckdb.DuckDBPyConnection,
    source: SourceDescription,
    names: list[str],
    reference: Path,
    target: Path,
    *,
    is_whole_delivery: bool = True,
) -> None:
    """Write the canonical rows: the dataset's columns, `_row`, `_issues`.

    Raises Refused where the rows of a whole delivery prove that a Kemendagri column holds BPS codes.
    """
    columns = DATASETS[source.dataset].columns
    kinds = {column.name: _kind(column, names) for column in columns}
    readings = {column.name: _reading(connection, source, column, kinds[column.name], names) for column in columns}
    built = [build(Cell(source, c, kinds[c.name], readings[c.name])) for c in columns]
    _resolve_places(connection, source, names, reference, is_whole_delivery=is_whole_delivery)
    statement = _statement(source, built, names)
    text = statement.sql(dialect="duckdb")
    connection.execute(f"copy ({text}) to '{_quoted(target)}' (format parquet, compression lz4)")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _kind(column: Column, names: list[str]) -> exp.Expr:
    kind = column.name + KIND_SUFFIX
    return exp.cast(name_of(kind), "text") if kind in names else NULL


def _arrived(source: SourceDescription, column: Column, names: list[str]) -> exp.Expr:
    """The cell as text: the source's constant, the file's column, or null."""
    constant = source.column(column.name).constant
    if constant is not None:
        return literal(constant)
    return name_of(column.name) if column.name in names else exp.cast(NULL, "text")


def _cells(source: SourceDescription, names: list[str]) -> exp.Select:
    """The stage `arrived`: one text for each dataset column, the kinds that there are, what is wrong with the record."""
    columns = DATASETS[source.dataset].columns
    fields = [exp.alias_(_arrived(source, c, names), c.name, quoted=True) for c in columns]
    kinds = [name_of(c.name + KIND_SUFFIX) for c in columns if c.name + KIND_SUFFIX in names]
    flaw = case((_is_header(source, names), literal(f"{columns[0].name}.not_a_record")), default=name_of("_flaw"))
    filled = call("concat_ws", "\x1f", *(call("nullif", call("trim", name_of(n)), "") for n in names if _is_cell(n)))
    own = [exp.alias_(flaw, "_flaw", quoted=True), exp.alias_(filled, "_filled", quoted=True)]
    return select(name_of("_row"), *own, *fields, *kinds).from_("cells")


def _is_cell(name: str) -> bool:
    return name not in RESERVED and not name.endswith(KIND_SUFFIX)


def _is_header(source: SourceDescription, names: list[str]) -> exp.Expr:
    """Whether a record repeats the header: every required column holds its own name."""
    tests = [_holds_name(column, origin) for column, origin in required_names(source).items() if column in names]
    return exp.and_(*tests) if tests else exp.false()


def _holds_name(column: str, origin: str) -> exp.Expr:
    """Whether a cell is its column's name: the whole, or what stands behind its last point (a nested name)."""
    wanted = sorted({origin, origin.rpartition(".")[2].strip()} - {""})
    test = is_in(call("plain_word", name_of(column)), wanted)
    is_lettered = all(word.lower() != word.upper() for word in wanted)
    return exp.and_(call("has_letter", name_of(column)), test) if is_lettered else test


def _statement(source: SourceDescription, built: list[Expressions], names: list[str]) -> exp.Select:
    """All stages as one statement."""
    star = exp.Star()
    places = _place_names(source)
    own = [item for item in built if item.column.name not in places]
    texts = [exp.alias_(item.text, f"{item.column.name}__text", quoted=True) for item in own]
    tree = select(star, *texts).from_("arrived").with_("arrived", as_=_cells(source, names))
    tree, previous = select(star).from_("cleaned").with_("cleaned", as_=tree), "cleaned"
    stages: list[list[exp.Expr]] = []
    for stage in PARSED_STAGES:
        stages.append([_part(item, stage) for item in own if stage in item.parsed])
    stages[0] += [_part(item, stage) for item in own for stage in item.parsed if stage not in PARSED_STAGES]
    stages.append([_value(item) for item in own if item.column.name != "value"])
    stages.append([_value(item) for item in own if item.column.name == "value"])
    stages.append([exp.alias_(item.issue, f"{item.column.name}__issue", quoted=True) for item in own])
    for number, stage_fields in enumerate(stages):
        if stage_fields:
            name = f"stage_{number}"
            inner = select(star, *stage_fields).from_(previous)
            tree = _append(tree, name, inner)
            previous = name
    return _append(tree, "", _final(source, own, places, previous))


def _append(tree: exp.Select, name: str, inner: exp.Select) -> exp.Select:
    """Add `inner` as a further named stage, or as the statement itself."""
    stages = tree.args["with_"].expressions if "with_" in tree.args else tree.args["with"].expressions
    result = select(exp.Star()).from_(name) if name else inner
    for stage in stages:
        result = result.with_(stage.alias, as_=stage.this)
    return result.with_(name, as_=inner) if name else result


def _part(item: Expressions, stage: str) -> exp.Expr:
    return exp.alias_(item.parsed[stage], f"{item.column.name}__{stage}", quoted=True)


def _value(item: Expressions) -> exp.Expr:
    return exp.alias_(item.value, f"{item.column.name}__value", quoted=True)


def _final(source: SourceDescription, own: list[Expressions], places: list[str], previous: str) -> exp.Select:
    """The typed columns, `_row` and `_issues`, in the order of the records."""
    fields: list[exp.Expr] = []
    for column in DATASETS[source.dataset].columns:
        held = name_of(f"{column.name}__value")
        if column.name in places:
            held = exp.column(exp.to_identifier(column.name), table="places")
        fields.append(exp.alias_(exp.cast(held, SQL_TYPES[column.kind]), column.name, quoted=True))
    issues = exp.alias_(_issues(source, own, has_places=bool(places)), "_issues", quoted=True)
    tree = select(*fields, name_of("_row"), issues).from_(previous)
    if places:
        tree = tree.join("places", on=_same_places(places, previous), join_type="left")
    return tree.order_by(name_of("_row"))


def _issues(source: SourceDescription, own: list[Expressions], *, has_places: bool) -> exp.Expr:
    """All issues of a row; a record of odd shape, or a line that is none, has that one only."""
    found: list[exp.Expr] = [name_of("_flaw")]
    for item in own:
        issue = name_of(f"{item.column.name}__issue")
        told = exp.Concat(expressions=[literal(f"{item.column.name}."), issue])
        found.append(case((exp.not_(is_null(issue)), told)))
    if has_places:
        found.append(exp.column("issue", table="places"))
    none = literal(f"{DATASETS[source.dataset].columns[0].name}.not_a_record")
    flaw = call("coalesce", name_of("_flaw"), "")
    return case(
        (exp.or_(call("starts_with", flaw, "*."), exp.EQ(this=flaw, expression=none)), name_of("_flaw")),
        (_is_no_record(source), none),
        default=call("nullif", call("concat_ws", "|", *found), ""),
    )


def _same_places(places: list[str], previous: str) -> exp.Expr:
    tests = []
    for name in places:
        arrived = exp.column(exp.to_identifier(name, quoted=True), table=previous)
        text = call("coalesce", call("trim", arrived), "")
        tests.append(exp.EQ(this=text, expression=exp.column(f"{name}_arrived", table="places")))
    return exp.and_(*tests)


def _is_no_record(source: SourceDescription) -> exp.Expr:
    """A line that sums up or that holds one cell only, where the key is no id: it is no record of the table."""
    key = DATASETS[source.dataset].columns[0]
    if cell_kind(source.dataset, key) != "id" or len(DATASETS[source.dataset].columns) < 3:
        return exp.false()
    alone = exp.not_(call("contains", name_of("_filled"), "\x1f"))
    told = exp.or_(alone, call("is_total_line", name_of("_filled")))
    return exp.and_(is_null(name_of(f"{key.name}__value")), told)


def _reading(
    connection: duckdb.DuckDBPyConnection,
    source: SourceDescription,
    column: Column,
    kind: exp.Expr,
    names: list[str],
) -> Reading:
    """Which way a column's points and commas are read: the source's, else what its unequivocal values show."""
    if cell_kind(source.dataset, column) not in {"int64", "signal_value"} or column.name not in names:
        return Reading()
    if source.format.decimal != "auto":
        return Reading("point" if source.format.decimal == "." else "comma", True)
    cell = name_of(column.name)
    is_text = is_null(kind)
    marked = exp.and_(is_text, call("regexp_matches", cell, "[0-9][.,]"))
    style = call("number_style", call("number_bare", cell))
    counted = select(exp.alias_(style, "style")).from_("cells").where(marked)
    found = connection.execute(
        select("style").distinct().from_(counted.subquery("styles")).where("style in ('comma', 'point')").sql("duckdb")
    ).fetchall()
    styles = {row[0] for row in found}
    return Reading("both" if len(styles) == 2 else styles.pop() if styles else None)


def _place_names(source: SourceDescription) -> list[str]:
    names = DATASETS[source.dataset].names
    return [name for name in PLACE_COLUMNS if name in names]


def _resolve_places(
    connection: duckdb.DuckDBPyConnection,
    source: SourceDescription,
    names: list[str],
    reference: Path,
    *,
    is_whole_delivery: bool,
) -> None:
    """Judge each distinct combination of codes once and make the table `places` of it."""
    places = _place_names(source)
    if not places:
        return
    gazetteer = load_gazetteer(reference)
    columns = {column.name: column for column in DATASETS[source.dataset].columns}
    cells = [call("coalesce", call("trim", _arrived(source, columns[name], names)), "") for name in places]
    tree = select(*(exp.alias_(cell, name) for cell, name in zip(cells, places, strict=True)), "count(*) as rows")
    combinations = connection.execute(tree.from_("cells").group_by("all").sql("duckdb")).fetchall()
    systems = tuple(source.column(name).code_system for name in PLACE_COLUMNS)
    nulls = [{word.strip().upper() for word in null_words(source, columns[name])} for name in places]
    judged: list[tuple[tuple[str, ...], Codes, int]] = []
    for *texts, rows in combinations:
        held = [None if not t or t.upper() in null else t for t, null in zip(texts, nulls, strict=True)]
        padded = (*held, None, None, None)
        judged.append((tuple(texts), (padded[0], padded[1], padded[2]), rows))
    if is_whole_delivery:
        refuse_bps_codes([(codes, rows) for _, codes, rows in judged], gazetteer, (systems[0], systems[1], systems[2]))
    is_province_allowed = source.dataset in {"quota", "minimum_wage"}
    resolved = [
        resolve_place(c, gazetteer, (systems[0], systems[1], systems[2]), is_province_allowed=is_province_allowed)
        for _, c, _ in judged
    ]
    table: dict[str, list[str | None]] = {}
    for position, name in enumerate(places):
        table[f"{name}_arrived"] = [texts[position] for texts, _, _ in judged]
        table[name] = [place.codes[position] for place in resolved]
    table["issue"] = ["|".join(place.issues) or None for place in resolved]
    schema = pa.schema([(name, pa.string()) for name in table])
    connection.register("places_found", pa.table(table, schema=schema))
    connection.execute("create or replace temp table places as select * from places_found")
    connection.unregister("places_found")


def _part_of(row: int, parts: list[dict[str, Any]]) -> str:
    """The part (and its sheets) that holds a record."""
    for part in parts:
        if row <= int(part["rows"]):
            sheets = ", ".join(repr(name) for name in part.get("sheets", []))
            return f"{part['name']}, sheet {sheets}" if sheets else str(part["name"])
        row -= int(part["rows"])
    return "the delivery"


def refuse_number_ids(
    connection: duckdb.DuckDBPyConnection, source: SourceDescription, canonical: Path, parts: list[dict[str, Any]]
) -> None:
    """Raise Refused where a whole required id column arrived as numbers. `parts`: what each part was, in order."""
    rows = sum(int(part["rows"]) for part in parts)
    for column in DATASETS[source.dataset].columns:
        if not column.must or cell_kind(source.dataset, column) != "id":
            continue
        count, first = connection.execute(
            "select count(*), min(_row) from read_parquet(?) where contains(_issues, ?)",
            [str(canonical), f"{column.name}.id_as_number"],
        ).fetchall()[0]
        table = exp.Table(this=exp.Anonymous(this="read_parquet", expressions=[literal(str(canonical))]))
        held = select(exp.Count(this=name_of(column.name))).from_(table)
        valid = connection.execute(held.sql("duckdb")).fetchall()[0][0]
        if count >= 2 and valid == 0 and count * 2 >= rows:
            raise Refused(
                f"the column {column.name} arrived as numbers in {count} of {rows} rows",
                where=f"{_part_of(int(first), parts)}, first in record {first}",
                why="a spreadsheet keeps 15 digits of a number and writes long ones as 3,51E+15: the last digit is lost",
                remedy=f"format the column {column.name} as text before the numbers are typed or pasted, "
                "and send the original file again",
            )
