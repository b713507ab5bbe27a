"""The determination of one region and stage on plain files: who gets what, and why (rules.md, the procedure)."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from perlinsos.engine import open_engine
from perlinsos.errors import Refused, WrongUsage
from perlinsos.model.datasets import RESULT_TABLES
from perlinsos.model.reasons import load_reasons
from perlinsos.model.regions import parse_regency
from perlinsos.model.rule_folder import find_without_quota
from perlinsos.model.stages import Stage
from perlinsos.publication.canonical import LIST_TABLES, ListDigest
from perlinsos.recipients.compile import compile_candidates
from perlinsos.recipients.inputs import USED, InputFile, damage_named, open_inputs, refuse_number_ids
from perlinsos.recipients.outputs import write_table
from perlinsos.recipients.reference import read_minimum_wage, read_quota, refuse_wage_without_limit
from perlinsos.recipients.rule_tables import set_quota, set_variable, set_variables, write_exclusions, write_rules
from perlinsos.recipients.rules import ProgrammeInForce, Rules, describe_rules, resolve
from perlinsos.recipients.summary import ignored_codes, summarise_funnel, summarise_programme, versions
from perlinsos.settings import Settings, load_settings

MEMORY_PER_ROW, LEAST_MEMORY = 130, 400_000_000
"""Bytes of the engine's memory for each row of the inputs, and at least, where no limit is set."""
SCOPES = ("population", "registrants")
FILES = frozenset({*(f"{name}.parquet" for name in RESULT_TABLES), "summary.json"})

# The models in their order; a step is one file of sql/.
READ = ("id_number", "words", "person", "welfare_row", "welfare_person_row", "signal_row", "odd_id")
CORE = (
    "person_repeated", "card", "welfare_head", "memberless", "card_warning", "registered", "family", "signal_fact",
)  # fmt: skip
BEFORE_DECIDING = ("component_sum", "blocked_member", "power", "held", "member_finding", "considered_person")
EACH_TURN = ("receives_another", "family_criterion", "person_criterion", "unit_mask", "decision")
AFTER_CAPS = (*BEFORE_DECIDING, *EACH_TURN, "finding")


@dataclass(frozen=True)
class Request:
    """What is to be determined."""

    region: str
    stage: Stage
    rules: Rules
    warnings: tuple[str, ...]
    is_set_by_hand: bool


def determine(
    region: str,
    stage: str,
    inputs: Path,
    out: Path,
    *,
    programmes: Sequence[str] = ("pkh", "bpnt"),
    as_of: date | None = None,
    scope: str = "population",
    set_values: Mapping[str, object] | None = None,
    settings: Mapping[str, object] | None = None,
    threads: int | None = None,
    memory_limit: str | None = None,
    rules_folder: Path | None = None,
) -> dict[str, Any]:
    """Decide every family of the region and write the four tables and summary.json into `out`; return the summary.

    `inputs` holds the datasets (contracts.md), `rules_folder` the programmes (default: the project's). Nothing is
    written unless all of it is: a folder beside `out` is renamed at the end. Raises WrongUsage (malformed option),
    Refused (data, region or files that cannot be used).
    """
    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's memory goes back to the system when it is free
    own = load_settings()
    programmes_folder = rules_folder or own.folder("programmes")
    request = _request(own, programmes_folder, region, stage, programmes, as_of, scope, settings or {}, set_values or {})
    with (
        _new_folder(inputs, out) as folder,
        open_engine(threads or own.threads, memory_limit or own.memory_limit) as connection,
        tempfile.TemporaryDirectory(prefix="perlinsos-inputs-") as work,
    ):
        files = open_inputs(connection, inputs, own.folder("reference"), Path(work), registrants=scope == "registrants")
        if not (memory_limit or own.memory_limit):
            _fit_memory(connection, files)
        with damage_named(connection, files):
            quotas = _run_models(connection, own.folder("sql"), programmes_folder, request, files)
        summary = _write(connection, own.folder("sql"), request, files, quotas, folder)
    return summary


def _fit_memory(connection: duckdb.DuckDBPyConnection, files: Sequence[InputFile]) -> None:
    """Give the engine what a region of this size needs (measured: half of it is enough, slowly)."""
    limit = max(LEAST_MEMORY, MEMORY_PER_ROW * sum(file.rows for file in files))
    connection.execute("set memory_limit = $1", [f"{limit}B"])


