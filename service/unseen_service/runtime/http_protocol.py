"""HTTP as it comes in, below the application: how long a request may take, how large its head is.

httptools (llhttp, strict) refuses what could be read in two ways: tests/service/test_hardening.py
has the list. What uvicorn leaves open is time, size and number: a head without an end, a body a
byte a minute, requests by the thousand before the first is answered. They are closed here, for
every connection. And an answer leaves in one piece.
"""

import asyncio
import logging
import resource
import time
from functools import cache
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SPARE_FILES = 100
"""Of the files that a process may open: left to PostgreSQL's connections, the index, webhooks."""

_TELL_EVERY_S = 60.0

logger = logging.getLogger(__name__)


@cache
def most_connections() -> int:
    """Say how many connections a worker may hold, so that it has files left for its own work."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(files - SPARE_FILES, files // 2)


class BufferedTransport:
    """A transport that writes once a turn of the event loop.

    uvicorn writes an answer's head and body apart: two system calls, two packets, and a client
    that is woken twice.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._gathered: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Write at the end of this turn."""
        if not self._gathered:
            self._loop.call_soon(self._write)
        self._gathered.append(data)

    def close(self) -> None:
        """Write what is left, then close."""
        self._write()
        self._transport.close()

    def _write(self) -> None:
        if self._gathered:
            data = b"".join(self._gathered)
            self._gathered.clear()
            # Who is to read it may have gone since it was gathered.
            if not self._transport.is_closing():
                self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with an end to every request."""

    LONGEST_S = 60.0
    """From a connection, or the first byte of a request on it, to the last byte of that request."""
    LARGEST_HEAD = 32 * 1024
    """Bytes of request line and headers."""
    MOST_WAITING = 16
    """Requests on one connection that wait while another is answered."""
    LAST_S = 0.5
    """When the worker stops: how long a connection has for a request that is on its way."""

    _told_at = -_TELL_EVERY_S
    _deadline: asyncio.TimerHandle | None = None
    _head: int | None = 0
    _in_body = False
    _stopping = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request; hang up where there are too many already."""
        super().connection_made(BufferedTransport(transport, self.loop))  # type: ignore[arg-type]
        self._begin()
        if len(self.connections) > most_connections():
            self._tell_of_too_many()
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what arrived; a head that is too large ends the connection."""
        if self._head is not None:
            self._head += len(data)
        super().data_received(data)
        if self._head is not None and self._head > self.LARGEST_HEAD:
            self.send_400_response("The head of the request is too large.")
        if self._deadline is None and not self._is_answering():
            # Empty lines: they end the wait for the next request, and begin none.
            self._begin()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that cannot be read; only hang up where that would answer another.

        The requests before it may wait for their answers still, or it has had its own.
        """
        if self._in_body:
            misleads = bool(self.pipeline) or self.cycle.response_started
        else:
            misleads = self._is_answering()
        if misleads:
            self.transport.close()
        else:
            super().send_400_response(msg)

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of a request; refuse it where too many wait already."""
        if len(self.pipeline) >= self.MOST_WAITING:
            raise ValueError("too many requests wait for their answers")
        super().on_message_begin()
        self._begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; none behind the body, where no limit is and nobody expects one."""
        if self._in_body:
            raise ValueError("there are fields behind the body")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Refuse a head that came at once and is too large; count no further."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self.LARGEST_HEAD:
            raise ValueError("the head of the request is too large")
        self._head = None
        super().on_headers_complete()
        self._in_body = True
        # Upgraded to no other protocol; and what follows is not read as HTTP any more.
        if self.parser.should_upgrade() or self._stopping:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """Wait no more: the request is here."""
        self._end()
        self._in_body = False
        super().on_message_complete()

    def shutdown(self) -> None:
        """Hang up once what is asked, or on its way, is answered: it would be lost otherwise."""
        self._stopping = True
        if self._is_answering():
            self.cycle.keep_alive = False
        else:
            self.loop.call_later(self.LAST_S, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if not self._is_answering():
            self.transport.close()

    def _tell_of_too_many(self) -> None:
        now = time.monotonic()
        if now - HttpProtocol._told_at >= _TELL_EVERY_S:
            HttpProtocol._told_at = now
            logger.warning(
                "%d connections are open, and no more are taken; raise the limit of open files "
                "(ulimit -n), or have the proxy close idle ones",
                most_connections(),
            )

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _begin(self) -> None:
        self._end()
        self._head = self._head or 0
        self._deadline = self.loop.call_later(self.LONGEST_S, self.transport.close)

    def _end(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
