"""What people and agencies do before the platform works: settings and decrees are registered, deliveries are laid down."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from perlinsos.errors import Refused
from perlinsos.settings import Settings
from perlinsos.storage import Storage

MARKER = "_COMPLETE"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Population:
    """Which regions the demo invents, and how many families of each."""

    families: dict[str, int]
    seed: int = 7

    def command(self, out: Path) -> list[str]:
        """The command that makes it, as a person would type it (after `perlinsos`)."""
        words = ["synth"]
        for region, count in self.families.items():
            words += ["--region", region, "--families", str(count)]
        return [*words, "--share", "--canonical", "--format", "both", "--seed", str(self.seed), "--out", str(out)]

    @property
    def name(self) -> str:
        """A folder name of its own for each size and seed: what was made once is used again."""
        sizes = "-".join(f"{region}x{count}" for region, count in self.families.items())
        return f"{sizes}-seed{self.seed}"


def begin_synthesis(command: Sequence[str], out: Path, say: Say) -> subprocess.Popen[bytes] | None:
    """Start making a population in a process of its own; None where this very one is already in `out`."""
    if (out / "truth").is_dir():
        say(f"the invented population of an earlier demo is used again: {out}")
        return None
    say("$ " + shlex.join(["perlinsos", *command]))
    return subprocess.Popen([sys.executable, "-m", "perlinsos.cli", *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def end_synthesis(process: subprocess.Popen[bytes] | None) -> None:
    """Wait for the population. Refused with its own words where it could not be made."""
    if process is None:
        return
    _, words = process.communicate()
    if process.returncode:
        why = words.decode("utf-8", "replace").strip()[-800:]
        raise Refused("the invented population could not be made", why=why, remedy="free some disk space and start again")


def register_settings(folder: Path, regions: Iterable[str], say: Say) -> None:
    """Register regions, consumers, decrees and cycles from the demo's files, by the commands that an operator would type; and
    let two of Airflow's users see the pages: an officer the first region, an auditor all of them."""
    chosen = list(regions)
    for region in chosen:
        call_command(["region", "add", str(folder / f"region-{region}.yaml")], say)
    for consumer in sorted(folder.glob("consumer-*.yaml")):
        with redirect_stdout(StringIO()):  # a new consumer's keys are shown once; on this terminal nobody waits for them
            call_command(["consumer", "add", str(consumer)], say)
    for decree in sorted((folder / "decrees").glob("*.yaml")):
        call_command(["decree", "add", str(decree)], say)
    for region in chosen:
        for cycle in sorted(folder.glob(f"cycle-{region}-*.yaml")):
            call_command(["cycle", "add", str(cycle)], say)
    call_command(["user", "grant", "officer", "--region", chosen[0]], say)
    call_command(["user", "grant", "auditor", "--role", "auditor"], say)


def call_command(words: list[str], say: Say) -> None:
    """Run one command of this program in this process; its errors are the command's own."""
    from perlinsos.cli import app

    say("$ " + shlex.join(["perlinsos", *words]))
    app(words, standalone_mode=False)


def lay_deliveries(settings: Settings, storage: Storage, folder: Path) -> int:
    """Put the deliveries into the landing bucket, the markers of completeness last; the number of deliveries."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and _is_delivery(path.relative_to(folder)))
    data = [path for path in files if path.name != MARKER]
    markers = [path for path in files if path.name == MARKER]
    for path in [*data, *markers]:
        storage.put_landing(settings.buckets.landing, path.relative_to(folder).as_posix(), path)
    return len(markers)


def _is_delivery(relative: Path) -> bool:
    """Whether a file of the synthetic folder is a delivery: not the truth, not the clean inputs."""
    return relative.parts[0] not in {"truth", "canonical"} and len(relative.parts) > 3
