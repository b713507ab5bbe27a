"""`datapackage.json`: a Frictionless data package (Table Schema) of a consumer's folder, made from the schema."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perlinsos.errors import Refused, say_why
from perlinsos.model.datasets import Column, ResultTable
from perlinsos.publication.files import FileEntry
from perlinsos.publication.schema import LIST_SEPARATOR, SCHEMA_VERSION, Field, Profile, fields_of

_TYPES = {"text": "string", "list<text>": "string", "int64": "integer", "date": "date", "bool": "boolean"}
CSV = "recipients.csv.gz"


def describe_field(field: Field) -> dict[str, Any]:
    """One column as a Table Schema field. `kind` says what the Frictionless types cannot: a list, joined by `delimiter`."""
    described: dict[str, Any] = {
        "name": field.name,
        "type": _TYPES[field.kind],
        "kind": field.kind,
        "title": field.meaning_id,
        "description": field.meaning_en,
    }
    constraints: dict[str, Any] = {}
    if field.kind == "list<text>":
        described["delimiter"] = LIST_SEPARATOR
    elif not field.is_nullable:
        constraints["required"] = True
    if field.allowed:
        constraints["enum"] = list(field.allowed)
    if field.pattern:
        constraints["pattern"] = field.pattern
    return described | ({"constraints": constraints} if constraints else {})


def describe_package(profile: Profile, name: str, title: str, files: Sequence[FileEntry]) -> dict[str, Any]:
    """The package: the CSV as a table with its schema, every other file with its bytes and hash.

    So `frictionless validate` names every file of the folder that was altered, and every value of the wrong form.
    """
    resources = [_describe_table(profile, entry) if entry.path == CSV else _describe_file(entry) for entry in files]
    return {
        "profile": "data-package",
        "name": name,
        "title": title,
        "version": SCHEMA_VERSION,
        "contract": f"contracts/recipients/{SCHEMA_VERSION}.odcs.yaml",
        "consumer_profile": profile.name,
        "resources": resources,
    }


def _describe_table(profile: Profile, entry: FileEntry) -> dict[str, Any]:
    schema: dict[str, Any] = {"fields": [describe_field(field) for field in fields_of(profile)], "missingValues": [""]}
    if profile.key:
        schema["primaryKey"] = list(profile.key)
    return {
        "name": "recipients",
        "profile": "tabular-data-resource",
        "type": "table",
        "path": entry.path,
        "format": "csv",
        "mediatype": "text/csv",
        "compression": "gz",
        "encoding": "utf-8",
        **_integrity(entry),
        "content_digest": entry.content_digest,
        "dialect": {"delimiter": ",", "quoteChar": '"', "doubleQuote": True, "header": True},
        "schema": schema,
    }


def _describe_file(entry: FileEntry) -> dict[str, Any]:
    described = {
        "name": entry.path.lower().replace(".", "-"),
        "type": "file",
        "path": entry.path,
        "mediatype": entry.media_type,
        **_integrity(entry),
    }
    return described if entry.content_digest is None else described | {"content_digest": entry.content_digest}


def _integrity(entry: FileEntry) -> Mapping[str, Any]:
    return {"bytes": entry.bytes, "hash": f"sha256:{entry.sha256}"}


def read_table_shape(path: Path) -> ResultTable:
    """The shape of `recipients` as a `datapackage.json` describes it. Refused where it is none of ours."""
    try:
        package = json.loads(path.read_bytes())
        schema = next(one["schema"] for one in package["resources"] if one["name"] == "recipients")
        columns = tuple(Column(field["name"], field["kind"]) for field in schema["fields"])
    except (OSError, ValueError, KeyError, StopIteration) as error:
        remedy = "name the datapackage.json of the list's folder with --package"
        raise Refused("There is no description of recipients", where=path.name, why=say_why(error), remedy=remedy) from error
    order = tuple(schema.get("primaryKey") or (column.name for column in columns if column.kind != "list<text>"))
    return ResultTable("recipients", columns, order)
