"""The independent gate: Great Expectations judges the accepted rows by the same rule file. Results hold no values."""

from __future__ import annotations

import logging
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perlinsos.errors import PerlinsosError
from perlinsos.model.datasets import DATASETS
from perlinsos.quality.rules import BatchEntry, Rule, RuleSet, limit_of, too_many_digits

if TYPE_CHECKING:
    import pandas as pd

# Written anew for the gate, not derived from the SQL: the days that each month has, 29 February in years 00, 04, … 96.
_DAYS = (
    "(?:(?:0[1-9]|[12][0-9]|3[01]|4[1-9]|[56][0-9]|7[01])(?:01|03|05|07|08|10|12)"
    "|(?:0[1-9]|[12][0-9]|30|4[1-9]|[56][0-9]|70)(?:04|06|09|11)"
    "|(?:0[1-9]|1[0-9]|2[0-8]|4[1-9]|5[0-9]|6[0-8])02)[0-9]{2}"
)
_LEAP_DAY = "(?:29|69)02(?:[02468][048]|[13579][26])"
VALID_NIK = rf"\A(?:(?!00)[0-9]{{2}}){{3}}(?:{_DAYS}|{_LEAP_DAY})(?!0000)[0-9]{{4}}\Z"


def run_gate(rules: RuleSet, accepted: Path) -> list[dict[str, Any]]:
    """Judge a file of accepted rows: a list of {rule, expectation, severity, success, unexpected_count}.

    The context is in memory, progress bars are off. Raises PerlinsosError where an expectation could not be computed.
    """
    # Great Expectations and pandas take seconds to import: only who passes the gate pays for it.
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    for name in ("great_expectations", "great_expectations.execution_engine"):
        logging.getLogger(name).setLevel(logging.ERROR)
    frame = _load_frame(rules, accepted)
    expectations = _compile(rules)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    suite = context.suites.add(gx.ExpectationSuite(name=rules.dataset, expectations=expectations))
    asset = context.data_sources.add_pandas("accepted").add_dataframe_asset("rows")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    validated = batch.validate(suite, result_format={"result_format": "BASIC", "partial_unexpected_count": 0})
    told = [_tell(result, rules) for result in validated.results]
    return sorted(told, key=lambda result: (result["rule"], result["expectation"]))


def _tell(result: Any, rules: RuleSet) -> dict[str, Any]:
    config = result.expectation_config
    rule = str(config.meta["rule"])
    raised = [name for name, info in _exceptions(result.exception_info) if info.get("raised_exception")]
    if raised:
        raise PerlinsosError(
            f"the gate could not compute {rule}",
            where=f"expectations/{rules.dataset}.yaml, expectation {config.type}",
            why="an expectation that raises is an error of ours, never a pass",
            remedy="report this with the rule's name",
        )
    count = result.result.get("unexpected_count")
    return {
        "rule": rule,
        "expectation": str(config.type),
        "severity": str(config.meta["severity"]),
        "success": bool(result.success),
        "unexpected_count": int(count) if count is not None else None,
    }


def _exceptions(info: Any) -> list[tuple[str, dict[str, Any]]]:
    """GX gives one record, or one for each metric."""
    if "raised_exception" in info:
        return [("", info)]
    return [(str(name), found) for name, found in dict(info).items()]


def _load_frame(rules: RuleSet, accepted: Path) -> pd.DataFrame:
    """The columns that a rule looks at, and what the digits of a NIK say beside the birth date and the sex."""
    import pandas as pd
    import pyarrow.parquet as pq

    dataset = DATASETS[rules.dataset]
    wanted = {rule.column for rule in rules.rules if rule.kind != "arrival"}
    wanted |= {name for rule in rules.rules for name in (*rule.key, *rule.unless)}
    wanted |= {name for entry in rules.delivery for name in entry.columns}
    frame: pd.DataFrame = pq.read_table(accepted, columns=[n for n in dataset.names if n in wanted]).to_pandas()
    for column in dataset.columns:
        if column.name in frame and column.kind == "date":
            frame[column.name] = pd.to_datetime(frame[column.name])
        if column.name in frame and column.kind == "int64":
            frame[column.name] = frame[column.name].astype("Int64")
    digits = _read_digits(frame["nik"]) if "nik" in frame else None
    for rule in rules.rules:
        if rule.kind in {"nik_birth_date", "nik_sex"} and digits is not None:
            _add_digits(frame, rule, digits)
        if rule.kind == "one_of":
            frame[_mark(rule)] = _missing_without_leave(frame, rule)
        if rule.kind == "digits":
            judged = frame[rule.column].where(frame[rule.key[0]].isin(rule.words)).astype("string")
            frame[_mark(rule)] = judged.str.match(too_many_digits(rule)).map({True: "too many", False: "right"})
    return frame


def _read_digits(niks: pd.Series) -> pd.Series:
    """The six digits of the birth date of every valid NIK as a number; empty for the others."""
    import pandas as pd

    nik = niks.astype("string")
    is_valid = nik.str.fullmatch(VALID_NIK.removeprefix(r"\A").removesuffix(r"\Z")).fillna(False).astype(bool)
    return pd.to_numeric(nik.where(is_valid).str.slice(6, 12)).astype("Int64")


