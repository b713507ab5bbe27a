"""The data contract of `recipients` (ODCS 3.1), made from the schema, and the check that refuses a breaking change.

Committed versions lie in `contracts/recipients/`; the one of today is published beside the lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from perlinsos.errors import Refused
from perlinsos.publication.schema import (
    CHANGE_FIELDS,
    COMPONENT_FIELDS,
    FIELDS,
    FINDING_FIELDS,
    KEY,
    PROFILES,
    SCHEMA_VERSION,
    Field,
    Profile,
)

CONTRACT_KEY = f"contracts/recipients/{SCHEMA_VERSION}.odcs.yaml"
_LOGICAL = {"text": "string", "int64": "integer", "date": "date", "bool": "boolean", "list<text>": "array"}
_PHYSICAL = {"text": "string", "int64": "int64", "date": "date32", "bool": "bool", "list<text>": "list<string>"}
_VERSION = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", re.ASCII)
_PARTS_OF_A_COLUMN = (
    "physicalName", "logicalType", "physicalType", "required", "unique", "primaryKeyPosition", "items", "logicalTypeOptions",
)  # fmt: skip
_OBJECTS: dict[str, tuple[tuple[Field, ...], str]] = {
    "recipients": (FIELDS, "One row a family (a person, in programmes of persons) of one list"),
    "changes": (CHANGE_FIELDS, "One row a family or person whose outcome or amounts changed, with the one cause"),
    "components": (COMPONENT_FIELDS, "One row a candidate component of an amount"),
    "findings": (FINDING_FIELDS, "One row a finding that a reason or warning rests on"),
}
_DESCRIPTION = {
    "purpose": "Recipient lists of Indonesian social assistance, one list a region, programme and payment stage.",
    "usage": "Follow manifest.json; verify signature and hashes; read status/ before paying. Types: datapackage.json.",
    "limitations": "Tokens stand for numbers and are this consumer's own. A reason code is no verdict on a family. "
    "A simulation is no list and is never in a consumer's folder.",
}


@dataclass(frozen=True)
class Change:
    """One difference between two versions of the contract."""

    is_breaking: bool
    text: str


def describe_contract() -> dict[str, Any]:
    """The contract of today as an ODCS 3.1 document."""
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "urn:perlinsos:recipients",
        "name": "recipients",
        "version": SCHEMA_VERSION,
        "status": "active",
        "domain": "social-protection",
        "dataProduct": "perlinsos",
        "description": _DESCRIPTION,
        "servers": [
            {
                "server": "published",
                "type": "s3",
                "location": "s3://perlinsos-published/consumer=*/programme=*/region=*/stage=*/rev=*/recipients.parquet",
                "format": "parquet",
            }
        ],
        "schema": [_describe_object(name, fields, meaning) for name, (fields, meaning) in _OBJECTS.items()],
        "roles": [_describe_role(profile) for profile in PROFILES.values()],
    }


def write_contract() -> str:
    """The same as YAML text."""
    return yaml.safe_dump(describe_contract(), sort_keys=False, allow_unicode=True, width=120)


def _describe_object(name: str, fields: tuple[Field, ...], meaning: str) -> dict[str, Any]:
    return {
        "name": name,
        "physicalName": name,
        "logicalType": "object",
        "physicalType": "table",
        "description": meaning,
        "properties": [_describe_property(field, keyed=name in {"recipients", "changes"}) for field in fields],
    }


def _describe_property(field: Field, *, keyed: bool) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": field.name,
        "businessName": field.meaning_id,
        "description": field.meaning_en,
        "logicalType": _LOGICAL[field.kind],
        "physicalType": _PHYSICAL[field.kind],
        "required": not field.is_nullable,
    }
    if keyed and field.name in KEY:
        described |= {"primaryKey": True, "primaryKeyPosition": KEY.index(field.name) + 1}
    if field.kind == "list<text>":
        described["items"] = {"name": "code", "logicalType": "string"}
    if field.pattern:
        described["logicalTypeOptions"] = {"pattern": field.pattern}
    if field.allowed:
        rule = {"type": "library", "metric": "invalidValues", "arguments": {"validValues": list(field.allowed)}, "mustBe": 0}
        described["quality"] = [rule]
    return described


def _describe_role(profile: Profile) -> dict[str, Any]:
    custom = {
        "rows": list(profile.outcomes) if profile.outcomes else "all",
        "columns": list(profile.columns),
        "tables": [
            "recipients",
            *(["changes"] if profile.has_changes else []),
            *(["components", "findings"] if profile.has_evidence else []),
        ],
    }
    return {
        "role": profile.name,
        "access": "read",
        "customProperties": [{"property": name, "value": value} for name, value in custom.items()],
    }


def compare_contracts(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """What differs, and whether it breaks a reader of the old one.

    Breaking: a table, column, profile, allowed value or the list of them, or something of a profile's rows, columns or
    tables is gone (a renamed one is gone and added); another type, physical name, key, form, place of a column that was
    there (what is new comes last), or another word on whether a value is always there.
    """
    return [
        *_compare_named("table", _by_name(old["schema"]), _by_name(new["schema"]), _compare_objects),
        *_compare_named("profile", _by_name(old["roles"], "role"), _by_name(new["roles"], "role"), _compare_roles),
    ]


def _by_name(parts: Any, name: str = "name") -> dict[str, Any]:
    return {part[name]: part for part in parts}


def _compare_named(kind: str, old: dict[str, Any], new: dict[str, Any], compare: Any) -> Iterator[Change]:
    for name in old.keys() - new.keys():
        yield Change(True, f"{kind} {name} is gone")
    for name in new.keys() - old.keys():
        yield Change(False, f"{kind} {name} is new")
    for name in sorted(old.keys() & new.keys()):
        yield from compare(name, old[name], new[name])


def _compare_objects(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    def compare(column: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
        where = f"{name}.{column}"
        yield from _compare_parts(where, _PARTS_OF_A_COLUMN, before, after)
        if before.get("primaryKey", False) != after.get("primaryKey", False):
            yield Change(True, f"primaryKey of {where}: {before.get('primaryKey')} -> {after.get('primaryKey')}")
        values, now = _allowed(before), _allowed(after)
        if values is not None and now is None:
            yield Change(True, f"{where} no longer says which values it allows")
        elif now is not None and (values is None or set(values) - set(now)):
            yield Change(True, f"{where} allows fewer values")
        elif values != now:
            yield Change(False, f"{where} allows more values")

    yield from _compare_parts(name, ("physicalName", "logicalType", "physicalType"), old, new)
    columns, columns_now = _by_name(old["properties"]), _by_name(new["properties"])
    yield from _compare_named(f"column of {name}:", columns, columns_now, compare)
    yield from _compare_order(f"table {name}", list(columns), list(columns_now))


def _compare_parts(where: str, parts: tuple[str, ...], before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """The parts of a table or column whose every change breaks a reader."""
    for part in parts:
        if before.get(part) != after.get(part):
            yield Change(True, f"{part} of {where}: {before.get(part)} -> {after.get(part)}")


def _compare_order(where: str, old: list[str], new: list[str]) -> Iterator[Change]:
    """Whether the columns that stayed stand where they stood: a reader may go by their place."""
    stayed = [name for name in old if name in new]
    if new[: len(stayed)] != stayed:
        yield Change(True, f"columns of {where} stand in another order")


def _allowed(column: Mapping[str, Any]) -> list[str] | None:
    rules = column.get("quality") or []
    return next((rule["arguments"]["validValues"] for rule in rules if "validValues" in (rule.get("arguments") or {})), None)


def _compare_roles(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    before = {one["property"]: one["value"] for one in old["customProperties"]}
    after = {one["property"]: one["value"] for one in new["customProperties"]}
    if before["rows"] != after["rows"]:
        yield Change(True, f"rows of profile {name}: {before['rows']} -> {after['rows']}")
    for part in ("columns", "tables"):
        if gone := sorted(set(before[part]) - set(after[part])):
            yield Change(True, f"profile {name} loses {', '.join(gone)}")
        if added := sorted(set(after[part]) - set(before[part])):
            yield Change(False, f"profile {name} gains {', '.join(added)}")
    yield from _compare_order(f"profile {name}", before["columns"], after["columns"])


def check_contract(folder: Path, new: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Compare the contract of today (or `new`) with the newest committed one in `folder`.

    Gives the versions and the changes. Refused where something changed without a version of its own: a breaking change
    needs a new major version, an addition a new minor one, other words a new patch.
    """
    now = dict(new or describe_contract())
    committed = read_committed(folder)
    if not committed:
        raise Refused("No version of the contract is committed", where=str(folder), remedy="perlinsos contract write")
    last = committed[max(committed)]
    changes = compare_contracts(last, now)
    old, wanted = _parse(last["version"]), _parse(now["version"])
    breaking = [change.text for change in changes if change.is_breaking]
    if breaking and wanted[0] <= old[0]:
        least, what = f"{old[0] + 1}.0.0", "; ".join(breaking)
    elif changes and wanted[:2] <= old[:2]:
        least, what = f"{old[0]}.{old[1] + 1}.0", "; ".join(change.text for change in changes)
    elif last != now and wanted <= old:
        least, what = f"{old[0]}.{old[1]}.{old[2] + 1}", "texts only"
    else:
        found = [{"is_breaking": change.is_breaking, "change": change.text} for change in changes]
        return {"committed": last["version"], "version": now["version"], "changes": found, "is_committed": last == now}
    remedy = f"undo it, or set SCHEMA_VERSION to {least} or later, tell the consumers, then `perlinsos contract write`"
    raise Refused("The contract of recipients changed without a new version", where=last["version"], why=what, remedy=remedy)


def read_committed(folder: Path) -> dict[tuple[int, ...], dict[str, Any]]:
    """The committed contracts by their version."""
    found = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in folder.glob("*.odcs.yaml"))
    return {_parse(document.get("version")): document for document in found}


def _parse(version: Any) -> tuple[int, ...]:
    """`1.0.0` as numbers. Refused for any other form."""
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        remedy = "write MAJOR.MINOR.PATCH in digits, as 1.0.0; nothing before or after it"
        raise Refused("The contract's version has another form", where=f"version: {version}", remedy=remedy)
    return tuple(int(part) for part in version.split("."))
