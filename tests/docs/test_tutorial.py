"""The tutorial does what it says: its commands run as they stand, and their answers hold what the page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from perlinsos.settings import find_project

BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_tutorial_runs_and_answers_as_it_says(tmp_path: Path) -> None:
    project = find_project()
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": places, "PERLINSOS_PROJECT": str(project), "PERLINSOS_HOME": str(tmp_path / "home")}
    blocks = BLOCK.findall((project / "docs" / "tutorial.md").read_text(encoding="utf-8"))
    assert sum(kind == "sh" for kind, _ in blocks) >= 6
    answer = ""
    for kind, text in blocks:
        if kind == "sh":
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", text],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=300,
            )
            assert done.returncode == 0, f"{text}\n{done.stderr}"
            answer = done.stdout
            continue
        for line in text.splitlines():
            assert line in answer, f"the page shows {line!r}; the command answered\n{answer}"
