"""Row verdicts: every rule of the rule file over every canonical row, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
from sqlglot import exp, select

from perlinsos.errors import PerlinsosError
from perlinsos.quality.rules import Rule, RuleSet, limit_of, too_many_digits
from perlinsos.sources.expressions import call, case, is_in, is_null, literal, name_of

NIK_NUMBER = "nik__number"
VERDICT_ITEM = pa.struct(
    [("rule", pa.string()), ("column", pa.string()), ("message_id", pa.string()), ("rule_fingerprint", pa.string())]
)


@dataclass(frozen=True)
class RuleCount:
    """How many rows one rule fails."""

    rule: Rule
    rows: int


def failing(rule: Rule) -> exp.Expr | None:
    """The condition under which a row fails the rule; None for what only reading sees, and for `unique`."""
    column = name_of(rule.column)
    if rule.kind in {"arrival", "unique"}:
        return None
    if rule.kind == "not_null":
        return is_null(column)
    if rule.kind == "in_set":
        return exp.not_(is_in(column, rule.words))
    if rule.kind == "matches":
        return exp.not_(call("regexp_full_match", column, rule.pattern))
    if rule.kind == "between":
        least, most = _limit(rule.min), _limit(rule.max)
        return exp.or_(exp.LT(this=column.copy(), expression=least), exp.GT(this=column.copy(), expression=most))
    if rule.kind == "digits":
        return exp.and_(is_in(name_of(rule.key[0]), rule.words), call("regexp_matches", column, too_many_digits(rule)))
    if rule.kind == "one_of":
        others = [
            exp.not_(call("coalesce", call("list_contains", name_of(name), word), exp.false()))
            for name, word in rule.unless.items()
        ]
        return exp.and_(is_null(column), *others)
    number = name_of(NIK_NUMBER)
    if rule.kind == "nik_valid":
        return exp.not_(call("nik_is_valid", number))
    macro = "nik_differs_from_birth" if rule.kind == "nik_birth_date" else "nik_differs_from_sex"
    return call(macro, number, name_of(rule.key[0]))


def _limit(value: str | int | None) -> exp.Expr:
    limit = limit_of(value)
    if isinstance(limit, date):
        return exp.cast(literal(limit.isoformat()), "date")
    return exp.Literal.number(limit if limit is not None else 0)


def _canonical(path: Path, rules: RuleSet) -> exp.Select:
    table = exp.Anonymous(this="read_parquet", expressions=[literal(str(path))])
    fields: list[exp.Expr] = [exp.Star()]
    if any(rule.column == "nik" for rule in rules.rules):
        fields.append(exp.alias_(call("nik_number", name_of("nik")), NIK_NUMBER))
    return select(*fields).from_(exp.Table(this=table))


def judge(connection: duckdb.DuckDBPyConnection, rules: RuleSet, canonical: Path, absent: Sequence[str] = ()) -> list[RuleCount]:
    """Make the table `verdicts` (`_row`, `errors`, `warnings`) of the rows with something to say. Gives the counts.

    A row that is no record or of odd shape is judged by that alone. `not_null` is silent where reading already said
    why the value is missing, and where it only warns about a column that the delivery does not have (`absent`).
    """
    is_whole = exp.or_(
        is_null(name_of("_issues")),
        exp.not_(call("regexp_matches", name_of("_issues"), r"(^|\|)(\*\.|[a-z_]+\.not_a_record)")),
    )
    found: list[exp.Expr] = [name_of("_issues")]
    for rule in rules.rules:
        condition = failing(rule)
        if condition is None or (rule.severity == "warning" and rule.column in absent):
            continue
        if rule.kind in {"not_null", "one_of"}:
            silent = call("coalesce", call("contains", name_of("_issues"), f"{rule.column}."), exp.false())
            condition = exp.and_(condition, exp.not_(silent))
        found.append(case((condition, literal(_issue(rule)))))
    told = case((is_whole, call("concat_ws", "|", *found)), default=name_of("_issues"))
    tree = (
        select(name_of("_row"), exp.alias_(told, "found")).from_("canonical").with_("canonical", as_=_canonical(canonical, rules))
    )
    text = select("*").from_("judged").where(exp.NEQ(this=exp.column("found"), expression=literal("")))
    statement = text.with_("canonical", as_=_canonical(canonical, rules)).with_("judged", as_=_without_with(tree))
    connection.execute(f"create or replace temp table judged as {statement.sql(dialect='duckdb')}")
    _add_repeated(connection, rules, canonical)
    return _explain(connection, rules)


def _without_with(tree: exp.Select) -> exp.Select:
    tree = tree.copy()
    tree.set("with_", None)
    return tree


def _issue(rule: Rule) -> str:
    return f"{rule.column}.{rule.message_id}"


def _add_repeated(connection: duckdb.DuckDBPyConnection, rules: RuleSet, canonical: Path) -> None:
    """Rows after the first of the same key, in the order of the delivery."""
    for rule in rules.rules:
        if rule.kind != "unique":
            continue
        keys = [name_of(name) for name in rule.key]
        table = exp.Table(this=exp.Anonymous(this="read_parquet", expressions=[literal(str(canonical))]))
        first = select(*keys, "min(_row) as first_row").from_(table).where(exp.not_(is_null(name_of(rule.key[0]))))
        first = first.group_by(*keys).having("count(*) > 1")
        same = exp.and_(
            *(
                exp.NullSafeEQ(
                    this=exp.column(exp.to_identifier(name, quoted=True), table="rows"),
                    expression=exp.column(exp.to_identifier(name, quoted=True), table="firsts"),
                )
                for name in rule.key
            )
        )
        repeated = select("rows._row").from_(exp.alias_(table.copy(), "rows", table=True))
        repeated = repeated.join(first.subquery("firsts"), on=same).where("rows._row > firsts.first_row")
        connection.execute(f"create or replace temp table repeated as {repeated.sql(dialect='duckdb')}")
        connection.execute(
            "create or replace temp table judged as select coalesce(judged._row, repeated._row) as _row, "
            "concat_ws('|', judged.found, case when repeated._row is not null then $issue end) as found "
            "from judged full join repeated using (_row)",
            {"issue": _issue(rule)},
        )


def _explain(connection: duckdb.DuckDBPyConnection, rules: RuleSet) -> list[RuleCount]:
    """Resolve each distinct combination of issues once into lists of errors and warnings."""
    combinations = connection.execute("select found, count(*) from judged group by found order by found").fetchall()
    by_issue = {_issue(rule): rule for rule in rules.rules}
    counts: dict[str, int] = {}
    errors: list[list[dict[str, str]]] = []
    warnings: list[list[dict[str, str]]] = []
    for found, rows in combinations:
        told: dict[str, list[dict[str, str]]] = {"critical": [], "warning": []}
        for issue in dict.fromkeys(found.split("|")):
            rule = by_issue.get(issue)
            if rule is None:
                raise PerlinsosError(
                    f"the rule file of {rules.dataset} has no rule for {issue}",
                    where=f"expectations/{rules.dataset}.yaml",
                    remedy="add the rule with its severity",
                )
            counts[rule.id] = counts.get(rule.id, 0) + rows
            told[rule.severity].append(_item(rule))
        errors.append(told["critical"])
        warnings.append(told["warning"])
    table = pa.table(
        {
            "found": pa.array([found for found, _ in combinations], pa.string()),
            "errors": pa.array(errors, pa.list_(VERDICT_ITEM)),
            "warnings": pa.array(warnings, pa.list_(VERDICT_ITEM)),
        }
    )
    connection.register("explained", table)
    connection.execute(
        "create or replace temp table verdicts as "
        "select _row, errors, warnings, len(errors) > 0 as is_quarantined from judged join explained using (found)"
    )
    connection.unregister("explained")
    return [RuleCount(rule, counts[rule.id]) for rule in rules.rules if rule.id in counts]


def _item(rule: Rule) -> dict[str, str]:
    return {
        "rule": rule.id,
        "column": rule.column,
        "message_id": rule.message_id,
        "rule_fingerprint": rule.fingerprint,
    }


def count_failures(connection: duckdb.DuckDBPyConnection, rules: RuleSet, rows: Path) -> dict[str, int]:
    """Rows of a canonical or accepted file that fail each rule that can be seen in typed values (as the gate counts).

    For `unique` all rows of a repeated key count, the first too.
    """
    counts: dict[str, int] = {}
    for rule in rules.rules:
        condition = failing(rule)
        if condition is not None:
            tree = select("count(*)").from_(_canonical(rows, rules).subquery("rows")).where(condition)
        elif rule.kind == "unique":
            keys = [name_of(name) for name in rule.key]
            groups = select("count(*) as members").from_(_canonical(rows, rules).subquery("rows"))
            groups = groups.where(exp.and_(*(exp.not_(is_null(key)) for key in keys))).group_by(*keys)
            tree = select("coalesce(sum(members), 0)").from_(groups.subquery("g")).where("members > 1")
        else:
            continue
        counts[rule.id] = int(connection.execute(tree.sql(dialect="duckdb")).fetchall()[0][0])
    return counts
