"""The pages of docs/reference/ are what the code says today."""

from __future__ import annotations

import importlib.util

import pytest

from perlinsos.settings import find_project

SCRIPT = find_project() / "docs" / "write_reference.py"
SPEC = importlib.util.spec_from_file_location("write_reference", SCRIPT)
assert SPEC is not None and SPEC.loader is not None
write_reference = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(write_reference)


@pytest.mark.parametrize("name", write_reference.PAGES)
def test_the_page_is_up_to_date(name: str) -> None:
    written = (write_reference.FOLDER / name).read_text(encoding="utf-8")
    assert written == write_reference.PAGES[name](), "run `make reference`"
