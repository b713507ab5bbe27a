"""An answer as one HTML page that needs nothing else: to be read on a telephone, printed, or read aloud."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


def render_page(answer: dict[str, Any]) -> str:
    """The page in the answer's language; no script, nothing from elsewhere, no number of a person."""
    return find_template("page.html.jinja").render(answer=answer, heading=answer["headings"])


@cache
def find_template(name: str) -> Template:
    """A template of this package; what is filled in is escaped, and a name that is not there is an error."""
    environment = Environment(
        loader=PackageLoader("perlinsos.explanation", "templates"),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    return environment.get_template(name)


def write_page(text: str, path: Path) -> None:
    """Write a page whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(name).chmod(0o600)  # it is about one family
    Path(name).replace(path)
