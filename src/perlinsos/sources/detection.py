"""What a file is, by its content and never by its name."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

from perlinsos.errors import Refused

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BIFF = (b"\x09\x08", b"\x09\x04", b"\x09\x02", b"\x09\x00")
_FOREIGN = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstandard file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"ARROW1", "an Arrow file"),
    (b"ORC", "an ORC file"),
    (b"{\\rtf", "an RTF document"),
)
_DOCUMENTS = frozenset({"a PDF document", "a picture", "an RTF document", "a text document or slides"})
_WORD, _BOOK = "WordDocument".encode("utf-16-le"), "Book".encode("utf-16-le").lower()


class IsDocument(Refused):
    """The file is for people (a letter, a picture): it is no table, whatever its name."""


def detect_kind(path: Path, name: str) -> str:
    """One of csv, jsonl, xlsx, xls, parquet, zip, gz. Raises Refused saying what the file `name` is where it is none,
    IsDocument where it is a document."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _detect_zip(path, name)
    if head.startswith(OLE) and _is_word(path, head):
        raise _foreign(name, "a text document or slides")
    for start, kind in ((b"\x1f\x8b", "gz"), (b"PAR1", "parquet"), (OLE, "xls")):
        if head.startswith(start):
            return kind
    if head[:2] in _BIFF and len(head) > 8 and head[2:4] in (b"\x08\x00", b"\x10\x00", b"\x06\x00", b"\x04\x00"):
        return "xls"
    for start, foreign in _FOREIGN:
        if head.startswith(start):
            raise _foreign(name, foreign)
    return _detect_text(name, head)


def _is_word(path: Path, head: bytes) -> bool:
    """Whether the directory of an OLE file ([MS-CFB] 2.2, 2.6) begins with the streams of a text and of no workbook."""
    if len(head) < 512:
        return False
    shift, first = struct.unpack_from("<H", head, 30)[0], struct.unpack_from("<I", head, 48)[0]
    if shift not in (9, 12):
        return False
    with path.open("rb") as file:
        file.seek((first + 1) << shift)
        entries = file.read(4096)
    return _WORD in entries and _BOOK not in entries.lower()


def _detect_zip(path: Path, name: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise Refused(
            f"{name} is a damaged zip archive or workbook",
            why="its table of contents cannot be read; the file was probably cut on the way",
            remedy="send the file again",
        ) from error
    if "xl/workbook.bin" in names:
        raise _foreign(name, "a binary workbook (XLSB)")
    if "[Content_Types].xml" in names and any(member.startswith("xl/") for member in names):
        return "xlsx"
    if "[Content_Types].xml" in names:
        raise _foreign(name, "a text document or slides")
    if "mimetype" in names and "content.xml" in names:
        raise _foreign(name, "an OpenDocument file")
    return "zip"


def _detect_text(name: str, head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    start = text.lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<table", b"<head", b"<body", b"<meta", b"<form")):
        raise _foreign(name, "an HTML page or table")
    if start.startswith((b"<?xml", b"<!doctype", b"<workbook")):
        raise _foreign(name, "an XML file")
    if start.startswith(b"{") and (b":" in start or start.startswith(b"{}")):
        return "jsonl"
    if start.startswith((b"[{", b"[\n{", b"[\r\n{", b"[ {")):
        raise Refused(
            f"{name} is one JSON array",
            why="JSON is read by lines, one record a line",
            remedy="send JSON Lines: one object on each line, without brackets and commas around them",
        )
    return "csv"


def _foreign(name: str, kind: str) -> Refused:
    return (IsDocument if kind in _DOCUMENTS else Refused)(
        f"{name} is {kind}",
        why="deliveries are CSV, XLSX, XLS, Parquet or JSON Lines, each maybe in gz or zip; the name of a file does not count",
        remedy="save it as XLSX or CSV and send it again",
    )
