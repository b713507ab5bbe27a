"""The rule file of a dataset: `expectations/<dataset>.yaml`. Row verdicts (SQL) and the gate both come from it."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from perlinsos.errors import WrongUsage
from perlinsos.model.datasets import DATASETS
from perlinsos.sources.description import RuleShare, Share, SourceDescription
from perlinsos.sources.plain_yaml import load_plain_yaml

RowKind = Literal[
    "arrival", "not_null", "in_set", "between", "matches", "digits", "nik_valid", "nik_birth_date", "nik_sex", "unique", "one_of"
]
BatchKind = Literal["row_count", "null_share", "zero_share", "rows_drift", "null_drift", "zero_drift"]
Severity = Literal["critical", "warning"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RuleEntry(_Part):
    """One entry of a rule file; with several columns (or `each`) it is one rule for each of them."""

    message_id: str
    columns: tuple[str, ...] = Field(min_length=1)
    kind: RowKind
    severity: Severity
    why: str = Field(min_length=1)
    words: tuple[str, ...] = ()
    pattern: str | None = None
    min: str | int | None = None
    max: str | int | None = None
    key: tuple[str, ...] = ()
    unless: dict[str, str] = Field(default_factory=dict)
    share: RuleShare | None = None


class BatchEntry(_Part):
    """A rule about the delivery as a whole; always a warning. Limits are percent, or points for drift."""

    id: str
    kind: BatchKind
    columns: tuple[str, ...] = ()
    max_percent: float | None = None
    min_rows: int | None = None
    why: str = Field(min_length=1)


class RuleFile(_Part):
    """All rules of one dataset."""

    dataset: str
    rules: tuple[RuleEntry, ...]
    delivery: tuple[BatchEntry, ...] = ()


class Rule(_Part):
    """One rule of one column. `id` is `column.message_id` (the message id alone for the whole record)."""

    id: str
    column: str
    message_id: str
    kind: RowKind
    severity: Severity
    why: str
    words: tuple[str, ...] = ()
    pattern: str | None = None
    min: str | int | None = None
    max: str | int | None = None
    key: tuple[str, ...] = ()
    unless: dict[str, str] = Field(default_factory=dict)
    share: RuleShare | None = None

    @property
    def fingerprint(self) -> str:
        """The first 16 hex digits of the SHA-256 of the rule's canonical JSON."""
        return _digest(self.model_dump(mode="json"))[:16]

    def share_in(self, source: SourceDescription) -> Share:
        """The allowed share: the source's for this rule, else the source's, else the rule's, else 5 % and 10 rows."""
        named = {**source.rules, **source.shares.rules}
        is_named = self.id in named or self.message_id in named
        if is_named or "shares" in source.model_fields_set or self.share is None:
            return source.share_of(self.id, self.message_id)
        return Share(**self.share.model_dump(exclude_none=True))


class RuleSet(_Part):
    """The rules of one dataset, one for each column and message."""

    dataset: str
    rules: tuple[Rule, ...]
    delivery: tuple[BatchEntry, ...]

    def find(self, issue: str) -> Rule | None:
        """The rule of an issue as reading names it (`column.message_id`)."""
        column, _, message_id = issue.partition(".")
        return self._by_issue().get((column, message_id))

    def _by_issue(self) -> dict[tuple[str, str], Rule]:
        return {(rule.column, rule.message_id): rule for rule in self.rules}

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the whole rule file in canonical JSON."""
        return _digest(self.model_dump(mode="json"))

    def judged_by(self, source: SourceDescription) -> str:
        """SHA-256 over rules and source description: when it changes, a delivery is judged again."""
        return _digest({"rules": self.fingerprint, "source": source.fingerprint})


def _digest(found: Any) -> str:
    return hashlib.sha256(json.dumps(found, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


def load_rules(expectations: Path, dataset: str) -> RuleSet:
    """Read `<dataset>.yaml` of the folder. Raises WrongUsage naming file, key and remedy."""
    path = expectations / f"{dataset}.yaml"
    try:
        file = RuleFile.model_validate(load_plain_yaml(path))
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise WrongUsage(f"{path.name} is no rule file", where=str(path), why=told, remedy="correct the keys") from error
    rules: dict[str, Rule] = {}
    for entry in file.rules:
        for column in DATASETS[file.dataset].names if entry.columns == ("each",) else entry.columns:
            name = entry.message_id if column == "*" else f"{column}.{entry.message_id}"
            if name in rules:
                raise WrongUsage(f"{path.name}: {name} stands twice", where=str(path), remedy="keep one of them")
            fields = entry.model_dump(exclude={"columns"})
            rules[name] = Rule(id=name, column=column, **fields)
    return RuleSet(dataset=file.dataset, rules=tuple(rules.values()), delivery=file.delivery)


def too_many_digits(rule: Rule) -> str:
    """What a text with more than `max` digits before its decimal point begins with; the same for both judges."""
    return rf"^[^0-9.,]*[0-9]{{{int(rule.max or 0) + 1}}}"


def limit_of(value: str | int | None) -> str | int | date | None:
    """A rule's limit: a number, a date where it is written as one, else the text."""
    if isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-":
        return date.fromisoformat(value)
    return value
