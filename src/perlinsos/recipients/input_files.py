"""Finds the files of an input dataset; light, for those who read a few rows only."""

from __future__ import annotations

from pathlib import Path

from perlinsos.errors import Refused


def find_files(folder: Path, name: str) -> list[Path]:
    """The files of a dataset, in the order of their names; Refused where it is there in two forms."""
    forms = [path for path in (folder / f"{name}.csv", folder / f"{name}.parquet", folder / name) if path.exists()]
    if len(forms) > 1:
        raise Refused(
            "A dataset is there twice",
            where=f"{name}: {', '.join(path.name for path in forms)}",
            why="one form per dataset: a CSV file, a Parquet file or a folder",
            remedy="remove what does not count",
        )
    if not forms or forms[0].is_file():
        return forms
    if forms[0].suffix or not forms[0].is_dir():
        raise Refused(
            "A dataset is no file", where=f"{name}: {forms[0].name}", why="it is a folder or something else of that name",
            remedy=f"put a file there, or name the folder of files {name}",
        )  # fmt: skip
    inside = sorted(path for path in forms[0].iterdir() if not path.name.startswith((".", "_")))
    if odd := [path.name for path in inside if path.suffix not in (".csv", ".parquet") or not path.is_file()]:
        raise Refused("A file is neither CSV nor Parquet", where=f"{name}/{odd[0]}", remedy="remove it from the folder")
    return inside
