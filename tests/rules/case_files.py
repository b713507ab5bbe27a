"""The form of `programmes/*/cases.yaml`, and how its families become the input files of a determination.

Every key of a case is a field of the models below; an unknown key is an error.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

REGION = "35.10"
DISTRICT = "35.10.16"
VILLAGE = "35.10.16.1001"
Row = dict[str, Any]

HEADERS = {
    "population": "nik no_kk sex birth_date family_relation region_code district_code village_code status status_date",
    "welfare_family": (
        "no_kk dtsen_family_id dtsen_period decile national_rank region_code district_code village_code electricity_va"
    ),
    "welfare_person": "nik no_kk family_relation disability is_pregnant pregnancy_number school_level",
    "signal": "nik source code value observed_on",
    "registration": "nik no_kk registered_at consent",
    "quota": "region_code programme stage quota decree_id",
    "minimum_wage": "region_code year umk_idr ump_idr valid_from",
    "quarantined": "dataset source nik no_kk",
}
OPTIONAL = ("registration", "quota", "minimum_wage", "quarantined")
SHORT_SIGNALS = {
    "enrolled": ("DAPODIK", "ENROLLED"), "wage_idr": ("BPJS_TK", "WAGE"), "pregnancy_number": ("PUSKESMAS", "PREGNANT"),
    "electricity_va": ("PLN", "ELECTRICITY"), "car_count": ("SAMSAT", "CAR"), "rights_victim": ("KOMNAS_HAM", "RIGHTS_VICTIM"),
}  # fmt: skip


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Signal(_Strict):
    """A fact of another agency. Without a day: 31 days before as_of."""

    code: str
    value: str | int | None = None
    observed_on: date | Literal["recent"] | None = "recent"
    source: str | None = "X"


class Member(_Strict):
    """A person of the card. What stands here as a number of an agency is a recent signal of it."""

    relation: int | None
    sex: Literal["L", "P"] | None
    birth_date: date | None
    nik: str | None = None  # an invented one that fits birth date and sex, unless it stands here
    register_row: Row | None = Field(default_factory=dict)  # other columns of `population`; null: not in the register
    welfare_row: Row | None = Field(default_factory=dict)  # other columns of `welfare_person`; null: not there
    disability: Literal["none", "mild", "severe"] | None = None
    enrolled: str | None = None
    wage_idr: int | None = None
    pregnancy_number: int | None = None
    electricity_va: int | None = None
    car_count: int | None = None
    rights_victim: str | None = None
    signals: tuple[Signal, ...] = ()


class Family(_Strict):
    """A card. `also`: further rows of any dataset; `nik: 1` is the first member's, `no_kk` is this card's unless it is said."""

    decile: int | None = None
    national_rank: int | None = None
    electricity_va: int | None = None
    welfare_row: Row | None = Field(default_factory=dict)  # other columns of `welfare_family`; null: not there
    members: tuple[Member, ...] = ()
    also: dict[str, tuple[Row, ...]] = Field(default_factory=dict)


class Case(_Strict):
    """A family and its answer: columns of the decision, `counted`, `not_counted`, `findings`, or `kind` (not decided).

    `because` is the hand calculation, `source` the text that says so. `expect.members: {1: …}` is the decision about one
    person. Warnings and reasons that are not expected must not be there.
    """

    title: str
    family: Family
    because: str | None = None
    source: str | None = None
    expect: Row = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_reason(self) -> Case:
        if not (self.because or self.source):
            raise ValueError(f"{self.title}: say because (the hand calculation) or source")
        return self


class Run(_Strict):
    """Cases that are decided together. `refused`: what the error says where the run must end with exit 1."""

    cases: tuple[Case, ...] = Field(min_length=1)
    as_of: date | None = None
    stage: str | None = None
    region: str | None = None
    scope: Literal["population", "registrants"] = "population"
    set: dict[str, str | int] = Field(default_factory=dict)
    settings: dict[str, str | int | None] = Field(default_factory=dict)
    quota: int | None = None
    minimum_wage: tuple[Row, ...] = ()
    together_with: tuple[str, ...] = ()  # further programmes of the run
    refused: str | None = None


class CaseFile(_Strict):
    """The worked cases of one programme."""

    region: str
    stage: str
    runs: tuple[Run, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Plan:
    """One run with everything that its file leaves out."""

    programme: str
    run: Run
    region: str
    stage: str
    as_of: date

    @property
    def programmes(self) -> tuple[str, ...]:
        """The programme of the file, and what is decided beside it."""
        return (self.programme, *self.run.together_with)


def load_cases(path: Path) -> CaseFile:
    """Read and check a file of cases."""
    return CaseFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def plans(path: Path) -> list[Plan]:
    """The runs of a file of cases, in their order. A run with `as_of` alone is of the stage that has this day."""
    content = load_cases(path)
    made = []
    for run in content.runs:
        stage = run.stage or (_stage_of(run.as_of) if run.as_of else content.stage)
        as_of = run.as_of or date(int(stage[:4]), 3 * int(stage[6]) - 2, 1)
        made.append(Plan(path.parent.name, run, run.region or content.region, stage, as_of))
    return made


def _stage_of(day: date) -> str:
    return f"{day.year}-T{(day.month + 2) // 3}"


def nik(birth: date, sex: str | None, serial: int) -> str:
    """An invented NIK of Banyuwangi; serials of invented people are 7000 and more."""
    day = birth.day + (40 if sex == "P" else 0)
    return f"351016{day:02d}{birth:%m%y}{serial:04d}"


def card(number: int) -> str:
    """An invented No KK."""
    return f"351016010120{7000 + number:04d}"


def write_csv(path: Path, header: str, rows: list[Row]) -> None:
    """One CSV file; None is empty."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, header.split())
        writer.writeheader()
        writer.writerows(rows)


