"""How the agencies behind the sources are called: people know the agency, not the id of its delivery."""

from __future__ import annotations

from pathlib import Path

from perlinsos.errors import WrongUsage
from perlinsos.sources.plain_yaml import load_plain_yaml


def read_agencies(folder: Path) -> dict[str, str]:
    """Source id → agency of the descriptions in `sources/`. One that cannot be read names nobody: whatever reads its
    deliveries says what is wrong with it."""
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            description = load_plain_yaml(path)
        except WrongUsage:
            continue
        source, agency = description.get("source"), description.get("agency")
        if isinstance(source, str) and isinstance(agency, str):
            found[source] = agency
    return found