def _request(
    own: Settings,
    programmes_folder: Path,
    region: str,
    stage: str,
    programmes: Sequence[str],
    as_of: date | None,
    scope: str,
    settings: Mapping[str, object],
    set_values: Mapping[str, object],
) -> Request:
    """Check what is asked for and resolve its rules."""
    parsed = Stage.parse(stage)
    parse_regency(region)
    _refuse_unknown_region(own.folder("reference") / "regions.csv", region)
    if scope not in SCOPES:
        raise WrongUsage(f"{scope!r} is not a scope", why=f"there are {', '.join(SCOPES)}")
    if not programmes:
        raise WrongUsage("No programme is named", remedy="name pkh, bpnt or both")
    day = as_of or parsed.as_of
    warnings = []
    if not parsed.as_of <= day <= parsed.last_day:
        warnings.append(f"as_of {day} is outside the stage {parsed}")
    rules = resolve(programmes_folder, programmes, day, scope, settings, set_values, region)
    return Request(region, parsed, rules, tuple(warnings), bool(set_values))


def _refuse_unknown_region(path: Path, region: str) -> None:
    if f"\n{region},regency," in path.read_text(encoding="utf-8"):
        return
    raise Refused(
        "The region does not exist", where=region, why="it is not in reference/regions.csv",
        remedy="write a code of Kemendagri, such as 35.10",
    )  # fmt: skip


