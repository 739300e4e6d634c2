"""HTTP limits below the application: time per request, size of its head, number of requests.

httptools (llhttp in strict mode) rejects whatever could be parsed in two ways; the cases are
listed in tests/service/test_hardening.py. uvicorn sets no limit on time, size and number: a head
without an end, a body sent at a byte per minute, thousands of requests before the first is
answered. This module sets them, for every connection. It also sends each response in one write.

It subclasses private parts of uvicorn, which is why service/pyproject.toml pins its minor version.
"""

import asyncio
import logging
import resource
import time
from functools import cache
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

RESERVED_FILES = 100
"""Open files kept for PostgreSQL, the index and webhooks, which clients cannot use."""

_WARN_INTERVAL_S = 60.0

logger = logging.getLogger(__name__)


@cache
def max_connections() -> int:
    """Return how many connections a worker may have, so that it can still open its own files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(files - RESERVED_FILES, files // 2)


class BufferedTransport:
    """A transport that writes once per turn of the event loop.

    uvicorn writes a response's head and body separately: two system calls, two packets, and the
    client wakes up twice.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._buffer: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Buffer data; it is written at the end of this turn."""
        if not self._buffer:
            self._loop.call_soon(self._flush)
        self._buffer.append(data)

    def close(self) -> None:
        """Write what is buffered, then close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._buffer:
            data = b"".join(self._buffer)
            self._buffer.clear()
            # The client may have disconnected since the data was buffered.
            if not self._transport.is_closing():
                self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with limits."""

    REQUEST_TIMEOUT_S = 60.0
    """From the connection, or the first byte of a request on it, to the request's last byte."""
    MAX_HEAD_BYTES = 32 * 1024
    """Request line and headers."""
    MAX_PIPELINED = 16
    """Requests on one connection that wait while another is being answered."""
    STOP_GRACE_S = 0.5
    """When the worker stops: how long an idle connection stays open for a request in transit."""

    _warned_at = -_WARN_INTERVAL_S
    _deadline: asyncio.TimerHandle | None = None
    _head_bytes: int | None = 0
    """Received since the head began; None while the body is received."""
    _in_body = False
    _is_stopping = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timeout for the first request; close if there are too many connections."""
        super().connection_made(BufferedTransport(transport, self.loop))  # type: ignore[arg-type]
        self._start_deadline()
        if len(self.connections) > max_connections():
            self._warn_too_many_connections()
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timeout."""
        self._cancel_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data; a head that is too large ends the connection."""
        if self._head_bytes is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes is not None and self._head_bytes > self.MAX_HEAD_BYTES:
            self.send_400_response("The head of the request is too large.")
        if self._deadline is None and not self._is_responding():
            # Empty lines: they end the keep-alive timeout, but begin no request.
            self._start_deadline()

    def send_400_response(self, msg: str) -> None:
        """Reject a request that cannot be parsed; only close if the response would be misread.

        Earlier requests may still wait for their responses, or this request may have had its own.
        """
        if self._in_body:
            is_misleading = bool(self.pipeline) or self.cycle.response_started
        else:
            is_misleading = self._is_responding()
        if is_misleading:
            self.transport.close()
        else:
            super().send_400_response(msg)

    def on_message_begin(self) -> None:
        """Start the timeout for the rest of a request; reject it if too many wait already."""
        if len(self.pipeline) >= self.MAX_PIPELINED:
            raise ValueError("too many pipelined requests")
        super().on_message_begin()
        self._start_deadline()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Store a header; reject trailer fields, whose size has no limit and which nobody uses."""
        if self._in_body:
            raise ValueError("trailer fields are not accepted")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Reject a head that arrived in one piece and is too large; stop counting its bytes."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self.MAX_HEAD_BYTES:
            raise ValueError("the head of the request is too large")
        self._head_bytes = None
        super().on_headers_complete()
        self._in_body = True
        # We support no upgrade, and what follows a request for one is not parsed as HTTP.
        if self.parser.should_upgrade() or self._is_stopping:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """Cancel the timeout: the request is complete."""
        self._cancel_deadline()
        self._in_body = False
        super().on_message_complete()

    def shutdown(self) -> None:
        """Close once requests that have arrived, or are in transit, are answered."""
        self._is_stopping = True
        if self._is_responding():
            self.cycle.keep_alive = False
        else:
            self.loop.call_later(self.STOP_GRACE_S, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if not self._is_responding():
            self.transport.close()

    def _warn_too_many_connections(self) -> None:
        now = time.monotonic()
        if now - HttpProtocol._warned_at >= _WARN_INTERVAL_S:
            HttpProtocol._warned_at = now
            logger.warning(
                "%d connections are open, so new ones are refused; raise the limit of open files "
                "(ulimit -n), or let the proxy close idle ones",
                max_connections(),
            )

    def _is_responding(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _start_deadline(self) -> None:
        self._cancel_deadline()
        self._head_bytes = self._head_bytes or 0
        self._deadline = self.loop.call_later(self.REQUEST_TIMEOUT_S, self.transport.close)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
