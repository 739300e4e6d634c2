"""httptools' parser of requests, and what it leaves out: a request for an upgrade with a body.

Java's client and `curl --http2` ask on their first request to go on in HTTP/2 (RFC 7540, 3.2). A
server may ignore that, and we do. But llhttp stops at the end of such a head, and the body would
be lost. So the head is parsed again without the request for an upgrade.
"""

from typing import Any, Protocol

import httptools


class Receiver(Protocol):
    """What the parser calls, besides its callbacks."""

    def head_without_upgrade(self) -> bytes | None:
        """Return the head to parse again; None if it has no body that would be lost."""


class RequestParser:
    """A parser of a connection's requests, in place of httptools' own."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._parser = _make(receiver)

    def feed_data(self, data: bytes) -> None:
        """Parse data. Raises httptools' errors, and HttpParserUpgrade at a head without a body."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            head = self._receiver.head_without_upgrade()
            if head is None:
                raise
            self._parser = _make(self._receiver)
            self._parser.feed_data(head + data[upgrade.args[0] :])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)


def _make(receiver: Receiver) -> httptools.HttpRequestParser:
    parser = httptools.HttpRequestParser(receiver)
    # As uvicorn does: what follows a request that closes the connection is not an error.
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
