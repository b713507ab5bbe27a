"""Registering a decree from its file: the document goes to the object store, the text to the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perlinsos.errors import Refused, WrongUsage
from perlinsos.ledger.connection import transaction
from perlinsos.ledger.records import DecreeRecord, read_record, register_decree
from perlinsos.settings import Settings
from perlinsos.storage import digest_of, open_storage


def register_decree_file(settings: Settings, file: Path, registrars: tuple[str, ...] = ()) -> dict[str, Any]:
    """Register the decree of a YAML file as one person after the other; its state after the last.

    Without `registrars` they are those that the file names under registered_by. Raises WrongUsage where nobody is
    named or the document is missing, Refused where one person would register twice, Conflict for another text.
    """
    read = read_record(file, DecreeRecord)
    people = registrars or read.record.registered_by
    document = file.parent / read.record.document
    if not people:
        raise WrongUsage("nobody registers this decree", where=str(file), remedy="add --registrar NAME")
    if read.record.registered_by and not set(people) <= set(read.record.registered_by):
        raise Refused("this person is not among those under registered_by", where=str(file))
    if not document.is_file():
        raise WrongUsage(f"the document {read.record.document} is not there", where=str(file.parent))
    sha256 = digest_of(document)
    key = f"decrees/{sha256}{document.suffix}"
    open_storage(settings).put_new(settings.buckets.work, key, document)
    state = "unchanged"
    for name in people:
        with transaction(settings, "registrar", actor=name) as connection:
            found = register_decree(connection, read, (key, sha256), name)
        state = found if found != "unchanged" else state
    return {"decree": read.record.decree, "kind": read.record.kind, "state": state, "document_sha256": sha256}