@contextmanager
def _new_folder(inputs: Path, out: Path) -> Iterator[Path]:
    """A temporary folder beside `out` that takes its place when all went well, and is removed when not; its owner's alone."""
    _refuse_place(inputs, out)
    with _writable(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        with _writable(out):
            yield folder
            if out.exists():
                shutil.rmtree(out)
            folder.rename(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _refuse_place(inputs: Path, out: Path) -> None:
    """Refused where the result would take the place of something else, or be read as a dataset by the next run."""
    if out.is_symlink():
        raise Refused("The folder for the result is a link", where=str(out), remedy="name the folder that it stands for")
    if out.exists() and not (out.is_dir() and {path.name for path in out.iterdir()} <= FILES):
        raise Refused("The folder for the result holds other files", where=str(out), remedy="name a new folder")
    if out.parent.resolve() == inputs.resolve() and out.name.partition(".")[0] in USED:
        raise Refused(
            "The folder for the result has the name of a dataset", where=str(out), why="the next run would read it as one",
            remedy="name a folder outside the inputs",
        )  # fmt: skip


@contextmanager
def _writable(out: Path) -> Iterator[None]:
    """Turn what the system or the engine says when it cannot write, or has no memory, into an error with a remedy."""
    try:
        yield
    except (OSError, duckdb.IOException) as error:
        raise Refused(
            "The result or a temporary file cannot be written", where=f"{out}, {tempfile.gettempdir()}",
            why=getattr(error, "strerror", None) or "the system refused to write",
            remedy="make room there, or name other folders",
        ) from None  # fmt: skip
    except duckdb.OutOfMemoryException:
        raise Refused(
            "The engine's memory is not enough", where="--memory-limit or PERLINSOS_MEMORY_LIMIT", why="the region needs more",
            remedy="raise it",
        ) from None  # fmt: skip


def run_model(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Execute one model file."""
    connection.execute(path.read_text(encoding="utf-8"))


def _run_models(
    connection: duckdb.DuckDBPyConnection, sql: Path, programmes: Path, request: Request, files: list[InputFile]
) -> dict[str, tuple[int, str] | None]:
    """All steps up to the findings; returns the quota and decree of each programme."""
    rules = request.rules
    write_rules(connection, rules, load_reasons(programmes / "reasons.yaml"))
    set_variables(connection, rules, request.region, request.stage)
    quotas = {p.code: read_quota(connection, request.region, p.code, request.stage) for p in rules.programmes}
    for code, quota in quotas.items():
        set_quota(connection, code, quota[0] if quota else None)
    wage = read_minimum_wage(connection, request.region, rules.as_of)
    limits = {p.code: wage.limit(str(p.values.get("wage_reference", "umk"))) for p in rules.programmes}
    write_exclusions(connection, rules.programmes, limits)
    for name in READ:
        run_model(connection, sql / "core" / f"{name}.sql")
    refuse_number_ids(connection, files)
    for name in CORE:
        run_model(connection, sql / "core" / f"{name}.sql")
    _refuse_empty_region(connection, request.region)
    run_model(connection, sql / "recipients" / "member.sql")
    if None in limits.values():
        refuse_wage_without_limit(connection, request.region, rules.as_of)
    _count_components(connection, sql, rules)
    _decide(connection, sql, rules)
    return quotas


def _decide(connection: duckdb.DuckDBPyConnection, sql: Path, rules: Rules) -> None:
    """From what counts to the findings; a programme that another one excludes in a later turn than that one."""
    for name in BEFORE_DECIDING:
        run_model(connection, sql / "recipients" / f"{name}.sql")
    for turn in sorted({programme.turn for programme in rules.programmes}):
        set_variable(connection, "turn", turn)
        for name in EACH_TURN:
            run_model(connection, sql / "recipients" / f"{name}.sql")
    run_model(connection, sql / "recipients" / "finding.sql")


def _refuse_empty_region(connection: duckdb.DuckDBPyConnection, region: str) -> None:
    query = "select exists(from family) or exists(from family_not_decided where kind <> 'ELSEWHERE')"
    if not connection.execute(query).fetchall()[0][0]:
        raise Refused(
            "No family has its place in this region", where=region, why="neither register nor welfare data has one",
            remedy="check the region and the inputs",
        )  # fmt: skip


def _count_components(connection: duckdb.DuckDBPyConnection, sql: Path, rules: Rules) -> None:
    """Candidates, one per person, then the caps one after the other."""
    connection.execute(compile_candidates(rules.programmes))
    run_model(connection, sql / "recipients" / "one_per_person.sql")
    for programme in rules.programmes:
        for cap in programme.programme.caps:
            limit = programme.values[cap.parameter]
            if limit is not None:
                set_variable(connection, "cap_programme", programme.code)
                set_variable(connection, "cap_code", cap.code)
                set_variable(connection, "cap_limit", int(limit))
                run_model(connection, sql / "recipients" / "apply_cap.sql")


def _output_queries(sql: Path, name: str, rules: Rules) -> dict[str, str]:
    """The query of a result table by programme."""

    def read(programme: ProgrammeInForce) -> str:
        ending = "_of_persons" if name == "decisions" and programme.is_for_persons else ""
        return (sql / "recipients" / f"output_{name}{ending}.sql").read_text(encoding="utf-8")

    return {programme.code: read(programme) for programme in rules.programmes}


def _write(
    connection: duckdb.DuckDBPyConnection,
    sql: Path,
    request: Request,
    files: list[InputFile],
    quotas: dict[str, tuple[int, str] | None],
    folder: Path,
) -> dict[str, Any]:
    """Write the four tables and the summary into `folder`."""
    digests = {programme.code: ListDigest(programme.code, programme.digest) for programme in request.rules.programmes}
    for name in LIST_TABLES:
        write_table(connection, name, _output_queries(sql, name, request.rules), digests, folder)
    summary = _summarise(connection, request, files, quotas, digests)
    text = json.dumps(summary, ensure_ascii=False, indent=2) + "\n"
    (folder / "summary.json").write_text(text, encoding="utf-8")
    return summary


def _summarise(
    connection: duckdb.DuckDBPyConnection,
    request: Request,
    files: list[InputFile],
    quotas: dict[str, tuple[int, str] | None],
    digests: dict[str, ListDigest],
) -> dict[str, Any]:
    """What summary.json says."""
    funnel = summarise_funnel(connection)
    if funnel["families_seen"] != sum(count for name, count in funnel.items() if name != "families_seen"):
        raise Refused("The funnel does not add up", where=request.region, remedy="report this: nothing was written")
    summary: dict[str, Any] = {
        "region": request.region,
        "stage": str(request.stage),
        "as_of": request.rules.as_of.isoformat(),
        "scope": request.rules.scope,
        "settings": request.rules.settings,
        "simulation_only": request.is_set_by_hand or None in quotas.values(),
        "warnings": list(request.warnings),
        "programmes": {},
        "funnel": funnel,
        "ignored_signal_codes": ignored_codes(connection),
        "rules_digest": request.rules.digest,
        "inputs": [file.as_dict() for file in files],
        "engine": "duckdb",
        "versions": versions(),
    }
    in_turn = sorted(request.rules.programmes, key=lambda programme: programme.turn)
    with_quota = {code for code, quota in quotas.items() if quota is not None}
    without_quota = find_without_quota({programme.code: programme.excluded_by for programme in in_turn}, with_quota)
    for programme in request.rules.programmes:
        quota = quotas[programme.code]
        summary["programmes"][programme.code] = {
            **summarise_programme(connection, programme),
            "quota": quota[0] if quota else None,
            "decree_id": quota[1] if quota else None,
            "simulation_only": request.is_set_by_hand or programme.code in without_quota,
            **describe_rules(request.rules, programme),
            "list_digest": digests[programme.code].hexdigest(),
        }
    return summary