@dataclass
class Written:
    """The rows of a run, and the numbers of its families: No KK and the members' NIK by case."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in HEADERS})
    cards: list[str] = field(default_factory=list)
    numbers: list[list[str | None]] = field(default_factory=list)
    serial: int = 7000


def write_run(folder: Path, plan: Plan) -> Written:
    """Write the datasets of a run as CSV; the optional ones only where they have rows."""
    written = Written()
    for case in plan.run.cases:
        _add_family(written, case.family, plan)
    if plan.run.quota is not None:
        row = {"region_code": plan.region, "programme": plan.programme, "stage": plan.stage, "quota": plan.run.quota}
        written.rows["quota"].append(row | {"decree_id": "SK-TEST"})
    written.rows["minimum_wage"] += plan.run.minimum_wage
    folder.mkdir(parents=True, exist_ok=True)
    for name, header in HEADERS.items():
        if written.rows[name] or name not in OPTIONAL:
            write_csv(folder / f"{name}.csv", header, written.rows[name])
    return written


def _add_family(written: Written, family: Family, plan: Plan) -> None:
    no_kk = card(len(written.cards))
    district = DISTRICT if plan.region == REGION else f"{plan.region}.01"
    place = {"region_code": plan.region, "district_code": district, "village_code": f"{district}.1001"}
    if family.welfare_row is not None:
        before = plan.as_of - timedelta(days=1)
        row = {"no_kk": no_kk, "dtsen_period": f"{before.year}-Q{(before.month + 2) // 3}", "decile": family.decile}
        row |= {"national_rank": family.national_rank, "electricity_va": family.electricity_va, "region_code": plan.region}
        written.rows["welfare_family"].append(row | family.welfare_row)
    numbers = []
    for member in family.members:
        written.serial += 1
        number = member.nik or nik(member.birth_date or date(1990, 1, 1), member.sex, written.serial)
        numbers.append(number)
        _add_member(written, member, number, no_kk, place, plan.as_of)
    for name, rows in family.also.items():
        for row in rows:
            written.rows[name].append(_named({"no_kk": no_kk} | row, numbers, HEADERS[name]))
    written.cards.append(no_kk)
    written.numbers.append(numbers)


def _named(row: Row, numbers: list[str | None], header: str) -> Row:
    """The row with the NIK of the member that it names, without a No KK where the dataset has none."""
    if isinstance(row.get("nik"), int):
        row = row | {"nik": numbers[row["nik"] - 1]}
    return {name: value for name, value in row.items() if name in header.split()}


def _add_member(written: Written, member: Member, number: str | None, no_kk: str, place: Row, as_of: date) -> None:
    if member.register_row is not None:
        row = {"nik": number, "no_kk": no_kk, "sex": member.sex, "birth_date": member.birth_date, "status": "active"}
        written.rows["population"].append(row | {"family_relation": member.relation} | place | member.register_row)
    if member.welfare_row is not None:
        row = {"nik": number, "no_kk": no_kk, "family_relation": member.relation, "disability": member.disability}
        written.rows["welfare_person"].append(row | member.welfare_row)
    written.rows["signal"] += [{"nik": number} | signal for signal in _signals(member, as_of)]


def _signals(member: Member, as_of: date) -> Iterator[Row]:
    recent = as_of - timedelta(days=31)
    for name, (source, code) in SHORT_SIGNALS.items():
        if (value := getattr(member, name)) is not None:
            yield {"source": source, "code": code, "value": value, "observed_on": recent}
    for signal in member.signals:
        row = signal.model_dump()
        yield row | {"observed_on": recent if row["observed_on"] == "recent" else row["observed_on"]}
