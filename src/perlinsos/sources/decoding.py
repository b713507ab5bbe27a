"""Text files of any encoding as UTF-8 with `\\n` line ends."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHUNK = 4 * 2**20
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class Utf8Text:
    """A UTF-8 file; the text lies between `start` and `end` (a mark before it and padding after it are no text)."""

    path: Path
    start: int
    end: int
    encoding: str

    def blocks(self) -> Iterator[bytes]:
        """The text in blocks that end at a line end (the last one maybe not)."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            left = self.end - self.start
            while left > 0:
                block = file.read(min(CHUNK, left))
                if not block:
                    return
                left -= len(block)
                yield block


def decode_text(path: Path, encoding: str, scratch: Path) -> Utf8Text:
    """Find the encoding (a mark, UTF-8, else cp1252) and give the text as UTF-8.

    What cannot be decoded becomes U+FFFD: its row is quarantined. A file that holds good UTF-8 beyond ASCII is UTF-8
    even where single lines are not, so that cp1252 never garbles the good ones.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    found = encoding if encoding != "auto" else _marked(head)
    if found is None or codecs.lookup(found).name == "utf-8":
        found = _judge_utf8(path, is_declared=found is not None)
    if found == "utf-8" and not _has_old_line_ends(path):
        return _trimmed(path, "utf-8")
    target = scratch / f"{path.name}.utf8"
    _transcode(path, found, target)
    return _trimmed(target, found)


def _marked(head: bytes) -> str | None:
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if len(head) >= 16 and head[1::2].count(0) > 0.4 * len(head[1::2]) and not head[0::2].count(0):
        return "utf-16-le"
    if len(head) >= 16 and head[0::2].count(0) > 0.4 * len(head[0::2]) and not head[1::2].count(0):
        return "utf-16-be"
    return None


def _judge_utf8(path: Path, *, is_declared: bool) -> str:
    """`utf-8`, `utf-8-lossy` (UTF-8 with bad lines) or `cp1252`."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", True)
    except UnicodeDecodeError:
        return "utf-8-lossy" if is_declared or _has_good_utf8_line(path) else "cp1252"
    return "utf-8"


def _has_good_utf8_line(path: Path) -> bool:
    with path.open("rb") as file:
        while line := file.readline(2**20):
            if line.isascii() or line.startswith(codecs.BOM_UTF8):
                continue
            try:
                line.decode()
            except UnicodeDecodeError:
                continue
            return True
    return False


def _has_old_line_ends(path: Path) -> bool:
    """Whether lines end in CR alone, as old Macs wrote them."""
    has_old = False
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if b"\n" in chunk:
                return False
            has_old = has_old or b"\r" in chunk
    return has_old


def _transcode(path: Path, encoding: str, target: Path) -> None:
    codec = "utf-8" if encoding == "utf-8-lossy" else encoding
    decoder = codecs.getincrementaldecoder(codec)("replace")
    has_old = False
    is_first = True
    with path.open("rb") as source, target.open("w", encoding="utf-8", newline="", errors="replace") as out:
        while True:
            chunk = source.read(CHUNK)
            text = decoder.decode(chunk, not chunk)
            if is_first and text:
                has_old = "\r" in text and "\n" not in text
                is_first = False
            out.write(text.replace("\r", "\n") if has_old else text)
            if not chunk:
                return


def _trimmed(path: Path, encoding: str) -> Utf8Text:
    """Leave out marks at the start (two count as one) and zero bytes or Ctrl-Z at the end."""
    end = path.stat().st_size
    start = 0
    with path.open("rb") as file:
        while file.read(3) == codecs.BOM_UTF8:
            start += 3
            file.seek(start)
        while end > start:
            size = min(CHUNK, end - start)
            file.seek(end - size)
            kept = len(file.read(size).rstrip(b"\0\x1a"))
            end = end - size + kept
            if kept:
                break
    return Utf8Text(path, start, end, encoding)
