"""The reviewed record of a backfill: a YAML file that a second person reads before it is applied, and its digest."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from perlinsos.errors import Refused, WrongUsage
from perlinsos.ledger.input_sets import canonical_json
from perlinsos.ledger.records import CycleRecord
from perlinsos.model.regions import parse_regency
from perlinsos.model.stages import Stage
from perlinsos.sources.plain_yaml import load_plain_yaml

HEADING = """\
# A backfill: what the past stages of a region would be given, and why. Nothing has been done yet.
# A second person reads it and applies it; it is refused where anything that it says is no longer so:
#   perlinsos backfill apply {name} --reviewer NAME
"""
Action = Literal["RUN", "KEEP", "BLOCKED"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class PlannedStage(_Part):
    """One stage. RUN names the input set that it will be decided from, KEEP the one that it was decided from.

    `cycle` is the record that will be registered, None where the stage has one. `remedy` is the command that helps.
    `estimate_seconds` is of one core; None without a measured run.
    """

    stage: str
    action: Action
    why: str
    remedy: str = ""
    input_set: str | None = None
    statuses: dict[str, str] = Field(default_factory=dict)
    cycle: CycleRecord | None = None
    estimate_seconds: float | None = None

    @property
    def essence(self) -> dict[str, Any]:
        """What must still be so when the plan is applied."""
        return self.model_dump(mode="json", include={"stage", "action", "input_set", "statuses", "cycle"})


class BackfillRecord(_Part):
    """A plan for a region and a range of stages. `template` is the cycle from which those of the stages are made."""

    backfill: str
    region: str
    first: str = Field(alias="from")
    last: str = Field(alias="until")
    planned_at: AwareDatetime
    reason: str = Field(min_length=1)
    watcher: str = Field(min_length=1)
    reviewed_by: str | None = None
    estimate: str
    template: CycleRecord
    stages: tuple[PlannedStage, ...] = Field(min_length=1)
    digest: str

    _code = field_validator("region")(parse_regency)

    @property
    def content(self) -> dict[str, Any]:
        """What the digest covers: all but the name, which follows from it, and the reviewer."""
        return self.model_dump(mode="json", by_alias=True, exclude={"backfill", "digest", "reviewed_by"})

    @property
    def own_digest(self) -> str:
        """SHA-256 of the content in canonical JSON."""
        return hashlib.sha256(canonical_json(self.content).encode()).hexdigest()

    def signed(self) -> BackfillRecord:
        """The same with its digest and the name that follows from it."""
        digest = self.own_digest
        name = f"{self.region}-{self.first}-{self.last}-{digest[:8]}"
        return self.model_copy(update={"digest": digest, "backfill": name})


def parse_range(first: str, last: str) -> list[Stage]:
    """The stages from one to another, both included, oldest first. WrongUsage where they are out of order."""
    stage, end = Stage.parse(first), Stage.parse(last)
    if stage > end:
        raise WrongUsage(f"{first} is after {last}", remedy="name the older stage with --from")
    found = [stage]
    while found[-1] < end:
        found.append(found[-1].next())
    return found


def plan_command(region: str, first: str, last: str) -> str:
    """The command that plans these stages, for a person to complete."""
    return f'perlinsos backfill plan {region} --from {first} --until {last} --reason "…" --watcher "NAME"'


def write_cycle(cycle: CycleRecord) -> str:
    """A cycle's record as the YAML text that is registered."""
    return yaml.safe_dump(cycle.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def write_plan(record: BackfillRecord, path: Path) -> None:
    """Write a plan for the reviewer. WrongUsage where the file is there."""
    document = record.model_dump(mode="json", by_alias=True)
    text = HEADING.format(name=path.name) + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise WrongUsage("the file for the plan is there", where=str(path), remedy="name another one with --out") from None


def read_plan(path: Path) -> tuple[BackfillRecord, str]:
    """A plan and the text of its file. WrongUsage where it is none, Refused where it was edited after it was made."""
    found = load_plain_yaml(path)
    try:
        record = BackfillRecord.model_validate(found)
    except ValidationError as error:
        reasons = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_input=False)]
        raise WrongUsage(
            f"{path.name} is no plan of a backfill", where=str(path), why="; ".join(reasons), remedy="perlinsos backfill plan"
        ) from error
    signed = record.signed()
    if (signed.digest, signed.backfill) != (record.digest, record.backfill):
        raise Refused(
            "the plan was edited after it was made",
            where=str(path),
            why=f"its content is {signed.backfill}, {signed.digest[:12]}…; its name and digest say otherwise",
            remedy="a plan is made by `perlinsos backfill plan`, never by hand: plan again",
        )
    return record, path.read_text(encoding="utf-8")
