"""YAML files without surprises: `NO`, `Y`, `01` and dates stay text, a key that stands twice is an error."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from perlinsos.errors import WrongUsage


class _PlainLoader(yaml.SafeLoader):
    """Knows null, true, false and whole numbers without leading zeros; everything else is text."""


_PlainLoader.yaml_implicit_resolvers = {}
for _tag, _form, _first in (
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("tag:yaml.org,2002:int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    ("tag:yaml.org,2002:float", r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+", list("-+0123456789")),
):
    _PlainLoader.add_implicit_resolver(_tag, re.compile(f"^(?:{_form})$"), _first)


def _read_mapping(loader: _PlainLoader, node: yaml.MappingNode) -> dict[str, Any]:
    """A mapping whose keys are the text that stands in the file, each once."""
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "a key must be a word", key_node.start_mark)
        if key_node.value in found:
            problem = f"the key {key_node.value!r} stands twice"
            raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
        found[key_node.value] = loader.construct_object(value_node, deep=True)
    return found


_PlainLoader.add_constructor("tag:yaml.org,2002:map", _read_mapping)


def load_plain_yaml(path: Path) -> dict[str, Any]:
    """Read one YAML file that holds a mapping. Raises WrongUsage naming file, line and reason."""
    try:
        found = yaml.load(path.read_bytes(), Loader=_PlainLoader)  # noqa: S506 (a subclass of SafeLoader)
    except FileNotFoundError as error:
        raise WrongUsage(f"{path} does not exist", remedy="give the path of an existing YAML file") from error
    except (yaml.YAMLError, OSError, UnicodeError, RecursionError) as error:
        raise WrongUsage(f"{path.name} cannot be read as YAML", where=str(path), why=str(error)) from error
    if not isinstance(found, dict):
        raise WrongUsage(f"{path.name} holds no mapping", where=str(path), remedy="write `key: value` lines")
    return found
