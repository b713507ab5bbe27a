"""A programme's components as one SQL statement, built as sqlglot expression trees: never by joining strings."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from perlinsos.model.programmes import Component, Test
from perlinsos.model.vocabulary import MEMBER_ATTRIBUTES
from perlinsos.recipients.rules import ComponentInForce, ProgrammeInForce

_COMPARISONS: dict[str, type[exp.Binary]] = {"min": exp.GTE, "max": exp.LTE, "above": exp.GT, "below": exp.LT}


def compile_candidates(programmes: Iterable[ProgrammeInForce]) -> str:
    """SQL for the table `component`: every candidate of every programme, from `member`, with why it is not counted.

    Columns: programme, no_kk, nik, member_row, birth_date, component, amount_year_idr, choice_order, selection_order,
    reason (null: not refused so far). A programme without components gives no row; without any, the table is empty.
    """
    parts = [
        _candidates(programme, part, programme.programme.components[part.name])
        for programme in programmes
        for part in programme.components
    ]
    query: exp.Query = parts[0] if parts else _nobody()
    for part in parts[1:]:
        query = exp.union(query, part, distinct=False)
    create = exp.Create(
        this=exp.to_table("component"),
        kind="TABLE",
        properties=exp.Properties(expressions=[exp.TemporaryProperty()]),
        expression=query,
    )
    return create.sql(dialect="duckdb")


def _candidates(programme: ProgrammeInForce, part: ComponentInForce, component: Component) -> exp.Select:
    """One SELECT: the members that meet every test of the component, with their cards where it asks about these."""
    query = _row(
        programme.code,
        part.name,
        part.amount_year_idr,
        part.choice_order,
        part.selection_order,
        _reason(programme, component),
    ).where(*(_condition(programme, test) for test in component.who))
    asked = (test.attribute for test in (*component.who, *(reason.when for reason in component.not_counted)))
    if any(MEMBER_ATTRIBUTES[attribute].family_column for attribute in asked):
        same_card = exp.EQ(this=exp.column("no_kk", "family"), expression=exp.column("no_kk", "member"))
        query = query.join("family", on=same_card)
    return query


def _row(programme: str, component: str, amount: int, choice: int, selection: int, reason: exp.Expr) -> exp.Select:
    columns: list[exp.Expr] = [
        _as(_enum(programme, "programme_name"), "programme"),
        exp.column("no_kk", "member"),
        exp.column("nik", "member"),
        _as(exp.column("rowid", "member"), "member_row"),
        exp.column("birth_date", "member"),
        _as(_enum(component, "component_name"), "component"),
        _as(exp.cast(exp.Literal.number(amount), "bigint"), "amount_year_idr"),
        _as(exp.cast(exp.Literal.number(choice), "integer"), "choice_order"),
        _as(exp.cast(exp.Literal.number(selection), "integer"), "selection_order"),
        _as(reason, "reason"),
    ]
    return exp.select(*columns).from_("member")


def _reason(programme: ProgrammeInForce, component: Component) -> exp.Expr:
    """Why a candidate is not counted: an invalid NIK before all, then the component's own reasons in their order."""
    case = exp.Case().when(exp.not_(exp.column("is_valid", "member")), exp.Literal.string("NIK_TIDAK_VALID"))
    for reason in component.not_counted:
        case = case.when(_condition(programme, reason.when), exp.Literal.string(reason.code))
    return exp.cast(case, exp.DataType.build("reason_code", udt=True))


def _condition(programme: ProgrammeInForce, test: Test) -> exp.Expr:
    """One test as a boolean expression; an attribute without a value never meets it."""
    of_family = MEMBER_ATTRIBUTES[test.attribute].family_column
    column = exp.column(of_family, "family") if of_family else exp.column(test.attribute, "member")
    if test.operator == "in":
        return _known(exp.In(this=column, expressions=[exp.Literal.string(word) for word in test.limit]))
    limit = programme.limit(test)
    if limit is None:
        return exp.false()
    if test.operator == "is":
        return _known(exp.EQ(this=column, expression=_literal(limit)))
    return _known(_COMPARISONS[test.operator](this=column, expression=_literal(limit)))


def _known(condition: exp.Expr) -> exp.Expr:
    return exp.func("coalesce", condition, exp.false())


def _literal(value: bool | int | str) -> exp.Expr:
    return exp.convert(value)


def _enum(value: str, name: str) -> exp.Expr:
    return exp.cast(exp.Literal.string(value), exp.DataType.build(name, udt=True))


def _as(value: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(value, name)


def _nobody() -> exp.Select:
    """The same columns and no row; the names are any of the enumerations."""
    return (
        exp.select(
            "null::programme_name as programme",
            "no_kk",
            "nik",
            "rowid as member_row",
            "birth_date",
            "null::component_name as component",
            "null::bigint as amount_year_idr",
            "null::integer as choice_order",
            "null::integer as selection_order",
            "null::reason_code as reason",
            dialect="duckdb",
        )
        .from_("member")
        .where(exp.false())
    )
