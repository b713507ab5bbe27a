"""A delivery that is a paged JSON API: its records as JSON Lines, its answers kept byte by byte."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from perlinsos.errors import Refused, Unreachable
from perlinsos.sources.description import HttpOrigin

SECONDS = 60
ANSWER_BYTES = 256 * 2**20


class _BusyError(Exception):
    """The server asks to be tried again."""


def fetch_pages(
    origin: HttpOrigin, token: str, parameters: Mapping[str, object], to: Path, keep: Callable[[bytes], None], *, wait: float = 1
) -> int:
    """Write the records of all pages as JSON Lines into `to`; gives their count. Each answer's bytes go to `keep` first.

    `parameters` fill `{snapshot_date}` and `{region_code}` of the address. `next` of an answer may be an address of the
    same server, a page number (query parameter `page`) or a token (a parameter of the name that ends the path `next`).
    A page or an answer that comes twice, fewer distinct records than announced, or more pages than `pages_max` is
    Refused, as is any answer that is not of this form. Unreachable where the server does not answer, three times.
    """
    seen: set[str] = set()
    announced: int | None = None
    count = 0
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(timeout=SECONDS, headers=headers) as client, to.open("w", encoding="utf-8", newline="\n") as lines:
        for answer in _walk(client, origin, parameters, keep, wait):
            records = _follow(answer, origin.records)
            if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
                raise _refuse(origin, f"{origin.records!r} of an answer is no list of records")
            announced = _total(origin, answer, announced)
            for record in records:
                line = json.dumps(record, separators=(",", ":"))  # ASCII: half a character stays, for the reader to mark
                seen.add(hashlib.sha256(line.encode()).hexdigest())
                lines.write(line + "\n")
            count += len(records)
    if announced is not None and len(seen) < announced:
        raise _refuse(origin, f"{announced} records are announced and {len(seen)} different ones came")
    return count


def _walk(
    client: httpx.Client, origin: HttpOrigin, parameters: Mapping[str, object], keep: Callable[[bytes], None], wait: float
) -> Iterator[Any]:
    """The answers in their order; refuses a page or an answer that was there before."""
    address = origin.url
    for name, value in parameters.items():
        address = address.replace(f"{{{name}}}", str(value))
    first, asked, answers = address, {address}, set()
    for _ in range(origin.pages_max):
        content = _ask(client, origin, address, wait)
        keep(content)
        digest = hashlib.sha256(content).hexdigest()
        if digest in answers:
            raise _refuse(origin, "an answer came twice")
        answers.add(digest)
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            raise _refuse(origin, "an answer is not JSON") from None
        yield answer
        following = None if origin.next is None else _follow(answer, origin.next)
        if following is None or following == "":
            return
        address = _next_address(origin, first, address, following)
        if address in asked:
            raise _refuse(origin, "a page or token comes twice")
        asked.add(address)
    raise _refuse(origin, f"there are more than {origin.pages_max} pages (pages_max)")


def _next_address(origin: HttpOrigin, first: str, current: str, following: Any) -> str:
    """The address of the next page. The secret is never sent to another server."""
    if isinstance(following, bool) or not isinstance(following, str | int):
        raise _refuse(origin, f"{origin.next!r} of an answer is neither a number nor a text")
    if isinstance(following, int):
        return str(httpx.URL(first).copy_set_param("page", following))
    if "://" not in following and not following.startswith("/"):
        return str(httpx.URL(first).copy_set_param(str(origin.next).rpartition(".")[2], following))
    address = urljoin(current, following)
    if urlsplit(address)[:2] != urlsplit(first)[:2]:
        raise _refuse(origin, "the next page lies on another server")
    return address


def _ask(client: httpx.Client, origin: HttpOrigin, address: str, wait: float) -> bytes:
    """One answer; a server that is busy or silent is asked three times."""
    patience = Retrying(
        stop=stop_after_attempt(3),
        wait=wait_exponential(multiplier=wait),
        retry=retry_if_exception_type((httpx.TransportError, _BusyError)),
    )
    try:
        return patience(_read, client, origin, address)
    except RetryError as error:
        raise Unreachable(
            "The agency's server does not answer", where=_server(origin), why=type(error.last_attempt.exception()).__name__,
            remedy="the next tick tries again; ask the agency if it lasts",
        ) from None  # fmt: skip


def _read(client: httpx.Client, origin: HttpOrigin, address: str) -> bytes:
    with client.stream("GET", address) as response:
        if response.status_code in (429, 500, 502, 503, 504):
            raise _BusyError(str(response.status_code))
        if response.status_code != 200:
            raise _refuse(origin, f"the server answers with status {response.status_code}")
        content = bytearray()
        for piece in response.iter_bytes():
            content += piece
            if len(content) > ANSWER_BYTES:
                raise _refuse(origin, f"an answer is larger than {ANSWER_BYTES // 2**20} MiB")
        return bytes(content)


def _total(origin: HttpOrigin, answer: Any, before: int | None) -> int | None:
    """The number of records that the answers announce; the same in all of them."""
    if origin.total is None:
        return None
    total = _follow(answer, origin.total)
    if isinstance(total, bool) or not isinstance(total, int) or total < 0:
        raise _refuse(origin, f"{origin.total!r} of an answer is no number")
    if before is not None and total != before:
        raise _refuse(origin, "the announced total changes from page to page")
    return total


def _follow(answer: Any, path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    for word in path.split("."):
        answer = answer.get(word) if isinstance(answer, dict) else None
    return answer


def _server(origin: HttpOrigin) -> str:
    return urlsplit(origin.url).netloc


def _refuse(origin: HttpOrigin, why: str) -> Refused:
    return Refused(
        "The pages of the agency's server are not one delivery", where=_server(origin), why=why,
        remedy="tell the agency; nothing of it was taken, and a later tick asks again",
    )  # fmt: skip
