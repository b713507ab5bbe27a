"""What a person sees at the end of a command: an error in words, never a traceback; a pipe that closed early is no error."""

from __future__ import annotations

import io
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from perlinsos.errors import PerlinsosError, Refused

TRACEBACK = "PERLINSOS_TRACEBACK"
"""The environment variable that asks for the full traceback of an unforeseen error; it may hold values of rows."""


class _PipeThatMayClose(io.FileIO):
    """Standard output whose reader may leave (`… | head -1`): what is written after that goes nowhere."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes


def survive_closed_pipe() -> None:
    """Let the command go on, and end with its own exit code, where nobody reads its output any more."""
    stream = sys.stdout
    if stream is not sys.__stdout__ or not isinstance(stream, io.TextIOWrapper):
        return
    stream.flush()
    raw = io.BufferedWriter(_PipeThatMayClose(stream.fileno(), "w", closefd=False))
    sys.stdout = io.TextIOWrapper(raw, stream.encoding, stream.errors, line_buffering=stream.line_buffering)


def explain(error: Exception) -> PerlinsosError:
    """Any error in the project's own words. Of an unforeseen one only type and place: its text may hold a number."""
    if isinstance(error, PerlinsosError):
        return error
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return Refused(
            "a file or folder cannot be used",
            where=os.fsdecode(error.filename) if isinstance(error.filename, bytes | str) else str(error.filename),
            why=error.strerror,
            remedy="see that it is there and that this user may use it; PERLINSOS_HOME names the folder of this installation",
        )
    return PerlinsosError(
        f"an error that nobody foresaw ({type(error).__name__})",
        where=_place(error),
        why="this is a fault of perlinsos, not of your data; its text is not shown because it may hold a person's number",
        remedy=f"report these lines as CONTRIBUTING.md says; {TRACEBACK}=1 shows the whole traceback to you alone",
    )


def _place(error: Exception) -> str:
    """The last line of our own code that the error passed, and what it called."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(Path(__file__).parent)]
    frame = (ours or frames)[-1]
    return f"{Path(frame.filename).name}, line {frame.lineno}, in {frame.name}"


def end_with(error: Exception) -> int:
    """Print an error for a person (and for a program where `--json` was asked for); the exit code."""
    told = explain(error)
    if not isinstance(error, PerlinsosError) and os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    if "--json" in sys.argv:
        print(json.dumps({"error": told.as_dict(), "exit_code": told.exit_code}, ensure_ascii=False))
    print(f"perlinsos: {told}", file=sys.stderr)
    return told.exit_code
