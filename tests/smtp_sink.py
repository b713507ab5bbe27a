"""A real SMTP server on loopback that keeps what it is sent."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller


@dataclass
class Sink:
    """The messages that arrived. `url` is apprise's address of it."""

    port: int
    messages: list[EmailMessage] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where apprise sends."""
        return f"mailto://127.0.0.1:{self.port}?from=perlinsos@example.org&to=duty@example.org&mode=insecure&format=text"

    @property
    def subjects(self) -> list[str]:
        """The subjects in the order of arrival."""
        return [str(message["subject"]) for message in self.messages]

    def text(self, number: int = -1) -> str:
        """The words of one message."""
        body = self.messages[number].get_body(("plain", "html"))
        assert body is not None
        return str(body.get_content())

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        """Keep a message."""
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 OK"


@contextmanager
def open_sink() -> Iterator[Sink]:
    """A sink on a free port until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sink = Sink(port)
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
