"""HTTP limits below the application: time per request, size of its head, number of requests.

And what happens to answers: how long they may stay unread, and how many bytes of them.

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
from collections.abc import Callable
from functools import cache, partial
from typing import Any
from weakref import WeakKeyDictionary

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from .http_parser import RequestParser
from .start_turns import StartTurns
from .unread_answers import UnreadAnswers

RESERVED_FILES = 100
"""Open files kept for PostgreSQL, the index and webhooks, which clients cannot use."""

_WARN_INTERVAL_S = 60.0
_UPGRADE_HEADERS = frozenset({b"connection", b"upgrade", b"http2-settings"})

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

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        on_unread: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._buffer: list[bytes] = []
        self._on_unread = on_unread
        self._written = 0

    def unread_bytes(self) -> int:
        """Return how many bytes wait for the client to read what came before."""
        return self._transport.get_write_buffer_size() + sum(map(len, self._buffer))

    def sent_bytes(self) -> int:
        """Return how many bytes were handed to the system."""
        return self._written - self._transport.get_write_buffer_size()

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
                self._written += len(data)
                if self._transport.get_write_buffer_size():
                    self._on_unread()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Shared:
    """What the connections of one server share."""

    def __init__(self, unread: UnreadAnswers) -> None:
        self.turns = StartTurns()
        self.unread = unread


_shared: WeakKeyDictionary[Any, _Shared] = WeakKeyDictionary()
"""By uvicorn's state of a server."""


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with limits."""

    REQUEST_TIMEOUT_S = 60.0
    """From the connection, or the first byte of a request on it, to the request's last byte."""
    MAX_HEAD_BYTES = 32 * 1024
    """Request line and headers."""
    MAX_PIPELINED = 16
    """Requests on one connection that wait while another is being answered."""
    UNREAD_TIMEOUT_S = 60.0
    """In this time a client reads the rest of its answers, or UNREAD_PROGRESS_BYTES of them."""
    UNREAD_PROGRESS_BYTES = 64 * 1024
    AT_ONCE_PATHS = frozenset({"/healthz", "/readyz"})
    """Health checks are started at once, however many other requests wait for their turn."""
    UNWANTED_PAUSE_S = 0.1
    """Between two reads, of up to 256 KiB each, of a body whose request was refused already."""
    STOP_GRACE_S = 0.5
    """When the worker stops: how long an idle connection stays open for a request in transit."""

    _warned_at = -_WARN_INTERVAL_S
    _deadline: asyncio.TimerHandle | None = None
    _head_bytes: int | None = 0
    """Received since the head began; None while the body is received."""
    _in_body = False
    _is_parsed_again = False
    _was_parsed_again = False
    _is_stopping = False
    _answering: RequestResponseCycle | None = None
    """The request that is being answered; `cycle` is the last one that was received."""
    _unread_check: asyncio.TimerHandle | None = None
    _sent_bytes = 0
    stuck_since = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._loaded_app = self.app
        self.app = self._answer
        self.parser = RequestParser(self)  # type: ignore[assignment]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timeout for the first request; close if there are too many connections."""
        buffered = BufferedTransport(transport, self.loop, self._note_unread)
        self._buffered = buffered
        super().connection_made(buffered)  # type: ignore[arg-type]
        self._start_deadline()
        if len(self.connections) > max_connections():
            self._warn_too_many_connections()
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timeout."""
        self._cancel_deadline()
        self._forget_unread()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data; a head that is too large ends the connection."""
        if self._head_bytes is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes is not None and self._head_bytes > self.MAX_HEAD_BYTES:
            self.send_400_response("The head of the request is too large.")
        if self._in_body and not self._is_responding():
            # It is answered, and still sent: what nobody reads must not keep us from the others.
            self.transport.pause_reading()
            self.loop.call_later(self.UNWANTED_PAUSE_S, self.transport.resume_reading)
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
        if self.parser.should_upgrade() and self._has_body():
            self._is_parsed_again = True
            return
        self._head_bytes = None
        super().on_headers_complete()
        self._in_body = True
        # We support no upgrade, and what follows a request for one is not parsed as HTTP.
        if self.parser.should_upgrade() or self._is_stopping or self._was_parsed_again:
            self.cycle.keep_alive = False

    def head_without_upgrade(self) -> bytes | None:
        """Return the head that was just parsed, without the request for an upgrade.

        None if it has no body. What follows on the connection is answered no more.
        """
        if not self._is_parsed_again:
            return None
        self._is_parsed_again, self._was_parsed_again = False, True
        method = self.parser.get_method()
        lines = [b"%b %b HTTP/%b" % (method, self.url, self.parser.get_http_version().encode())]
        lines += [b"%b: %b" % each for each in self.headers if each[0] not in _UPGRADE_HEADERS]
        return b"\r\n".join([*lines, b"", b""])

    def _has_body(self) -> bool:
        return any(
            name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
            for name, value in self.headers
        )

    def on_message_complete(self) -> None:
        """Cancel the timeout: the request is complete."""
        if self._is_parsed_again:
            return
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

    def unread_bytes(self) -> int:
        """Return how many bytes of answers wait in memory."""
        return self._buffered.unread_bytes()

    def owner(self) -> int | None:
        """Return the key family that the current answer is for; None without a key."""
        state = self._answering.scope["state"] if self._answering else {}
        account = state.get("account")
        return account.family_id if account else None

    def drop(self) -> None:
        """End the connection without waiting for its client to read the rest."""
        self._forget_unread()
        self.transport.abort()

    @property
    def shared(self) -> _Shared:
        """What this connection shares with the others of its server."""
        if self.server_state not in _shared:
            _shared[self.server_state] = _Shared(self._make_unread())
        return _shared[self.server_state]

    def _make_unread(self) -> UnreadAnswers:
        return UnreadAnswers()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request when it is its turn, and its client has read earlier answers."""
        cycle = self._answering
        if self.flow.write_paused:
            await self.flow.drain()
        if scope["path"] not in self.AT_ONCE_PATHS:
            await self.shared.turns.take()
        is_disconnected = partial(self._is_disconnected, cycle)
        if not is_disconnected():
            scope["state"]["is_disconnected"] = is_disconnected
            try:
                await self._loaded_app(scope, receive, send)
            except asyncio.CancelledError:
                if not self._is_stopping or cycle is None:
                    raise
                # The worker stops, and the request took too long: uvicorn would log an error.
                cycle.disconnected = True
                self.transport.close()

    def _is_disconnected(self, cycle: RequestResponseCycle | None) -> bool:
        """Return whether nobody would read the answer to a request any more."""
        if self.transport.is_closing() and cycle is not None:
            cycle.disconnected = True  # uvicorn marks only the last request
            return True
        return False

    def _note_unread(self) -> None:
        if self._unread_check is None:
            self.stuck_since = self.loop.time()
            self._sent_bytes = self._buffered.sent_bytes()
            self._check_later()
        self.shared.unread.note(self)

    def _check_later(self) -> None:
        self._unread_check = self.loop.call_later(self.UNREAD_TIMEOUT_S / 4, self._check_unread)

    def _check_unread(self) -> None:
        if not self._buffered.unread_bytes():
            self._forget_unread()
            return
        now, sent = self.loop.time(), self._buffered.sent_bytes()
        if sent - self._sent_bytes >= self.UNREAD_PROGRESS_BYTES:
            self._sent_bytes, self.stuck_since = sent, now
        if now - self.stuck_since >= self.UNREAD_TIMEOUT_S:
            self.drop()
        else:
            self._check_later()

    def _forget_unread(self) -> None:
        self.shared.unread.forget(self)
        if self._unread_check is not None:
            self._unread_check.cancel()
            self._unread_check = None

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