def _add_digits(frame: pd.DataFrame, rule: Rule, digits: pd.Series) -> None:
    """Two columns that must be equal: what the NIK says and what stands in the row; empty where the NIK is invalid."""
    day = digits // 10_000
    if rule.kind == "nik_sex":
        sex = (day > 40).map({True: "P", False: "L"})
        frame[_mark(rule)] = sex.where(frame["sex"].isin(["L", "P"]))
        frame[f"{_mark(rule)} row"] = frame["sex"].where(sex.notna())
        return
    birth = frame[rule.key[0]].dt
    written = (birth.day * 10_000 + birth.month * 100 + birth.year % 100).astype("Int64")
    said = digits - 400_000 * (day > 40).astype("Int64")
    frame[_mark(rule)] = said.where(written.notna())
    frame[f"{_mark(rule)} row"] = written.where(said.notna())


def _missing_without_leave(frame: pd.DataFrame, rule: Rule) -> pd.Series:
    missing = frame[rule.column].isna()
    for name, word in rule.unless.items():
        missing &= ~frame[name].map(lambda words, word=word: words is not None and word in list(words)).astype(bool)
    return missing.map({True: "missing", False: "there"})


def _mark(rule: Rule) -> str:
    return f"{rule.id} said"


def _compile(rules: RuleSet) -> list[dict[str, Any]]:
    """The expectations of the rule file, with rule and severity as meta data."""
    found = []
    for rule in rules.rules:
        compiled = _expectation(rule)
        if compiled is not None:
            found.append({**compiled, "severity": rule.severity, "meta": {"rule": rule.id, "severity": rule.severity}})
    for entry in rules.delivery:
        for kind, kwargs in _about_delivery(entry):
            meta = {"rule": entry.id, "severity": "warning"}
            found.append({"type": kind, "kwargs": kwargs, "severity": "warning", "meta": meta})
    at_least_one = {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 0}}
    return [*found, {**at_least_one, "severity": "warning", "meta": {"rule": "row_count", "severity": "warning"}}]


def _expectation(rule: Rule) -> dict[str, Any] | None:
    column = {"column": rule.column}
    if rule.kind == "not_null":
        return {"type": "expect_column_values_to_not_be_null", "kwargs": column}
    if rule.kind == "in_set":
        return {"type": "expect_column_values_to_be_in_set", "kwargs": {**column, "value_set": list(rule.words)}}
    if rule.kind == "matches":
        pattern = {**column, "regex": rf"\A(?:{rule.pattern})\Z"}
        return {"type": "expect_column_values_to_match_regex", "kwargs": pattern}
    if rule.kind == "between":
        limits = {"min_value": _limit(rule.min), "max_value": _limit(rule.max)}
        return {"type": "expect_column_values_to_be_between", "kwargs": {**column, **limits}}
    if rule.kind == "nik_valid":
        is_formed = {**column, "regex": rf"{VALID_NIK}|\A(?![0-9]{{16}}\Z)"}
        return {"type": "expect_column_values_to_match_regex", "kwargs": is_formed}
    if rule.kind in {"nik_birth_date", "nik_sex"}:
        pair = {"column_A": _mark(rule), "column_B": f"{_mark(rule)} row", "ignore_row_if": "either_value_is_missing"}
        return {"type": "expect_column_pair_values_to_be_equal", "kwargs": pair}
    if rule.kind == "digits":
        return {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": _mark(rule), "value_set": ["right"]}}
    if rule.kind == "one_of":
        return {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": _mark(rule), "value_set": ["there"]}}
    if rule.kind == "unique" and len(rule.key) > 1:
        keys = {"column_list": list(rule.key), "ignore_row_if": "any_value_is_missing"}
        return {"type": "expect_compound_columns_to_be_unique", "kwargs": keys}
    if rule.kind == "unique":
        return {"type": "expect_column_values_to_be_unique", "kwargs": {"column": rule.key[0]}}
    return None


def _about_delivery(entry: BatchEntry) -> list[tuple[str, dict[str, Any]]]:
    """Shares of empty values and of zeros; drift needs the delivery before and is judged in `drift.py`."""
    if entry.kind == "row_count":
        return [("expect_table_row_count_to_be_between", {"min_value": entry.min_rows})]
    mostly = 1 - (entry.max_percent or 0) / 100
    if entry.kind == "null_share":
        return [("expect_column_values_to_not_be_null", {"column": n, "mostly": mostly}) for n in entry.columns]
    if entry.kind == "zero_share":
        zeros = {"value_set": [0, "0"], "mostly": mostly}
        return [("expect_column_values_to_not_be_in_set", {"column": n, **zeros}) for n in entry.columns]
    return []


def _limit(value: str | int | None) -> Any:
    import pandas as pd

    limit = limit_of(value)
    return pd.Timestamp(limit) if isinstance(limit, date) else limit
