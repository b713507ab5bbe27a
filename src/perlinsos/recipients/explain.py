"""Explains a stored determination to one family: outcome, reasons, what counts and what does not, and what to do."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from perlinsos.engine import open_engine
from perlinsos.errors import Refused, WrongUsage
from perlinsos.model.datasets import RESULT_TABLES
from perlinsos.model.programmes import Programme, load_programme
from perlinsos.model.reasons import LANGUAGES, Catalogue, load_reasons
from perlinsos.settings import Settings, load_settings

Row = dict[str, Any]
Tables = dict[str, duckdb.DuckDBPyRelation]


@dataclass(frozen=True)
class _Context:
    """What the sentences of one answer are made of."""

    language: str
    summary: dict[str, Any]
    catalogue: Catalogue
    programmes: dict[str, Programme]
    deadline: str
    settings: Settings


def explain(
    folder: Path, number: str, language: str = "id", *, inputs: Path | None = None, deadline: str | None = None
) -> dict[str, Any]:
    """The answer for a No KK or NIK from the four tables and the summary in `folder`; without the number itself.

    A NIK that is neither a head nor in a finding or component is looked up in `inputs` (the datasets of the
    determination), where they are given. Facts marked sensitive appear as a category only. `deadline` is the end of
    the period of objection, already in words. Raises Refused where the folder is not a determination.
    """
    if language not in LANGUAGES:
        raise WrongUsage(f"{language!r} is not a language", why=f"there are {', '.join(LANGUAGES)}")
    context = _context(folder, language, deadline)
    with open_engine(threads=1) as connection:
        tables = _tables(connection, folder)
        cards = _cards(connection, tables, number.strip(), inputs)
        answers = [answer for no_kk in cards if (answer := _explain_card(context, tables, no_kk))]
    base = {name: context.summary[name] for name in ("region", "stage", "as_of", "simulation_only")}
    if not answers:
        sentence = _fill(context, context.catalogue.outcomes["not_seen"].in_language(language))
        step = _fill(context, context.catalogue.next_steps["propose"].in_language(language))
        return base | {"language": language, "families": [{"kind": "not_seen", "text": sentence, "next_step": step}]}
    return base | {"language": language, "families": answers}


def _context(folder: Path, language: str, deadline: str | None) -> _Context:
    own = load_settings()
    rules = own.folder("programmes")
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _refuse(folder, error) from None
    catalogue = load_reasons(rules / "reasons.yaml")
    programmes = {code: load_programme(rules / code / "programme.yaml") for code in summary["programmes"]}
    until = deadline or catalogue.objection_period.in_language(language)
    return _Context(language, summary, catalogue, programmes, until, own)


def _refuse(folder: Path, error: Exception) -> Refused:
    return Refused(
        "This folder is not a determination", where=str(folder), why=type(error).__name__,
        remedy="name the folder that `perlinsos determine --out` wrote",
    )  # fmt: skip


def _tables(connection: duckdb.DuckDBPyConnection, folder: Path) -> Tables:
    """The four result tables, not read yet; Refused where one is not there."""
    try:
        return {name: connection.read_parquet(str(folder / f"{name}.parquet")) for name in RESULT_TABLES}
    except duckdb.Error as error:
        raise _refuse(folder, error) from None


def _where(table: duckdb.DuckDBPyRelation, column: str, number: str) -> duckdb.DuckDBPyRelation:
    """The rows of a file with that number. The engine decodes the other columns only where one is found."""
    return table.filter(duckdb.ColumnExpression(column) == duckdb.ConstantExpression(number))


def _rows(table: duckdb.DuckDBPyRelation, no_kk: str) -> list[Row]:
    """The rows of one card in a result table."""
    return [dict(zip(table.columns, row, strict=True)) for row in _where(table, "no_kk", no_kk).fetchall()]


def _cards_of(table: duckdb.DuckDBPyRelation, column: str, number: str) -> set[str]:
    """The cards of the rows with that number."""
    return {row[0] for row in _where(table, column, number).select("no_kk").fetchall()}


def _cards(connection: duckdb.DuckDBPyConnection, tables: Tables, number: str, inputs: Path | None) -> list[str]:
    """The cards that the number is, or stands on."""
    if any(_cards_of(tables[name], "no_kk", number) for name in ("decisions", "not_decided")):
        return [number]
    found = _cards_of(tables["decisions"], "head_nik", number)
    for name in ("components", "findings"):
        found |= _cards_of(tables[name], "nik", number)
    if not found and inputs is not None:
        found = _cards_in(connection, inputs, number)
    return sorted(found)


def _cards_in(connection: duckdb.DuckDBPyConnection, inputs: Path, number: str) -> set[str]:
    """The cards on which a NIK stands in the register or the welfare data."""
    found: set[str] = set()
    for name in ("population", "welfare_person"):
        for path in [inputs / f"{name}.parquet", *sorted((inputs / name).glob("*.parquet"))]:
            if path.is_file():
                found |= _cards_of(connection.read_parquet(str(path)), "nik", number)
        for path in [inputs / f"{name}.csv", *sorted((inputs / name).glob("*.csv"))]:
            if path.is_file():
                with path.open(encoding="utf-8-sig", newline="") as stream:
                    found |= {row["no_kk"] for row in csv.DictReader(stream) if row["nik"] == number}
    return {no_kk for no_kk in found if no_kk}


def _explain_card(context: _Context, tables: Tables, no_kk: str) -> dict[str, Any] | None:
    """The answer for one card; None where the determination did not see it."""
    if not_decided := _rows(tables["not_decided"], no_kk):
        return _explain_place(context, not_decided[0])
    decisions = _rows(tables["decisions"], no_kk)
    if not decisions:
        return None
    findings, components = _rows(tables["findings"], no_kk), _rows(tables["components"], no_kk)
    return {
        "kind": "decided",
        "programmes": [_explain_programme(context, row, findings, components) for row in decisions],
    }


def _explain_place(context: _Context, row: Row) -> dict[str, Any]:
    """PINDAH, decided elsewhere, or not registered."""
    region = _region_name(context, row["region_code"])
    answer = _sentence(context, row["kind"], region=region)
    return answer | {"kind": row["kind"], "region_code": row["region_code"], "region": region}


def _explain_programme(context: _Context, row: Row, findings: list[Row], components: list[Row]) -> dict[str, Any]:
    """Outcome, reasons, components and warnings of one programme, the most actionable reason first."""
    code = row["programme"]
    name = context.programmes[code].name["id" if context.language == "id" else "en"]
    amount = _money(context, row["amount_stage_idr"])
    text = _fill(context, context.catalogue.outcomes[row["outcome"]].in_language(context.language), name, amount=amount)
    own = [finding for finding in findings if finding["programme"] == code]
    reasons = [_explain_reason(context, row, name, reason, own) for reason in row["reasons"]]
    steps = list(context.catalogue.next_steps)
    order = {reason: steps.index(context.catalogue.reasons[reason].next_step) for reason in row["reasons"]}
    parts = [_explain_component(context, part) for part in components if part["programme"] == code]
    return {
        "programme": code,
        "name": name,
        "outcome": row["outcome"],
        "text": text,
        "amount_year_idr": row["amount_year_idr"],
        "amount_stage_idr": row["amount_stage_idr"],
        "queue_position": row["queue_position"],
        "reasons": sorted(reasons, key=lambda reason: (order[reason["code"]], reason["code"])),
        "headings": _headings(context, row["outcome"]),
        "counted": [part for part in parts if part["is_counted"]],
        "not_counted": [part for part in parts if not part["is_counted"]],
        "warnings": [_sentence(context, warning) for warning in row["warnings"]],
    }


def _headings(context: _Context, outcome: str) -> dict[str, str]:
    """What stands above the members that count, and above those that do not."""
    headings = context.catalogue.headings
    counted = headings["counted" if outcome in ("LAYAK", "ANTREAN") else "would_count"]
    return {
        "counted": counted.in_language(context.language),
        "not_counted": headings["not_counted"].in_language(context.language),
    }


def _explain_reason(context: _Context, row: Row, name: str, code: str, findings: list[Row]) -> dict[str, Any]:
    """One reason with its source, value and limit; of a sensitive fact the category only."""
    reason = context.catalogue.reasons[code]
    own = [finding for finding in findings if finding["code"] == code]
    first = own[0] if own else {}
    sources = sorted({finding["source"] for finding in own if finding["source"]}) or list(reason.sources)
    values = {
        "source": ", ".join(sources),
        "value": "" if reason.is_sensitive else str(first.get("observed_value") or ""),
        "limit": _number(context, first.get("limit_value")),
        "position": str(row["queue_position"] or ""),
    }
    answer = _sentence(context, code, **values)
    if reason.kind == "refusal":
        opening = _fill(context, context.catalogue.opening.in_language(context.language), name, **values)
        answer["text"] = opening + answer["text"]
    if reason.kind in context.catalogue.closing:
        closing = context.catalogue.closing["refusal" if reason.kind == "refusal" else "missing"]
        answer["text"] += " " + _fill(context, closing.in_language(context.language), name)
    return answer | {"sources": sources, "legal_basis": first.get("legal_basis") or reason.legal_basis}


def _explain_component(context: _Context, part: Row) -> dict[str, Any]:
    """One candidate; a sensitive one is named by its category."""
    component = context.programmes[part["programme"]].components[part["component"]]
    language: Literal["id", "en"] = "id" if context.language == "id" else "en"
    named: dict[str, Any] = {
        "component": None if component.is_sensitive else part["component"],
        "name": component.category[language] if component.is_sensitive else component.name[language],
        "amount_year_idr": part["amount_year_idr"],
        "amount": f"Rp{_money(context, part['amount_year_idr'])}",
        "is_counted": part["is_counted"],
    }
    code = part["not_counted_reason"]
    if code is None:
        return named
    if component.is_sensitive and context.catalogue.reasons[code].is_sensitive:
        step = context.catalogue.next_steps["ask_person"].in_language(context.language)
        return named | {"code": None, "text": None, "next_step": _fill(context, step)}
    return named | _sentence(context, code, n=_cap(context, part["programme"], code))


def _cap(context: _Context, programme: str, code: str) -> str:
    """The number of a cap, from the settings of the determination."""
    caps = {cap.code: cap.parameter for cap in context.programmes[programme].caps}
    return str(context.summary["settings"].get(f"{programme}.{caps[code]}", "")) if code in caps else ""


def _sentence(context: _Context, code: str, **values: str) -> dict[str, Any]:
    """A code with its kind, text and next step."""
    reason = context.catalogue.reasons[code]
    return {
        "code": code,
        "kind": reason.kind,
        "text": _fill(context, reason.text.in_language(context.language), **values),
        "next_step": _step(context, code),
    }


def _step(context: _Context, code: str) -> str:
    step = context.catalogue.next_steps[context.catalogue.reasons[code].next_step]
    return _fill(context, step.in_language(context.language))


def _fill(context: _Context, text: str, programme: str = "", **values: str) -> str:
    """The text with its placeholders filled in."""
    known = {"programme": programme, "stage": context.summary["stage"], "date": context.summary["as_of"]}
    for name, value in {**known, "deadline": context.deadline, **values}.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _money(context: _Context, amount: int) -> str:
    text = f"{amount:,}"
    return text.replace(",", ".") if context.language == "id" else text


def _number(context: _Context, text: str | None) -> str:
    return _money(context, int(text)) if text and text.isdigit() else text or ""


def _region_name(context: _Context, code: str | None) -> str:
    """The name of a region, else its code."""
    if code is None:
        return "daerah lain" if context.language == "id" else "another region"
    with (context.settings.folder("reference") / "regions.csv").open(encoding="utf-8", newline="") as stream:
        return next((row["name"] for row in csv.DictReader(stream) if row["code"] == code), code)
