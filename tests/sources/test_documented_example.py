"""The example in docs/sources.md is a source that loads."""

import re

from perlinsos.settings import find_project
from perlinsos.sources.description import load_source


def test_the_documented_example_loads(tmp_path):
    text = (find_project() / "docs" / "sources.md").read_text(encoding="utf-8")
    example = tmp_path / "contoh-population.yaml"
    example.write_text(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1], encoding="utf-8")
    source = load_source(example)
    assert source.dataset == "population"
    assert source.columns["sex"].values == {"LAKI-LAKI": "L", "PEREMPUAN": "P"}
